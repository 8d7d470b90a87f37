"""Sends an HTTP request through httpx, and returns an answer of limited time and size, or raises an error.

HTTP libraries limit the time of each read, not the time of a whole request. A server that sends one byte now and then,
or an endless answer, could therefore keep a request running for ever. Only cancelling an asyncio task can end a request
in every state (name, TLS, headers, body). Each client therefore runs httpx's asynchronous API on its own event loop.
All code outside this module is synchronous. The vendors' libraries send through this module too
(`syncd.sdk.requests_transport`).

| what happens | a request that may be repeated | a POST or PATCH that writes |
|---|---|---|
| no connection: refused, unknown name, too slow | RetryLater | RetryLater: nothing was sent |
| a proxy that is ill or overloaded: 408, 429, 502, 503, 504 | RetryLater | RetryLater: nothing was sent |
| a certificate that is not accepted, no TLS, a proxy that refuses | SourceBroken | SourceBroken |
| a request that cannot be made | SourceBroken | SourceBroken |
| sent, but the answer is incomplete: too slow, reset, cut off | RetryLater | Unsure |
| sent, but the answer is too large | SourceBroken | Unsure |

GET and PUT may be repeated: sending them twice has the same effect as sending them once (RFC 9110 9.2.2). An error's
text names only the host of the address, because the rest of an address may hold a key.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from syncd.sdk.answers import Answer, in_doubt
from syncd.sdk.connector import Context
from syncd.sdk.credentials import keys_in_address
from syncd.sdk.errors import ConfigError, SourceBroken
from syncd.sdk.network import BAD_HEADER, host, numeric, proxy_of, too_slow, unreachable
from syncd.sdk.regular_files import read_regular
from syncd.sdk.web_settings import WebSettings

_ENCODINGS = {"", "identity", "gzip", "deflate"}  # a single layer: 64 kB expand to at most 64 MB
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # variables that OpenSSL and its users read

Addresses = list[tuple[Any, ...]]


class Exchange:
    """Sends requests to one server, one at a time. Opening an exchange makes no request."""

    def __init__(
        self,
        settings: WebSettings,
        context: Context,
        headers: Mapping[str, str] | None = None,
        *,
        url: str | None = None,
        keep_alive: bool = True,
    ) -> None:
        """`url` is the server's address if it differs from the settings. Raises ConfigError if `ca` holds no
        certificates.

        `keep_alive` is False for writes. A server may close a kept-alive connection at the moment at which a client
        uses it again. Nobody would then know whether a write arrived.
        """
        self._settings = settings
        self._hide = context.hide
        self._hide.learn_sent(headers or {}, None)
        self._hide.learn(keys_in_address(settings.url))
        self._proxy = proxy_of(url or settings.url, settings.proxy)
        if self._proxy is not None:  # the proxy's address may be from the environment and hold a password
            self._hide.learn(keys_in_address(self._proxy.address))
        certificates = trusted_certificates() if settings.ca is None else _certificates(settings.ca, context.folder)
        self._loop = _Loop()
        self._client = httpx.AsyncClient(
            headers=_encoded({"Accept-Encoding": "gzip, deflate", **(headers or {})}),
            timeout=settings.timeout,
            verify=certificates,
            proxy=self._proxy and self._proxy.address,
            trust_env=False,  # the proxy is chosen above, and .netrc must not replace a credential
            limits=httpx.Limits(max_keepalive_connections=None if keep_alive else 0),
        )

    def __call__(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None, *, repeatable: bool
    ) -> Answer:
        """Sends a request and returns the answer, whatever its status. Raises the SourceError that the module's table
        names.
        """
        self._hide.learn_sent({name.lower(): value for name, value in headers.items()}, content)
        progress = _Progress()
        timeout = self._settings.timeout
        if self._loop.is_closed():
            raise SourceBroken("its connection was closed meanwhile")
        whole = self._whole(method, address, headers, content, progress)
        try:
            return self._loop.run_until_complete(whole)
        except (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError) as error:
            failed = unreachable(error, address, timeout, self._proxy, self._loop.addresses)
            failed.args = (self._hide(str(failed)),)
            raise failed from None
        except httpx.LocalProtocolError:
            raise SourceBroken(BAD_HEADER) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise SourceBroken(f"the request could not be made: {type(error).__name__}") from None
        except httpx.TimeoutException:
            raise in_doubt(too_slow(address, timeout), repeatable=repeatable) from None
        except httpx.HTTPError:
            why = (
                f"the answer of {host(address)} was cut off"
                if progress.answered
                else f"the connection to {host(address)} broke before it answered"
            )
            raise in_doubt(why, repeatable=repeatable) from None
        except TimeoutError:
            why = too_slow(address, self._settings.longest_request, whole=progress.answered)
            raise in_doubt(why, repeatable=repeatable) from None
        except _Unreadable as error:
            raise (SourceBroken(str(error)) if repeatable else in_doubt(str(error), repeatable=False)) from None
        finally:
            whole.close()  # without this, Python warns of a coroutine that never began

    def close(self) -> None:
        """Closes the sockets. A second call does nothing, because `requests` closes an adapter once per prefix."""
        if self._loop.is_closed():
            return
        try:
            asyncio.get_running_loop()  # jira closes a garbage-collected session, perhaps during a request
        except RuntimeError:
            self._loop.run_until_complete(self._client.aclose())
        self._loop.close()

    async def _whole(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None, progress: _Progress
    ) -> Answer:
        largest = self._settings.largest_answer
        async with (
            asyncio.timeout(self._settings.longest_request),
            self._client.stream(method, address, headers=_encoded(headers), content=content) as response,
        ):
            progress.answered = True
            if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
                raise _Unreadable("its answer is compressed in a way that was not asked for")
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > largest:
                    raise _Unreadable(
                        f"its answer is larger than {largest / 1e6:g} MB; raise largest_answer if that is right"
                    )
            return Answer(response.status_code, dict(response.headers), bytes(body))


@cache
def trusted_certificates() -> ssl.SSLContext:
    """The certificates that are trusted if the key `ca` names no others. The result is cached, because reading the
    certificates takes longer than most requests.
    """
    bundle = next((path for name in _BUNDLES if (path := os.environ.get(name))), None)
    return ssl.create_default_context(cafile=bundle) if bundle else httpx.create_ssl_context()


def _certificates(ca: str, folder: str) -> ssl.SSLContext:
    path = Path(folder) / ca
    try:
        return ssl.create_default_context(cadata=read_regular(path).decode("ascii", "ignore"))
    except ssl.SSLError:
        raise ConfigError(f"ca names {path}, which holds no certificates; write a file in the form PEM") from None
    except OSError as error:
        raise ConfigError(f"ca names {path}, which cannot be read: {(error.strerror or str(error)).lower()}") from None


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers encoded in UTF-8, because httpx encodes text as ASCII."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


class _Progress:
    answered = False


class _Unreadable(Exception):
    """An answer that was not read to its end; the text says why."""


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that resolves host names in daemon threads. A name server that does not answer can therefore not
    keep the process from ending.
    """

    def __init__(self) -> None:
        super().__init__()
        self.addresses: dict[str, str] = {}
        """The addresses of each host name, from the newest answer of a name server."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Addresses:
        """Like `socket.getaddrinfo`."""
        resolved = await asyncio.wrap_future(_resolving(host, port, hints), loop=self)
        self.addresses[host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)] = numeric(resolved)
        return resolved


_questions: dict[tuple[Any, ...], Future[Addresses]] = {}
_lock = threading.Lock()


def _resolving(host: Any, port: Any, hints: Mapping[str, Any]) -> Future[Addresses]:
    """A future with the answer of the name server. All requests for a name share one pending query, because a thread
    that waits for a name server cannot be ended.
    """
    question = (host, port, *sorted(hints.items()))
    with _lock:
        if question in _questions:
            return _questions[question]
        resolved = _questions[question] = Future()
        resolved.set_running_or_notify_cancel()  # a cancelled request must not cancel the query for the others

    def resolve() -> None:
        try:
            addresses, failed = socket.getaddrinfo(host, port, **hints), None
        except BaseException as error:  # such as a label that is too long; the waiting requests need the error
            addresses, failed = [], socket.gaierror(str(error))
        answer(list(addresses), failed)

    def answer(addresses: Addresses, failed: OSError | None) -> None:
        with _lock:
            del _questions[question]
        if failed is None:
            resolved.set_result(addresses)
        else:
            resolved.set_exception(failed)

    try:
        threading.Thread(target=resolve, name="resolve", daemon=True).start()
    except RuntimeError as error:  # no thread left in the system; the next request tries again
        answer([], socket.gaierror(str(error)))
    return resolved
