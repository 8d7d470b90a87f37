"""The requests and responses that the sandbox's services exchange with the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """A request as a service receives it.

    `path` is the part of the address after the service's prefix. `base` is the service's address as the client wrote it
    in its Host header. Header names are in lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def params(self) -> dict[str, list[str]]:
        """The parameters of the query: each name with all of its values."""
        return parse_qs(self.query, keep_blank_values=True)

    def param(self, name: str, default: str = "") -> str:
        """The parameter's last value, because most servers use the last one."""
        return self.params.get(name, [default])[-1]

    def time_param(self, name: str) -> datetime | None:
        """The parameter as an ISO 8601 time; None if it is missing or empty. Raises ValueError if the time has no
        offset.

        A `+` that the client did not escape arrives as a space.
        """
        text = self.param(name).replace(" ", "+")
        if not text:
            return None
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(f"{name} needs an offset: {text}")
        return moment

    def bearer(self) -> str | None:
        """The part of the header Authorization after `Bearer` (or GitHub's older `token`)."""
        kind, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret.strip() if kind.lower() in ("bearer", "token") else None

    def json(self) -> Any:
        """The body's content; an empty body is an empty object. Raises ValueError if the body is not JSON."""
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True)
class Response:
    """The response of a service. The server adds Content-Length and Date."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Service = Callable[[Request], Response]


def compact_json(content: Any) -> bytes:
    """JSON without white space between its parts, as these services send it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response whose body is `content` as compact JSON."""
    return Response(status, compact_json(content), {"Content-Type": JSON, **(headers or {})})
