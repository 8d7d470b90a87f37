"""The time of a job's next run, by two clocks. People may set the system clock; the monotonic clock stops while the
machine sleeps.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger("syncd.service")
_STEP = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Due:
    """The time of a job's next run (`at`) and of its last run: `started` by the system clock, `began` by the monotonic
    clock, in seconds.
    """

    at: datetime
    started: datetime
    began: float

    def left(self, sooner: datetime | None = None) -> float:
        """The seconds until the next run, or until `sooner` if that is earlier. The wait does not get longer if the
        system clock is set back.
        """
        at_the_latest = self.began + (self.at - self.started).total_seconds()
        at = self.at if sooner is None else min(self.at, sooner)
        return min((at - datetime.now(UTC)).total_seconds(), at_the_latest - time.monotonic())

    def note_a_step(self) -> None:
        """Logs if the clock was set, or the machine slept, since the last run."""
        step = (datetime.now(UTC) - self.started).total_seconds() - (time.monotonic() - self.began)
        if abs(step) > _STEP:
            log.warning("clock stepped", extra={"seconds": round(step)})
