"""The page of an objective: is the work moving the outcome?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from syncd.explain.event_words import event_words
from syncd.explain.history import Series, by_point, history
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.words import HEALTH_SIGNS, HEALTH_WORDS, day, goal, value_figure
from syncd.sdk.language import gettext as _
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report, report_of
from syncd.status.verdicts import VERDICT_SIGNS, JudgedLink, ordered
from syncd.web.lanes import NARROW, WIDE, Arrow, Lane, draw_lanes
from syncd.web.lines import Figures, chart_of
from syncd.web.pages import render
from syncd.web.view import View
from syncd.web.zoom import Zoom


@dataclass(frozen=True, slots=True)
class Branch:
    """A key result of the tree: an outcome with the links that lead to it, or an output that drives nothing here."""

    line: KeyResultLine
    links: Sequence[JudgedLink] = ()


@dataclass(frozen=True, slots=True)
class Relative:
    """The larger objective that this one supports, or one that supports it. Its standing is None if another period
    has it, its address if it has left the files.
    """

    title: str
    address: str | None
    standing: ObjectiveStanding | None
    larger: bool


def page(view: View, name: str, query: QueryParams) -> str:
    """The page. HTTPException 404 if the period has no such objective."""
    report = report_of(view.snapshot)
    block = next((block for block in report.objectives if block.objective.id == name), None)
    if block is None:
        raise HTTPException(404, _("%(period)s has no such objective", period=view.okrs.period.id))
    zoom, lines = Zoom.of(query), _in_order(block)
    series = {
        line.key_result.id: history(view.snapshots, view.snapshot, line.key_result, backfill=True) for line in lines
    }
    links = _links_to(report, block)
    return render(
        "objective.html",
        **view.frame(),
        here="",
        block=block,
        lines={line.key_result.id: line for line in report.lines},
        drawings=_drawings(view, block, lines, links, series, zoom),
        figures=_figures([series[line.key_result.id] for line in lines], zoom),
        switches=list(zoom.switches(query, view.okrs.period)),
        links=ordered(block.alignment),
        branches=list(_branches(lines, links)),
        relatives=list(_relatives(view, report, block)),
    )


def _in_order(block: ObjectiveBlock) -> Sequence[KeyResultLine]:
    """Each outcome, followed by the outputs that drive it first; then the outputs that drive nothing here."""
    outcomes = [line for line in block.key_results if line.key_result.kind == "outcome"]
    rank = {line.key_result.id: index for index, line in enumerate(outcomes)}

    def place(line: KeyResultLine) -> tuple[int, bool]:
        driven = [rank[link.outcome] for link in line.key_result.drives if link.outcome in rank]
        return rank.get(line.key_result.id, driven[0] if driven else len(rank)), line.key_result.kind == "output"

    return sorted(block.key_results, key=place)


def _links_to(report: Report, block: ObjectiveBlock) -> Sequence[JudgedLink]:
    """The links of this objective's outputs, and those of other objectives' outputs to its outcomes."""
    own = {line.key_result.id for line in block.key_results}
    of_others = (link for other in report.objectives if other is not block for link in other.alignment)
    return [*block.alignment, *(link for link in of_others if link.alignment.outcome in own)]


def _branches(lines: Sequence[KeyResultLine], links: Sequence[JudgedLink]) -> Iterator[Branch]:
    outcomes = {line.key_result.id for line in lines if line.key_result.kind == "outcome"}
    driving = {link.alignment.output for link in links if link.alignment.outcome in outcomes}
    for line in lines:
        name = line.key_result.id
        if name in outcomes:
            yield Branch(line, [link for link in links if link.alignment.outcome == name])
        elif name not in driving:
            yield Branch(line, [link for link in links if link.alignment.output == name])


def _drawings(
    view: View,
    block: ObjectiveBlock,
    lines: Sequence[KeyResultLine],
    links: Sequence[JudgedLink],
    series: Mapping[str, Series],
    zoom: Zoom,
) -> tuple[Markup, Markup] | None:
    """The lanes for wide and for narrow screens; None if no value was ever kept."""
    if not any(each.points for each in series.values()):
        return None
    today = view.day or view.frame()["today"]
    lanes = [
        Lane(line.key_result.id, chart_of(series[line.key_result.id], today, zoom), _lane_words(line)) for line in lines
    ]
    arrows = [_arrow(link, today) for link in links]
    title = _("%(title)s: outcomes and work on one axis of time", title=block.objective.title)
    description = " ".join(link.brief for link in ordered(links)) or _("No work of it drives an outcome.")
    wide, narrow = (draw_lanes(title, description, lanes, arrows, frame) for frame in (WIDE, NARROW))
    return wide, narrow


def _lane_words(line: KeyResultLine) -> Sequence[tuple[str, str]]:
    kr, health = line.key_result, line.standing.health
    return [
        (kr.id, "name"),
        (f"{value_figure(kr, line.value, _('unknown'))} · {goal(kr)}", "figure"),
        (f"{HEALTH_SIGNS[health]} {_(HEALTH_WORDS[health])}", f"health {health}"),
    ]


def _arrow(link: JudgedLink, today: date) -> Arrow:
    """The link as an arrow. If its output is not on pace, it starts on no day: then it stands at today."""
    alignment, verdict = link.alignment, link.alignment.verdict
    since = alignment.since or today
    due = since + alignment.lag if alignment.since else today
    words = f"{VERDICT_SIGNS[verdict]} {link.words}"
    if verdict == "too_early":
        words = _("%(verdict)s until %(day)s", verdict=words, day=day(due))
    return Arrow(alignment.output, alignment.outcome, since, due, words, verdict)


def _figures(every: Sequence[Series], zoom: Zoom) -> Figures:
    """The table behind the lanes: a value for each key result, and what happened on that day."""
    rows: dict[date, list[str]] = {}
    for column, series in enumerate(every):
        events = by_point(series)
        for point in zoom.points(series.points):
            row = rows.setdefault(point.day, [""] * (len(every) + 1))
            row[column] = value_figure(series.key_result, point.value, _("unknown"))
            happened = (event_words(event, series) for event in events.get(point.day, ()))
            row[-1] = "; ".join(filter(None, (row[-1], *(f"{series.key_result.id} {words}" for words in happened))))
    headings = [_("day"), *(series.key_result.id for series in every), _("what happened")]
    return Figures(_("The chart as a table"), headings, sorted(rows.items()))


def _relatives(view: View, report: Report, block: ObjectiveBlock) -> Iterator[Relative]:
    """The larger objective that this one supports, then those that support it."""
    own, query = view.okrs.period.id, view.frame()["query"]
    by_name = {
        other.id if okrs.period.id == own else f"{other.id} ({okrs.period.id})": (other, okrs.period.id)
        for okrs in view.daemon.config.periods
        for other in okrs.objectives
    }

    def relative(name: str, standing: ObjectiveStanding | None, *, larger: bool) -> Relative:
        other, period = by_name.get(name, (None, own))
        if other is None:  # it has left the files
            return Relative(name, None, standing, larger)
        keep = query if period == own else f"?{urlencode({'period': period})}"
        return Relative(other.title, f"/objectives/{other.id}{keep}", standing, larger)

    objective = block.objective
    if objective.supports is not None:
        name = f"{objective.supports} ({objective.supports_in})" if objective.supports_in else objective.supports
        standing = next((each.standing for each in report.objectives if each.objective.id == name), None)
        yield relative(name, standing, larger=True)
    for name, supporting in block.supporting:
        yield relative(name, supporting, larger=False)
