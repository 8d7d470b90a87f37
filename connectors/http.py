"""Any JSON API through httpx: a number, or a series, picked out by JMESPath."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import jmespath
import orjson
from pydantic import Field, ValidationInfo, field_validator

from syncd.sdk import (
    Check,
    ConnectionSettings,
    Context,
    Json,
    Page,
    Reading,
    ReadingKeys,
    RetryLater,
    Secret,
    Snapshot,
    SourceBroken,
    Stream,
    WebAddress,
    failure,
    quota_and_clock,
)
from syncd.sdk.cells import Cell, Reader, shown

_SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|password", re.IGNORECASE)


class HttpSettings(ConnectionSettings):
    """A web API."""

    url: WebAddress = Field(description="What every path is put behind.")
    headers: dict[str, str] = Field({}, description="Sent with every request; secrets as ${NAME}.")
    token: Secret | None = Field(None, description="Sent as `Authorization: Bearer`.")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")

    @field_validator("headers")
    @classmethod
    def _secrets_by_reference(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if not (info.context or {}).get("resolved"):
            for name, text in value.items():
                if _SECRET_HEADER.search(name) and "${" not in text:
                    variable = re.sub(r"\W+", "_", name).upper()
                    raise ValueError(
                        f'has {name} written out, a secret by its name; write "${{{variable}}}" and set it outside'
                    )
        return value


class HttpMeasure(ReadingKeys):
    """What a web API adds to a measure."""

    path: str = Field("", description="Behind the connection's url, with its query: /v1/nps?team=support.")
    method: Literal["GET", "POST"] = Field("GET", description="How to ask.")
    body: dict[str, Any] | list[Any] | None = Field(None, description="Sent as JSON with a POST.")
    json_: str = Field(
        alias="json",
        description="JMESPath to a number, or to a list of [date, value] pairs: `points[].[day, value]`.",
    )

    @field_validator("path")
    @classmethod
    def _below_the_url(cls, value: str) -> str:
        if value and not value.startswith(("/", "?")):
            raise ValueError(f"is {value!r}; begin it with '/'")
        return value

    @field_validator("json_")
    @classmethod
    def _is_jmespath(cls, value: str) -> str:
        try:
            jmespath.compile(value)
        except jmespath.exceptions.JMESPathError as error:
            said = str(error).splitlines()[0].removeprefix("Invalid jmespath expression: ").rstrip(":").lower()
            raise ValueError(f"is {value!r}, which is no JMESPath: {said}") from None
        return value

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


class Http:
    """The connector."""

    summary: ClassVar[str] = "a number or a series out of any JSON API"
    Settings = HttpSettings
    Measure = HttpMeasure

    @staticmethod
    def open(settings: HttpSettings, context: Context) -> HttpSource:
        """A source; makes no request yet."""
        return HttpSource(settings, context)


class HttpSource:
    """An opened API."""

    def __init__(self, settings: HttpSettings, context: Context) -> None:
        import httpx

        headers = httpx.Headers({"Accept": "application/json", "User-Agent": "syncd"})
        if settings.token is not None:
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        headers.update(settings.headers)
        self._settings = settings
        self._context = context
        self._client = httpx.Client(headers=headers, timeout=settings.timeout)

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
