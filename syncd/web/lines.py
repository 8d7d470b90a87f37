"""The charts of key results: the value by day, its goal and pace, and marks for events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from syncd.explain.edit import Edit
from syncd.explain.event_words import event_words
from syncd.explain.history import CheckedIn, Point, Restated, Series, SeriesEvent, by_point
from syncd.explain.requests import Asked
from syncd.okr.goals import Band as GoalBand
from syncd.okr.goals import KeyResult, Milestones, Target, expected
from syncd.okr.spans import Period, midnight
from syncd.okr.words import HEALTH_WORDS, LEVEL_WORDS, QUALITY_WORDS, full_day, goal, number, value_figure
from syncd.sdk.figures import full_number
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.sdk.numbers import difference
from syncd.web.charts import Band, Chart, Level, Mark
from syncd.web.svg import Line
from syncd.web.zoom import WHOLE, Zoom


@dataclass(frozen=True, slots=True)
class Figures:
    """The data of a chart as a table. Each row has a day, and a cell for each heading after the first; the oldest day
    comes first.
    """

    summary: str
    headings: Sequence[str]
    rows: Sequence[tuple[date, Sequence[str]]]


def chart_of(series: Series, today: date | None, zoom: Zoom = WHOLE, axis: tuple[date, date] | None = None) -> Chart:
    """The chart of a key result, on its own axis or on `axis`. Days without a number are gaps in the line. Held numbers
    are drawn as rings.
    """
    kr, period = series.key_result, series.period
    first, last = axis or zoom.span(period, series.points)
    points = zoom.points(series.points, last)
    held = frozenset(point.day for point in points if point.quality == "held")
    value = Line([(point.day, point.value) for point in points], "work" if kr.kind == "output" else "value", held)
    pace = Line([(day, at) for day, at in _pace(kr, period, last) if first <= day], "pace")
    return Chart(
        title=_("%(title)s: week by week", title=kr.title)
        if zoom.weekly
        else _("%(title)s: day by day", title=kr.title),
        description=_description(series, points),
        first=first,
        last=last,
        lines=[pace, value],
        levels=list(_levels(kr)),
        bands=list(_bands(kr)),
        marks=[mark for mark in _marks(series) if zoom.days is None or first <= mark.day <= last],
        today=today if today and first <= today <= last else None,
    )


def figures_of(series: Series, zoom: Zoom) -> Figures:
    """The data of a key result's chart as a table: the value, the pace, and the events since the previous row."""
    kr, events, shown = series.key_result, by_point(series), zoom.points(series.points)
    pace = dict(_pace(kr, series.period, shown[-1].day if shown else series.period.last))
    headings = [_("day"), _("value"), *([_("pace")] if pace else []), _("what happened")]
    rows, waiting = [], iter(series.points[series.points.index(shown[0]) :] if shown else ())
    for point in shown:
        happened: list[str] = []
        for day in waiting:
            happened += (event_words(event, series) for event in events.get(day.day, ()))
            if day is point:
                break
        value = value_figure(kr, point.value, _("unknown"))
        if point.quality not in (None, "complete"):
            value = f"{value} ({_(QUALITY_WORDS[point.quality])})"
        rows.append((point.day, [value, *([number(pace[point.day])] if pace else []), "; ".join(happened)]))
    return Figures(_("The chart as a table"), headings, rows)


def _pace(kr: KeyResult, period: Period, last: date) -> Iterator[tuple[date, float]]:
    """The expected value at the end of each day up to `last`; nothing if the goal has no baseline and target. After the
    period, the expected value is the target.
    """
    if not isinstance(kr.goal, Target) or kr.goal.baseline is None:
        return
    way = difference(kr.goal.target, kr.goal.baseline)
    for offset in range((last - period.first).days + 1):
        day = period.first + timedelta(days=offset)
        share = expected(kr, period.span, midnight(day + timedelta(days=1), period.zone))
        yield day, kr.goal.baseline + share * way


def _levels(kr: KeyResult) -> Iterator[Level]:
    match kr.goal:
        case Target(target, baseline):
            if baseline is not None:
                yield Level(baseline, _("baseline %(figure)s", figure=full_number(baseline)))
            yield Level(target, _("target %(figure)s", figure=full_number(target)), "goal")
            yield from (
                Level(at, f"{_(LEVEL_WORDS[name])} {full_number(at)}") for name, at in kr.goal.levels if at != target
            )
        case Milestones(steps):
            yield from (Level(step.at, step.title[:14]) for step in steps)
        case GoalBand(at_least, at_most):
            yield from (Level(edge, full_number(edge), "goal") for edge in (at_least, at_most) if edge is not None)


def _bands(kr: KeyResult) -> Iterator[Band]:
    if isinstance(kr.goal, GoalBand):
        yield Band("band", kr.goal.at_least, kr.goal.at_most)


def _marks(series: Series) -> Iterator[Mark]:
    """A mark for each day with events. A mark has the signs and texts of all events of its day."""
    zone = series.period.zone
    for day, events in groupby(series.events, key=lambda event: event.at.astimezone(zone).date()):
        every = list(events)
        signs = dict.fromkeys(_sign(event) for event in every)
        yield Mark(day, "".join(signs), "\n".join(event_words(event, series) for event in every))


def _sign(event: SeriesEvent) -> str:
    if isinstance(event, Edit):
        return "✎"
    if isinstance(event, Restated):
        return "↺"
    if isinstance(event, CheckedIn):
        return "●" if event.withdrawn is None else "○"
    if isinstance(event, Asked):
        return "?" if event.request.state == "waiting" else "✗" if event.request.state == "refused" else "→"
    return "✓"  # an approval


def _description(series: Series, points: Sequence[Point]) -> str:
    kr, measured = series.key_result, [point for point in points if point.value is not None]
    if not measured:
        return _("No number is known yet; the goal is %(goal)s.", goal=goal(kr))
    first, last = measured[0], measured[-1]
    gaps = len(points) - len(measured)
    text = _(
        "From %(first)s on %(first_day)s to %(last)s on %(last_day)s, which is %(health)s; the goal is %(goal)s.",
        first=value_figure(kr, first.value),
        first_day=full_day(first.day),
        last=value_figure(kr, last.value),
        last_day=full_day(last.day),
        health=_(HEALTH_WORDS[last.health]),
        goal=goal(kr, last.value),
    )
    return text + (
        f" {ngettext('%(num)s point without a number.', '%(num)s points without a number.', gaps)}" if gaps else ""
    )
