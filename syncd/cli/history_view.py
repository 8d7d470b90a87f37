"""The series of a key result as a table of 80 columns: equal days in one row, events between the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

from syncd.cli.history_words import event_words
from syncd.explain.history import Point, Series, SeriesEvent
from syncd.okr.words import HEALTH_WORDS, clock_time, day, goal, number, percent

_WIDTH = 80
_ROW = "{:<15} {:>9} {:>8} {:>8} {:>8}  {:<9}  {}"


@dataclass(frozen=True, slots=True)
class Run:
    """Days in a row on which nothing changed but the time, and what happened on the first of them."""

    points: Sequence[Point]
    events: Sequence[SeriesEvent]


def render(series: Series, now: datetime) -> Iterator[str]:
    """The lines of a series, none wider than 80 columns where its numbers allow."""
    period = series.period
    yield from wrap(f"{series.key_result.id}: {series.key_result.title}", _WIDTH)
    as_of = f"as of {clock_time(now.astimezone(period.zone))} ({period.zone.key})"
    yield from wrap(f"{period.id}   {goal(series.key_result)}   {as_of}", _WIDTH)
    yield ""
    yield _ROW.format("", "value", "change", "progress", "expected", "health", "measured").rstrip()
    for run in runs(series):
        for event in run.events:
            yield from wrap(event_words(event, series), _WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 18)
        yield _row(run, series)
        last = run.points[-1]
        if last.value is None and last.source == "kept" and last.reason:
            yield from wrap(last.reason, _WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 16)


def runs(series: Series) -> list[Run]:
    """The series' days, folded; a day on which something happened begins a run."""
    happened: dict[object, list[SeriesEvent]] = {}
    for event in series.events:
        happened.setdefault(event.at.astimezone(series.period.zone).date(), []).append(event)
    found: list[Run] = []
    for point in series.points:
        events = happened.get(point.day, [])
        if found and not events and _goes_on(found[-1].points[-1], point, series):
            found[-1] = Run([*found[-1].points, point], found[-1].events)
        else:
            found.append(Run([point], events))
    return found


def _goes_on(before: Point, point: Point, series: Series) -> bool:
    def shown(one: Point) -> tuple[object, ...]:
        return (
            one.value,
            one.progress,
            one.health,
            one.measure,
            _note(one, series),
            one.reason if one.value is None else None,
        )

    return shown(before) == shown(point)


def _row(run: Run, series: Series) -> str:
    first, last = run.points[0], run.points[-1]
    days = f"{day(first.day):>6}" + (f" – {day(last.day):>6}" if last is not first else "")
    change = "" if first.change is None else f"{'+' if first.change > 0 else ''}{number(first.change)}"
    return _ROW.format(
        days,
        number(last.value),
        change,
        percent(last.progress),
        percent(last.expected),
        HEALTH_WORDS[last.health],
        _note(last, series),
    ).rstrip()


def _note(point: Point, series: Series) -> str:
    """What is not as usual: where the value comes from, its quality, and on which earlier day it was measured."""
    if point.source != "kept":
        return point.source or "never"
    measured = point.measured_at.astimezone(series.period.zone).date() if point.measured_at else None
    words = [point.quality] if point.quality not in (None, "complete") else []
    return " ".join([*filter(None, words), *([day(measured)] if measured not in (None, point.day) else [])])
