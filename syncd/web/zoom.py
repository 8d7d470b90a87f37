"""The time span that a chart shows: the period or its latest days, with a point for each day or each week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from syncd.explain.history import Point
from syncd.okr.spans import Period
from syncd.sdk.language import gettext, marked
from syncd.web.view import address

_RANGES = {"period": None, "28d": 28, "90d": 90}
_RANGE_WORDS = {"period": marked("whole period"), "28d": marked("28 days"), "90d": marked("90 days")}
_STEPS = {"day": marked("by day"), "week": marked("by week")}
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Choice:
    """A link of a switch: its words, its address, and whether the page shows it now."""

    words: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Zoom:
    """The part of a series that a chart shows: its latest `days`, or the whole period if `days` is None."""

    days: int | None = None
    weekly: bool = False

    @classmethod
    def of(cls, query: QueryParams) -> Zoom:
        """The zoom in an address: `?range=28d`, `?by=week`. HTTPException 400 for an unknown value."""
        days, step = query.get("range", "period"), query.get("by", "day")
        if days not in _RANGES:
            raise HTTPException(400, gettext("write range as one of %(names)s", names=", ".join(_RANGES)))
        if step not in _STEPS:
            raise HTTPException(400, gettext("write by as one of %(names)s", names=", ".join(_STEPS)))
        return cls(_RANGES[days], step == "week")

    def points(self, points: Sequence[Point], last: date | None = None) -> Sequence[Point]:
        """The shown points, on an axis that ends on the day `last`, by default the day of the last point. Weekly points
        are counted back from the last point, which is always shown.
        """
        shown = points
        if self.days is not None and points:
            before = (last or points[-1].day) - timedelta(days=self.days)
            shown = [point for point in points if point.day > before]
        return shown[(len(shown) - 1) % _WEEK :: _WEEK] if self.weekly and shown else shown

    def span(self, period: Period, *series: Sequence[Point]) -> tuple[date, date]:
        """The first and the last day of an axis for these series, over the period or its latest days."""
        last = max((points[-1].day for points in series if points), default=period.last)
        if self.days is None:
            return period.first, max(period.last, last)
        return max(period.first, last - timedelta(days=self.days - 1)), last

    def switches(self, query: QueryParams, period: Period) -> Iterator[Sequence[Choice]]:
        """The links to each range that is shorter than the period, and to days and weeks."""
        ranges = [name for name, days in _RANGES.items() if days is None or days < period.days]
        if len(ranges) > 1:
            yield [
                Choice(gettext(_RANGE_WORDS[name]), address(query, range=name), _RANGES[name] == self.days)
                for name in ranges
            ]
        yield [
            Choice(gettext(text), address(query, by=name), (name == "week") == self.weekly)
            for name, text in _STEPS.items()
        ]


WHOLE = Zoom()
"""The whole period, day by day."""
