"""The page of an objective: does the work move the outcome?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from syncd.okr.rollup import ObjectiveStanding
from syncd.sdk.language import gettext as _
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report, report_of
from syncd.status.verdicts import JudgedLink, ordered
from syncd.web.objective_lanes import lanes_of
from syncd.web.pages import render
from syncd.web.view import View
from syncd.web.zoom import Zoom


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the tree: an outcome with the links that lead to it, or an output that drives none of the
    outcomes.
    """

    line: KeyResultLine
    links: Sequence[JudgedLink] = ()


@dataclass(frozen=True, slots=True)
class Relative:
    """An objective that the page's objective supports (`larger`), or one that supports the page's objective. `standing`
    is None if the relative belongs to another period. `address` is None if the relative was removed from the files.
    """

    title: str
    address: str | None
    standing: ObjectiveStanding | None
    larger: bool


def page(view: View, name: str, query: QueryParams) -> str:
    """The HTML of the page. HTTPException 404 if the period has no such objective."""
    report = report_of(view.snapshot)
    block = next((block for block in report.objectives if block.objective.id == name), None)
    if block is None:
        raise HTTPException(404, _("%(period)s has no such objective", period=view.okrs.period.id))
    zoom = Zoom.of(query)
    lanes = lanes_of(view, report, block, zoom)
    return render(
        "objective.html",
        **view.frame(),
        here="",
        block=block,
        lines={line.key_result.id: line for line in report.lines},
        lanes=lanes,
        switches=list(zoom.switches(query, view.okrs.period)),
        links=ordered(block.alignment),
        branches=list(_branches(lanes.lines, lanes.links)),
        relatives=list(_relatives(view, report, block)),
    )


def _branches(lines: Sequence[KeyResultLine], links: Sequence[JudgedLink]) -> Iterator[Branch]:
    outcomes = {line.key_result.id for line in lines if line.key_result.kind == "outcome"}
    driving = {link.alignment.output for link in links if link.alignment.outcome in outcomes}
    for line in lines:
        name = line.key_result.id
        if name in outcomes:
            yield Branch(line, [link for link in links if link.alignment.outcome == name])
        elif name not in driving:
            yield Branch(line, [link for link in links if link.alignment.output == name])


def _relatives(view: View, report: Report, block: ObjectiveBlock) -> Iterator[Relative]:
    """The larger objective that this objective supports, then the objectives that support this one."""
    own = view.okrs.period.id
    by_name = {
        other.id if okrs.period.id == own else f"{other.id} ({okrs.period.id})": (other, okrs.period.id)
        for okrs in (*view.daemon.config.periods, view.snapshot.okrs)
        for other in okrs.objectives
    }

    def relative(name: str, standing: ObjectiveStanding | None, *, larger: bool) -> Relative:
        other, period = by_name.get(name, (None, own))
        if other is None:  # it was removed from the files
            return Relative(name, None, standing, larger)
        elsewhere = {} if period == own else {"period": period}
        return Relative(other.title, view.link(f"/objectives/{other.id}", **elsewhere), standing, larger)

    objective = block.objective
    if objective.supports is not None:
        name = f"{objective.supports} ({objective.supports_in})" if objective.supports_in else objective.supports
        standing = next((each.standing for each in report.objectives if each.objective.id == name), None)
        yield relative(name, standing, larger=True)
    for name, supporting in block.supporting:
        yield relative(name, supporting, larger=False)
