"""A whole HTTP request through httpx: its answer, limited in time and size, or the error that the request ends in.

httpx limits each read, not the whole request: a server that sends a byte now and then, or an endless answer, would hold
a connection for ever. Only cancelling a task can end a request in every state (name, TLS, headers, body), so each
client runs httpx's asynchronous half on its own event loop. All code outside this module is synchronous.

| what happens | a request that may be repeated | a POST or PATCH that writes |
|---|---|---|
| no connection: refused, no such name, too slow | RetryLater | RetryLater: nothing was sent |
| a certificate that is not accepted, no TLS, a proxy that refuses | SourceBroken | SourceBroken |
| a request that cannot be made | SourceBroken | SourceBroken |
| sent, and no whole answer: too slow, reset, cut off | RetryLater | Unsure |
| sent, and the answer is too large | SourceBroken | Unsure |

GET and PUT may be repeated: sending them twice has the same effect as once (RFC 9110 9.2.2). An error's text names the
host and no more of the address, because an address may hold a key.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import httpx

from syncd.sdk.answers import Answer, in_doubt
from syncd.sdk.errors import SourceBroken
from syncd.sdk.network import BAD_HEADER, host, numeric, too_slow, unreachable

_ENCODINGS = {"", "identity", "gzip", "deflate"}  # a single layer: 64 kB of it become 64 MB at most


class Exchange:
    """Sends requests, one at a time. Opening it makes none."""

    def __init__(
        self, headers: Mapping[str, str], *, timeout: float, deadline: float, largest: int, keep_alive: bool
    ) -> None:
        """`timeout` limits a connection and each read, `deadline` a whole request, both in seconds; `largest` is in
        bytes.

        A server may close a kept-alive connection just when it is used again: it would then be unclear whether a write
        arrived.
        """
        self._timeout = timeout
        self._deadline = deadline
        self._largest = largest
        self._loop = _Loop()
        self._client = httpx.AsyncClient(
            headers=_encoded({"Accept-Encoding": "gzip, deflate", **headers}),
            timeout=timeout,
            verify=trusted_certificates(),
            limits=httpx.Limits(max_keepalive_connections=None if keep_alive else 0),
        )

    def __call__(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None, *, repeatable: bool
    ) -> Answer:
        """The answer, whatever its status. SourceError by the table above."""
        try:
            return self._loop.run_until_complete(self._whole(method, address, headers, content))
        except (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError) as error:
            raise unreachable(error, address, self._timeout, self._loop.addresses_of) from None
        except httpx.LocalProtocolError:
            raise SourceBroken(BAD_HEADER) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise SourceBroken(f"the request could not be made: {type(error).__name__}") from None
        except httpx.TimeoutException:
            raise in_doubt(too_slow(address, self._timeout), repeatable=repeatable) from None
        except httpx.HTTPError:
            why = f"the connection to {host(address)} broke before it answered"
            raise in_doubt(why, repeatable=repeatable) from None
        except TimeoutError:
            raise in_doubt(too_slow(address, self._deadline), repeatable=repeatable) from None
        except _Unreadable as error:
            raise (SourceBroken(str(error)) if repeatable else in_doubt(str(error), repeatable=False)) from None

    def close(self) -> None:
        """Closes the sockets."""
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()

    async def _whole(self, method: str, address: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        async with (
            asyncio.timeout(self._deadline),
            self._client.stream(method, address, headers=_encoded(headers), content=content) as response,
        ):
            if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
                raise _Unreadable("its answer is compressed in a way that was not asked for")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._largest:
                    raise _Unreadable(f"its answer is larger than {self._largest / 1e6:g} MB")
            return Answer(response.status_code, dict(response.headers), bytes(body))


@cache
def trusted_certificates() -> ssl.SSLContext:
    """The certificates that httpx trusts, which all clients share: reading them takes longer than most requests."""
    return httpx.create_ssl_context()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers encoded in UTF-8, because httpx encodes text as ASCII."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _text(name: Any) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


class _Unreadable(Exception):
    """An answer that was not read to its end; the text says why."""


class _Loop(asyncio.SelectorEventLoop):
    """Resolves names in daemon threads: a name server that does not answer must not keep the process from ending."""

    def __init__(self) -> None:
        super().__init__()
        self._addresses: dict[str, str] = {}

    def addresses_of(self, name: str, _: int) -> str:
        """The addresses that a name was resolved to last; "" if it was not."""
        return self._addresses.get(name, "")

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        """As `socket.getaddrinfo`."""
        resolved = self.create_future()

        def settle(setter: Callable[[Any], None], outcome: Any) -> None:
            if not resolved.done():
                setter(outcome)

        def resolve() -> None:
            setter: Callable[[Any], None] = resolved.set_result
            try:
                outcome: Any = socket.getaddrinfo(host, port, **hints)
                self._addresses[_text(host)] = numeric(outcome)
            except (OSError, UnicodeError) as error:  # a label may be too long for a name
                setter, outcome = resolved.set_exception, socket.gaierror(str(error))
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self.call_soon_threadsafe(settle, setter, outcome)

        threading.Thread(target=resolve, name="resolve", daemon=True).start()
        return await resolved
