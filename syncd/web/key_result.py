"""The page of a key result: why does it have this number?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from syncd.explain.event_words import event_words
from syncd.explain.evidence import evidence as evidence_of
from syncd.explain.history import Series, by_point, history
from syncd.explain.links import links_of
from syncd.okr.words import number
from syncd.sdk.language import gettext, marked
from syncd.sdk.numbers import difference
from syncd.web.charts import NARROW, draw
from syncd.web.definition import definition_of, differences
from syncd.web.evidence import pages_of, table_of
from syncd.web.lines import chart_of, figures_of
from syncd.web.pages import render
from syncd.web.people import Sent, actions_of
from syncd.web.view import View, address
from syncd.web.zoom import Zoom

_TABS = {"evidence": marked("Evidence"), "history": marked("History"), "definition": marked("Definition")}
_LONGEST_FILTER = 100  # letters
_WEEK = 7  # days, and points of a series


def page(view: View, name: str, query: QueryParams, sent: Sent | None = None) -> str:
    """The HTML of the page. `sent` is a form that could not be stored; the page shows it again. HTTPException 404 if
    the period has no such key result.
    """
    snapshot, ledger, zone = view.snapshot, view.daemon.ledger, view.okrs.period.zone
    key_result = next((kr for kr in snapshot.okrs.key_results if kr.id == name), None)
    if key_result is None:
        raise HTTPException(404, gettext("%(period)s has no such key result", period=view.okrs.period.id))
    tab = query.get("tab", "evidence")
    series = history(view.snapshots, snapshot, key_result, backfill=True)
    evidence = evidence_of(snapshot, ledger, key_result)
    frame, zoom = view.frame(), Zoom.of(query)
    chart = chart_of(series, view.day or frame["today"], zoom)
    return render(
        "key_result.html",
        **frame,
        here="",
        line=evidence.line,
        actions=actions_of(view, evidence.line, query.get("done"), sent),
        key_result=key_result,
        objective=next(each for each in snapshot.okrs.objectives if key_result in each.key_results),
        drawings=(draw(chart, number), draw(chart, number, NARROW)),
        figures=figures_of(series, zoom),
        switches=list(zoom.switches(query, view.okrs.period)),
        series=series,
        evidence=evidence,
        table=table_of(evidence, query.get("find", "")[:_LONGEST_FILTER]),
        pages=pages_of(view.daemon.config, key_result.measure),
        csv=view.link(f"/key-results/{name}/evidence.csv"),
        asked={
            key: value
            for key, value in {**query, "done": None, "period": view.period_of_now}.items()
            if value is not None
        },
        of_day=lambda day: address(query, at=day.isoformat()),
        differences=list(differences(evidence.definition_changes)),
        links=list(links_of(snapshot, ledger, key_result)),
        days=list(_days(series)),
        week=_change_in_a_week(series),
        tabs={name: (gettext(text), address(query, tab=name)) for name, text in _TABS.items()},
        tab=tab if tab in _TABS else "evidence",
        written=definition_of(view, key_result),
        local=lambda moment: moment.astimezone(zone),
    )


def _change_in_a_week(series: Series) -> str | None:
    """The change of the number in the last seven days, such as `-18` or `±0`. None if either number is unknown, or the
    measures differ.
    """
    if len(series.points) <= _WEEK:
        return None
    before, now = series.points[-1 - _WEEK], series.points[-1]
    if before.value is None or now.value is None or before.measure != now.measure:
        return None
    change = difference(now.value, before.value)
    return f"{'+' if change > 0 else ''}{number(change)}" if change else "±0"


def _days(series: Series) -> Iterator[tuple[object, Sequence[str]]]:
    """The days on which the number or its health changed, or something happened; the newest first."""
    events, points = by_point(series), series.points
    for index in range(len(points) - 1, -1, -1):
        point, before = points[index], points[index - 1] if index else None
        sentences = [event_words(event, series) for event in events.get(point.day, ())]
        moved = before is None or (point.value, point.health) != (before.value, before.health)
        if moved or sentences:
            yield point, sentences
