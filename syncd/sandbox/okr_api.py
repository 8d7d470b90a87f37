"""A company's own OKR service. It accepts check-ins as JSON at any address, and stores them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Request, Response, json_response

TOKEN = "remote_checkins_token"  # noqa: S105  the name of this parameter in some services


@dataclass(frozen=True)
class Received:
    """An accepted request, without its secret. `by` names the part of the request that had the secret.

    `path` is the part of the address after the service's address. `json` is None if the request had no body. Header
    names are in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    by: Literal["x-api-key", "bearer", "query"]


class OkrApi:
    """Sends the same response at every address: 200 `{"ok": true}`, until `answer` sets another response."""

    def __init__(self, credentials: Credentials) -> None:
        self._secret = credentials.okr_key
        self._lock = threading.Lock()
        self._response = json_response({"ok": True})
        self.received: list[Received] = []

    def __call__(self, request: Request) -> Response:
        """Answers a request. A request without the key gets 401, and a body that is not JSON gets 400. Every other
        request is stored.
        """
        by = self._credential(request)
        if by is None:
            return json_response({"error": "unauthorized"}, 401)
        try:
            content = request.json() if request.body else None
        except ValueError:
            return json_response({"error": "bad_request", "message": "Send JSON."}, 400)
        query = {name: value for name, value in parse_qsl(request.query, keep_blank_values=True) if name != TOKEN}
        headers = {name: value for name, value in request.headers.items() if name not in ("authorization", "x-api-key")}
        with self._lock:
            self.received.append(Received(request.method, request.path, query, headers, content, by))
            return self._response

    def answer(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Sets the response to all later requests."""
        with self._lock:
            self._response = json_response(content, status, headers)

    def _credential(self, request: Request) -> Literal["x-api-key", "bearer", "query"] | None:
        if request.headers.get("x-api-key") == self._secret:
            return "x-api-key"
        if request.bearer() == self._secret:
            return "bearer"
        return "query" if request.param(TOKEN) == self._secret else None
