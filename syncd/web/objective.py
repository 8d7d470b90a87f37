"""The page of an objective: is the work moving the outcome?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup
from starlette.exceptions import HTTPException

from syncd.explain.history import history
from syncd.okr.words import number
from syncd.sdk.language import gettext
from syncd.status.report import KeyResultLine, ObjectiveBlock, report_of
from syncd.status.verdicts import JudgedLink, ordered
from syncd.web.charts import Band, Frame, draw
from syncd.web.lines import chart_of
from syncd.web.pages import render
from syncd.web.view import View

_LANE = Frame(960, 150, right=92, bottom=40)
_NARROW_LANE = Frame(360, 150, left=44, right=12, bottom=40)


@dataclass(frozen=True, slots=True)
class Lane:
    """A key result on the objective's axis of time, and the links of an output."""

    line: KeyResultLine
    wide: Markup
    narrow: Markup
    links: Sequence[JudgedLink]


def page(view: View, name: str) -> str:
    """The page. HTTPException 404 if the period has no such objective."""
    report = report_of(view.snapshot)
    block = next((block for block in report.objectives if block.objective.id == name), None)
    if block is None:
        raise HTTPException(404, gettext("%(period)s has no such objective", period=view.okrs.period.id))
    lanes = list(_lanes(view, block))
    return render(
        "objective.html",
        **view.frame(),
        here="",
        block=block,
        outcomes=[lane for lane in lanes if lane.line.key_result.kind == "outcome"],
        outputs=[lane for lane in lanes if lane.line.key_result.kind == "output"],
        links=ordered(block.alignment),
    )


def _lanes(view: View, block: ObjectiveBlock) -> Iterator[Lane]:
    today = view.frame()["today"]
    for line in block.key_results:
        links = [link for link in block.alignment if link.alignment.output == line.key_result.id]
        lags = [
            Band("lag", first=link.alignment.since, last=link.alignment.since + link.alignment.lag)
            for link in links
            if link.alignment.since is not None and link.alignment.lag > timedelta()
        ]
        chart = chart_of(history(view.snapshots, view.snapshot, line.key_result, backfill=True), today, lags)
        yield Lane(line, draw(chart, number, _LANE), draw(chart, number, _NARROW_LANE), links)
