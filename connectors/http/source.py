"""Reads a number or a series from any JSON API, selected by JMESPath."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import orjson
from pydantic import Field, ValidationInfo, field_validator

from connectors.http.keys import Expression, Path, makes_a_list
from connectors.http.paging import Pages, Request, read_pages
from connectors.http.selection import Selection
from connectors.http.settings import HttpSettings
from syncd.sdk import (
    ConnectionSettings,
    Context,
    Json,
    JsonClient,
    JsonSource,
    Page,
    ReadingKeys,
    Stream,
    Withheld,
    not_allowed,
)
from syncd.sdk.cells import Reader


class HttpMeasure(ReadingKeys):
    """The keys that a web API adds to a measure."""

    path: Path = Field("", description="What follows the connection's url, with its query: /v1/nps?team=support.")
    method: Literal["GET", "POST"] = Field("GET", description="How to ask.")
    body: dict[str, Any] | list[Any] | None = Field(None, description="Sent as JSON with a POST.")
    json_: Expression = Field(
        alias="json",
        description="JMESPath to a number, or to a list of [date, value] pairs: `points[].[day, value]`.",
    )
    pages: Pages | Literal[False] | None = Field(
        None, description="How to reach the next page; false if the answer is whole, whatever it says."
    )

    @field_validator("body")
    @classmethod
    def _with_post(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("method") != "POST":
            raise ValueError("goes with 'method: POST'")
        return value

    @field_validator("pages", mode="before")
    @classmethod
    def _block_or_false(cls, value: Any) -> Any:
        if value is False or value is None or isinstance(value, Pages):
            return value
        if not isinstance(value, dict):
            raise ValueError(  # noqa: TRY004 - for pydantic
                f"is {value!r}; write where the next page is, such as {{next: link}}, or false if the answer is whole"
            )
        return Pages.model_validate(value)

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """A POST may write: whoever owns the connection says whether its measures may send one."""
        if self.method == "POST" and not (isinstance(settings, HttpSettings) and settings.post):
            return "method", "is POST, which may write; if this API reads by it, write post: true on its connection"
        allow = settings.allow if isinstance(settings, HttpSettings) else None
        return not_allowed("path", [self.path.partition("?")[0]], allow)

    @property
    def many(self) -> bool:
        """Whether the expression makes a list."""
        return makes_a_list(self.json_)

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """Measures that make the same requests share a stream."""
        body = orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS).decode() if self.body is not None else ""
        request = f"{self.method} {self.path} {body}".strip()
        if not self.pages:
            return [request]
        by = f", {self.pages.param}" if self.pages.param else ""
        return [f"{request} (pages by {self.pages.next}{by})"]


class HttpSource(JsonSource):
    """An opened API."""

    def __init__(self, settings: HttpSettings, context: Context) -> None:
        super().__init__(settings.client(context))
        self._context = context
        self._settings = settings

    @cached_property
    def _once(self) -> JsonClient:
        """The client for POSTs, which may write after all: it sends each a single time, and none in a rehearsal."""
        if self._context.rehearsal:
            raise Withheld("a POST may write, so only a sync sends it")
        return self._settings.client(replace(self._context, retry=replace(self._context.retry, attempts=1)))

    def close(self) -> None:
        """Closes the sockets."""
        super().close()
        if "_once" in vars(self):
            self._once.close()

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Reads every page, and evaluates the expression of each part over each of them."""
        parts = {part: HttpMeasure.of_part(part) for part in sorted(stream.needs)}
        keys = next(iter(parts.values()))
        selections = {
            part: Selection(keys.json_, self._context.hide, whole=keys.pages is False, paged=bool(keys.pages))
            for part, keys in parts.items()
        }
        api = self.api if keys.method == "GET" else self._once
        request = Request(api.address(keys.path), keys.method, keys.body)
        for page in read_pages(api, request, keys.pages or None):
            for selection in selections.values():
                selection.add(page)
            if all(selection.has_ended for selection in selections.values()):
                break
            if keys.pages:
                yield Page()  # if a later page is missing, the pull is partial, and not failed
        yield Page(
            readings={
                part: selections[part].snapshot(Reader(self._context.zone, keys.as_, epoch_dates=True))
                for part, keys in parts.items()
            }
        )
