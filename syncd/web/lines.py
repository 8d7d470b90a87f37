"""The charts of key results: the value by day, its goal and pace, and what happened on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from syncd.explain.edit import Edit
from syncd.explain.event_words import event_words
from syncd.explain.history import CheckInCorrected, Restated, Series, SeriesEvent
from syncd.okr.goals import Band as GoalBand
from syncd.okr.goals import KeyResult, Milestones, Target, expected
from syncd.okr.spans import Period, midnight
from syncd.okr.words import HEALTH_WORDS, goal, value_figure
from syncd.sdk.figures import full_number
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.sdk.numbers import difference
from syncd.web.charts import Band, Chart, Level, Line, Mark


def chart_of(series: Series, today: date | None, bands: Sequence[Band] = ()) -> Chart:
    """The chart of a key result over its whole period. Days without a number are gaps, held numbers rings."""
    kr, period = series.key_result, series.period
    points = series.points
    held = frozenset(point.day for point in points if point.quality == "held")
    value = Line([(point.day, point.value) for point in points], "work" if kr.kind == "output" else "value", held)
    pace = Line(list(_pace(kr, period)), "pace")
    return Chart(
        title=_("%(title)s: day by day", title=kr.title),
        description=_description(series),
        first=period.first,
        last=max([period.last, *(point.day for point in points)]),
        lines=[pace, value],
        levels=list(_levels(kr)),
        bands=[*_bands(kr), *bands],
        marks=[_mark(event, series) for event in series.events],
        today=today if today and period.first <= today <= period.last else None,
    )


def _pace(kr: KeyResult, period: Period) -> Iterator[tuple[date, float]]:
    """What the value should be at the end of each day, where the goal leads from one number to another."""
    if not isinstance(kr.goal, Target) or kr.goal.baseline is None:
        return
    way = difference(kr.goal.target, kr.goal.baseline)
    for offset in range(period.days):
        day = period.first + timedelta(days=offset)
        share = expected(kr, period.span, midnight(day + timedelta(days=1), period.zone))
        yield day, kr.goal.baseline + share * way


def _levels(kr: KeyResult) -> Iterator[Level]:
    match kr.goal:
        case Target(target, baseline):
            if baseline is not None:
                yield Level(baseline, _("baseline %(figure)s", figure=full_number(baseline)))
            yield Level(target, _("target %(figure)s", figure=full_number(target)), "goal")
            yield from (Level(at, f"{name} {full_number(at)}") for name, at in kr.goal.levels if at != target)
        case Milestones(steps):
            yield from (Level(step.at, step.title[:14]) for step in steps)
        case GoalBand(at_least, at_most):
            yield from (Level(edge, full_number(edge), "goal") for edge in (at_least, at_most) if edge is not None)


def _bands(kr: KeyResult) -> Iterator[Band]:
    if isinstance(kr.goal, GoalBand):
        yield Band("band", kr.goal.at_least, kr.goal.at_most)


def _mark(event: SeriesEvent, series: Series) -> Mark:
    sign = "✓"  # an approval
    if isinstance(event, Edit):
        sign = "✎"
    elif isinstance(event, Restated):
        sign = "↺"
    elif isinstance(event, CheckInCorrected):
        sign = "●" if event.withdrawn is None else "○"
    return Mark(event.at.astimezone(series.period.zone).date(), sign, event_words(event, series))


def _description(series: Series) -> str:
    kr, measured = series.key_result, [point for point in series.points if point.value is not None]
    if not measured:
        return _("No number is known yet; the goal is %(goal)s.", goal=goal(kr))
    first, last = measured[0], measured[-1]
    gaps = len(series.points) - len(measured)
    text = _(
        "From %(first)s on %(first_day)s to %(last)s on %(last_day)s, which is %(health)s; the goal is %(goal)s.",
        first=value_figure(kr, first.value),
        first_day=first.day.isoformat(),
        last=value_figure(kr, last.value),
        last_day=last.day.isoformat(),
        health=_(HEALTH_WORDS[last.health]),
        goal=goal(kr),
    )
    return text + (
        f" {ngettext('%(num)s day without a number.', '%(num)s days without a number.', gaps)}" if gaps else ""
    )
