"""Time as OKRs cut it: spans, periods and the windows of measures.

Days belong to a zone: a span's edges are local midnights, so that a day on which the clocks change has 23 or 25 hours.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """`[start, end)`, both aware."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def share(self, moment: datetime) -> float:
        """How much of this span has passed, 0 to 1, in elapsed time."""
        whole = (self.end - self.start).total_seconds()
        passed = (moment - self.start).total_seconds()
        return min(1.0, max(0.0, passed / whole))


@dataclass(frozen=True, slots=True)
class Period:
    """The span that key results are judged over. `last` is its last day, included."""

    id: str
    first: date
    last: date
    zone: ZoneInfo

    @property
    def span(self) -> Span:
        """From the first day's midnight to the one after the last day."""
        return Span(midnight(self.first, self.zone), midnight(self.last + timedelta(days=1), self.zone))

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def day_number(self, now: datetime) -> int:
        """Which day of it this is, counted from 1 and kept within it; 0 before it."""
        today = now.astimezone(self.zone).date()
        return max(0, min((today - self.first).days + 1, self.days))


_NAMED = re.compile(r"(\d{4})(?:-(?:Q([1-4])|H([12])|(0[1-9]|1[0-2])))?\Z", re.ASCII)


def parse_period(text: str, zone: ZoneInfo) -> Period:
    """A year, half, quarter or month by name: `2026`, `2026-H2`, `2026-Q4`, `2026-11`; ValueError otherwise."""
    match = _NAMED.match(text)
    if not match or not 1900 <= int(match[1]) <= 2999:
        raise ValueError(
            f"{text!r} is not a period; write 2026-Q4, 2026-H2, 2026-11, 2026, or {{start: DAY, end: DAY}}"
        )
    year, quarter, half, month = int(match[1]), *(int(part) if part else 0 for part in match.groups()[1:])
    if quarter:
        first, last = 3 * quarter - 2, 3 * quarter
    elif half:
        first, last = 6 * half - 5, 6 * half
    elif month:
        first = last = month
    else:
        first, last = 1, 12
    return Period(text, date(year, first, 1), date(year, last, monthrange(year, last)[1]), zone)


@dataclass(frozen=True, slots=True)
class Window:
    """Which time a measure looks at: the period, unless one of these says otherwise.

    `days`: that many whole local days up to today, or up to the period's last day once that is over; they may begin
    before the period. `since` and `until`: from the one day to the other, both included; the period's edge for one that
    is not said. `settled`: the period without so many of the latest days, today among them, whose data still arrives.
    """

    days: int | None = None
    since: date | None = None
    until: date | None = None
    settled: int | None = None

    def span(self, period: Period, now: datetime) -> Span:
        """The window as it stands now; its end may lie before its start where no day has settled yet."""
        first, last = self.since or period.first, self.until or period.last
        today = now.astimezone(period.zone).date()
        if self.days is not None:
            last = min(max(today, period.first), period.last)
            first = last - timedelta(days=self.days - 1)
        elif self.settled is not None:
            last = min(last, today - timedelta(days=self.settled))
        return Span(midnight(first, period.zone), midnight(last + timedelta(days=1), period.zone))

    def earliest(self, period: Period) -> datetime:
        """The earliest moment that this window can ever look at during the period: what a pull must reach back to."""
        first = self.since or period.first
        if self.days is not None:
            first = period.first - timedelta(days=self.days - 1)
        return min(period.span.start, midnight(first, period.zone))
