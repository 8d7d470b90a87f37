"""The ways in which a server can fail, and the reaction that a connector must show. This is the table of
`syncd.sdk.answers` as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from syncd.sdk.retry import LONGEST_WAIT

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""The present time in the tests of a contract, later than the time of any row of a fake. Dates in the headers of
ailments are relative to this time.
"""


@dataclass(frozen=True, slots=True)
class Ailment:
    """An answer in place of the real answer, and how the connector must react to it.

    `connection` names a failure of the connection. With `cut`, the proxy sends half of the real body and closes the
    connection. With `reset`, the proxy forwards no request and sends no answer. With `lost`, the request takes effect
    and the proxy sends no answer. If `again` is true, the request must be tried again, and raise RetryLater after the
    last try. If `again` is false, the request must raise SourceBroken at once. `after` is the wait in seconds that the
    answer asks for; None if the retry policy decides.
    """

    name: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"message": "no"}'
    again: bool = False
    after: float | None = None
    connection: Literal["whole", "cut", "reset", "lost"] = "whole"

    @property
    def passes(self) -> bool:
        """Whether a request with this ailment is tried again within the same cycle."""
        return self.again and (self.after or 0) <= LONGEST_WAIT


def _ill(name: str, status: int = 200, headers: Mapping[str, str] | None = None, **more: str) -> Ailment:
    return Ailment(name, status, headers or {}, again=True, **more)  # type: ignore[arg-type]


def _limit(name: str, status: int, after: float, headers: Mapping[str, str], body: str = "") -> Ailment:
    return Ailment(name, status, headers, body, again=True, after=after)


_HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\n" + "<p>nginx</p>\n" * 500 + "</body></html>"
_LOGIN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><input type='password'></body></html>"
_IN_30_S = NOW + timedelta(seconds=30)
_USED_UP = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(_IN_30_S.timestamp()))}
_PLENTY = {"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": str(int(_IN_30_S.timestamp()))}

AILMENTS: tuple[Ailment, ...] = (
    # The server, or a proxy before it, is ill.
    _ill("408", 408),
    _ill("425", 425),
    _ill("500", 500),
    _ill("502 with HTML", 502, {"Content-Type": "text/html"}, body=_HTML),
    _ill("503", 503),
    _ill("503 with the headers of a used-up quota", 503, _USED_UP),
    _ill("504", 504, body=""),
    _limit("503 for 7 s", 503, 7, {"Retry-After": "7"}),
    # Too many requests.
    _limit("429", 429, 60, {}),
    _limit("429 for 7 s", 429, 7, {"Retry-After": "7"}),
    _limit("429 until a date", 429, 30, {"Retry-After": format_datetime(_IN_30_S, usegmt=True)}),
    _limit("429 until the quota's reset", 429, 31, _USED_UP),
    _limit("429 for an hour", 429, 3600, {"Retry-After": "3600"}),
    _limit("403 of a used-up quota", 403, 31, _USED_UP, '{"message": "API rate limit exceeded"}'),
    _limit("403 of a secondary limit", 403, 60, _PLENTY, '{"message": "You have exceeded a secondary rate limit."}'),
    _limit("403 for 7 s", 403, 7, {"Retry-After": "7", **_PLENTY}),
    # The answer is not usable.
    _ill("a reset", connection="reset"),
    _ill("half an answer", connection="cut"),
    _ill("half of its JSON", body='{"values": [1, 2'),
    _ill("a page of HTML as 200", 200, {"Content-Type": "text/html"}, body=_HTML),
    # Another try would fail in the same way.
    Ailment("a login page as 200", 200, {"Content-Type": "text/html"}, _LOGIN),
    Ailment("a redirect to a login page", 302, {"Location": "/login?return_to=%2F"}, ""),
    Ailment("400", 400),
    Ailment("401", 401),
    Ailment("401 for 7 s", 401, {"Retry-After": "7"}),
    Ailment("403", 403, _PLENTY),
    Ailment("404", 404),
    Ailment("410", 410),
    Ailment("422", 422, _USED_UP),
    Ailment("451", 451),
)
"""All ailments. If a status has another meaning in a service, a subclass of the contract replaces the ailment."""

AILMENTS_OF_WRITES: tuple[Ailment, ...] = (*AILMENTS, _ill("an answer that is lost", connection="lost"))
"""The ailments of requests that change something. Such a request may have taken effect although its answer is lost."""
