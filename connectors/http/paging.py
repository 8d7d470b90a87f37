"""The pages of an answer, as `pages:` of a measure leads from one to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.http.evaluation import search
from connectors.http.expressions import list_paths
from connectors.http.further_pages import says_end
from connectors.http.keys import Expression
from syncd.sdk import JsonClient, SourceBroken, parse_link

LINK = "link"
_MOST_PAGES = 1000


class Pages(BaseModel):
    """Where an answer says which page comes next."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    next: Expression = Field(description='`link` for the header `Link: rel="next"`; else JMESPath to an address.')
    param: str | None = Field(
        None, min_length=1, description="The parameter that takes what `next` finds, if that is no address."
    )

    @model_validator(mode="after")
    def _link_is_an_address(self) -> Pages:
        if self.next == LINK and self.param is not None:
            raise ValueError("has 'next: link', which is an address and needs no 'param'; drop 'param'")
        return self


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a page."""

    address: str
    method: str
    body: Any = None

    @property
    def key(self) -> bytes:
        """What distinguishes it from the requests for other pages."""
        return orjson.dumps([self.address, self.body])


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """A page: its JSON, and its headers by lower-case names."""

    data: Any
    headers: Mapping[str, str]


def read_pages(api: JsonClient, first: Request, pages: Pages | None) -> Iterator[AnswerPage]:
    """The page that a request asks for, and with `pages` those after it. SourceError, also if they never end."""
    request: Request | None = first
    read: set[bytes] = set()
    last: Any = None
    while request is not None:
        data, headers = api.answer(request.address, object, method=request.method, body=request.body)
        # Beside `has_more: false` some APIs keep a cursor for later, which leads back or to a page without rows.
        ends = pages is not None and _says_end(pages, data)
        if read and data == last and _has_rows(data):
            if ends:
                return
            raise _circle(read)
        yield AnswerPage(data, headers)
        read.add(request.key)
        last = data
        request = _following(api, request, pages, data, headers) if pages is not None else None
        if request is not None and ends and (request.key in read or not _has_rows(data)):
            return
        if request is not None and request.key in read:
            raise _circle(read)
        if request is not None and len(read) == _MOST_PAGES:
            raise SourceBroken(f"it has more than {_MOST_PAGES:,} pages; ask for larger pages, or for fewer rows")


def _circle(read: Collection[bytes]) -> SourceBroken:
    return SourceBroken(f"its pages go round in a circle (page {len(read) + 1})")


def _following(
    api: JsonClient, request: Request, pages: Pages, data: Any, headers: Mapping[str, str]
) -> Request | None:
    """The request for the next page; None after the last."""
    if pages.next == LINK:
        link = parse_link(headers.get("link", "")).get("next")
        return None if link is None else Request(api.following(request.address, link), request.method, request.body)
    try:
        value = search(pages.next, data)
    except ValueError as error:
        raise SourceBroken(f"pages.next: {pages.next}: {error}") from None
    if value is None or value == "" or value is False:
        return None
    if isinstance(value, bool | list | dict):
        raise SourceBroken(f"pages.next: {pages.next} finds {orjson.dumps(value).decode()[:60]}, which names no page")
    if pages.param is None:
        if not isinstance(value, str):
            raise SourceBroken(f"pages.next: {pages.next} finds {value}, which is no address; say 'param' too")
        return Request(api.following(request.address, value), request.method, request.body)
    if isinstance(request.body, dict):
        return Request(request.address, request.method, {**request.body, pages.param: value})
    return Request(_with_parameter(request.address, pages.param, str(value)), request.method, request.body)


def _says_end(pages: Pages, data: Any) -> bool:
    return pages.next != LINK and any(says_end(data, path) for path in list_paths(pages.next))


def _has_rows(data: Any) -> bool:
    """Whether an answer has some list that is not empty: empty pages may well be equal."""
    inner = data.values() if isinstance(data, dict) else ()
    return (isinstance(data, list) and bool(data)) or any(map(_has_rows, inner))


def _with_parameter(address: str, name: str, value: str) -> str:
    import httpx

    return str(httpx.URL(address).copy_set_param(name, value))
