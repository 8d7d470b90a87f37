"""Reads the pages of an answer: `pages:` of a measure says how to get from one page to the next.

A missing page, a cursor that leads back, or too many pages end the pull with an error, after the pages that could be
read. The value is then partial, and not silently too small.

If a row is added or removed, pages by number or offset shift: the next page repeats a row, or lacks one. Such pages are
therefore requested again at the end, and must still have the same rows (docs/decisions/0059).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.http.evaluation import search
from connectors.http.expressions import Path, list_paths, value_at
from connectors.http.further_pages import further_pages, next_is_nowhere, says_end, totals
from connectors.http.keys import Expression
from syncd.sdk import JsonClient, SourceBroken, SourceError, parse_link
from syncd.sdk.key_rules import both, has, has_any, holds, lacks, needs, refuse, single

LINK = "link"
_MOST_PAGES = 1000
_MISSING = 404
_BY_NUMBER = re.compile("(current|page)?(page|number|index|offset)|start(at|index)?|skip|from|firstresult")


class Pages(BaseModel):
    """How to reach the next page: by an address or a cursor in each answer, or by counting pages or rows."""

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "allOf": [
                needs(has_any("next", "page", "offset"), "needs one of 'next', 'page' and 'offset'"),
                *single("next", "page", "offset"),
                refuse(
                    both(has("param"), lacks("next"), has_any("page", "offset")),
                    "has 'param' beside a parameter that counts, which names it already; drop 'param'",
                ),
                refuse(
                    both(has("param"), holds("next", LINK)),
                    "has 'next: link', which is an address and needs no 'param'; drop 'param'",
                ),
            ]
        },
    )

    next: Expression | None = Field(
        None, description='`link` for the header `Link: rel="next"`, or JMESPath for an address or a cursor.'
    )
    param: str | None = Field(
        None, min_length=1, description="The parameter for the cursor that `next` finds. An address needs no parameter."
    )
    page: str | None = Field(None, min_length=1, description="Instead of `next`: the parameter for the page number.")
    offset: str | None = Field(
        None, min_length=1, description="Instead of `next`: the parameter for the number of rows before the page."
    )

    @model_validator(mode="after")
    def _single_way(self) -> Pages:
        given = [name for name in ("next", "page", "offset") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(map(repr, given))}; keep one of them"
                if given
                else "needs one of 'next', 'page' and 'offset'"
            )
        if self.next is None and self.param is not None:
            raise ValueError(f"has 'param' beside {given[0]!r}, which names the parameter already; drop 'param'")
        if self.next == LINK and self.param is not None:
            raise ValueError("has 'next: link', which is an address and needs no 'param'; drop 'param'")
        return self

    @property
    def counted(self) -> str | None:
        """The parameter that counts pages or rows; None if each answer leads to its next page."""
        return self.page or self.offset

    @property
    def parameter(self) -> str | None:
        """The parameter that changes from page to page; None if answers give the address of the next page."""
        return self.param or self.counted

    def shown(self, expression: str) -> str:
        """The part of a stream's name that distinguishes different `pages`. This part names the expression's list,
        because counted pages end when this list is empty.
        """
        if self.counted is None:
            return f" (pages by {self.next}{f', {self.param}' if self.param else ''})"
        by = "number" if self.page else "rows"
        return f" (pages by {by} in {self.counted}, of {'.'.join(map(str, _list_of(expression))) or 'the list'})"


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a page. The parameters of a GraphQL query are its variables."""

    address: str
    method: str
    body: Any = None
    is_graphql: bool = False

    @property
    def key(self) -> bytes:
        """A key that distinguishes the request from requests for other pages."""
        return orjson.dumps([self.address, self.body])

    def parameter(self, name: str) -> Any:
        """The value of a parameter in the query or the body; None if it is missing. Digits become a whole number."""
        value = self._parameters.get(name)
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value

    def counts_on(self, first: Request, rows: int) -> bool:
        """Whether this request for a later page has a page number or an offset, also if it comes from a link. A number
        that equals the number of the first page's rows (two or more) is an offset, whatever the parameter's name is,
        such as `after` in searches of HubSpot.
        """
        numbers = {name: self.parameter(name) for name in self._parameters}
        return any(
            isinstance(number, int)
            and number != first.parameter(name)
            and (number == rows > 1 or _BY_NUMBER.fullmatch(re.sub("[^a-z]", "", name.lower())))
            for name, number in numbers.items()
        )

    def with_parameter(self, name: str, value: str | int | float) -> Request:
        """The same request with another value of a parameter, in the query if the query has it, else in the body."""
        if self.is_graphql:
            return replace(self, body={**self.body, "variables": {**self._in_body, name: value}})
        if isinstance(self.body, dict) and name not in self._in_query:
            return replace(self, body={**self.body, name: value})
        return replace(self, address=_with_parameter(self.address, name, str(value)))

    @property
    def _parameters(self) -> Mapping[str, Any]:
        return {**self._in_body, **self._in_query}

    @property
    def _in_query(self) -> Mapping[str, str]:
        return dict(parse_qsl(urlsplit(self.address).query, keep_blank_values=True))

    @property
    def _in_body(self) -> Mapping[str, Any]:
        inner = self.body["variables"] if self.is_graphql else self.body
        return inner if isinstance(inner, dict) else {}


@dataclass(frozen=True, slots=True)
class AnswerPage:
    """A page: its JSON, and its headers by lower-case names."""

    data: Any
    headers: Mapping[str, str]


class ListMoved(SourceBroken):
    """Rows were added or removed while the pages of a list were read. A row may be missing or present twice."""


def read_pages(api: JsonClient, first: Request, pages: Pages | None, expression: str) -> Iterator[AnswerPage]:
    """The page of a request, and with `pages` the pages that follow. Raises SourceError, also if the pages never end.
    Raises ListMoved at the end if the list shifted during the read.

    `expression` is the measure's expression. If pages are counted, the last page is the first one that has no row in
    the expression's list.
    """
    if pages is None:
        data, headers = api.answer(first.address, object, method=first.method, body=first.body)
        yield AnswerPage(data, headers)
        return
    tally = _Tally(list_paths(expression))
    yield from _walk(api, first, pages, expression, tally)
    for number, (request, rows) in enumerate(tally.to_read_again(pages), 1):
        data, _ = api.answer(request.address, object, method=request.method, body=request.body)
        if tally.rows(data) != rows:
            raise ListMoved(
                f"page {number} has changed while the pages behind it were read, so a row may be missing or there "
                "twice; let the API sort by what never changes, new rows last, or ask for larger pages"
            )


def _walk(api: JsonClient, first: Request, pages: Pages, expression: str, tally: _Tally) -> Iterator[AnswerPage]:
    request: Request | None = first
    read: set[bytes] = set()
    last: Any = None
    while request is not None:
        try:
            data, headers = api.answer(request.address, object, method=request.method, body=request.body)
        except SourceError as error:
            if error.status == _MISSING and pages.counted and tally.is_full:
                return
            raise
        # Even with `has_more: false`, some APIs return a cursor, which leads back or to a page without rows.
        ends = _says_end(pages, data)
        compared = value_at(data, _list_of(expression)) if pages.counted else data
        if read and compared == last and _has_rows(compared):
            if ends:
                return
            raise _circle(read)
        yield AnswerPage(data, headers)
        read.add(request.key)
        tally.add(request, data, headers)
        last = compared
        request = _following(api, request, pages, expression, data, headers, is_first=len(read) == 1 and not ends)
        if request is not None and ends and (request.key in read or not _has_rows(data)):
            return
        if request is not None and request.key in read:
            raise _circle(read)
        if request is not None and len(read) == _MOST_PAGES:
            raise SourceBroken(f"it has more than {_MOST_PAGES:,} pages; ask for larger pages, or for fewer rows")


class _Tally:
    """Counts the rows in the lists that an expression reads, and stores the totals that all pages agree on."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._asked: list[Request] = []
        self._came: list[tuple[Request, bytes]] = []
        self._rows = self._first_rows = 0
        self._totals: frozenset[tuple[bool, str, int]] | None = None
        self._says_more = False

    def add(self, request: Request, data: Any, headers: Mapping[str, str]) -> None:
        """Counts a page."""
        self._asked.append(request)
        if any(map(_has_rows, self._lists(data))):
            self._came.append((request, self.rows(data)))
        if len(self._paths) == 1:
            (path,) = self._paths
            rows, given, pages = value_at(data, path), totals(data, headers, path), len(self._asked)
            self._says_more = further_pages(data, headers, path, rows_before=self._rows, pages=pages) is not None
            self._rows += len(rows) if isinstance(rows, list) else 0
            self._first_rows = self._first_rows or self._rows
            self._totals = given if self._totals is None else self._totals & given

    @property
    def is_full(self) -> bool:
        """Whether all rows have arrived. Some servers, such as those with Django REST framework, answer 404 to a
        request for another page. A total of rows counts only after several pages: on the first page it may be the
        number of that page's rows.
        """
        return not self._says_more and any(
            total == len(self._asked) if of_pages else total == self._rows and len(self._asked) > 1
            for of_pages, _, total in self._totals or ()
        )

    def to_read_again(self, pages: Pages) -> Sequence[tuple[Request, bytes]]:
        """The pages to read again at the end. If their rows are unchanged, no row was missed between two pages. The
        first page is enough if every page gave a total that equals the number of rows that arrived.
        """
        if len(self._asked) < 2 or not (pages.counted or self._asked[1].counts_on(self._asked[0], self._first_rows)):
            return ()
        return self._came[:1] if self._has_all else self._came

    def rows(self, data: Any) -> bytes:
        """A digest of a page's rows, or of their ids if each row has an `id`, because other fields may change."""
        return blake2b(orjson.dumps(list(map(_ids, self._lists(data))), option=orjson.OPT_SORT_KEYS)).digest()

    @property
    def _has_all(self) -> bool:
        return any(total == self._rows for of_pages, _, total in self._totals or () if not of_pages)

    def _lists(self, data: Any) -> Sequence[Any]:
        return [value_at(data, path) for path in self._paths]


def _ids(rows: Any) -> Any:
    ids = [row.get("id") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return ids if ids and len(ids) == len(rows) and all(isinstance(each, str | int) for each in ids) else rows


def _circle(read: Collection[bytes]) -> SourceBroken:
    return SourceBroken(f"its pages go round in a circle (page {len(read) + 1})")


def _following(
    api: JsonClient,
    request: Request,
    pages: Pages,
    expression: str,
    data: Any,
    headers: Mapping[str, str],
    *,
    is_first: bool,
) -> Request | None:
    if pages.counted is not None:
        return _counted_on(request, pages, expression, data)
    if pages.next == LINK:
        link = parse_link(headers.get("link", "")).get("next")
        return None if link is None else replace(request, address=api.following(request.address, link))
    assert pages.next is not None
    try:
        value = search(pages.next, data)
    except ValueError as error:
        raise SourceBroken(f"pages.next: {pages.next}: {error}") from None
    if value is None or value == "" or value is False:
        if is_first and (why := next_is_nowhere(pages.next, data)) is not None:
            raise SourceBroken(f"pages.next: {pages.next}: {why}")
        return None
    if isinstance(value, bool | list | dict):
        raise SourceBroken(f"pages.next: {pages.next} finds {orjson.dumps(value).decode()[:60]}, which names no page")
    if pages.param is None:
        if not isinstance(value, str):
            raise SourceBroken(f"pages.next: {pages.next} finds {value}, which is no address; say 'param' too")
        return replace(request, address=api.following(request.address, value))
    return request.with_parameter(pages.param, value)


def _counted_on(request: Request, pages: Pages, expression: str, data: Any) -> Request | None:
    """The request for the next page; None if this page has no rows, or if the answer says that no page follows.

    A page with fewer rows than requested is not always the last one, because servers may shorten any page. A total does
    not show the last page either, because no key says which rows the total counts.
    """
    path, name = _list_of(expression), str(pages.counted)
    rows = value_at(data, path)
    if not isinstance(rows, list) or not rows or says_end(data, path):
        return None
    return request.with_parameter(name, request.parameter(name) + (1 if pages.page else len(rows)))


def _list_of(expression: str) -> Path:
    return list_paths(expression)[0]


def _says_end(pages: Pages, data: Any) -> bool:
    return pages.next not in (None, LINK) and any(says_end(data, path) for path in list_paths(str(pages.next)))


def _has_rows(data: Any) -> bool:
    """Whether an answer has a list that is not empty. Equal pages without rows do not prove that pages repeat."""
    inner = data.values() if isinstance(data, dict) else ()
    return (isinstance(data, list) and bool(data)) or any(map(_has_rows, inner))


def _with_parameter(address: str, name: str, value: str) -> str:
    import httpx

    return str(httpx.URL(address).copy_set_param(name, value))
