"""The body of a request, read with limits of size and time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from syncd.sdk import SyncdError

LARGEST = 1_000_000
"""The maximum size of a body, in bytes."""

FORM = "application/x-www-form-urlencoded"

_SECONDS = 8.0  # less than the limit of the whole request, so that the client gets an answer
_MOST_FIELDS = 100


class BodyRefused(SyncdError):
    """Refuses a body, with the status and the text of the response."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def whole_body(request: Request) -> bytes:
    """Reads the whole body. If the body is too large or too slow, the function stops reading and raises BodyRefused."""
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    raise BodyRefused(413, f"the body is larger than {LARGEST:,} bytes")
    except (TimeoutError, ClientDisconnect):
        raise BodyRefused(408, f"the body did not come within {_SECONDS:g} s") from None
    return bytes(body)


def is_form(request: Request) -> bool:
    """Whether the body is a form without files (application/x-www-form-urlencoded)."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def form_fields(body: bytes) -> Mapping[str, str]:
    """The fields of a form (application/x-www-form-urlencoded). Raises BodyRefused if the body is not a form, or if it
    has a field twice.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BodyRefused(400, f"the body is no form of at most {_MOST_FIELDS} fields") from None
    check_once(name for name, _ in pairs)
    return dict(pairs)


def check_once(names: Iterable[str]) -> None:
    """Raises BodyRefused if a body has a name several times, because only one of the values could count."""
    for name, times in Counter(names).items():
        if times > 1:
            raise BodyRefused(400, f"{name[:50]} stands there {times} times; write it once")


def again(body: bytes, receive: Receive) -> Receive:
    """A channel that first delivers the body that was already read, and then the messages of `receive`."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received
