"""A chart of lanes: key results, one below the other, on one axis of days. Links lead from outputs to the outcomes that
they drive.

A link starts on the first day on which the output was on pace. Its lag is shaded in the output's lane. At the end of
the lag, an arrow leads to the outcome's lane, with the verdict beside the arrowhead. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from markupsafe import Markup, escape

from syncd.web.charts import Chart, has_words_above, level_parts, value_range, wide_enough
from syncd.web.svg import Days, Frame, cut_to, line_parts, n, svg_element, width_of

_PLOT = 64  # units of a lane's height that show numbers
_ROW = 16  # units of a row of letters
_GAP = 22  # units between two lanes

WIDE = Frame(960, 0, left=190, right=100, top=10, bottom=36)
NARROW = Frame(360, 0, left=8, right=12, top=4, bottom=36)


@dataclass(frozen=True, slots=True)
class Lane:
    """A key result: its chart, and the texts at its left, each with its class in the style sheet."""

    id: str
    chart: Chart
    words: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A link from the lane `output` to the lane `outcome`. The output is on pace since the day `since`, and the outcome
    should follow on the day `due`. `words` is the verdict.
    """

    output: str
    outcome: str
    since: date
    due: date
    words: str
    style: str


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a lane: the vertical positions of its words, of its plot, and of each link that ends in it."""

    words: float
    top: float
    arrivals: Mapping[Arrow, float]
    end: float

    @property
    def bottom(self) -> float:
        return self.top + _PLOT


def draw_lanes(title: str, description: str, lanes: Sequence[Lane], arrows: Sequence[Arrow], frame: Frame) -> Markup:
    """The lanes as SVG, on the axis that their charts share. Links to or from a lane that is not drawn are left out."""
    axis = lanes[0].chart
    frame = wide_enough(frame, (level for lane in lanes for level in lane.chart.levels))
    places = _places(lanes, arrows, frame)
    height = round(max(place.end for place in places.values())) + frame.bottom
    days = Days(axis.first, axis.last, replace(frame, height=height))
    drawn = [arrow for arrow in arrows if arrow.output in places and arrow.outcome in places]

    def parts() -> Iterator[str]:
        for arrow in drawn:
            place, left, right = places[arrow.output], days.x(arrow.since), days.x(arrow.due)
            if right > left:
                width = n(right - left)
                yield f'<rect class="lag" x="{n(left)}" y="{n(place.top)}" width="{width}" height="{_PLOT}"/>'
        yield from days.ticks()
        if axis.today is not None:
            yield days.rule(axis.today)
        for lane in lanes:
            yield from _lane(lane, places[lane.id], days)
        for arrow in drawn:
            yield from _arrow(arrow, places, days)

    return svg_element("lanes", frame.width, height, title, description, parts(), days.attributes)


def _places(lanes: Sequence[Lane], arrows: Sequence[Arrow], frame: Frame) -> Mapping[str, _Place]:
    """The place of each lane. Texts are at the left of the plot, or above the plot if there is no room at the left.
    There is a row above the plot if the words of its levels are above their lines.
    """
    places: dict[str, _Place] = {}
    y = float(frame.top)
    ids = {lane.id for lane in lanes}
    for lane in lanes:
        top = y if _has_words_beside(frame) else y + _ROW * len(lane.words) + _ROW / 2
        top += _ROW if has_words_above(frame) and lane.chart.levels else 0
        ends = [arrow for arrow in arrows if arrow.outcome == lane.id and arrow.output in ids]
        below = top + _PLOT + (_ROW if lane.chart.marks else 0)
        arrivals = {arrow: below + _ROW * (index + 1) for index, arrow in enumerate(ends)}
        end = below + _ROW * len(ends)
        places[lane.id] = _Place(y, top, arrivals, end)
        y = end + _GAP
    return places


def _has_words_beside(frame: Frame) -> bool:
    return frame.left > _ROW


def _lane(lane: Lane, place: _Place, days: Days) -> Iterator[str]:
    chart, frame = lane.chart, days.frame
    lowest, highest = value_range(chart)
    room = frame.left if _has_words_beside(frame) else frame.width

    def y(value: float) -> float:
        share = 0.5 if highest == lowest else (value - lowest) / (highest - lowest)
        return place.bottom - share * _PLOT

    for row, (words, style) in enumerate(lane.words):
        height = n(place.words + 12 + _ROW * row)
        yield f'<text class="{style}" x="0" y="{height}">{escape(cut_to(words, room))}</text>'
    for band in chart.bands:
        upper, lower = (y(edge_value) if edge_value is not None else None for edge_value in (band.highest, band.lowest))
        upper, lower = place.top if upper is None else upper, place.bottom if lower is None else lower
        yield (
            f'<rect class="{band.style}" x="{frame.left}" y="{n(upper)}" width="{days.width}" '
            f'height="{n(lower - upper)}"/>'
        )
    yield from level_parts(chart.levels, y, frame)
    for line in chart.lines:
        yield from line_parts(line, days.x, y)
    for mark in chart.marks:
        yield (
            f'<text class="mark middle" x="{n(days.x(mark.day))}" y="{n(place.bottom + _ROW)}">{escape(mark.sign)}'
            f"<title>{escape(mark.words)}</title></text>"
        )


def _arrow(arrow: Arrow, places: Mapping[str, _Place], days: Days) -> Iterator[str]:
    """The arrow from the end of the lag to the outcome's lane. Its text is on the side with more room.

    If the lag ends outside the axis, only the text is drawn, at the nearer end of the axis.
    """
    output, x = places[arrow.output], days.x(arrow.due)
    y = places[arrow.outcome].arrivals[arrow]
    start = output.top if output.top > y else output.bottom
    if days.first <= arrow.due <= days.last:
        yield f'<path class="link {arrow.style}" d="M{n(x)} {n(start)}V{n(y - 4)}"/>'
        yield f'<path class="head {arrow.style}" d="M{n(x)} {n(y - 9)}l-4 7h8z"/>'
    right, width = x > days.frame.left + days.width / 2, width_of(arrow.words)
    first, last = min(x + 8, days.frame.width - width), max(x - 8, width)
    place = f'x="{n(last)}" text-anchor="end"' if right else f'x="{n(max(first, 0))}"'
    yield f'<text class="verdict {arrow.style}" {place} y="{n(y)}">{escape(arrow.words)}</text>'
