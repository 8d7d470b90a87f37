"""The chart of lanes of an objective, for its page and the present mode, and the same data as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from syncd.explain.event_words import event_words
from syncd.explain.history import Series, by_point, history
from syncd.okr.words import HEALTH_SIGNS, HEALTH_WORDS, day, goal, value_figure
from syncd.sdk.language import gettext as _
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.verdicts import VERDICT_SIGNS, JudgedLink, ordered
from syncd.web.lanes import NARROW, WIDE, Arrow, Lane, draw_lanes
from syncd.web.lines import Figures, chart_of
from syncd.web.view import View
from syncd.web.zoom import Zoom


@dataclass(frozen=True, slots=True)
class ObjectiveLanes:
    """The key results in the order of their lanes, and the links that concern them.

    `drawings` are for wide and for narrow screens, None if no value was ever stored.
    """

    lines: Sequence[KeyResultLine]
    links: Sequence[JudgedLink]
    drawings: tuple[Markup, Markup] | None
    figures: Figures


def lanes_of(view: View, report: Report, block: ObjectiveBlock, zoom: Zoom) -> ObjectiveLanes:
    """The lanes of an objective of a report."""
    lines, links = _in_order(block), _links_to(report, block)
    series = {
        line.key_result.id: history(view.snapshots, view.snapshot, line.key_result, backfill=True) for line in lines
    }
    axis = zoom.span(view.snapshot.okrs.period, *(each.points for each in series.values()))
    drawings = _drawings(view, block, lines, links, series, zoom, axis)
    return ObjectiveLanes(lines, links, drawings, _figures(list(series.values()), zoom, axis))


def _in_order(block: ObjectiveBlock) -> Sequence[KeyResultLine]:
    """The key results in the order of their lanes. Each outcome is followed by the outputs that name it first in
    `drives`. Outputs that drive none of these outcomes come last.
    """
    outcomes = [line for line in block.key_results if line.key_result.kind == "outcome"]
    rank = {line.key_result.id: index for index, line in enumerate(outcomes)}

    def place(line: KeyResultLine) -> tuple[int, bool]:
        driven = [rank[link.outcome] for link in line.key_result.drives if link.outcome in rank]
        return rank.get(line.key_result.id, driven[0] if driven else len(rank)), line.key_result.kind == "output"

    return sorted(block.key_results, key=place)


def _links_to(report: Report, block: ObjectiveBlock) -> Sequence[JudgedLink]:
    """The links of this objective's outputs, and links from outputs of other objectives to its outcomes."""
    own = {line.key_result.id for line in block.key_results}
    of_others = (link for other in report.objectives if other is not block for link in other.alignment)
    return [*block.alignment, *(link for link in of_others if link.alignment.outcome in own)]


def _drawings(
    view: View,
    block: ObjectiveBlock,
    lines: Sequence[KeyResultLine],
    links: Sequence[JudgedLink],
    series: Mapping[str, Series],
    zoom: Zoom,
    axis: tuple[date, date],
) -> tuple[Markup, Markup] | None:
    if not any(each.points for each in series.values()):
        return None
    today = view.day or view.frame()["today"]
    lanes = [
        Lane(line.key_result.id, chart_of(series[line.key_result.id], today, zoom, axis), _lane_words(line))
        for line in lines
    ]
    arrows = [_arrow(link, min(today, axis[1])) for link in links]
    title = _("%(title)s: outcomes and work on one axis of time", title=block.objective.title)
    description = " ".join(link.brief for link in ordered(links)) or _("No work of it drives an outcome.")
    wide, narrow = (draw_lanes(title, description, lanes, arrows, frame) for frame in (WIDE, NARROW))
    return wide, narrow


def _lane_words(line: KeyResultLine) -> Sequence[tuple[str, str]]:
    kr, health = line.key_result, line.standing.health
    return [
        (kr.id, "name"),
        (f"{value_figure(kr, line.value, _('unknown'))} · {goal(kr, line.value)}", "figure"),
        (f"{HEALTH_SIGNS[health]} {_(HEALTH_WORDS[health])}", f"health {health}"),
    ]


def _arrow(link: JudgedLink, today: date) -> Arrow:
    """The link as an arrow. If the output is not on pace, the arrow starts and ends at `today`."""
    alignment, verdict = link.alignment, link.alignment.verdict
    since = alignment.since or today
    due = since + alignment.lag if alignment.since else today
    words = f"{VERDICT_SIGNS[verdict]} {link.words}"
    if verdict == "too_early":
        words = _("%(verdict)s until %(day)s", verdict=words, day=day(due))
    return Arrow(alignment.output, alignment.outcome, since, due, words, verdict)


def _figures(every: Sequence[Series], zoom: Zoom, axis: tuple[date, date]) -> Figures:
    """The data of the lanes as a table: for each day, the value of each key result, and the events."""
    rows: dict[date, list[str]] = {}
    for column, series in enumerate(every):
        events = by_point(series)
        for point in zoom.points(series.points, axis[1]):
            row = rows.setdefault(point.day, [""] * (len(every) + 1))
            row[column] = value_figure(series.key_result, point.value, _("unknown"))
            happened = (event_words(event, series) for event in events.get(point.day, ()))
            row[-1] = "; ".join(filter(None, (row[-1], *(f"{series.key_result.id} {words}" for words in happened))))
    headings = [_("day"), *(series.key_result.id for series in every), _("what happened")]
    return Figures(_("The chart as a table"), headings, sorted(rows.items()))
