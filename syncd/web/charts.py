"""Charts as SVG text, made on the server: lines, bands and marks on an axis of days. All functions are pure.

Colours, dashes and fonts come from the style sheet by class, because pages must not contain inline styles. Each chart
has a title and a description for screen readers; the page shows the same figures as a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from markupsafe import Markup, escape

from syncd.okr.words import number
from syncd.web.svg import Days, Frame, Line, line_parts, n, spread, svg_element, width_of, without_points_between


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line at a value, such as a target, with a label at its right end."""

    value: float
    words: str
    style: str = "level"


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded area between two numbers, or between two days. A bound of None is the edge of the chart."""

    style: str
    lowest: float | None = None
    highest: float | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign under the axis for an event on a day, with a text that describes the event."""

    day: date
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The data of a chart from the day `first` to the day `last`. A vertical line marks `today`."""

    title: str
    description: str
    first: date
    last: date
    lines: Sequence[Line]
    levels: Sequence[Level] = ()
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    today: date | None = None


WIDE = Frame(960, 300)
NARROW = Frame(360, 240, left=44, right=12)


_LETTERS = 14  # units between two lines of letters
_SMALL = 0.6  # units of a small line's view box: a point nearer to the line between its neighbours is left out
_ROOM_FOR_WORDS = 60  # units at the right of a plot; if there are fewer, words are above their lines
_BESIDE = 6  # units between a line and its words
_BEFORE = 8  # units between the number of a tick and the plot
_DECIMALS = 12  # of a tick


def draw(chart: Chart, figure: Callable[[float], str], frame: Frame = WIDE) -> Markup:
    """The chart as SVG; `figure` formats the numbers of the vertical axis."""
    lowest, highest = value_range(chart)
    ticks = nice_ticks(lowest, highest)
    lowest, highest = min(lowest, ticks[0]), max(highest, ticks[-1])
    frame = wide_enough(frame, chart.levels, list(map(figure, ticks)))
    days, plot_height = Days(chart.first, chart.last, frame), frame.height - frame.top - frame.bottom
    x = days.x

    def y(value: float) -> float:
        return frame.top + plot_height * (1 - (value - lowest) / (highest - lowest))

    def parts() -> Iterator[str]:
        for band in chart.bands:
            left, right = x(band.first or chart.first), x(band.last or chart.last)
            upper = y(highest if band.highest is None else min(band.highest, highest))
            lower = y(lowest if band.lowest is None else max(band.lowest, lowest))
            yield (
                f'<rect class="{band.style}" x="{n(left)}" y="{n(upper)}" width="{n(max(right - left, 0))}" '
                f'height="{n(max(lower - upper, 0))}"/>'
            )
        for tick in ticks:
            at = n(y(tick))
            yield f'<line class="grid" x1="{frame.left}" x2="{frame.width - frame.right}" y1="{at}" y2="{at}"/>'
            yield f'<text class="tick end" x="{frame.left - _BEFORE}" y="{at}" dy="4">{escape(figure(tick))}</text>'
        yield from days.ticks()
        yield from level_parts(chart.levels, y, frame)
        if chart.today is not None:
            yield days.rule(chart.today)
        for line in chart.lines:
            yield from line_parts(line, x, y)
        for mark in chart.marks:
            yield (
                f'<text class="mark middle" x="{n(x(mark.day))}" y="{frame.height - 8}">{escape(mark.sign)}'
                f"<title>{escape(mark.words)}</title></text>"
            )

    return svg_element("chart", frame.width, frame.height, chart.title, chart.description, parts(), days.attributes)


def has_words_above(frame: Frame) -> bool:
    """Whether the words of levels are above their lines, because the frame has no room at the right of the plot."""
    return frame.right < _ROOM_FOR_WORDS


def wide_enough(frame: Frame, levels: Iterable[Level], ticks: Iterable[str] = ()) -> Frame:
    """The frame with margins that hold the numbers of the vertical axis and the words of levels, up to a third of its
    width. A number that is cut off reads as another number.
    """

    def margin(least: int, words: Iterable[str], gap: int) -> int:
        wanted = max((math.ceil(width_of(text)) + gap for text in words), default=0)
        return max(least, min(wanted, frame.width // 3))

    words = () if has_words_above(frame) else (level.words for level in levels)
    return replace(frame, left=margin(frame.left, ticks, _BEFORE), right=margin(frame.right, words, _BESIDE))


def level_parts(levels: Sequence[Level], y: Callable[[float], float], frame: Frame) -> Iterator[str]:
    """The elements of levels: each line with its words. `y` returns the place of a number."""
    edge = frame.width - frame.right
    heights = spread([y(level.value) for level in levels], _LETTERS)
    for level, height in zip(levels, heights, strict=True):
        at = n(y(level.value))
        yield f'<line class="{level.style}" x1="{frame.left}" x2="{edge}" y1="{at}" y2="{at}"/>'
        place = f'x="{edge + _BESIDE}" y="{n(height)}" dy="4"'
        if has_words_above(frame):
            place = f'x="{edge}" y="{n(height)}" dy="-4" text-anchor="end"'
        yield f'<text class="{level.style} words" {place}>{escape(level.words)}</text>'


def sparkline(
    points: Sequence[float | None], words: str, style: str = "", figure: Callable[[float], str] = number
) -> Markup:
    """A small line chart without axes. The line has a gap at each unknown value, and the title gives the first and the
    last number.

    The first page can have a hundred of these charts, so their SVG text is short. Coordinates are integers in a view
    box of twice the size, each relative to the previous point. The style sheet sets the size of the last dot.
    """
    width, height, margin = 192, 48, 6
    numbers = [value for value in points if value is not None]
    lowest, highest = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    if numbers:
        words = f"{words}: {figure(numbers[0])} → {figure(numbers[-1])}"
    step = (width - 2 * margin) / max(len(points) - 1, 1)

    def at(index: int, value: float) -> tuple[int, int]:
        above = 0.5 if highest == lowest else (value - lowest) / (highest - lowest)
        return round(margin + step * index), round(margin + (height - 2 * margin) * (1 - above))

    def parts() -> Iterator[str]:
        runs: list[list[tuple[float, float]]] = [[]]
        for index, value in enumerate(points):
            if value is not None:
                runs[-1].append(at(index, value))
            elif runs[-1]:
                runs.append([])
        path = "".join(_path(run) for run in runs if run)
        if path:
            (x, y) = next(run[-1] for run in reversed(runs) if run)
            yield f'<path d="{path}"/><circle cx="{x:.0f}" cy="{y:.0f}"/>'

    return svg_element(f"spark {style}".rstrip(), width, height, words, None, parts())


def _path(run: Sequence[tuple[float, float]]) -> str:
    """The SVG path of consecutive points of a sparkline. A single point becomes a line of length 0, whose round ends
    show a dot.
    """
    kept = run if len(run) == 1 else without_points_between(run, flat=_SMALL)
    (x, y), text = kept[0], f"M{kept[0][0]:.0f} {kept[0][1]:.0f}"
    for right, lower in [*kept[1:], *(kept if len(run) == 1 else ())]:
        text += f"l{right - x:.0f}{' ' if lower >= y else ''}{lower - y:.0f}"
        x, y = right, lower
    return text


def bar(share: float | None, expected: float | None, words: str | None, style: str) -> Markup:
    """A bar of a score from 0 to 1 with a tick at the score expected today; hatched if the score is unknown.

    `words` is the text for screen readers; None if the page shows the number beside the bar. The style sheet sets the
    heights and the background, which keeps the SVG text of a hundred bars short.
    """
    parts = ""
    if share is not None and share > 0:
        parts += f'<rect class="{style}" width="{n(100 * min(share, 1.0))}%"/>'
    if expected is not None:
        parts += f'<rect class="expected" x="{n(min(max(100 * expected, 0.0), 99.0))}%"/>'
    hidden = ' aria-hidden="true">' if words is None else f' role="img"><title>{escape(words)}</title>'
    return Markup(f'<svg class="bar{"" if share is not None else " hatch"}"{hidden}{parts}</svg>')  # noqa: S704


def nice_ticks(lowest: float, highest: float, wanted: int = 4) -> Sequence[float]:
    """Round numbers that span a range: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if highest <= lowest:
        highest = lowest + (abs(lowest) or 1.0)
    rough = max((highest - lowest) / wanted, 10.0**-_DECIMALS)  # finer ticks would be equal once rounded
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [round(index * step, _DECIMALS) for index in range(first, last + 1)]


def value_range(chart: Chart) -> tuple[float, float]:
    """The lowest and the highest number that a chart shows."""
    numbers = [value for line in chart.lines for _, value in line.points if value is not None]
    numbers += [level.value for level in chart.levels]
    numbers += [edge for band in chart.bands for edge in (band.lowest, band.highest) if edge is not None]
    return (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
