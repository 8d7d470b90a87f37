"""The routes for probes and Prometheus, and the static files of every page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from syncd.ledger import Ledger
from syncd.web.bounded import Bounded
from syncd.web.pages import HERE
from syncd.web.visitors import is_anonymous

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Process(Protocol):
    """The process that serves the pages, as probes see it."""

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end."""
        ...

    def standstill(self) -> float | None:
        """For how many seconds the loop of the process has been stuck; None if it is not stuck."""
        ...

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics in Prometheus' text format. `ledger=False` leaves out the metrics that are read from the
        ledger.
        """
        ...


def probe_routes(
    process: Process, not_ready: Callable[[], str | None], ledger: Callable[[], Ledger | None] = lambda: None
) -> list[BaseRoute]:
    """The routes. `not_ready` returns the reason why the process is not ready, or None if it is ready; it may raise
    LedgerError. `ledger` returns the process's ledger, if the process has only one.
    """
    probes = Bounded("probe", threads=2, seconds=5, ledger=ledger)

    async def healthz(request: Request) -> Response:
        if process.stopping:
            return _of_probe(request, "stopping")
        if (seconds := process.standstill()) is not None:
            text = f"the service has not moved for {seconds:.0f} s; restart it, and report this with its log"
            return _of_probe(request, text, 503)
        return _of_probe(request, "ok")

    def readyz(request: Request) -> Response:
        reason = not_ready()
        return _of_probe(request, "ready") if reason is None else _of_probe(request, reason, 503)

    def metrics(_: Request) -> Response:
        return Response(process.scrape(), media_type=_METRICS)

    def metrics_without_ledger(_: Request) -> Response:
        return Response(process.scrape(ledger=False), media_type=_METRICS)

    return [
        Route("/healthz", healthz),
        Route("/readyz", probes(readyz)),
        Route("/metrics", probes(metrics, metrics_without_ledger)),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]


def _of_probe(request: Request, text: str, status: int = 200) -> Response:
    """The response to a probe. A request without a visitor gets only the status."""
    return PlainTextResponse("" if is_anonymous(request) else f"{text}\n", status_code=status)
