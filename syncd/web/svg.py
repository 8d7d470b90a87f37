"""SVG as text: the element, lines with gaps, days on an axis. All functions are pure.

Colours, dashes and fonts come from the style sheet by class, because pages must not contain inline styles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from markupsafe import Markup, escape

from syncd.okr.words import day as day_words

Point = tuple[date, float | None]

_LONG = 140  # days; a longer axis names months
_APART = 90  # units between two days that an axis names
_LETTER = 7.8  # units of the view box: an average letter of any drawing is narrower
_FLAT = 0.05  # units of the view box: a point nearer to the line between its neighbours is left out


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the points that have a number. At a point without a number, the line has a gap.

    `style` is its class in the style sheet. `open` are the days whose points are drawn as rings, because the number was
    held.
    """

    points: Sequence[Point]
    style: str
    open: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a chart, in the units of its view box, and the room around the plot."""

    width: int
    height: int
    left: int = 56
    right: int = 92
    top: int = 14
    bottom: int = 44


@dataclass(frozen=True, slots=True)
class Days:
    """The axis of days of a drawing in a frame."""

    first: date
    last: date
    frame: Frame

    def x(self, day: date) -> float:
        """The horizontal place of a day. A day beyond the axis is at the nearer end."""
        share = (day - self.first).days / max((self.last - self.first).days, 1)
        return self.frame.left + self.width * min(max(share, 0.0), 1.0)

    @property
    def width(self) -> int:
        """The length of the axis."""
        return self.frame.width - self.frame.left - self.frame.right

    @property
    def attributes(self) -> str:
        """Attributes with the first and the last day, and their places in percent of the width. A script reads them to
        show the value under the pointer.
        """
        left, right = (100 * at / self.frame.width for at in (self.frame.left, self.frame.width - self.frame.right))
        return f' data-first="{self.first}" data-last="{self.last}" data-left="{n(left)}" data-right="{n(right)}"'

    def ticks(self) -> Iterator[str]:
        """The days under the axis: Mondays, or for long spans the first days of months, as many as fit."""
        every = [self.first + timedelta(days=offset) for offset in range((self.last - self.first).days + 1)]
        days = [day for day in every if (day.weekday() == 0 if len(every) <= _LONG else day.day == 1)]
        for day in days[:: max(math.ceil(len(days) / max(self.width // _APART, 1)), 1)]:
            y = self.frame.height - self.frame.bottom + 18
            yield f'<text class="tick middle" x="{n(self.x(day))}" y="{y}">{day_words(day)}</text>'

    def rule(self, day: date) -> str:
        """A vertical line at a day such as today."""
        at, bottom = n(self.x(day)), self.frame.height - self.frame.bottom
        return f'<line class="today" x1="{at}" x2="{at}" y1="{self.frame.top}" y2="{bottom}"/>'


def line_parts(line: Line, x: Callable[[date], float], y: Callable[[float], float]) -> Iterator[str]:
    """The elements of a line. `x` returns the place of a day, `y` the place of a number."""
    run: list[tuple[float, float]] = []
    for day, value in [*line.points, (date.max, None)]:
        if value is not None and day not in line.open:
            run.append((x(day), y(value)))
            continue
        if run:
            yield run_element(run, line.style)
            run = []
        if value is not None:
            yield f'<circle class="{line.style} open" cx="{n(x(day))}" cy="{n(y(value))}" r="4"/>'
    numbered = [(day, value) for day, value in line.points if value is not None and day not in line.open]
    if numbered:
        yield f'<circle class="{line.style} end" cx="{n(x(numbered[-1][0]))}" cy="{n(y(numbered[-1][1]))}" r="4"/>'


def run_element(run: Sequence[tuple[float, float]], style: str) -> str:
    """The SVG element of consecutive points. A single point is drawn as a dot, because a line of one point is
    invisible.
    """
    if len(run) == 1:
        return f'<circle class="{style} dot" cx="{n(run[0][0])}" cy="{n(run[0][1])}" r="2"/>'
    run = without_points_between(run)
    return f'<polyline class="{style}" points="{" ".join(f"{n(x)},{n(y)}" for x, y in run)}"/>'


def without_points_between(run: Sequence[tuple[float, float]], flat: float = _FLAT) -> Sequence[tuple[float, float]]:
    """The run without the points that are at most `flat` units away from a straight line between their neighbours."""
    kept, lowest, highest = [run[0]], -math.inf, math.inf  # slopes of the lines that pass all points left out so far
    for (x, y), (following_x, following_y) in pairwise(run[1:]):
        left, start = kept[-1]
        if x > left:
            lowest, highest = (
                max(lowest, (y - start - flat) / (x - left)),
                min(highest, (y - start + flat) / (x - left)),
            )
            if lowest <= (following_y - start) / (following_x - left) <= highest:
                continue
        kept.append((x, y))
        lowest, highest = -math.inf, math.inf
    return [*kept, run[-1]]


def svg_element(
    style: str,
    width: int,
    height: int,
    title: str,
    description: str | None,
    parts: Iterator[str],
    attributes: str = "",
) -> Markup:
    """A complete drawing. `title` and `description` are for screen readers. Texts in `parts` are already escaped."""
    names = f"<title>{escape(title)}</title>" + (f"<desc>{escape(description)}</desc>" if description else "")
    if description:  # a browser reads a title to people, not always a description
        attributes += f' aria-label="{escape(f"{title}. {description}")}"'
    return Markup(  # noqa: S704 - every text from outside is escaped above
        f'<svg class="{style}" viewBox="0 0 {width} {height}"{attributes} role="img">{names}{"".join(parts)}</svg>'
    )


def spread(wanted: Sequence[float], apart: float) -> list[float]:
    """The vertical places of texts: near the wanted places, in the same order, and at least `apart` from each other."""
    heights, last = [0.0] * len(wanted), -math.inf
    for index in sorted(range(len(wanted)), key=lambda index: wanted[index]):
        last = heights[index] = max(wanted[index], last + apart)
    return heights


def width_of(words: str) -> float:
    """The room that words need, in units of the view box."""
    return len(words) * _LETTER


def cut_to(words: str, width: float) -> str:
    """Words in at most so many units. Longer words end with an ellipsis, and none of their numbers is cut."""
    if width_of(words) <= width:
        return words
    kept = words[: int(width / _LETTER) - 1]
    return f"{kept[: kept.rindex(' ')]} …" if " " in kept else f"{kept}…"


def n(value: float) -> str:
    """A coordinate, rounded to a tenth of a unit, as short as possible."""
    return f"{value:.1f}".removesuffix(".0")
