"""Somebody's own OKR service, which takes check-ins as JSON at any address and remembers them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Answer, Asked, answer_json

TOKEN = "remote_checkins_token"  # noqa: S105  a parameter's name, as some services call it


@dataclass(frozen=True)
class Received:
    """A request that the service took, without its secret: `by` says where that stood.

    `path` is what follows the service's address. `json` is None where the body was none; header names are in lower
    case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    by: Literal["x-api-key", "bearer", "query"]


class OkrApi:
    """Answers every address alike: 200 `{"ok": true}` until told otherwise."""

    def __init__(self, credentials: Credentials) -> None:
        self._secret = credentials.okr_key
        self._lock = threading.Lock()
        self._answer = answer_json({"ok": True})
        self.received: list[Received] = []

    def __call__(self, asked: Asked) -> Answer:
        """401 without the key, 400 for a body that is no JSON; else it is remembered."""
        by = self._credential(asked)
        if by is None:
            return answer_json({"error": "unauthorized"}, 401)
        try:
            content = asked.json() if asked.body else None
        except ValueError:
            return answer_json({"error": "bad_request", "message": "Send JSON."}, 400)
        query = {name: value for name, value in parse_qsl(asked.query, keep_blank_values=True) if name != TOKEN}
        headers = {name: value for name, value in asked.headers.items() if name not in ("authorization", "x-api-key")}
        with self._lock:
            self.received.append(Received(asked.method, asked.path, query, headers, content, by))
            return self._answer

    def answer(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """What it answers from now on."""
        with self._lock:
            self._answer = answer_json(content, status, headers)

    def _credential(self, asked: Asked) -> Literal["x-api-key", "bearer", "query"] | None:
        if asked.headers.get("x-api-key") == self._secret:
            return "x-api-key"
        if asked.bearer() == self._secret:
            return "bearer"
        return "query" if asked.param(TOKEN) == self._secret else None
