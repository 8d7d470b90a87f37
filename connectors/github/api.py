"""Requests to GitHub's REST API.

They go through PyGithub's `Requester.requestJson` on a connection of ours, for three reasons found in PyGithub 2.10:
lists have no conditional requests, a 301 (a renamed repository) loses its query, and objects for 20,000 pulls take
1.6 GB. One client a thread: PyGithub keeps the request's verb and address on the client.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from pydantic import ValidationError

from connectors.github.client import PER_PAGE, Client
from connectors.github.rows import ROWS
from connectors.github.settings import GitHubSettings
from syncd.sdk import (
    Context,
    RetryLater,
    SourceBroken,
    SourceError,
    failure,
    network_failure,
    one_line,
    parse_link,
    server_time,
)

_AT_ONCE = 4
_STALE_PAGES = 2


class Refused(SourceBroken):
    """The answer is no, and would be another time; `status` and `message` are the answer's."""

    def __init__(self, status: int, message: str, failed: SourceError) -> None:
        self.status = status
        self.message = message
        super().__init__(str(failed))


class NotThere(Refused):
    """Nothing is there, or nothing that these credentials may see."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: its rows, None where the server says that they have not changed; the query of the next.

    `number` is the page's, `of` that of the last one where the server links it by its number. `unlinked` says that the
    server links nothing at all. `at` is the server's time of it, or ours where it tells none.
    """

    rows: list[Any] | None
    etag: str | None
    at: datetime
    next: dict[str, str] | None = None
    unlinked: bool = False
    number: int = 1
    of: int | None = None

    @property
    def last(self) -> bool:
        """Whether no page is behind it."""
        return self.next is None and not (self.unlinked and len(self.rows or ()) >= PER_PAGE)


class Api:
    """GitHub's lists, page by page, and single answers."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._idle = [Client(settings, context.folder)]

    def close(self) -> None:
        """Closes the sockets."""
        for client in self._idle:
            client.close()

    def page(self, path: str, query: Mapping[str, str], kind: str, number: int = 1, etag: str | None = None) -> Answer:
        """One page of a list, asked for by its number; without rows where it is as `etag` says."""
        asked = {**query, "per_page": str(PER_PAGE)}
        return self._list(path, asked if number == 1 else {**asked, "page": str(number)}, kind, number, etag)

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
        """A list's pages in their order, as its links lead; one without rows where the first is as `etag` says.

        The first may be in hand already. With `at_once` several are asked for side by side, where the server links the
        last one by its number. Of a link only its query is taken: behind a proxy or a replay its host is not ours. A
        full page from a server that links nothing may have another behind it, which is asked for by number.
        """
        asked = {**query, "per_page": str(PER_PAGE)}
        if start > 1:
            asked["page"] = str(start)
        seen: set[str] = set()
        met: set[str] = set()
        number, stale = start, 0
        while True:
            place = repr(sorted(asked.items()))
            answer = first or self._list(path, asked, kind, number, etag if number == start else None)
            first = None
            ids = {row.stable_id for row in answer.rows or ()}
            # A page of rows that were met may be due to many that moved; page upon page of them is not.
            stale = stale + 1 if ids and ids <= met and not answer.last else 0
            if place in seen or stale > _STALE_PAGES:
                raise SourceBroken(f"its pages go round in a circle (page {number})")
            seen.add(place)
            met |= ids
            yield answer
            if at_once and answer.of is not None:
                for answer in self.side_by_side(path, query, kind, number + 1, answer.of):  # noqa: B020 - the last one
                    yield answer
                at_once = False
            number = answer.number + 1
            if answer.next is not None:
                asked = {**asked, **answer.next}
            elif answer.unlinked and not answer.last:
                asked = {**asked, "page": str(number)}
            else:
                return

    def side_by_side(
        self, path: str, query: Mapping[str, str], kind: str, first: int, last: int, etag: str | None = None
    ) -> Iterator[Answer]:
        """The pages of these numbers in their order, several of them asked for at once; `etag` is the first one's.

        It begins with one and doubles with each page that is taken, so that a walk which stops soon has asked for
        little in vain. GitHub advises against many requests at once, and limits them at 100.
        """
        numbers = iter(range(first, last + 1))
        ahead: deque[Future[Answer]] = deque()
        width = 1
        with _threads(_AT_ONCE) as begin:
            while True:
                while len(ahead) < width and (number := next(numbers, None)) is not None:
                    known = etag if number == first else None
                    ahead.append(begin(partial(self.page, path, query, kind, number, known)))
                if not ahead:
                    return
                answer = ahead.popleft().result()
                yield answer
                if answer.rows == []:  # it has grown shorter; what follows is empty too
                    return
                width = min(_AT_ONCE, 2 * width)

    def _list(self, path: str, query: Mapping[str, str], kind: str, number: int, etag: str | None) -> Answer:
        def ask() -> Answer:
            status, headers, body = self._once("GET", path, query, {"If-None-Match": etag} if etag else {})
            at = server_time(headers) or self._context.now()
            if status == 304 and etag is None:
                raise RetryLater("it says that nothing changed to one who never asked before")  # a cache in between
            if status == 304:
                return Answer(None, etag, at, number=number)
            try:
                rows = ROWS[kind].validate_json(body)
            except ValidationError as error:
                where = ".".join(str(part) for part in error.errors()[0]["loc"])
                said = f"its answer is not what GitHub documents: {where or 'the whole'}: {error.errors()[0]['msg']}"
                raise RetryLater(said) from None
            links = {name: _query(address) for name, address in parse_link(headers.get("link", "")).items()}
            following, last = links.get("next"), links.get("last", {}).get("page", "")
            if following is None and last.isdigit() and int(last) > number + 1:
                raise RetryLater(f"its list ends on page {number}, and is said to have {last}")
            of = int(last) if last.isdigit() and following and following.get("page") == str(number + 1) else None
            return Answer(rows, headers.get("etag"), at, following, "link" not in headers, number, of)

        return self._context.retry.call(ask)

    def request(
        self, path: str, query: Mapping[str, str], method: str = "GET", content: Any = None
    ) -> tuple[int, Mapping[str, str], str]:
        """The status, the headers by lower-case names and the body of an answer that is no failure."""
        return self._context.retry.call(lambda: self._once(method, path, query, {}, content))

    def _once(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], content: Any = None
    ) -> tuple[int, Mapping[str, str], str]:
        import requests
        from github import GithubException

        try:
            with self._client() as client:
                status, answered, body = client.ask(method, path, query, headers, content)
        except requests.exceptions.RequestException as error:
            raise network_failure(error) from None
        except GithubException as error:  # the App's own request for a token
            raise failure(error.status, error.headers or {}, str(error.data), self._context.now()) from None
        named = {name.lower(): str(value) for name, value in answered.items()}
        self._context.retry.budget.learn(named)
        if status != 304 and status >= 300:
            failed = failure(status, named, body, self._context.now())
            if isinstance(failed, RetryLater):
                raise failed
            raise (NotThere if status in (404, 410) else Refused)(status, _message(body), failed)
        return status, named, body

    @contextmanager
    def _client(self) -> Iterator[Client]:
        """One that nobody else uses meanwhile."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = Client(self._settings, self._context.folder)
        try:
            yield client
        finally:
            self._idle.append(client)


@contextmanager
def _threads(most: int) -> Iterator[Callable[[Callable[[], Answer]], Future[Answer]]]:
    """Begins each call in one of so many threads. They keep no process from ending, which those of an executor do."""
    calls: SimpleQueue[tuple[Callable[[], Answer], Future[Answer]] | None] = SimpleQueue()
    running: list[threading.Thread] = []

    def work() -> None:
        while (call := calls.get()) is not None:
            ask, future = call
            try:
                future.set_result(ask())
            except BaseException as error:
                future.set_exception(error)
            del call, ask, future  # the answer is held by who waits for it alone

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


def _message(body: str) -> str:
    """What an answer that is no says for people: its `message`, and where it has them those of its `errors`."""
    try:
        said = orjson.loads(body)
        more = [one.get("message") or f"{one.get('field')} {one.get('code')}" for one in said.get("errors") or ()]
        return one_line(": ".join([str(said["message"]), *map(str, more)]))
    except (ValueError, TypeError, KeyError, AttributeError):
        return one_line(body)


def _query(address: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
