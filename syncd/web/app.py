"""The application: pages for people, and answers for probes, Prometheus and programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from syncd.ledger import LedgerError
from syncd.web import home, key_result, objective, reviews, sources
from syncd.web.api import api_routes
from syncd.web.bounded import Bounded
from syncd.web.daemon import Daemon
from syncd.web.errors import broken, refused, unreadable
from syncd.web.guard import Guard
from syncd.web.hooks import hook_endpoint
from syncd.web.pages import HERE
from syncd.web.view import View, view_of
from syncd.web.visitors import OpenDoor

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def make_app(daemon: Daemon, listens_on: str = "127.0.0.1") -> ASGIApp:
    """The application that shows what this daemon reports, for a server that listens on this host."""
    pages = Bounded("page", threads=4, seconds=20)
    hooks = Bounded("hook", threads=2, seconds=8)
    probes = Bounded("probe", threads=2, seconds=5)

    def page(text: Callable[[View, Request], str]) -> Callable[[Request], Any]:
        return pages(lambda request: HTMLResponse(text(view_of(daemon, request), request)))

    async def healthz(_: Request) -> Response:
        if daemon.stopping:
            return PlainTextResponse("stopping\n")
        if (seconds := daemon.standstill()) is not None:
            text = f"the service has not moved for {seconds:.0f} s; restart it, and report this with its log\n"
            return PlainTextResponse(text, status_code=503)
        return PlainTextResponse("ok\n")

    def readyz(_: Request) -> Response:
        if daemon.ledger_problem is not None:
            return PlainTextResponse(f"{daemon.ledger_problem}\n", status_code=503)
        daemon.check_ledger()
        if daemon.standing_by is not None:
            return PlainTextResponse(f"standing by: {daemon.standing_by}\n", status_code=503)
        if daemon.ledger is None or daemon.ledger.cycles.last(pulled=True) is None:
            return PlainTextResponse("no cycle has ended yet\n", status_code=503)
        return PlainTextResponse("ready\n")

    def metrics(_: Request) -> Response:
        return Response(daemon.scrape(), media_type=_METRICS)

    def metrics_without_ledger(_: Request) -> Response:
        return Response(daemon.scrape(ledger=False), media_type=_METRICS)

    app = Starlette(
        routes=[
            Route("/", page(lambda view, request: home.page(view, request.query_params))),
            Route("/objectives/{id}", page(lambda view, request: objective.page(view, request.path_params["id"]))),
            Route(
                "/key-results/{id}",
                page(lambda view, request: key_result.page(view, request.path_params["id"], request.query_params)),
            ),
            Route("/reviews/week", page(lambda view, _: reviews.page(view, whole=False))),
            Route("/reviews/period", page(lambda view, _: reviews.page(view, whole=True))),
            Route("/sources", page(lambda view, _: sources.page(view))),
            Route("/healthz", healthz),
            Route("/readyz", probes(readyz)),
            Route("/metrics", probes(metrics, metrics_without_ledger)),
            *api_routes(daemon, pages),
            Route("/hooks/{connection}", hook_endpoint(daemon.receive_webhook, hooks), methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        exception_handlers={LedgerError: unreadable, HTTPException: refused, Exception: broken},
    )
    return Guard(OpenDoor(app), listens_on, lambda: daemon.config.settings.web.address)
