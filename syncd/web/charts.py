"""Charts as SVG text, made on the server: lines, bands and marks on an axis of days. Pure.

Colours, dashes and letters come from the style sheet by class, because no page may carry inline styles. Each chart has
a title and a description for screen readers; the page shows the same figures as a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from markupsafe import Markup, escape

Point = tuple[date, float | None]

_FLAT = 0.05  # units of the view box that a point may lie off a line and be left out


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the points that have a number: where one has none, the line has a gap.

    `style` is its class in the style sheet. `open` are the days whose points are drawn as rings: the number was held.
    """

    points: Sequence[Point]
    style: str
    open: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line at a number, such as a target, with its words at the right."""

    value: float
    words: str
    style: str = "level"


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded area between two numbers, or between two days; None is the edge of the chart."""

    style: str
    lowest: float | None = None
    highest: float | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a day: a sign under the axis, with its words."""

    day: date
    sign: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows from `first` to `last`; `today` is a vertical line."""

    title: str
    description: str
    first: date
    last: date
    lines: Sequence[Line]
    levels: Sequence[Level] = ()
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a chart, in the units of its view box, and the room around the plot."""

    width: int
    height: int
    left: int = 56
    right: int = 92
    top: int = 14
    bottom: int = 44


WIDE = Frame(960, 300)
NARROW = Frame(360, 240, left=44, right=12)


def draw(chart: Chart, figure: Callable[[float], str], frame: Frame = WIDE) -> Markup:
    """The chart as SVG; `figure` writes a number of the vertical axis."""
    lowest, highest = _range(chart)
    ticks = nice_ticks(lowest, highest)
    lowest, highest = min(lowest, ticks[0]), max(highest, ticks[-1])
    days = max((chart.last - chart.first).days, 1)
    plot_width, plot_height = frame.width - frame.left - frame.right, frame.height - frame.top - frame.bottom

    def x(day: date) -> float:
        share = (day - chart.first).days / days
        return frame.left + plot_width * min(max(share, 0.0), 1.0)

    def y(value: float) -> float:
        return frame.top + plot_height * (1 - (value - lowest) / (highest - lowest))

    def parts() -> Iterator[str]:
        for band in chart.bands:
            left, right = x(band.first or chart.first), x(band.last or chart.last)
            upper = y(highest if band.highest is None else min(band.highest, highest))
            lower = y(lowest if band.lowest is None else max(band.lowest, lowest))
            yield (
                f'<rect class="{band.style}" x="{_n(left)}" y="{_n(upper)}" width="{_n(max(right - left, 0))}" '
                f'height="{_n(max(lower - upper, 0))}"/>'
            )
        for tick in ticks:
            at = _n(y(tick))
            yield f'<line class="grid" x1="{frame.left}" x2="{frame.width - frame.right}" y1="{at}" y2="{at}"/>'
            yield f'<text class="tick end" x="{frame.left - 8}" y="{at}" dy="4">{escape(figure(tick))}</text>'
        for day in _day_ticks(chart.first, chart.last, plot_width // 90):
            at = _n(x(day))
            yield f'<text class="tick middle" x="{at}" y="{frame.height - frame.bottom + 18}">{day.day} {day:%b}</text>'
        for level in chart.levels:
            at = _n(y(level.value))
            edge = frame.width - frame.right
            yield f'<line class="{level.style}" x1="{frame.left}" x2="{edge}" y1="{at}" y2="{at}"/>'
            if frame.right > 60:
                yield f'<text class="{level.style} words" x="{edge + 6}" y="{at}" dy="4">{escape(level.words)}</text>'
        if chart.today is not None:
            at = _n(x(chart.today))
            yield f'<line class="today" x1="{at}" x2="{at}" y1="{frame.top}" y2="{frame.height - frame.bottom}"/>'
        for line in chart.lines:
            yield from _line(line, x, y)
        for mark in chart.marks:
            yield (
                f'<text class="mark middle" x="{_n(x(mark.day))}" y="{frame.height - 8}">{escape(mark.sign)}'
                f"<title>{escape(mark.words)}</title></text>"
            )

    return _svg("chart", frame.width, frame.height, chart.title, chart.description, parts(), _axis(chart, frame))


def _axis(chart: Chart, frame: Frame) -> str:
    """The days at the ends of the axis, and where they lie in percent of the width: for values under the pointer."""
    left, right = (100 * at / frame.width for at in (frame.left, frame.width - frame.right))
    return f' data-first="{chart.first}" data-last="{chart.last}" data-left="{_n(left)}" data-right="{_n(right)}"'


def sparkline(points: Sequence[float | None], words: str, style: str = "value") -> Markup:
    """A small line without axes. Where nothing is known it has a gap."""
    width, height = 96, 24
    numbers = [number for number in points if number is not None]
    lowest, highest = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    spread = (highest - lowest) or 1.0
    step = (width - 6) / max(len(points) - 1, 1)

    def at(index: int, value: float) -> tuple[float, float]:
        middle = 0.5 if highest == lowest else (value - lowest) / spread
        return 3 + step * index, 3 + (height - 6) * (1 - middle)

    def parts() -> Iterator[str]:
        run: list[tuple[float, float]] = []
        for index, value in enumerate([*points, None]):
            if value is not None:
                run.append(at(index, value))
            elif run:
                yield _run(run, style)
                run = []
        last = next((index for index in range(len(points) - 1, -1, -1) if points[index] is not None), None)
        if last is not None and (number := points[last]) is not None:
            cx, cy = at(last, number)
            yield f'<circle class="{style} end" cx="{_n(cx)}" cy="{_n(cy)}" r="2"/>'

    return _svg("spark", width, height, words, None, parts())


def bar(share: float | None, expected: float | None, words: str, style: str) -> Markup:
    """A bar of a score from 0 to 1 with a tick where it should be today; hatched if the score is unknown."""

    def parts() -> Iterator[str]:
        yield '<rect class="track" x="0" y="2" width="100" height="6" rx="1"/>'
        if share is None:
            yield from (f'<line class="hatch" x1="{at}" y1="8" x2="{at + 3}" y2="2"/>' for at in range(0, 98, 5))
        elif share > 0:
            yield f'<rect class="{style}" x="0" y="2" width="{_n(100 * min(share, 1.0))}" height="6" rx="1"/>'
        if expected is not None:
            at = _n(min(max(100 * expected, 0.4), 99.6))
            yield f'<line class="expected" x1="{at}" x2="{at}" y1="0" y2="10"/>'

    return _svg("bar", 100, 10, words, None, parts(), ' preserveAspectRatio="none"')


def nice_ticks(lowest: float, highest: float, wanted: int = 4) -> Sequence[float]:
    """Round numbers that span a range: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if highest <= lowest:
        highest = lowest + (abs(lowest) or 1.0)
    rough = (highest - lowest) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _range(chart: Chart) -> tuple[float, float]:
    numbers = [number for line in chart.lines for _, number in line.points if number is not None]
    numbers += [level.value for level in chart.levels]
    numbers += [edge for band in chart.bands for edge in (band.lowest, band.highest) if edge is not None]
    return (min(numbers), max(numbers)) if numbers else (0.0, 1.0)


def _day_ticks(first: date, last: date, most: int) -> Iterator[date]:
    """Mondays, or of long spans the first days of months, thinned to at most `most`."""
    every = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    days = [day for day in every if (day.weekday() == 0 if len(every) <= 140 else day.day == 1)]
    yield from days[:: max(math.ceil(len(days) / max(most, 1)), 1)]


def _line(line: Line, x: Callable[[date], float], y: Callable[[float], float]) -> Iterator[str]:
    run: list[tuple[float, float]] = []
    for day, value in [*line.points, (date.max, None)]:
        if value is not None and day not in line.open:
            run.append((x(day), y(value)))
            continue
        if run:
            yield _run(run, line.style)
            run = []
        if value is not None:
            yield f'<circle class="{line.style} open" cx="{_n(x(day))}" cy="{_n(y(value))}" r="4"/>'
    numbered = [(day, value) for day, value in line.points if value is not None and day not in line.open]
    if numbered:
        yield f'<circle class="{line.style} end" cx="{_n(x(numbered[-1][0]))}" cy="{_n(y(numbered[-1][1]))}" r="4"/>'


def _run(run: Sequence[tuple[float, float]], style: str) -> str:
    """Points that follow each other; a single point is a dot, because a line of one point shows nothing."""
    if len(run) == 1:
        return f'<circle class="{style} dot" cx="{_n(run[0][0])}" cy="{_n(run[0][1])}" r="2"/>'
    run = _without_points_between(run)
    return f'<polyline class="{style}" points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in run)}"/>'


def _without_points_between(run: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """The run without the points that lie on a straight line between their neighbours."""
    kept = [run[0]]
    for point, following in pairwise(run[1:]):
        (x0, y0), (x1, y1), (x2, y2) = kept[-1], point, following
        if abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) > _FLAT * (x2 - x0):
            kept.append(point)
    return [*kept, run[-1]]


def _svg(
    style: str,
    width: int,
    height: int,
    title: str,
    description: str | None,
    parts: Iterator[str],
    attributes: str = "",
) -> Markup:
    names = f"<title>{escape(title)}</title>" + (f"<desc>{escape(description)}</desc>" if description else "")
    label = escape(f"{title}. {description}" if description else title)
    return Markup(  # noqa: S704 - every text from outside is escaped above
        f'<svg class="{style}" viewBox="0 0 {width} {height}"{attributes} role="img" aria-label="{label}">'
        f"{names}{''.join(parts)}</svg>"
    )


def _n(value: float) -> str:
    """A coordinate to a tenth of a unit, as short as it can be."""
    return f"{value:.1f}".removesuffix(".0")
