"""The weekly values of a key result: its value at the end of each past week of the period.

A week is seven full local days. Weeks are counted back from yesterday. As a result, no week is partial, all weeks end
on the same weekday, and the series does not change during a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from syncd.okr.facts import Facts
from syncd.okr.measures import Leaf, Measure, ReadingMeasure, leaves
from syncd.okr.spans import Period, Span

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_NUMBER_WITHOUT_RECORDS = frozenset({"count", "sum", "distinct", "share"})  # a week without records is an observation


@dataclass(frozen=True, slots=True)
class Week:
    """A week and the value at its end. The value is None if it is unknown, or if the week has no new observation.

    `carried` is the value at the end of the week even without a new observation; None only if the value was unknown.
    """

    first: date
    last: date
    value: float | None
    carried: float | None = None


def weeks_of(period: Period, now: datetime) -> list[tuple[date, date]]:
    """The pair (first day, last day) of each complete week of the period so far, oldest first."""
    last = min(now.astimezone(period.zone).date() - _DAY, period.last)
    weeks: list[tuple[date, date]] = []
    while last - _WEEK + _DAY >= period.first:
        weeks.append((last - _WEEK + _DAY, last))
        last -= _WEEK
    return weeks[::-1]


def weekly(
    facts: Facts,
    measure: Measure,
    period: Period,
    now: datetime,
    past: Mapping[date, float | None],
    cycle: int | None = None,
) -> list[Week]:
    """The weeks of a measure. `past` holds the key result's value at the end of each past day; the facts are as of the
    end of `cycle`.

    A value that is only carried forward is not a new observation. A week without a new reading, or without a new record
    for an average, therefore has no value. Otherwise a number that changes once a month would look like many weekly
    observations of the same value.
    """
    days = _days_with_news(facts, measure, period, now, cycle)
    weeks = []
    for first, last in weeks_of(period, now):
        carried = past.get(last)
        is_new = days is None or any(first <= day <= last for day in days)
        weeks.append(Week(first, last, carried if is_new else None, carried))
    return weeks


def _days_with_news(
    facts: Facts, measure: Measure, period: Period, now: datetime, cycle: int | None
) -> set[date] | None:
    """The days with new facts for a measure; None if days without new facts have a value too."""
    parts = leaves(measure)
    if any(not isinstance(leaf, ReadingMeasure) and leaf.take in _NUMBER_WITHOUT_RECORDS for leaf in parts):
        return None
    return {
        moment.astimezone(period.zone).date() for leaf in parts for moment in _moments(facts, leaf, period, now, cycle)
    }


def _moments(facts: Facts, leaf: Leaf, period: Period, now: datetime, cycle: int | None) -> Iterator[datetime]:
    whole = Span(leaf.window.earliest(period), period.span.end)
    if isinstance(leaf, ReadingMeasure):
        yield from (reading.at for reading in facts.readings(leaf, whole, now, cycle)[1] if reading.at is not None)
    else:
        yield from (at for at, _ in facts.contributions(leaf, whole, cycle))
