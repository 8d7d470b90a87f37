"""What probes and Prometheus ask of a company."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from syncd.web.bounded import Bounded
from syncd.workspaces.company import Company

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def make_probes(company: Company) -> ASGIApp:
    """The application that answers `/healthz`, `/readyz` and `/metrics`."""
    probes = Bounded("probe", threads=2, seconds=5)

    async def healthz(_: Request) -> Response:
        if (seconds := company.standstill()) is not None:
            return PlainTextResponse(f"nothing has moved for {seconds:.0f} s; restart syncd\n", 503)
        return PlainTextResponse("stopping\n" if company.stopping else "ok\n")

    def readyz(_: Request) -> Response:
        reason = company.not_ready()
        return PlainTextResponse("ready\n") if reason is None else PlainTextResponse(f"{reason}\n", 503)

    def metrics(_: Request) -> Response:
        return Response(company.scrape(), media_type=_METRICS)

    def metrics_without_ledgers(_: Request) -> Response:
        return Response(company.scrape(ledger=False), media_type=_METRICS)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", probes(readyz)),
            Route("/metrics", probes(metrics, metrics_without_ledgers)),
        ]
    )
