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
from syncd.web.attempts import Attempts
from syncd.web.bounded import Bounded, Overdue
from syncd.web.daemon import Daemon
from syncd.web.deployment_key import DeploymentKey
from syncd.web.door import Door
from syncd.web.events import Events
from syncd.web.evidence import csv_of
from syncd.web.guard import Guard, is_loopback
from syncd.web.hooks import hook_endpoint
from syncd.web.languages import Languages, Spoken
from syncd.web.login import LoginPages
from syncd.web.page_forms import page_form_routes
from syncd.web.pages import HERE
from syncd.web.problems import failed, refused, unreadable
from syncd.web.styleguide import styleguide
from syncd.web.view import View, view_of
from syncd.web.visitors import Role, Visitor, is_anonymous

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def make_app(
    daemon: Daemon,
    listens_on: str = "127.0.0.1",
    *,
    insecure: bool = False,
    for_developers: bool = False,
    languages: Languages | None = None,
) -> ASGIApp:
    """The application that shows what this daemon reports, for a server that listens on this host.

    `insecure`: without a login, whoever reaches it may see and do everything, even where others reach it.
    `for_developers`: it also has the page of the design system. `languages` are those of the pages, by default all that
    syncd brings.
    """
    pages = Bounded("page", threads=4, seconds=20)
    hooks = Bounded("hook", threads=2, seconds=8)
    probes = Bounded("probe", threads=2, seconds=5)

    def page(text: Callable[[View, Request], str]) -> Callable[[Request], Any]:
        return pages(lambda request: HTMLResponse(text(view_of(daemon, request), request)))

    async def healthz(request: Request) -> Response:
        if daemon.stopping:
            return _of_probe(request, "stopping")
        if (seconds := daemon.standstill()) is not None:
            text = f"the service has not moved for {seconds:.0f} s; restart it, and report this with its log"
            return _of_probe(request, text, 503)
        return _of_probe(request, "ok")

    def readyz(request: Request) -> Response:
        if daemon.ledger_problem is not None:
            return _of_probe(request, daemon.ledger_problem, 503)
        daemon.check_ledger()
        if daemon.standing_by is not None:
            return _of_probe(request, f"standing by: {daemon.standing_by}", 503)
        if daemon.starting:
            return _of_probe(request, "starting", 503)
        if daemon.ledger is None or daemon.ledger.cycles.last(pulled=True) is None:
            return _of_probe(request, "no cycle has ended yet", 503)
        return _of_probe(request, "ready")

    def metrics(_: Request) -> Response:
        return Response(daemon.scrape(), media_type=_METRICS)

    def metrics_without_ledger(_: Request) -> Response:
        return Response(daemon.scrape(ledger=False), media_type=_METRICS)

    attempts, key = Attempts(), DeploymentKey(daemon)
    app = Starlette(
        routes=[
            Route("/", page(lambda view, request: home.page(view, request.query_params))),
            Route(
                "/objectives/{id}",
                page(lambda view, request: objective.page(view, request.path_params["id"], request.query_params)),
            ),
            Route(
                "/key-results/{id}",
                page(lambda view, request: key_result.page(view, request.path_params["id"], request.query_params)),
            ),
            Route(
                "/key-results/{id}/evidence.csv",
                pages(lambda request: csv_of(view_of(daemon, request), request.path_params["id"])),
            ),
            Route("/reviews/week", page(lambda view, request: reviews.page(view, request.query_params, whole=False))),
            Route("/reviews/period", page(lambda view, request: reviews.page(view, request.query_params, whole=True))),
            Route("/sources", page(lambda view, request: sources.page(view, request.query_params.get("done")))),
            Route("/events", Events(daemon), methods=["GET"]),
            Route("/healthz", healthz),
            Route("/readyz", probes(readyz)),
            Route("/metrics", probes(metrics, metrics_without_ledger)),
            *api_routes(daemon, pages),
            *page_form_routes(daemon, pages),
            *LoginPages(daemon, attempts, key).routes(),
            Route("/hooks/{connection}", hook_endpoint(daemon.receive_webhook, hooks), methods=["POST"]),
            *([Route("/styleguide", styleguide)] if for_developers else ()),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        exception_handlers={LedgerError: unreadable, Overdue: unreadable, HTTPException: refused, Exception: failed},
    )
    trusted = "loopback" if is_loopback(listens_on) else "anybody" if insecure else None
    everybody = Visitor(trusted, Role.OPERATOR) if trusted else None
    spoken = Spoken(Door(app, daemon, everybody, attempts, key), languages or Languages(HERE / "locales"))
    return Guard(spoken, listens_on, lambda: daemon.config.settings.web.address)


def _of_probe(request: Request, text: str, status: int = 200) -> Response:
    """The answer to a probe. Nobody is asked who they are for it, so where others reach it, it is the status alone."""
    return PlainTextResponse("" if is_anonymous(request) else f"{text}\n", status_code=status)
