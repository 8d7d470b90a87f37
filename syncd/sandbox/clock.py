"""What time it is in the sandbox: the machine's clock, or an instant that stands still until something changes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """`fixed=None` reads the machine's clock; else time stands at `fixed` and each change moves it on by one second.

    One second, because that is the finest step that GitHub's timestamps can show.
    """

    def __init__(self, fixed: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._fixed = None if fixed is None else _utc(fixed)

    def now(self) -> datetime:
        """The present, in UTC."""
        with self._lock:
            return self._fixed if self._fixed is not None else datetime.now(UTC)

    def tick(self) -> datetime:
        """The instant of a change: later than that of every change before it."""
        with self._lock:
            if self._fixed is None:
                return datetime.now(UTC)
            self._fixed += timedelta(seconds=1)
            return self._fixed

    def set(self, now: datetime) -> None:
        """Stands the clock at `now`, from where changes tick on."""
        with self._lock:
            self._fixed = _utc(now)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the sandbox's now needs a zone")
    return moment.astimezone(UTC)
