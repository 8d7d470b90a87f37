"""A transport adapter for the library `requests`. The adapter sends through `Exchange`, and only to the connection's
server.

PyGithub, jira, gspread and google-auth use `requests`, which limits neither the time nor the size of an answer. A
session of `requests` sends through its transport adapter. The adapter here raises syncd's own errors; the libraries do
not catch them.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from syncd.sdk.connector import Context
from syncd.sdk.errors import RetryLater, SourceBroken
from syncd.sdk.exchange import Exchange
from syncd.sdk.json_text import read_json
from syncd.sdk.network import BAD_HEADER, host, origin, server_of
from syncd.sdk.web_settings import WebSettings

_OF_A_CONNECTION = frozenset({"accept-encoding", "connection", "content-length"})  # httpx sets these itself


def send_through_exchange(
    session: requests.Session, settings: WebSettings, context: Context, url: str | None = None
) -> None:
    """Makes a session send all its requests through `Exchange`, and only to the server of `url` (default: the url of
    the settings). No redirect or link can therefore lead credentials to another server.
    """
    adapter = _Adapter(Exchange(settings, context, url=url), url or settings.url)
    session.trust_env = False  # otherwise .netrc would replace a configured credential
    session.max_redirects = 5
    for prefix in list(session.adapters):
        session.mount(prefix, adapter)


def not_sent(error: requests.exceptions.RequestException, url: str) -> SourceBroken:
    """The error for a request that the library `requests` refuses to send."""
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return SourceBroken(f"{origin(urlsplit(url))} redirects in a circle")
    if isinstance(error, requests.exceptions.InvalidHeader):
        return SourceBroken(BAD_HEADER)
    return SourceBroken(f"the request to {host(url)} could not be made: {type(error).__name__}")


class _Adapter(BaseAdapter):  # type: ignore[misc]
    def __init__(self, exchange: Exchange, url: str) -> None:
        super().__init__()
        self._exchange = exchange
        self._url = url

    def send(self, request: requests.PreparedRequest, stream: bool = False, *_: Any, **__: Any) -> requests.Response:
        """Sends a request and returns the complete answer. The connection's time limits apply, not the limits that the
        library passes.
        """
        address, ours = str(request.url), urlsplit(self._url)
        if server_of(urlsplit(address)) != server_of(ours):
            raise SourceBroken(
                f"{origin(ours)} leads to another server, {origin(urlsplit(address))}; syncd sends nothing there"
            )
        body = request.body.encode() if isinstance(request.body, str) else request.body
        # Each of these clients can read back what it wrote, so a request may be repeated.
        answer = self._exchange(str(request.method), address, _texts(request.headers), body, repeatable=True)
        response = _Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.encoding = get_encoding_from_headers(response.headers)
        response.url, response.request, response.raw = address, request, BytesIO(answer.body)
        return response

    def close(self) -> None:
        """Closes the sockets."""
        self._exchange.close()


class _Response(requests.Response):  # type: ignore[misc]
    """A response of `requests` whose JSON is read within the bounds of `read_json`."""

    def json(self, **keys: Any) -> Any:
        """The JSON value of the body. Raises SourceBroken if the value is beyond the bounds of `read_json`."""
        try:
            return read_json(self.content)
        except RetryLater:  # not JSON: `requests` raises an error that the libraries expect
            return super().json(**keys)


def _texts(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    return {
        name: value.decode("latin-1") if isinstance(value, bytes) else value
        for name, value in headers.items()
        if name.lower() not in _OF_A_CONNECTION
    }
