"""The API: what the pages show, as the JSON documents that the commands print with `--json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syncd.explain.documents import explanation, series_document
from syncd.explain.history import history
from syncd.okr.goals import KeyResult
from syncd.review import review
from syncd.review.document import document as review_document
from syncd.status.document import document
from syncd.status.report import report_of
from syncd.status.unwritten import trouble_document
from syncd.web import sources
from syncd.web.bounded import Bounded
from syncd.web.daemon import Daemon
from syncd.web.refusals import as_json
from syncd.web.view import View, view_of

Answer = Callable[[View, Request], Mapping[str, Any]]


def api_routes(daemon: Daemon, bounded: Bounded) -> list[BaseRoute]:
    """The routes under `/api/`; each takes `?period=`, and those of a key result `?at=` of a past day."""
    answers: dict[str, Answer] = {
        "/api/status": _status,
        "/api/key-results/{id}": _explanation,
        "/api/key-results/{id}/history": _history,
        "/api/sources": _sources,
        "/api/review": _review,
    }

    def endpoint(answer: Answer) -> Any:
        return bounded(lambda request: as_json(answer(view_of(daemon, request), request)))

    async def index(_: Request) -> Response:
        return as_json({path.rpartition("/api/")[2].partition("/")[0]: path for path in reversed(list(answers))})

    return [Route("/api/", index), *(Route(path, endpoint(answer)) for path, answer in answers.items())]


def _status(view: View, _: Request) -> Mapping[str, Any]:
    unwritten = [trouble_document(trouble) for trouble in view.daemon.troubles()]
    return document(report_of(view.snapshot)) | {"unwritten": unwritten}


def _explanation(view: View, request: Request) -> Mapping[str, Any]:
    return explanation(view.snapshot, view.daemon.ledger, _key_result(view, request))


def _history(view: View, request: Request) -> Mapping[str, Any]:
    backfill = request.query_params.get("backfill", "") not in ("", "false", "0")
    return series_document(history(view.snapshots, view.snapshot, _key_result(view, request), backfill=backfill))


def _sources(view: View, _: Request) -> Mapping[str, Any]:
    return sources.document(view)


def _review(view: View, request: Request) -> Mapping[str, Any]:
    whole = request.query_params.get("of") == "period"
    daemon = view.daemon
    return review_document(review(daemon.config, view.okrs, daemon.ledger, view.now, view.day, whole=whole))


def _key_result(view: View, request: Request) -> KeyResult:
    name = request.path_params["id"]
    key_result = view.snapshot.okrs.by_id.get(name)
    if key_result is None:
        raise HTTPException(404, f"{view.okrs.period.id} has no key result {name}")
    return key_result
