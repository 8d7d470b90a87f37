"""The pages: the dashboard for people, and answers for probes, Prometheus and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from syncd.ledger import LedgerError
from syncd.okr import words
from syncd.status import checkin_words, verdicts
from syncd.status.document import document
from syncd.status.report import Report
from syncd.status.unwritten import Trouble, in_short, trouble_document
from syncd.web.bounded import Bounded
from syncd.web.guard import Guard
from syncd.web.hooks import hook_endpoint

_HERE = Path(__file__).parent
_PAGES = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)
_PAGES.globals.update(words=words, verdicts=verdicts, checkin_words=checkin_words)
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Daemon(Protocol):
    """What the pages need of the daemon."""

    cycle_problem: str | None
    ledger_problem: str | None
    standing_by: str | None

    @property
    def config_problem(self) -> str | None:
        """Why the files are not in use; None if they are."""
        ...

    @property
    def address(self) -> str | None:
        """Where people open the pages, as configured."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether it is about to end."""
        ...

    def standstill(self) -> float | None:
        """For how many seconds its loop has not moved, if it should have; else None."""
        ...

    def check_ledger(self) -> None:
        """Raises LedgerError if the ledger in use is not at its address any more, or not to be written to."""
        ...

    def report(self, period: str | None = None) -> Report | None:
        """The report of a period; None if there is no such period."""
        ...

    def troubles(self) -> Sequence[Trouble]:
        """The check-ins that are not written."""
        ...

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """The status and the sentence that answer a webhook of a connection; `headers` have lower-case names."""
        ...

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics, in Prometheus' text format; without those that the `ledger` is read for, if it is silent."""
        ...


def make_app(daemon: Daemon, listens_on: str = "127.0.0.1") -> ASGIApp:
    """The application that shows what this daemon reports, for a server that listens on this host."""
    pages = Bounded("page", threads=4, seconds=20)
    hooks = Bounded("hook", threads=2, seconds=8)
    probes = Bounded("probe", threads=2, seconds=5)

    def index(request: Request) -> Response:
        report = daemon.report(request.query_params.get("period"))
        if report is None:
            return PlainTextResponse("there is no such period\n", status_code=404)
        page = _PAGES.get_template("status.html").render(
            report=report, daemon=daemon, unwritten=list(in_short(daemon.troubles()))
        )
        return HTMLResponse(page)

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
        report = daemon.report()
        if report is None or report.synced_at is None:
            return PlainTextResponse("no cycle has ended yet\n", status_code=503)
        return PlainTextResponse("ready\n")

    def metrics(_: Request) -> Response:
        return Response(daemon.scrape(), media_type=_METRICS)

    def metrics_without_ledger(_: Request) -> Response:
        return Response(daemon.scrape(ledger=False), media_type=_METRICS)

    def api_status(request: Request) -> Response:
        report = daemon.report(request.query_params.get("period"))
        if report is None:
            return _json({"error": "there is no such period"}, 404)
        unwritten = [trouble_document(trouble) for trouble in daemon.troubles()]
        return _json(document(report) | {"unwritten": unwritten})

    def unreadable(_: Request, error: Exception) -> Response:
        return PlainTextResponse(f"{error}\n", status_code=503)

    async def api_index(_: Request) -> Response:
        return _json({"status": "/api/status"})

    app = Starlette(
        routes=[
            Route("/", pages(index)),
            Route("/healthz", healthz),
            Route("/readyz", probes(readyz)),
            Route("/metrics", probes(metrics, metrics_without_ledger)),
            Route("/api/", api_index),
            Route("/api/status", pages(api_status)),
            Route("/hooks/{connection}", hook_endpoint(daemon.receive_webhook, hooks), methods=["POST"]),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        exception_handlers={LedgerError: unreadable},
    )
    return Guard(app, listens_on, lambda: daemon.address)


def _json(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status_code=status, media_type="application/json")
