"""The series of a key result as a table of 80 columns. Equal days share a row; events are between the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import wrap

from syncd.explain.event_words import event_words
from syncd.explain.history import Point, Series, SeriesEvent, by_point
from syncd.okr.spans import midnight
from syncd.okr.words import HEALTH_WORDS, clock_time, day, goal, goal_bounds, number, percent

_WIDTH = 80
_ROW = "{:<15} {:>9} {:>8} {:>8} {:>8}  {:<9}  {}"


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive days that differ only in their date, and the events of the first day."""

    points: Sequence[Point]
    events: Sequence[SeriesEvent]


def render(series: Series, now: datetime) -> Iterator[str]:
    """The lines of a series, at most 80 columns wide unless numbers are too long."""
    period = series.period
    yield from wrap(f"{series.key_result.id}: {series.key_result.title}", _WIDTH)
    as_of = f"as of {clock_time(now.astimezone(period.zone))} ({period.zone.key})"
    yield from wrap(f"{period.id}   {goal(series.key_result)}   {as_of}", _WIDTH)
    yield ""
    yield _ROW.format("", "value", "change", "progress", "expected", "health", "measured").rstrip()
    for run in runs(series):
        day_end = midnight(run.points[0].day + timedelta(days=1), period.zone)
        yield from _event_lines([event for event in run.events if event.at < day_end], series)
        yield _row(run, series)
        last = run.points[-1]
        if last.value is None and last.source == "kept" and last.reason:
            yield from wrap(last.reason, _WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 16)
        # Events after the last day: they did not judge its row.
        yield from _event_lines([event for event in run.events if event.at >= day_end], series)


def _event_lines(events: Sequence[SeriesEvent], series: Series) -> Iterator[str]:
    for event in events:
        yield from wrap(event_words(event, series), _WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 18)


def runs(series: Series) -> list[Run]:
    """The days of the series, grouped into runs. A day with an event begins a new run."""
    events_by_day = by_point(series)
    folded: list[Run] = []
    for point in series.points:
        events = events_by_day.get(point.day, ())
        if folded and not events and _looks_alike(folded[-1].points[-1], point, series):
            folded[-1] = Run([*folded[-1].points, point], folded[-1].events)
        else:
            folded.append(Run([point], events))
    return folded


def _looks_alike(before: Point, after: Point, series: Series) -> bool:
    def shown(point: Point) -> tuple[object, ...]:
        reason = point.reason if point.value is None else None
        return (point.value, point.progress, point.health, point.measure, _note(point, series), reason)

    return shown(before) == shown(after)


def _row(run: Run, series: Series) -> str:
    first, last = run.points[0], run.points[-1]
    days = f"{day(first.day):>6}" + (f" – {day(last.day):>6}" if last is not first else "")
    change = "" if first.change is None else f"{'+' if first.change > 0 else ''}{number(first.change)}"
    return _ROW.format(
        days,
        number(last.value, bounds=goal_bounds(last.goal)),
        change,
        percent(last.progress, last.bounds),
        percent(last.expected),
        HEALTH_WORDS[last.health],
        _note(last, series),
    ).rstrip()


def _note(point: Point, series: Series) -> str:
    """The unusual properties of a value: its origin, its quality, or the earlier day on which it was measured."""
    if point.source != "kept":
        return point.source or "never"
    measured = point.measured_at.astimezone(series.period.zone).date() if point.measured_at else None
    words = [point.quality] if point.quality not in (None, "complete") else []
    return " ".join([*filter(None, words), *([day(measured)] if measured not in (None, point.day) else [])])
