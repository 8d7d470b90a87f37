"""A measure's value at the end of each past day, by its sources' own dates: since when has the work been on pace?"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from syncd.ledger import Ledger
from syncd.okr.measures import (
    Measure,
    ReadingMeasure,
    RecordMeasure,
    aggregate,
    evaluate_readings,
)
from syncd.okr.spans import Period, Span, midnight

_INSTANT = timedelta(microseconds=1)


def past_values(
    ledger: Ledger, measure: Measure, period: Period, now: datetime
) -> list[tuple[date, float | None]] | None:
    """(day, value at its end) for each day of the period before today, oldest first; None where no source dates it."""
    days = list(_past_days(period, now))
    if not days:
        return []
    if isinstance(measure, ReadingMeasure):
        whole = Span(measure.window.earliest(period), period.span.end)
        dated, readings = ledger.answers.readings(measure, whole, now)
        if not dated:
            return None
        return [
            (day, evaluate_readings(measure.take, measure.window.span(period, end), end, readings).number)
            for day, end in days
        ]
    return list(_record_values(ledger, measure, period, days))


def _record_values(
    ledger: Ledger, measure: RecordMeasure, period: Period, days: list[tuple[date, datetime]]
) -> Iterator[tuple[date, float | None]]:
    whole = Span(measure.window.earliest(period), period.span.end)
    pairs = ledger.answers.contributions(measure, whole)
    times = [at for at, _ in pairs]
    for day, end in days:
        window = measure.window.span(period, end)
        low, high = bisect.bisect_left(times, window.start), bisect.bisect_right(times, min(end, window.end - _INSTANT))
        if measure.take == "count":
            yield day, float(max(0, high - low)) if window.start < window.end else None
            continue
        brought = [element for _, elements in pairs[low:high] for element in elements]
        if measure.take == "distinct":
            yield day, float(len(set(brought))) or None
        else:
            yield day, aggregate(measure.take, [element for element in brought if not isinstance(element, str)])


def _past_days(period: Period, now: datetime) -> Iterator[tuple[date, datetime]]:
    """Each day of the period that is over, with its last instant."""
    day = period.first
    while day <= period.last and (end := midnight(day + timedelta(days=1), period.zone)) <= now:
        yield day, end - _INSTANT
        day += timedelta(days=1)
