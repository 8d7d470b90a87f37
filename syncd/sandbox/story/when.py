"""Moments of the story in Berlin's local time."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
LAST = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""No event of the story is after this time."""

OPENING = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
"""The quarter's first instant, midnight in Berlin. Berlin is still on summer time then."""


def at(day: str, clock: str) -> datetime:
    """A local time of 2026, converted to UTC. `at("10-25", "02:30")` exists twice, because clocks go back; the function
    returns the first instant.
    """
    return datetime.fromisoformat(f"2026-{day}T{clock}").replace(tzinfo=BERLIN).astimezone(UTC)


def office_hours(day: str | date, rng: random.Random) -> datetime:
    """A random moment between 08:00 and 18:00 on a local day."""
    on = date.fromisoformat(f"2026-{day}") if isinstance(day, str) else day
    moment = datetime.combine(on, time(8), BERLIN).astimezone(UTC)
    return moment + timedelta(seconds=rng.randrange(10 * 3600))
