"""`POST /hooks/CONNECTION`: reads a webhook with limits of size and time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from syncd.web.bodies import BodyRefused, whole_body
from syncd.web.bounded import Bounded

Receiver = Callable[[str, Mapping[str, str], bytes], tuple[int, str]]
"""Handles a webhook of a connection, and returns the status and the text of the response."""


def hook_endpoint(
    receiver: Callable[[Request], Receiver], bounded: Bounded
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that passes webhooks to the receiver of their address, in a thread of `bounded`."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await whole_body(request)
        except BodyRefused as refused:
            return _reply(refused.status, str(refused))
        name, headers = request.path_params["connection"], dict(request.headers)
        return await bounded(lambda same: _reply(*receiver(same)(name, headers, body)))(request)

    return endpoint


def _reply(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status_code=status)
