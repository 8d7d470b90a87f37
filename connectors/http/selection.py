"""Collects the values that an expression selects from all pages of an answer, or the reason why the values are unknown.

Only an empty list means that there are no values. A missing key, `null`, or an error with status 200 means that the
values are unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from connectors.http.evaluation import search
from connectors.http.expressions import (
    is_missing,
    items_of_lists,
    list_paths,
    names,
    plain_path,
    value_at,
    why_filters_fail,
    why_nothing,
)
from connectors.http.further_pages import further_pages, next_pointer, sign_of_a_part
from connectors.http.paging import AnswerPage
from syncd.sdk import Reading, Snapshot
from syncd.sdk.cells import Cell, Reader, shown
from syncd.sdk.sentences import sentence
from syncd.sdk.series import SeriesReader
from syncd.sdk.tables import Unreadable

_MOST_PAIRS = 1_000_000
_ERRORS = ("error", "errors")
_MESSAGES = (*_ERRORS, "message", "errorMessages", "detail", "fault", "error_description")


class Selection:
    """Collects the results of one expression from each page.

    `whole` says that the answer counts as complete, even if the answer has signs of further pages. `paged` says that
    syncd follows the pages.
    """

    def __init__(self, expression: str, hide: Callable[[str], str], *, whole: bool, paged: bool) -> None:
        """`hide` masks secrets in texts of the server."""
        self._expression = expression
        self._hide = hide
        self._whole = whole
        self._paged = paged
        self._path = plain_path(expression)
        self._pages = 0
        self._pairs: list[Any] | None = None
        self._value: Any = None
        self._came = dict.fromkeys(list_paths(expression), 0)
        self._left_out: dict[str, tuple[int, int]] = {}  # by value: how many items lack it, and how many there are
        self._unfiltered: str | None = None  # why the filters of a page could not be applied
        self._is_filtered = False  # whether the filters of a page could be applied: some items may lack a key
        self._outcome: Snapshot | None = None  # the final result, if a page before the last one ends the reading
        self._part: str | None = None
        self._following: str | None = None

    def add(self, page: AnswerPage) -> None:
        """Adds the result of the expression for the next page."""
        self._pages += 1
        if self._outcome is None:
            self._outcome = self._take(page.data)
        self._part = self._part or self._sign_of_a_part(page)
        self._following = self._further(page)

    @property
    def has_ended(self) -> bool:
        """Whether the result is final, whatever further pages contain."""
        return self._outcome is not None

    def snapshot(self, reader: Reader) -> Snapshot:
        """The readings, or the reason why the readings are unknown."""
        if self._outcome is not None:
            return self._outcome
        if self._part is not None:
            return Snapshot(
                problem=f"it holds only a part of what the server has ({self._part}); ask for less at once",
                partial=True,
            )
        if self._following is not None:
            return Snapshot(problem=self._following, partial=True)
        if self._unfiltered is not None and not self._is_filtered:
            return self._unknown(self._unfiltered)
        if self._pairs is not None:
            return self._series(reader)
        number, problem = (
            (None, "a structure, not a number") if _is_structure(self._value) else reader.number(self._value)
        )
        return Snapshot([Reading(number, self._expression, self._raw(self._value), problem=problem)], notes=self._notes)

    @property
    def _notes(self) -> list[str]:
        return [f"{count:,} of {of:,} items without {value}, left out" for value, (count, of) in self._left_out.items()]

    def _take(self, data: Any) -> Snapshot | None:
        """Adds the data of a page. Returns the final result if this page ends the reading, otherwise None."""
        expression = self._expression
        has_error = _holds_error(data, names(expression))
        value, failure = None, None
        try:
            value = search(expression, data)
        except ValueError as error:
            failure = f"{expression}: {error}"
        if value is None:
            why = why_nothing(expression, data) or why_filters_fail(expression, data)
            if why is None and failure is not None:
                says = f"; the answer says: {self._says(data)}" if has_error or _holds_message(data) else ""
                return Snapshot(problem=f"{failure}{says}")
            why = why or f"{expression} finds nothing in the answer"
            if has_error or _holds_message(data):
                return Snapshot(problem=f"{why}; the answer says: {self._says(data)}")
            if self._pages > 1:
                return Snapshot(problem=f"on page {self._pages} {why}", partial=True)
            if self._path is not None and not is_missing(data, self._path):
                return Snapshot(notes=[why])  # null instead of a number is a blank
            return self._unknown(why)
        if has_error:
            return Snapshot(problem=f"the answer holds an error beside the data: {self._says(data)}", partial=True)
        if (why := why_filters_fail(expression, data)) is not None:
            self._unfiltered = self._unfiltered or why
        elif any(value_at(data, path) for path in self._came):
            self._is_filtered = True
        for value_of_items, count, having in items_of_lists(expression, data):
            if not having:
                return self._unknown(f"none of {count:,} items has what {expression} asks for")
            if having < count:
                lacking, of = self._left_out.get(value_of_items, (0, 0))
                self._left_out[value_of_items] = lacking + count - having, of + count
        return self._join(value)

    def _join(self, value: Any) -> Snapshot | None:
        if isinstance(value, list) and (self._pairs is not None or self._pages == 1):
            for index, pair in enumerate(value, len(self._pairs or ()) + 1):
                if not (isinstance(pair, list) and len(pair) == 2) or _is_structure(pair[1]):
                    where = f"{self._expression} #{index}"
                    return Snapshot(problem=f"{where} is no [date, value] pair; write such as points[].[day, value]")
            if len(self._pairs or ()) + len(value) > _MOST_PAIRS:
                return Snapshot(
                    problem=f"{self._expression} has more than {_MOST_PAIRS:,} pairs; ask the API for fewer days"
                )
            self._pairs = [*(self._pairs or ()), *value]
            return None
        if self._pages > 1 and (value != self._value or self._path is None):
            return Snapshot(
                problem=f"{self._expression} gives a number on each page; select a list of [date, value] pairs, such "
                "as points[].[day, value], which joins the pages"
            )
        self._value = value
        return None

    def _series(self, reader: Reader) -> Snapshot:
        pairs = self._pairs or []
        if pairs and all(value is None for _, value in pairs):
            return self._unknown(f"none of {len(pairs):,} items has a value at {self._expression}")
        rows = SeriesReader(self._expression, reader)
        try:
            for index, (day, value) in enumerate(pairs, 1):
                rows.pair(index, f"{self._expression} #{index}", _cell(day), _cell(value))
        except Unreadable as error:
            return Snapshot(problem=str(error))
        snapshot = rows.snapshot()
        return replace(snapshot, notes=[*snapshot.notes, *self._notes])

    def _says(self, data: Any) -> str:
        return sentence(orjson.dumps(data).decode(), self._hide)

    def _raw(self, value: Any) -> str:
        return self._hide(orjson.dumps(value).decode())[:200] if _is_structure(value) else shown(value)

    def _unknown(self, why: str) -> Snapshot:
        return Snapshot([Reading(None, self._expression, "", problem=f"no number: {why}")])

    def _sign_of_a_part(self, page: AnswerPage) -> str | None:
        if self._whole:
            return None
        signs = (sign_of_a_part(page.data, path) for path in self._came or [()])
        return next((sign for sign in signs if sign is not None), None)

    def _further(self, page: AnswerPage) -> str | None:
        """The reason why the answer is incomplete; None if it has no sign of further pages, or if the expression does
        not need further pages.
        """
        if self._whole or (self._path is not None and self._pairs is None):
            return None
        for path, earlier in self._came.items():
            sign = further_pages(
                page.data, page.headers, path, rows_before=earlier, pages=self._pages, is_led=self._paged
            )
            rows = value_at(page.data, path)
            self._came[path] = earlier + (len(rows) if isinstance(rows, list) else 0)
            if sign is None:
                continue
            if self._pages > 1:
                return f"its last page says that more follows ({sign})"
            return f"it has further pages ({sign}), and the first was read; write {_how(page, path)}"
        return None


def _how(page: AnswerPage, path: Any) -> str:
    """The value of `pages:` with which syncd would read the further pages."""
    if 'rel="next"' in page.headers.get("link", "") or "rel=next" in page.headers.get("link", ""):
        return "pages: {next: link}"
    pointer = next_pointer(page.data, path)
    if pointer is None:
        return "pages: {next: PLACE, param: NAME} with the place of the next page, or ask for larger pages"
    name, is_address = pointer
    quoted = name if '"' not in name else f"'{name}'"
    return f"pages: {{next: {quoted}}}" if is_address else f"pages: {{next: {quoted}, param: NAME}}"


def _holds_error(data: Any, asked: frozenset[str]) -> bool:
    return isinstance(data, dict) and any(
        data.get(name) and name not in asked and not isinstance(data[name], bool | int | float) for name in _ERRORS
    )


def _holds_message(data: Any) -> bool:
    return isinstance(data, dict) and any(data.get(name) for name in _MESSAGES)


def _is_structure(value: Any) -> bool:
    return isinstance(value, dict | list)


def _cell(value: Any) -> Cell:
    return value if isinstance(value, bool | int | float | str) else None
