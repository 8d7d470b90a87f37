"""Spans of time: periods, and the windows of measures.

Spans begin and end at midnight of a local time zone. A day on which the clocks change therefore has 23 or 25 hours.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

_INSTANT = timedelta(microseconds=1)


@lru_cache(maxsize=4096)  # for pages, which need each day of a period for each key result
def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """The span of time `[start, end)`; both moments are timezone-aware."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def last_instant(self) -> datetime:
        """The last moment in the span. In a span of full days, this moment is on the last day."""
        return self.end - _INSTANT

    def days_passed(self, moment: datetime, zone: ZoneInfo) -> Fraction:
        """How many local days of this span have passed at a moment, which is not before its start.

        Of the day that has not ended, the share of its time counts: at noon about half a day, even if the day has 23 or
        25 hours.
        """
        until = min(moment, self.end)
        first, last = (at.astimezone(zone).date() for at in (self.start, until - _INSTANT))
        begin, end = midnight(last, zone), midnight(last + timedelta(days=1), zone)
        return (last - first).days + Fraction((until - begin) // _INSTANT, (end - begin) // _INSTANT)

    def share(self, moment: datetime) -> float:
        """The share of this span's time that has passed at a moment, from 0 to 1."""
        whole = (self.end - self.start).total_seconds()
        passed = (moment - self.start).total_seconds()
        return min(1.0, max(0.0, passed / whole))


@dataclass(frozen=True)
class Period:
    """The span over which key results are judged; the day `last` is included."""

    id: str
    first: date
    last: date
    zone: ZoneInfo

    @cached_property
    def span(self) -> Span:
        """From the midnight before the first day to the midnight after the last day."""
        return Span(midnight(self.first, self.zone), midnight(self.last + timedelta(days=1), self.zone))

    @property
    def days(self) -> int:
        """The number of days in the period."""
        return (self.last - self.first).days + 1

    def overlaps(self, other: Period) -> bool:
        """Whether the two periods have a day in common."""
        return self.first <= other.last and other.first <= self.last

    def day_number(self, now: datetime) -> int:
        """The number of today within the period: 1 on its first day; 0 before the period begins."""
        today = now.astimezone(self.zone).date()
        return max(0, min((today - self.first).days + 1, self.days))


_NAMED = re.compile(r"(?:FY(?P<fiscal>\d{2})|(?P<year>\d{4}))(?:-(?:Q([1-4])|H([12])|(0[1-9]|1[0-2])))?\Z", re.ASCII)
_CENTURY = 2000  # fiscal years are named by two digits


def parse_period(text: str, zone: ZoneInfo, year_starts: int | None = None) -> Period:
    """Parses the name of a year, half, quarter or month: `2026`, `2026-H2`, `2026-Q4`, `2026-11`. Raises ValueError for
    any other text.

    `FY27`, `FY27-H1` and `FY27-Q1` belong to the fiscal year that ends in 2027 and begins in the month `year_starts`.
    """
    match = _NAMED.match(text)
    fiscal, month = (match["fiscal"], int(match[5] or 0)) if match else (None, 0)
    if not match or (fiscal and month) or not 1900 <= int(match["year"] or _CENTURY) <= 2999:
        raise ValueError(
            f"{text!r} is not a period; write 2026-Q4, 2026-H2, 2026-11, 2026, FY27-Q1, or {{start: DAY, end: DAY}}"
        )
    if fiscal and year_starts is None:
        raise ValueError(
            f"{text!r} is of a fiscal year; write the month that it begins in as year_starts in syncd.yaml"
        )
    before, length = 0, 12
    for position, months in ((3, 3), (4, 6), (5, 1)):
        if match[position]:
            before, length = (int(match[position]) - 1) * months, months
    if fiscal and year_starts is not None:
        year = _CENTURY + int(fiscal) - (year_starts > 1)
        before += year_starts - 1
    else:
        year = int(match["year"])
    first, last = _month(year, before), _month(year, before + length - 1)
    return Period(text, first, last.replace(day=monthrange(last.year, last.month)[1]), zone)


def _month(year: int, months: int) -> date:
    """The first day of the month that is `months` months after January of `year`."""
    return date(year + months // 12, months % 12 + 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The span that a measure covers: by default the whole period. Each field narrows or moves the span.

    `days` is a number of full local days up to today, or up to the period's last day once the period is over. These
    days may begin before the period. `since` and `until` are the first and the last day, both included. A missing day
    is the first or last day of the period. `settled` is the number of the latest days, including today, that the window
    leaves out because their data still arrives.
    """

    days: int | None = None
    since: date | None = None
    until: date | None = None
    settled: int | None = None

    def span(self, period: Period, now: datetime) -> Span:
        """The window at a moment. If no day has settled yet, the span is empty: its end is not after its start."""
        first, last = self.since or period.first, self.until or period.last
        today = now.astimezone(period.zone).date()
        if self.days is not None:
            last = min(max(today, period.first), period.last)
            first = last - timedelta(days=self.days - 1)
        elif self.settled is not None:
            last = min(last, today - timedelta(days=self.settled))
        return Span(midnight(first, period.zone), midnight(last + timedelta(days=1), period.zone))

    def earliest(self, period: Period) -> datetime:
        """The earliest moment that this window can ever cover during the period. A pull must reach back to this
        moment.
        """
        first = self.since or period.first
        if self.days is not None:
            first = period.first - timedelta(days=self.days - 1)
        return min(period.span.start, midnight(first, period.zone))

    def reach(self, period: Period) -> Span:
        """The span of all moments that this window can ever cover during the period."""
        first, last = self.earliest(period), midnight((self.until or period.last) + timedelta(days=1), period.zone)
        return Span(first, max(first, last))
