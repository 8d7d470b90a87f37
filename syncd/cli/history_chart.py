"""The series of a key result as a chart in the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from textwrap import wrap
from typing import Any

import typer

from syncd.cli.history_words import event_words
from syncd.explain.history import Series
from syncd.okr.goals import Band, Goal, Milestones, Target, expected
from syncd.okr.spans import midnight
from syncd.okr.words import day, goal, number

_HEIGHT = 20
_TICKS = 5


def print_chart(series: Series) -> None:
    """Prints the chart, as wide as the terminal, and below it what happened."""
    width = shutil.get_terminal_size((80, _HEIGHT)).columns
    for line in wrap(f"{series.key_result.id}: {series.key_result.title}", width):
        typer.echo(line)
    typer.echo(chart(series, width, coloured=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
    ahead = "   · expected" if any(value is not None for value in _ahead(series)) else ""
    typer.echo(f"• value{ahead}   - {goal(series.key_result)}")
    for event in series.events:
        for line in wrap(event_words(event, series), width, subsequent_indent="  "):
            typer.echo(line)


def chart(series: Series, width: int, *, coloured: bool) -> str:
    """The value by day over what is expected and the target, to the period's end.

    A day of which nothing is known is a gap, and so is the step from one measure to another.
    """
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.plot_size(width, _HEIGHT)
    figure.theme("simple" if coloured else "colorless")
    figure.legend(False)
    days, values = _days(series), [point.value for point in series.points]
    lines = [*zip(*_aims(series, days), strict=True), _ahead(series)]
    for marker, line in zip("--·", lines, strict=True):
        _draw(figure, marker, line)
    joined = [
        before.measure == point.measure and None not in (before.value, point.value)
        for before, point in pairwise(series.points)
    ]
    _draw(figure, "braille", values, [False, *joined])
    # A day without neighbours, which would hardly show, and the last one, on which the eye should fall.
    alone = [not before and not after for before, after in pairwise([False, *joined, False])]
    _draw(figure, "•", [value if lonely else None for value, lonely in zip(values, [*alone[:-1], True], strict=True)])
    figure.ruler("x").lim(0, max(1, len(days) - 1))
    marked = sorted({tick * (len(days) - 1) // (_TICKS - 1) for tick in range(_TICKS)})
    figure.ruler("x").ticks(marked, [day(days[at]) for at in marked])
    starts = [aim.baseline if isinstance(aim, Target) else None for aim in _goals(series, days)]
    known = [value for line in (values, starts, *lines) for value in line if value is not None]
    if (low := min(known)) < (high := max(known)):
        heights = [low + (high - low) * tick / (_TICKS - 1) for tick in range(_TICKS)]
        figure.ruler("y").lim(low, high)
        figure.ruler("y").ticks(heights, [number(height) for height in heights])
    return "\n".join(line.rstrip() for line in figure.build().string(colorless=not coloured).splitlines())


def _draw(figure: Any, marker: str, values: Sequence[float | None], joined: Sequence[bool] = ()) -> None:
    """Values of consecutive days, each joined by a line to the one before where it is said to be."""
    known = [at for at, value in enumerate(values) if value is not None]
    if not known:
        return
    signal = figure.signal(known, [values[at] for at in known], marker=marker)
    for place, at in enumerate(known):
        signal.line(place, bool(joined) and joined[at])
    figure.draw(signal)


def _days(series: Series) -> list[date]:
    """The days of the period, and those after it of which there are points."""
    last = max(series.period.last, series.points[-1].day)
    return [series.period.first + timedelta(days=number) for number in range((last - series.period.first).days + 1)]


def _goals(series: Series, days: Sequence[date]) -> Iterator[Goal]:
    """The goal in force on each day; today's for those to come."""
    yield from (point.goal for point in series.points)
    for _ in days[len(series.points) :]:
        yield series.key_result.goal


def _aims(series: Series, days: Sequence[date]) -> Iterator[tuple[float | None, float | None]]:
    """The number that is aimed at on each day, or the band's bounds."""
    for aim in _goals(series, days):
        if isinstance(aim, Band):
            yield aim.at_least, aim.at_most
        elif isinstance(aim, Milestones):
            yield max(step.at for step in aim.steps), None
        else:
            yield aim.target, None


def _ahead(series: Series) -> list[float | None]:
    """The value that is expected at the end of each day, of a target that has a baseline."""
    period, days = series.period, _days(series)
    shares = [point.expected for point in series.points] + [
        expected(series.key_result, period.span, midnight(each + timedelta(days=1), period.zone))
        for each in days[len(series.points) :]
    ]
    return [
        aim.baseline + share * (aim.target - aim.baseline)
        if isinstance(aim, Target) and aim.baseline is not None
        else None
        for aim, share in zip(_goals(series, days), shares, strict=True)
    ]
