"""The time in the sandbox: the machine's clock, or a fixed instant that advances only when the data changes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """The machine's clock if `fixed` is None; else a clock that starts at `fixed` and advances one second with each
    change.

    One second is the finest step that GitHub's timestamps can show.
    """

    def __init__(self, fixed: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._fixed = None if fixed is None else _utc(fixed)

    def now(self) -> datetime:
        """The present time in UTC."""
        with self._lock:
            return self._fixed if self._fixed is not None else datetime.now(UTC)

    def tick(self) -> datetime:
        """The time for a change. A fixed clock gives every change a different time."""
        with self._lock:
            if self._fixed is None:
                return datetime.now(UTC)
            self._fixed += timedelta(seconds=1)
            return self._fixed

    def set(self, now: datetime) -> None:
        """Sets the clock to the fixed time `now`. From then on, each change adds one second."""
        with self._lock:
            self._fixed = _utc(now)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the sandbox's now needs a zone")
    return moment.astimezone(UTC)
