"""The addresses of a project: its pages, its API, and the events of its open pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Route

from syncd.ledger import LedgerError
from syncd.web import home, key_result, objective, reviews, sources
from syncd.web.api import api_routes
from syncd.web.bounded import Bounded, Overdue
from syncd.web.daemon import Daemon
from syncd.web.events import Events, Streams
from syncd.web.evidence import csv_of
from syncd.web.page_forms import page_form_routes
from syncd.web.problems import failed, refused, unreadable
from syncd.web.view import View, view_of

HANDLERS: Any = {LedgerError: unreadable, Overdue: unreadable, HTTPException: refused, Exception: failed}
"""The functions that answer requests that fail, by the type of the error."""


def project_routes(daemon: Daemon, streams: Streams) -> list[BaseRoute]:
    """The routes of the project that a daemon serves; `streams` counts the event streams of the whole process."""
    pages = Bounded("page", threads=4, seconds=20, ledger=lambda: daemon.ledger)

    def page(text: Callable[[View, Request], str]) -> Callable[[Request], Any]:
        return pages(lambda request: HTMLResponse(text(view_of(daemon, request), request)))

    return [
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
        Route("/events", Events(daemon, streams), methods=["GET"]),
        *api_routes(daemon, pages),
        *page_form_routes(daemon, pages),
    ]
