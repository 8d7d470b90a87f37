"""Computes a measure's value at the end of each past day, from the dates in its sources.

The values show since when the work has been on pace, even for the time before syncd was installed.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from syncd.okr.answer import Answer, answer_numbers, rate
from syncd.okr.facts import Facts
from syncd.okr.formula import evaluate
from syncd.okr.measures import (
    FormulaMeasure,
    Leaf,
    Measure,
    ReadingMeasure,
    RecordMeasure,
    answer_distinct,
    answer_share,
    evaluate_readings,
    left_out,
    so_far,
)
from syncd.okr.spans import Period, Span, midnight
from syncd.sdk.facts import Reading

_INSTANT = timedelta(microseconds=1)


def past_values(
    facts: Facts,
    measure: Measure,
    period: Period,
    now: datetime,
    cycle: int | None = None,
    only: Collection[date] | None = None,
) -> list[tuple[date, float | None]] | None:
    """Pairs (day, value at its end) for each past day of the period, oldest first; None if a source has no dates.

    Without `cycle`, the present facts are used; with `cycle`, the facts at its end. `only` restricts the result to some
    days.
    """
    days = [(day, end) for day, end in past_days(period, now) if only is None or day in only]
    if not days:
        return []
    if not isinstance(measure, FormulaMeasure):
        return _leaf_values(facts, measure, period, now, days, cycle)
    columns = {name: _leaf_values(facts, part, period, now, days, cycle) for name, part in measure.parts}
    dated = {name: column for name, column in columns.items() if column is not None}
    if len(dated) < len(columns):
        return None
    return [
        (day, evaluate(measure.expression, {name: Answer(column[index][1]) for name, column in dated.items()}).number)
        for index, (day, _) in enumerate(days)
    ]


def _leaf_values(
    facts: Facts,
    measure: Leaf,
    period: Period,
    now: datetime,
    days: Sequence[tuple[date, datetime]],
    cycle: int | None,
) -> list[tuple[date, float | None]] | None:
    if isinstance(measure, ReadingMeasure):
        whole = Span(measure.window.earliest(period), period.span.end)
        dated, readings = facts.readings(measure, whole, now, cycle)
        if not dated:
            return None
        values = _reading_values(measure, period, days, readings)
    elif measure.take == "share":
        values = _shares(facts, measure, period, now, days, cycle)
    else:
        values = _record_values(facts, measure, period, days, cycle)
    return [(day, _rate(measure, number, period, end)) for day, end, number in values]


def _reading_values(
    measure: ReadingMeasure, period: Period, days: Sequence[tuple[date, datetime]], readings: Iterable[Reading]
) -> Iterator[tuple[date, datetime, float | None]]:
    """Evaluates each day with only the readings in that day's window, which is fast even for a long series."""
    dated = sorted(((reading.at, reading) for reading in readings if reading.at is not None), key=lambda pair: pair[0])
    times, in_order = [at for at, _ in dated], [reading for _, reading in dated]
    for day, end in days:
        window = measure.window.span(period, end)
        inside = in_order[bisect.bisect_left(times, window.start) : bisect.bisect_right(times, end)]
        if measure.take == "latest" and end < window.end:
            inside = inside[-1:]
        yield day, end, evaluate_readings(measure.take, window, end, inside).number


def _rate(measure: Leaf, number: float | None, period: Period, end: datetime) -> float | None:
    window = measure.window.span(period, end)
    counted = so_far(window, end)
    if counted.start >= counted.end:
        return None  # no day of the window had settled yet, or the window had not begun
    return rate(Answer(number), measure.per, window, end + _INSTANT, period.zone).number


def _shares(
    facts: Facts,
    measure: RecordMeasure,
    period: Period,
    now: datetime,
    days: Sequence[tuple[date, datetime]],
    cycle: int | None,
) -> Iterator[tuple[date, datetime, float | None]]:
    """The share of done records at the end of each day.

    A record counts in the total from its creation on; without a creation date it always counts. If a record was done
    before it was created, as imported records may be, it counts as done from its creation on.
    """
    everything = Span(period.span.start, days[-1][1] + _INSTANT)
    passing = [record for record in facts.records(measure, cycle) if left_out(measure, everything, now, record) is None]
    created = sorted(record.created_at for record in passing if record.created_at is not None)
    done = sorted(max(record.done_at, record.created_at or record.done_at) for record in passing if record.done_at)
    for day, end in days:
        window = measure.window.span(period, end)
        until = min(end, window.end - _INSTANT)
        total = len(passing) - len(created) + bisect.bisect_right(created, until)
        yield day, end, answer_share(bisect.bisect_right(done, until), total).number


def _record_values(
    facts: Facts, measure: RecordMeasure, period: Period, days: Sequence[tuple[date, datetime]], cycle: int | None
) -> Iterator[tuple[date, datetime, float | None]]:
    whole = Span(measure.window.earliest(period), period.span.end)
    pairs = facts.contributions(measure, whole, cycle)
    times = [at for at, _ in pairs]
    for day, end in days:
        window = measure.window.span(period, end)
        low, high = bisect.bisect_left(times, window.start), bisect.bisect_right(times, min(end, window.end - _INSTANT))
        if measure.take == "count":
            yield day, end, float(max(0, high - low))
            continue
        contributed = [element for _, elements in pairs[low:high] for element in elements]
        if measure.take == "distinct":
            texts = {str(text) for text in contributed}
            yield day, end, answer_distinct(measure.of_text, texts, len(contributed), 0).number
        else:
            numbers = [element for element in contributed if not isinstance(element, str)]
            yield day, end, answer_numbers(measure.take, measure.of_text, numbers, 0).number


def past_days(period: Period, now: datetime) -> Iterator[tuple[date, datetime]]:
    """Each past day of the period, with its last instant."""
    day = period.first
    while day <= period.last and (end := midnight(day + timedelta(days=1), period.zone)) <= now:
        yield day, end - _INSTANT
        day += timedelta(days=1)
