"""The API: what the pages show, as the JSON documents that the commands print with `--json`."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from syncd.explain.documents import request_document
from syncd.explain.requests import state_words
from syncd.web.bounded import Bounded
from syncd.web.conditional import json_answer
from syncd.web.daemon import Daemon
from syncd.web.operations import ACTIONS, OPERATIONS, Action, Operation, StoredDocument, check_parameters
from syncd.web.places import place_of
from syncd.web.posted import Posted, post_endpoint
from syncd.web.view import view_of


def api_routes(daemon: Daemon, bounded: Bounded) -> list[BaseRoute]:
    """The routes under `/api/`."""

    def endpoint(operation: Operation) -> Any:
        def answer(request: Request) -> Response:
            check_parameters(operation.parameters, request)
            return json_answer(request, operation.answer(view_of(daemon, request), request))

        return bounded(answer)

    def described(request: Request) -> Response:
        from syncd.web.openapi import openapi  # few clients request it, and it builds the schema of every document

        root = place_of(request.scope).root
        return json_answer(request, {**openapi(), "servers": [{"url": root}]} if root else openapi())

    def act(action: Action) -> Any:
        def answer(request: Request, posted: Posted) -> Response:
            check_parameters(action.parameters, request)
            view = view_of(daemon, request)
            stored = action.act(view, str(request.path_params["id"]), posted)
            zone = view.okrs.period.zone
            document: StoredDocument = {**request_document(stored, zone), "message": state_words(stored)}
            return JSONResponse(document, 202)

        return post_endpoint(answer, bounded)

    async def index(request: Request) -> Response:
        root = place_of(request.scope).root
        names = {operation.path.split("/")[2]: f"{root}{operation.path}" for operation in reversed(OPERATIONS)}
        return json_answer(request, dict(sorted(names.items())))

    return [
        Route("/api/", index),
        Route("/api/openapi.json", bounded(described)),
        *(Route(operation.path, endpoint(operation)) for operation in OPERATIONS),
        *(Route(action.path, act(action), methods=["POST"]) for action in ACTIONS),
    ]
