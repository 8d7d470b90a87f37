"""The endpoints of a worker: probes and metrics, but no pages."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from syncd.workspaces.worker import Worker

_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def make_probes(worker: Worker) -> ASGIApp:
    """The application for a worker's `--listen`. Its answers contain no names of workspaces and no reasons, because
    anybody may request them.
    """

    async def healthz(_: Request) -> Response:
        if not worker.stopping and worker.standstill() is not None:
            return PlainTextResponse("it has not moved; restart it\n", 503)
        return PlainTextResponse("stopping\n" if worker.stopping else "ok\n")

    async def readyz(_: Request) -> Response:
        if worker.stopping or worker.problem() is not None:
            return PlainTextResponse("it takes no jobs; see its log\n", 503)
        return PlainTextResponse("ready\n")

    async def metrics(_: Request) -> Response:
        return Response(worker.scrape(), media_type=_METRICS)

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)])
