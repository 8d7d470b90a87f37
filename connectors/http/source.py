"""A number, or a series, out of any JSON API, picked out by JMESPath."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import jmespath
import orjson
from pydantic import Field, ValidationInfo, field_validator

from connectors.http.keys import Expression, Path
from connectors.http.settings import HttpSettings
from syncd.sdk import (
    Check,
    Context,
    Json,
    Page,
    Reading,
    ReadingKeys,
    RetryLater,
    Snapshot,
    SourceBroken,
    Stream,
    failure,
    quota_and_clock,
)
from syncd.sdk.cells import Cell, Reader, shown


class HttpMeasure(ReadingKeys):
    """What a web API adds to a measure."""

    path: Path = Field("", description="Behind the connection's url, with its query: /v1/nps?team=support.")
    method: Literal["GET", "POST"] = Field("GET", description="How to ask.")
    body: dict[str, Any] | list[Any] | None = Field(None, description="Sent as JSON with a POST.")
    json_: Expression = Field(
        alias="json",
        description="JMESPath to a number, or to a list of [date, value] pairs: `points[].[day, value]`.",
    )

    @field_validator("body")
    @classmethod
    def _with_post(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("method") != "POST":
            raise ValueError("goes with 'method: POST'")
        return value

    @property
    def many(self) -> bool:
        """An expression with a projection (`[]`, `[*]`, a filter, a slice) does."""
        return bool(re.search(r"\[(\]|\*|\?|\d*:)", self.json_))

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """One request is one stream."""
        body = orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS).decode() if self.body is not None else ""
        return [f"{self.method} {self.path} {body}".strip()]


class HttpSource:
    """An opened API."""

    def __init__(self, settings: HttpSettings, context: Context) -> None:
        import httpx

        self._settings = settings
        self._context = context
        self._client = httpx.Client(headers=settings.request_headers(), timeout=settings.timeout)

    def verify(self, stream: Stream) -> None:
        """An answer has no fields to name."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """One request, and every part's expression over its answer."""
        parts = {part: HttpMeasure.of_part(part) for part in sorted(stream.needs)}
        keys = next(iter(parts.values()))
        data = self._context.retry.call(lambda: self._ask(keys.method, keys.path, keys.body))
        readings = {part: self._read(keys, data) for part, keys in parts.items()}
        yield Page(readings=readings)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Never asked of readings."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """Whether the API answers at all, and does not refuse the credentials."""
        response = self._context.retry.call(lambda: self._send("GET", "", None))
        yield Check("reachable", response.status_code < 500, self._settings.url)
        refused = response.status_code in (401, 403)
        yield Check("authenticated", not refused, f"HTTP {response.status_code} at its root")
        yield from quota_and_clock(response.headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _ask(self, method: str, path: str, body: Any) -> Any:
        response = self._send(method, path, body)
        if not response.is_success:
            raise failure(response.status_code, response.headers, response.text, self._context.now())
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise RetryLater("its answer is not JSON") from None

    def _send(self, method: str, path: str, body: Any) -> Any:
        import httpx

        try:
            return self._client.request(method, self._settings.url + path, json=body)
        except httpx.TimeoutException:
            raise RetryLater("it did not answer in time") from None
        except httpx.ConnectError as error:
            if "CERTIFICATE" in str(error):
                raise SourceBroken("its certificate is not accepted") from None
            raise RetryLater("it cannot be reached") from None
        except httpx.TransportError:
            raise RetryLater("the connection broke") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceBroken(f"the request could not be made: {type(error).__name__}") from None

    def _read(self, keys: HttpMeasure, data: Any) -> Snapshot:
        """The readings that an expression finds. Nothing there, or null, is no reading."""
        reader = Reader(self._context.zone, keys.as_, epoch_dates=True)
        try:
            found = jmespath.search(keys.json_, data)
        except jmespath.exceptions.JMESPathError as error:
            return Snapshot(problem=f"{keys.json_}: {str(error).splitlines()[0]}")
        if isinstance(found, list):
            return _series(keys.json_, found, reader)
        if found is None:
            return Snapshot(notes=[f"{keys.json_} finds nothing"])
        number, problem = _number(found, reader)
        return Snapshot([Reading(number, keys.json_, _raw(found), problem=problem)])


def _series(expression: str, found: list[Any], reader: Reader) -> Snapshot:
    readings, undated = [], 0
    for index, pair in enumerate(found):
        where = f"{expression} #{index + 1}"
        if not (isinstance(pair, list) and len(pair) == 2):
            return Snapshot(problem=f"{where} is no [date, value] pair; write such as points[].[day, value]")
        at, (number, problem) = reader.moment(_scalar(pair[0])), _number(pair[1], reader)
        if number is None and problem is None:
            continue
        if at is None:
            undated += 1
            continue
        readings.append(Reading(number, where, _raw(pair[1]), at, problem))
    notes = [f"{undated} with no date that can be read, left out"] if undated else []
    if undated and not readings:
        return Snapshot([Reading(None, expression, "", problem="no date that can be read; say 'as: {date: ...}'")])
    return Snapshot(readings, notes=notes)


def _number(value: Any, reader: Reader) -> tuple[float | None, str | None]:
    if isinstance(value, dict | list):
        return None, "a structure, not a number"
    return reader.number(_scalar(value))


def _scalar(value: Any) -> Cell:
    return value if isinstance(value, bool | int | float | str) else None


def _raw(value: Any) -> str:
    return shown(value) if not isinstance(value, dict | list) else orjson.dumps(value).decode()[:200]
