"""The company page, and the same data as a JSON document. Both show only the workspaces that the visitor may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from syncd.config import Config
from syncd.config.project import clock_of
from syncd.sdk import SyncdError
from syncd.status.overview import WORST_FIRST
from syncd.web.bounded import Bounded
from syncd.web.conditional import json_answer
from syncd.web.daemon import Daemon
from syncd.web.openapi import description, reads, reference
from syncd.web.operations import check_parameters
from syncd.web.pages import frame_of, render
from syncd.web.places import place_of
from syncd.web.visitors import form_token, visitor_of
from syncd.workspaces.door import Visible, visible_of
from syncd.workspaces.headline import headline, is_failing, is_stale, worst_first
from syncd.workspaces.kept_overviews import KeptOverviews
from syncd.workspaces.overview import WorkspaceOverview, WorkspacesDocument, broken_overview, workspaces_document

_ADDRESS = "/api/workspaces"
_MEANING = "How each workspace stands that you may see: the document of `syncd status --all --json`."


def deployment_routes(config: Callable[[], Config], workers: Callable[[], int | None]) -> list[BaseRoute]:
    """The routes. `config` returns the deployment's configuration, `workers` the number of workers, if any."""
    read = Bounded("overview", threads=4, seconds=20)
    kept = KeptOverviews()

    async def overview(name: str, daemon: Daemon) -> WorkspaceOverview:
        """The overview of a workspace. A problem of the workspace is shown in its overview, and does not affect other
        overviews.
        """
        try:
            overview = await read.run(lambda: kept.of(name, daemon), lambda: daemon.ledger)
        except SyncdError as error:
            return broken_overview(name, str(error))
        return replace(overview, problem=broken_overview(name, daemon.config_problem).problem)

    async def overviews(visible: Visible) -> Sequence[WorkspaceOverview]:
        """The overviews of all visible workspaces, by name."""
        served = await asyncio.gather(*(overview(name, daemon) for name, daemon in visible.workspaces.items()))
        broken = (broken_overview(name, problem) for name, problem in visible.broken.items())
        return sorted([*served, *broken], key=lambda each: each.name)

    async def page(request: Request) -> Response:
        shown, now = await overviews(visible_of(request)), clock_of(config().settings)()
        return HTMLResponse(_page(request, shown, workers(), now.astimezone(config().zone)))

    async def document(request: Request) -> Response:
        check_parameters((), request)
        return json_answer(request, {**workspaces_document(await overviews(visible_of(request)))})

    async def index(request: Request) -> Response:
        return json_answer(request, {"openapi.json": "/api/openapi.json", "workspaces": _ADDRESS})

    async def described(request: Request) -> Response:
        paths = {_ADDRESS: {"get": reads("workspaces", _MEANING, [], reference(WorkspacesDocument))}}
        return json_answer(request, description(paths, [WorkspacesDocument]))

    return [
        Route("/", page),
        Route("/api/", index),
        Route("/api/openapi.json", described),
        Route(_ADDRESS, document),
    ]


def _page(request: Request, overviews: Sequence[WorkspaceOverview], workers: int | None, now: datetime) -> str:
    return render(
        "workspaces.html",
        **frame_of(place_of(request.scope)),
        visitor=visitor_of(request),
        form_token=form_token(request),
        problem=visible_of(request).problem,
        sentence=headline(overviews, now),
        overviews=worst_first(overviews, now),
        healths=WORST_FIRST,
        workers=workers,
        now=now,
        is_stale=is_stale,
        nothing_pulled=bool(overviews) and not any(each.synced_at or is_failing(each) for each in overviews),
    )
