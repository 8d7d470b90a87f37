"""Requests and answers as the sandbox's services see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Asked:
    """One request, as it stands when its service gets it.

    `path` is what follows the service's prefix, `base` the service's address as the client wrote it (its Host header).
    Header names are in lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def params(self) -> dict[str, list[str]]:
        """The query, each name with all of its values."""
        return parse_qs(self.query, keep_blank_values=True)

    def param(self, name: str, default: str = "") -> str:
        """The last value, as most servers take it."""
        return self.params.get(name, [default])[-1]

    def bearer(self) -> str | None:
        """What follows `Bearer` (or GitHub's older `token`) in Authorization."""
        kind, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret.strip() if kind.lower() in ("bearer", "token") else None

    def json(self) -> Any:
        """The body; an empty one is an empty object. ValueError where it is no JSON."""
        return json.loads(self.body) if self.body else {}

    def with_query(self, query: str) -> Asked:
        """The same request with another query."""
        return replace(self, query=query)


@dataclass(frozen=True)
class Answer:
    """What a service answers; the server adds Content-Length and Date."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Service = Callable[[Asked], Answer]


def answer_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Compact JSON, as these services send it."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, {"Content-Type": JSON, **(headers or {})})
