"""When a job is to run again, by both clocks of the machine: one may be set, and the other stops while it sleeps."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger("syncd.service")
_STEP = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Due:
    """When a job is to run again (`at`), and when it ran last: `started` by the clock, `began` by the monotonic clock,
    in seconds.
    """

    at: datetime
    started: datetime
    began: float

    def left(self, sooner: datetime | None = None) -> float:
        """The seconds until then, or until an earlier time. If the clock was set back, it is no longer for that."""
        at_the_latest = self.began + (self.at - self.started).total_seconds()
        at = self.at if sooner is None else min(self.at, sooner)
        return min((at - datetime.now(UTC)).total_seconds(), at_the_latest - time.monotonic())

    def note_a_step(self) -> None:
        """Logs that the clock was set, or that the machine slept, since the job ran."""
        step = (datetime.now(UTC) - self.started).total_seconds() - (time.monotonic() - self.began)
        if abs(step) > _STEP:
            log.warning("clock stepped", extra={"seconds": round(step)})
