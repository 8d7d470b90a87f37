"""`POST /hooks/CONNECTION`: reads a webhook within bounds of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from syncd.web.bounded import Bounded

LARGEST = 1_000_000
"""Bytes of a webhook's body."""

_SECONDS = 10.0  # as long as GitHub waits for an answer

Receiver = Callable[[str, Mapping[str, str], bytes], tuple[int, str]]
"""The status and the sentence that answer a webhook of a connection."""


def hook_endpoint(receive: Receiver, bounded: Bounded) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that hands webhooks to `receive`, in a thread of `bounded`."""

    async def endpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(_SECONDS):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return _reply(408, f"the body did not come within {_SECONDS:g} s")
        if body is None:
            return _reply(413, f"the body is larger than {LARGEST:,} bytes")
        name, headers, whole = request.path_params["connection"], dict(request.headers), body
        return await bounded(lambda _: _reply(*receive(name, headers, whole)))(request)

    return endpoint


async def _body(request: Request) -> bytes | None:
    """The body; None if it is too large, and then its rest is not read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _reply(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status_code=status)
