"""Reads a number or a series from any JSON API, selected by JMESPath."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

import jmespath
import orjson
from pydantic import Field, ValidationInfo, field_validator

from connectors.http.keys import Expression, Path, makes_a_list
from connectors.http.settings import HttpSettings
from syncd.sdk import Context, Json, JsonSource, Page, Reading, ReadingKeys, Snapshot, Stream
from syncd.sdk.cells import Cell, Reader, shown


class HttpMeasure(ReadingKeys):
    """The keys that a web API adds to a measure."""

    path: Path = Field("", description="What follows the connection's url, with its query: /v1/nps?team=support.")
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
        """Whether the expression makes a list."""
        return makes_a_list(self.json_)

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """Measures that make the same request share a stream."""
        body = orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS).decode() if self.body is not None else ""
        return [f"{self.method} {self.path} {body}".strip()]


class HttpSource(JsonSource):
    """An opened API."""

    def __init__(self, settings: HttpSettings, context: Context) -> None:
        super().__init__(settings.client(context))
        self._zone = context.zone

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Makes one request, and evaluates the expression of each part over its answer."""
        parts = {part: HttpMeasure.of_part(part) for part in sorted(stream.needs)}
        keys = next(iter(parts.values()))
        data = self.api.read(keys.path, object, method=keys.method, body=keys.body)
        yield Page(readings={part: self._read(keys, data) for part, keys in parts.items()})

    def _read(self, keys: HttpMeasure, data: object) -> Snapshot:
        """The readings that an expression selects. If it selects nothing or null, there is no reading."""
        reader = Reader(self._zone, keys.as_, epoch_dates=True)
        try:
            picked = jmespath.search(keys.json_, data)
        except jmespath.exceptions.JMESPathError as error:
            return Snapshot(problem=f"{keys.json_}: {str(error).splitlines()[0]}")
        if isinstance(picked, list):
            return _series(keys.json_, picked, reader)
        if picked is None:
            return Snapshot(notes=[f"{keys.json_} finds nothing"])
        number, problem = _number(picked, reader)
        return Snapshot([Reading(number, keys.json_, _raw(picked), problem=problem)])


def _series(expression: str, pairs: list[Any], reader: Reader) -> Snapshot:
    readings, undated = [], 0
    for index, pair in enumerate(pairs):
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
