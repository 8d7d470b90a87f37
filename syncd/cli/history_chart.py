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

from syncd.cli.output import say, show_picture
from syncd.explain.event_words import event_words
from syncd.explain.history import Series
from syncd.okr.goals import Band, Goal, Milestones, Target, expected
from syncd.okr.spans import midnight
from syncd.okr.words import day, goal, number

_HEIGHT = 20
_TICKS = 5


def print_chart(series: Series) -> None:
    """Prints the chart, as wide as the terminal, and below it the events."""
    width = shutil.get_terminal_size((80, _HEIGHT)).columns
    for line in wrap(f"{series.key_result.id}: {series.key_result.title}", width):
        say(line)
    show_picture(chart(series, width, coloured=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
    ahead = "   · expected" if any(value is not None for value in _ahead(series)) else ""
    say(f"• value{ahead}   - {goal(series.key_result)}")
    for event in series.events:
        for line in wrap(event_words(event, series), width, subsequent_indent="  "):
            say(line)


def chart(series: Series, width: int, *, coloured: bool) -> str:
    """Draws the value day by day, with the expected values and the target, up to the period's end.

    The line has a gap at each day without a value, and where the measure changes.
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
    # A dot for a day without neighbours, which a line would hardly show, and for the last day, to make it stand out.
    alone = [not before and not after for before, after in pairwise([False, *joined, False])]
    _draw(figure, "•", [value if lonely else None for value, lonely in zip(values, [*alone[:-1], True], strict=True)])
    figure.ruler("x").lim(0, max(1, len(days) - 1))
    marked = sorted({tick * (len(days) - 1) // (_TICKS - 1) for tick in range(_TICKS)})
    figure.ruler("x").ticks(marked, [day(days[at]) for at in marked])
    starts = [aim.baseline if isinstance(aim, Target) else None for aim in _goals(series, days)]
    numbers = [value for line in (values, starts, *lines) for value in line if value is not None]
    if (low := min(numbers)) < (high := max(numbers)):
        heights = [low + (high - low) * tick / (_TICKS - 1) for tick in range(_TICKS)]
        figure.ruler("y").lim(low, high)
        figure.ruler("y").ticks(heights, [number(height) for height in heights])
    return "\n".join(line.rstrip() for line in figure.build().string(colorless=not coloured).splitlines())


def _draw(figure: Any, marker: str, values: Sequence[float | None], joined: Sequence[bool] = ()) -> None:
    """Draws the values of consecutive days. `joined` is true for each day that a line connects with the day before."""
    days = [at for at, value in enumerate(values) if value is not None]
    if not days:
        return
    signal = figure.signal(days, [values[at] for at in days], marker=marker)
    for place, at in enumerate(days):
        signal.line(place, bool(joined) and joined[at])
    figure.draw(signal)


def _days(series: Series) -> list[date]:
    """The days of the period, and the days after it that have points."""
    last = max(series.period.last, series.points[-1].day)
    return [series.period.first + timedelta(days=number) for number in range((last - series.period.first).days + 1)]


def _goals(series: Series, days: Sequence[date]) -> Iterator[Goal]:
    """The goal in force on each day. Future days have the present goal."""
    yield from (point.goal for point in series.points)
    for _ in days[len(series.points) :]:
        yield series.key_result.goal


def _aims(series: Series, days: Sequence[date]) -> Iterator[tuple[float | None, float | None]]:
    """The lines to draw for the goal, for each day: the target and None, or the two bounds of a band."""
    for aim in _goals(series, days):
        if isinstance(aim, Band):
            yield aim.at_least, aim.at_most
        elif isinstance(aim, Milestones):
            yield max(step.at for step in aim.steps), None
        else:
            yield aim.target, None


def _ahead(series: Series) -> list[float | None]:
    """The value expected at the end of each day; None on a day whose goal has no target or no baseline."""
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
