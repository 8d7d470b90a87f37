"""A key result week by week: its value at the end of each week of the period that is over.

A week is seven whole local days, and weeks are counted back from the last day that is over. So each holds the same
weekdays, the last one is never half, and the series is the same all day long.
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
_TELLS_BY_NOTHING = frozenset({"count", "sum", "distinct", "share"})  # of records: that none came is a number too


@dataclass(frozen=True, slots=True)
class Week:
    """From its first to its last day; the value at its end, None where nobody knows it or nothing new was seen."""

    first: date
    last: date
    value: float | None


def weeks_of(period: Period, now: datetime) -> list[tuple[date, date]]:
    """(first day, last day) of each whole week of the period so far, oldest first."""
    last = min(now.astimezone(period.zone).date() - _DAY, period.last)
    found: list[tuple[date, date]] = []
    while last - _WEEK + _DAY >= period.first:
        found.append((last - _WEEK + _DAY, last))
        last -= _WEEK
    return found[::-1]


def weekly(
    facts: Facts,
    measure: Measure,
    period: Period,
    now: datetime,
    past: Mapping[date, float | None],
    cycle: int | None = None,
) -> list[Week]:
    """The weeks of a measure, by its value at the end of each past day; by what is held now, or was after a cycle.

    A number that merely stood on is no new observation: a week in which no reading came, or no record that an average
    is made of, has no value. Otherwise a monthly number would look like a quarter of weeks that agree.
    """
    days = _days_with_news(facts, measure, period, now, cycle)
    return [
        Week(first, last, past.get(last) if days is None or any(first <= day <= last for day in days) else None)
        for first, last in weeks_of(period, now)
    ]


def _days_with_news(
    facts: Facts, measure: Measure, period: Period, now: datetime, cycle: int | None
) -> set[date] | None:
    """The days on which a measure's sources said something; None where silence says something too."""
    parts = leaves(measure)
    if any(not isinstance(leaf, ReadingMeasure) and leaf.take in _TELLS_BY_NOTHING for leaf in parts):
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
