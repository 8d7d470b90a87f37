"""Requests to GitHub's REST API.

The requests go through PyGithub's `Requester.requestJson` on syncd's own connection. PyGithub 2.10 itself makes no
conditional requests for lists, loses the query at a 301 (a renamed repository), and needs 1.6 GB for the objects of
20,000 pull requests. PyGithub stores the method and address of the current request on the client, so each thread has
its own client.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter, ValidationError

from connectors.github.advice import advice
from connectors.github.client import PER_PAGE, Client, server
from connectors.github.delivery_rows import DELIVERY_ROWS, CountedRows
from connectors.github.refusals import CONTENT_WAIT, WITHHELD, is_too_quick, withheld
from connectors.github.rows import ROWS
from connectors.github.settings import GitHubSettings
from syncd.sdk import (
    Context,
    RetryLater,
    SourceBroken,
    SourceError,
    answer_of,
    parse_link,
    sentence,
    server_time,
)

T = TypeVar("T")
_AT_ONCE = 4
_STALE_PAGES = 2
_SHAPES = {**ROWS, **DELIVERY_ROWS}


class Refused(SourceBroken):
    """GitHub refused the request, and would refuse a retry too.

    `status` and `message` come from the response. `remedy` says what people should do; "" if the response does not show
    it.
    """

    def __init__(self, status: int, message: str, failed: SourceError, remedy: str = "") -> None:
        self.status = status
        self.message = message
        self.remedy = remedy
        super().__init__(str(failed))


class NotThere(Refused):
    """The requested address does not exist, or these credentials may not see it."""


class TooMuch(RetryLater):
    """GitHub's gateway ended the request because the page took too long. A request for fewer rows may work."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page of a list. `rows` is None if the server answers that the rows have not changed (304). `next` is the query
    of the next page.

    `number` is the page's number, and `of` the last page's number if the server links to that page by number.
    `unlinked` is true if the server sends no links at all. `at` is the server's time, or this machine's time if the
    server sends none. `full` is true if the page has as many rows as were requested. `withheld` is true if the list
    leaves out rows for lack of single sign-on. `total` is the number of rows on all pages, if the server counts them.
    """

    rows: list[Any] | None
    etag: str | None
    at: datetime
    next: dict[str, str] | None = None
    unlinked: bool = False
    number: int = 1
    of: int | None = None
    full: bool = False
    withheld: bool = False
    total: int | None = None

    @property
    def last(self) -> bool:
        """Whether no page follows."""
        return self.next is None and not (self.unlinked and self.full)


class Api:
    """Sends requests to GitHub for single objects, and for lists page by page."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._server = server(settings, context)
        self._idle = [Client(settings, context)]
        self.per_page = PER_PAGE
        """The number of rows of a full page."""
        self._followed: set[str] = set()

    def with_pages_of(self, rows: int) -> Api:
        """An `Api` for the same account that requests pages of this many rows."""
        api = copy(self)
        api.per_page = rows
        return api

    def was_redirected(self, repo: str) -> bool:
        """Whether a request about a repository was redirected, because the repository was renamed."""
        return any(path.startswith(f"/repos/{repo}/") for path in self._followed)

    def close(self) -> None:
        """Closes the sockets."""
        for client in self._idle:
            client.close()

    def page(self, path: str, query: Mapping[str, str], kind: str, number: int = 1, etag: str | None = None) -> Answer:
        """One page of a list, by page number. `rows` is None if the list still has this `etag`."""
        parameters = {**query, "per_page": str(self.per_page)}
        return self._list(path, parameters if number == 1 else {**parameters, "page": str(number)}, kind, number, etag)

    def pages(
        self,
        path: str,
        query: Mapping[str, str],
        kind: str,
        etag: str | None = None,
        start: int = 1,
        at_once: bool = False,
        first: Answer | None = None,
    ) -> Iterator[Answer]:
        """The pages of a list in order. The links in each response lead to the next page. If the list still has this
        `etag`, yields a single page without rows.

        `first` is the first page, if it was read already. With `at_once`, syncd requests several pages at once,
        provided that the server links to the last page by number. syncd uses only the query of a link: behind a proxy
        or a replay, the link names another host than the configured one. If a server sends no links, syncd requests the
        page after a full page by number.
        """
        parameters = {**query, "per_page": str(self.per_page)}
        if start > 1:
            parameters["page"] = str(start)
        requested: set[str] = set()
        seen: set[str] = set()
        number, stale = start, 0
        while True:
            place = repr(sorted(parameters.items()))
            answer = first or self._list(path, parameters, kind, number, etag if number == start else None)
            first = None
            ids = {row.stable_id for row in answer.rows or ()}
            # Rows that move can fill one page with rows already seen, but not page after page.
            stale = stale + 1 if ids and ids <= seen and not answer.last else 0
            if place in requested or stale > _STALE_PAGES:
                raise SourceBroken(f"its pages go round in a circle (page {number})")
            requested.add(place)
            seen |= ids
            yield answer
            if at_once and answer.of is not None:
                for answer in self.side_by_side(path, query, kind, number + 1, answer.of):  # noqa: B020 - the last page
                    yield answer
                at_once = False
            number = answer.number + 1
            if answer.next is not None:
                parameters = {**parameters, **answer.next}
            elif answer.unlinked and not answer.last:
                parameters = {**parameters, "page": str(number)}
            else:
                return

    def side_by_side(
        self, path: str, query: Mapping[str, str], kind: str, first: int, last: int, etag: str | None = None
    ) -> Iterator[Answer]:
        """The pages with these numbers, in order. syncd requests several of them at once. `etag` is the first page's
        ETag.

        The number of simultaneous requests starts at 1 and doubles with each page that the caller takes. A walk that
        stops early therefore wastes few requests. GitHub advises against many simultaneous requests, and its limit is
        100.
        """
        numbers = iter(range(first, last + 1))
        ahead: deque[Future[Answer]] = deque()
        width = 1
        with _threads(_AT_ONCE) as begin:
            while True:
                while len(ahead) < width and (number := next(numbers, None)) is not None:
                    page_etag = etag if number == first else None
                    ahead.append(begin(partial(self.page, path, query, kind, number, page_etag)))
                if not ahead:
                    return
                answer = ahead.popleft().result()
                yield answer
                if answer.rows == []:  # the list became shorter; the pages after this one are empty too
                    return
                width = min(_AT_ONCE, 2 * width)

    def _list(self, path: str, query: Mapping[str, str], kind: str, number: int, etag: str | None) -> Answer:
        def ask() -> Answer:
            status, headers, body = self._once("GET", path, query, {"If-None-Match": etag} if etag else {})
            at = server_time(headers) or self._context.now()
            if status == 304 and etag is None:
                raise RetryLater("it says that nothing changed (HTTP 304), but the request had no ETag")  # a cache
            if status == 304:
                return Answer(None, etag, at, number=number)
            content = parsed(_SHAPES[kind], body)
            rows, total = (content.rows, content.total) if isinstance(content, CountedRows) else (content, None)
            links = {name: _query(address) for name, address in parse_link(headers.get("link", "")).items()}
            following, last = links.get("next"), links.get("last", {}).get("page", "")
            if following is None and last.isdigit() and int(last) > number + 1:
                raise RetryLater(f"its list ends on page {number}, but its links count {last} pages")
            of = int(last) if last.isdigit() and following and following.get("page") == str(number + 1) else None
            full, kept_back = len(rows) >= self.per_page, withheld(headers)
            if kept_back and kind != "repos":
                raise SourceBroken(WITHHELD)
            return Answer(
                rows, headers.get("etag"), at, following, "link" not in headers, number, of, full, kept_back, total
            )

        return self._context.retry.call(ask)

    def request(
        self, path: str, query: Mapping[str, str], method: str = "GET", content: Any = None
    ) -> tuple[int, Mapping[str, str], str]:
        """Sends a request. Returns the status, the headers by lower-case name, and the body of a successful
        response.
        """
        return self._context.retry.call(lambda: self._once(method, path, query, {}, content))

    def _once(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], content: Any = None
    ) -> tuple[int, Mapping[str, str], str]:
        import requests

        from syncd.sdk.requests_transport import not_sent

        try:
            with self._client() as client:
                status, answered, body = client.ask(method, path, query, headers, content)
                if client.followed:
                    self._followed.add(path)
        except requests.exceptions.RequestException as error:
            raise not_sent(error, self._settings.url) from None
        answer = answer_of(status, answered, body)
        self._context.retry.budget.learn(answer.headers)
        if status != 304 and status >= 300:
            failed = self._server.refusal(answer)
            if isinstance(failed, RetryLater):
                raise TooMuch(str(failed), failed.after) if status in (502, 504) else failed
            message = sentence(body, self._context.hide)
            if is_too_quick(status, message):
                raise RetryLater(f"GitHub limits how fast texts are written ({message})", CONTENT_WAIT)
            remedy = advice(self._settings.url, answer)
            raise (NotThere if status in (404, 410) else Refused)(status, message, failed, remedy)
        if (page := self._server.page(answer)) is not None:
            raise page
        return status, answer.headers, body

    @contextmanager
    def _client(self) -> Iterator[Client]:
        """A client that no other thread uses at the same time."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = Client(self._settings, self._context)
        try:
            yield client
        finally:
            self._idle.append(client)


@contextmanager
def _threads(most: int) -> Iterator[Callable[[Callable[[], Answer]], Future[Answer]]]:
    """Runs calls in up to `most` threads. Unlike an executor's threads, these threads do not keep the process from
    ending.
    """
    calls: SimpleQueue[tuple[Callable[[], Answer], Future[Answer]] | None] = SimpleQueue()
    running: list[threading.Thread] = []

    def work() -> None:
        while (call := calls.get()) is not None:
            ask, future = call
            try:
                future.set_result(ask())
            except BaseException as error:
                future.set_exception(error)
            del call, ask, future  # so that only the waiting caller holds the answer in memory

    def begin(ask: Callable[[], Answer]) -> Future[Answer]:
        future: Future[Answer] = Future()
        calls.put((ask, future))
        if len(running) < most:
            running.append(threading.Thread(target=work, name="github-page", daemon=True))
            running[-1].start()
        return future

    try:
        yield begin
    finally:
        for _ in running:
            calls.put(None)


def parsed(shape: TypeAdapter[T], body: str) -> T:
    """The body of a response, parsed to this shape. Raises RetryLater if the body does not have this shape."""
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise RetryLater(f"its answer is not what GitHub documents: {where or 'the whole'}: {problem['msg']}") from None


def _query(address: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
