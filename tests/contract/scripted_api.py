"""A web API on loopback whose answers a test writes, and which remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from loopback import QuietHandler, running

from connectors.http import Http, HttpSource
from syncd.sdk import Context, Days, Page, SourceError, Stream


@dataclass(frozen=True)
class Asked:
    """A request: `query` is decoded, `target` is as it was sent, and `body` is JSON if it is, else the text of it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Any

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


Answering = Callable[[Asked], Any]
"""The answer: JSON, or a status, JSON and headers."""


class ScriptedApi:
    """The server. `answer` may be replaced at any time; `down` breaks each connection instead."""

    def __init__(self, answer: Answering) -> None:
        self.url = ""
        self.answer = answer
        self.asked: list[Asked] = []
        self.down = False

    @property
    def last(self) -> Asked:
        return self.asked[-1]


@contextmanager
def serving(answer: Answering) -> Iterator[ScriptedApi]:
    """The API, until the block ends."""
    api = ScriptedApi(answer)

    class Handler(QuietHandler):
        date: str | None = None

        def _any(self) -> None:
            content = self.body()
            try:
                body = json.loads(content) if content else None
            except ValueError:
                body = content.decode()
            asked = Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body)
            api.asked.append(asked)
            if api.down:
                self.close_connection = True
                return
            given = api.answer(asked)
            status, data, headers = given if isinstance(given, tuple) else (200, given, {})
            self.date = headers.get("Date")
            headers = {name: value for name, value in headers.items() if name != "Date"}
            self.send(status, b"" if status == 304 else json.dumps(data).encode(), **headers)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return self.date or super().date_time_string(timestamp)

        do_GET = do_POST = do_HEAD = _any  # noqa: N815 - http.server names them

    with running(Handler) as server:
        api.url = f"http://{server}"
        yield api


def opened(api: ScriptedApi, context: Context, **settings: Any) -> HttpSource:
    """A source of this API; its settings hold secrets as they are once references are resolved."""
    keys = {"type": "http", "url": api.url, **settings}
    return Http.open(Http.Settings.model_validate(keys, context={"resolved": True}), context)


def stream_of(*measures: dict[str, Any], days: Days | None = None) -> Stream:
    """The stream that these measures share."""
    models = [Http.Measure.model_validate(keys) for keys in measures]
    (key,) = {stream for model in models for stream in model.streams()}
    return Stream(key, "readings", frozenset(model.part() for model in models), days=days)


def pulled(
    source: HttpSource, stream: Stream, cursor: Mapping[str, Any] | None = None
) -> tuple[list[Page], SourceError | None]:
    """The pages up to the end, or to the error that ended them."""
    pages: list[Page] = []
    try:
        pages.extend(source.pull(stream, cursor))
    except SourceError as error:
        return pages, error
    return pages, None


def numbers(pages: list[Page]) -> list[float | None]:
    """The numbers of the only part, which the last page has."""
    (snapshot,) = pages[-1].readings.values()
    assert snapshot.problem is None, snapshot.problem
    return [reading.number for reading in snapshot.readings]


def measured(api: ScriptedApi, context: Context, days: Days | None = None, **keys: Any) -> list[float | None]:
    """The numbers that a measure reads."""
    source = opened(api, context, post=True)
    pages, error = pulled(source, stream_of(keys, days=days))
    source.close()
    assert error is None, error
    return numbers(pages)
