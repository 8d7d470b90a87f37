"""The one client for JSON APIs, over httpx.

Every request goes through the connection's retry policy and has a deadline for its complete answer. Each try decodes
the answer: if an answer is cut off, is not JSON or does not have the expected shape, the request is sent again. The
client learns the quota from the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import orjson
from pydantic import TypeAdapter, ValidationError

from syncd.sdk.answers import Answer, in_doubt, quota_and_clock
from syncd.sdk.connector import Context
from syncd.sdk.errors import RetryLater, SourceBroken, Unsure
from syncd.sdk.facts import Check
from syncd.sdk.network import origin
from syncd.sdk.next_page import next_page
from syncd.sdk.sentences import single_line
from syncd.sdk.server import Server, is_login_page
from syncd.sdk.web_settings import WebSettings

if TYPE_CHECKING:
    from syncd.sdk.exchange import Exchange

T = TypeVar("T")
_NOT_MODIFIED = 304
_UNAUTHORIZED = 401
_TURNED_AWAY = frozenset({408, 425, 429, 503})  # the request had no effect


class Credentials(Protocol):
    """Provides headers that change while a client is open, such as an access token that expires."""

    def headers(self) -> Mapping[str, str]:
        """The headers for a request. Raises SourceError if it cannot get headers."""
        ...

    def refused(self, headers: Mapping[str, str]) -> None:
        """Called after the server refused these headers with 401. The next call of `headers` should return different
        headers.
        """
        ...

    def close(self) -> None:
        """Closes the sockets."""
        ...


class JsonClient:
    """Reads from and writes to one server. Only one thread at a time may use the client. Opening the client makes no
    request.
    """

    def __init__(
        self,
        settings: WebSettings,
        context: Context,
        headers: Mapping[str, str] | None = None,
        *,
        keep_alive: bool = True,
        credentials: Credentials | None = None,
        follows: bool = False,
    ) -> None:
        """Every request has `headers` and the headers of `credentials`, which may change. A client that sends check-ins
        keeps no connection alive. With `follows`, each GET of `answer`, `read` and `pages` follows one redirect if the
        redirect stays on the same server.
        """
        self.url = settings.url
        self.server = Server(settings, context)
        self._settings = settings
        self._context = context
        self._headers = _joined({"Accept": "application/json", "User-Agent": "syncd"}, headers or {})
        self._keep_alive = keep_alive
        self._credentials = credentials
        self._follows = follows

    def read(
        self,
        path: str,
        shape: type[T],
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: object = None,
    ) -> T:
        """Sends a request and returns the answer's JSON as a value of the type `shape`, such as `list[Row]`. The type
        `object` accepts any JSON.

        Use POST only for a request that reads, because a failed POST is tried again like a GET. Raises SourceError.
        """
        return self.answer(self.address(path, query), shape, method=method, body=body)[0]

    def pages(self, path: str, shape: type[T], query: Mapping[str, str] | None = None) -> Iterator[T]:
        """Yields the pages of a list. `Link: <…>; rel="next"` leads to the next page, never to another server. If a
        proxy removed the links, `x-next-page` has the number of the next page. Without that header, the page after a
        full page is requested by its number.

        Raises SourceError, also if pages repeat: if the same address comes again, or if a page equals the page before.
        """
        address: str | None = self.address(path, query)
        read: set[str] = set()
        last: T | None = None
        while address is not None:
            again = address in read
            read.add(address)
            page, headers = self.answer(address, shape)
            if again or (page and page == last):
                raise SourceBroken(f"its pages go round in a circle (page {len(read)})")
            yield page
            last = page
            link = next_page(address, len(read), len(page) if isinstance(page, list) else 0, headers)
            address = None if link is None else self.following(address, link)

    def answer(
        self, address: str, shape: type[T], *, method: str = "GET", body: object = None
    ) -> tuple[T, Mapping[str, str]]:
        """Requests a full address. Returns the answer's JSON as a value of this type, and its headers by lower-case
        names.

        `pages` reads a list by its links. Use `answer` if a server leads to the next page in another way.
        """

        def ask() -> tuple[T, Mapping[str, str]]:
            answer = self._ask(method, address, body)
            onward = self.server.onward(answer, address) if self._follows and method == "GET" else None
            if onward is not None:
                return self._of_shape(self._ask(method, onward), onward, shape)
            return self._of_shape(answer, address, shape)

        return self._context.retry.call(ask)

    def changed(
        self, address: str, shape: type[T], conditions: Mapping[str, str]
    ) -> tuple[T, Mapping[str, str]] | None:
        """The result of `answer` for a GET with conditional headers, such as `If-None-Match`. None if the server
        answers that nothing has changed (304). Without conditions, 304 is an error.
        """

        def ask() -> tuple[T, Mapping[str, str]] | None:
            answer = self._ask("GET", address, headers=conditions)
            if conditions and answer.status == _NOT_MODIFIED:
                return None
            return self._of_shape(answer, address, shape)

        return self._context.retry.call(ask)

    def now(self) -> datetime:
        """The present time, for comparisons with times in answers."""
        return self._context.now()

    def address(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """The full address of a path at this server."""
        address = self.url + path
        return address + ("&" if "?" in address else "?") + urlencode(query) if query else address

    def write(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accepted: Collection[int] = (),
        check: Callable[[Answer], object] | None = None,
    ) -> None:
        """Sends `body`: bytes unchanged, anything else as JSON. Returns after an answer has confirmed that the body
        arrived.

        `accepted` are the statuses that confirm the arrival, by default any 2xx. `check` reads an answer with such a
        status, and raises SourceBroken if the answer is nevertheless a refusal.

        | answer | to a POST or PATCH | to a PUT |
        |---|---|---|
        | 2xx, or a status in `accepted` | it arrived | it arrived |
        | 408, 425, 429, 503, a rate limit with 403 | RetryLater: it had no effect | RetryLater |
        | any other 5xx | Unsure | RetryLater |
        | 3xx: redirects are not followed | Unsure: the write may have taken effect | SourceBroken |
        | any other 4xx, a login page, a redirect to one | SourceBroken | SourceBroken |
        | an answer that `check` cannot read | Unsure | RetryLater |

        `syncd.sdk.exchange` has the table of errors for requests without a complete answer.
        """
        repeatable = method == "PUT"

        def send() -> None:
            address = self.address(path, query)
            answer = self._ask(method, address, body, headers, repeatable=repeatable)
            arrived = answer.status in accepted if accepted else 200 <= answer.status < 300
            if not arrived:
                refusal = self.server.refusal(answer, address)
                open_to_doubt = 300 <= answer.status < 400 or answer.status >= 500
                turned_away = answer.status in _TURNED_AWAY or self.server.sends_to_login(answer, address)
                if not repeatable and open_to_doubt and not turned_away:
                    by = "it was sent, and answered by " if str(refusal).startswith("HTTP") else "it was sent; "
                    raise Unsure(f"{by}{refusal}")
                raise refusal
            if is_login_page(answer.text) and (page := self.server.page(answer)) is not None:
                raise page
            try:
                if check is not None:
                    check(answer)
            except RetryLater as error:
                raise in_doubt(str(error), repeatable=repeatable) from None

        self._context.retry.call(send)

    def check(self, path: str = "") -> Iterator[Check]:
        """The findings of `syncd doctor` from a GET: reachable, authenticated, and the quota and clock in the headers.

        If a `path` is given, its answer must be a 2xx with data. Without a `path`, `url` itself is requested, and a 404
        is accepted.
        """
        address = self.address(path)
        answer = self._context.retry.call(partial(self._ask, "GET", address))
        refused = answer.status in (401, 403)
        if path and not 200 <= answer.status < 300 and not refused:
            raise self.server.refusal(answer, address)
        if path and not refused and (page := self.server.page(answer)) is not None:
            raise page
        yield Check("reachable", answer.status < 500, self.url)
        where = f"HTTP {answer.status} at {path or 'its root'}"
        yield Check("authenticated", not refused, str(self.server.refusal(answer, address)) if refused else where)
        yield from quota_and_clock(answer.headers, self._context.now())

    def reach(self) -> Iterator[Check]:
        """The finding of `syncd doctor` from a request to the server's root, for a service where any request below
        `url` may be a write.
        """
        root = origin(urlsplit(self.url))
        answer = self._context.retry.call(partial(self._ask, "HEAD", f"{root}/"))
        what_shows = "whether it takes check-ins shows when the first is written"
        yield Check("reachable", True, f"{root} answers (HTTP {answer.status}); {what_shows}")

    def close(self) -> None:
        """Closes the sockets."""
        if "_exchange" in vars(self):
            self._exchange.close()
        if self._credentials is not None:
            self._credentials.close()

    @cached_property
    def _exchange(self) -> Exchange:
        from syncd.sdk.exchange import Exchange

        return Exchange(self._settings, self._context, self._headers, keep_alive=self._keep_alive)

    def _ask(
        self,
        method: str,
        address: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        repeatable: bool = True,
    ) -> Answer:
        """Sends a request and returns its answer, whatever its status. The client does not learn the quota from the
        headers of a 5xx.

        A request refused with 401 had no effect. If there are credentials, the request is sent once more with renewed
        headers.
        """
        named = dict(headers or {})
        content = body if isinstance(body, bytes) else None
        if body is not None and content is None:
            content, named = orjson.dumps(body), _joined({"Content-Type": "application/json"}, named)
        given = self._credentials.headers() if self._credentials is not None else {}
        answer = self._exchange(method, address, {**named, **given}, content, repeatable=repeatable)
        if answer.status == _UNAUTHORIZED and self._credentials is not None:
            self._credentials.refused(given)
            given = self._credentials.headers()
            answer = self._exchange(method, address, {**named, **given}, content, repeatable=repeatable)
        if answer.status < 500:
            self._context.retry.budget.learn(answer.headers)
        return answer

    def _of_shape(self, answer: Answer, address: str, shape: type[T]) -> tuple[T, Mapping[str, str]]:
        if not 200 <= answer.status < 300:
            raise self.server.refusal(answer, address)
        try:
            content = answer.json()
        except RetryLater:
            raise self.server.unreadable(answer) from None
        try:
            value: T = TypeAdapter(shape).validate_python(content)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the whole"
            why = f"its answer is not what was expected: {place}: {first['msg']}"
            raise RetryLater(single_line(why, hide=self._context.hide)) from None
        return value, {name.lower(): header for name, header in answer.headers.items()}

    def following(self, address: str, link: str) -> str:
        """The address that a link in an answer leads to, parsed by the library that sends the request. Raises
        SourceBroken if the address is on another server.
        """
        import httpx

        try:
            following, ours = httpx.URL(address).join(link), httpx.URL(self.url)
        except httpx.InvalidURL:
            raise SourceBroken("the link to its next page is no address") from None
        if (following.scheme, following.host, following.port) != (ours.scheme, ours.host, ours.port):
            there = single_line(following.host, hide=self._context.hide)
            raise SourceBroken(f"its next page is on another server ({there}); write that server's address as url")
        return str(following)


def _joined(headers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Joins two sets of headers. If a header is in both sets (ignoring upper and lower case), its value in `others`
    wins.
    """
    named = {name.lower() for name in others}
    return {**{name: value for name, value in headers.items() if name.lower() not in named}, **others}
