"""Check-ins to a sheet: any number of key results are one read and one write, which sets their cells and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from connectors.sheets import layout as layouts
from connectors.sheets import log as logs
from connectors.sheets.cells import Cells, Place, ranges
from connectors.sheets.client import ENTERED, Client, Refused
from connectors.sheets.keys import SheetsPublish
from connectors.sheets.layout import Layout
from connectors.sheets.log import Log
from syncd.sdk import Content, Found, RetryLater, Scalar, SourceBroken, Statement, Summary, one_line
from syncd.sdk.block import health

_LOG = "log"
_ROWS, _COLUMNS = 1000, 26  # of a sheet that people make


class SheetsPublisher:
    """An opened account to write with.

    The place `log` holds the time of the statement's row there: where that row is missing, nothing stands.
    """

    together = True
    appends = False

    def __init__(self, client: Client, keys: SheetsPublish) -> None:
        self._client = client
        self._keys = keys
        self._lines: dict[tuple[str, Scalar | None], Sequence[Scalar | None]] = {}
        self._layout: Layout
        self._log: Log | None = None

    def content(self, said: Statement | Summary) -> Content:
        """Its columns' values, and the time of its row in the log."""
        assert isinstance(said, Statement)
        stated = said.content(self._keys.columns)
        if "health" in stated:
            stated["health"] = health(said).capitalize()
        content = {self._keys.place(name): stated[name] for name in self._keys.columns if name in stated}
        if self._keys.log is not None:
            content[_LOG] = logs.stamp(said)
            self._lines[said.key_result, content[_LOG]] = logs.line(said)
        return content

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Found]:
        """One request; two more where a sheet is not there."""
        with self._explained():
            sheet, log = self._look()
            self._layout = layouts.layout(self._keys, sheet)
            self._log = None if log is None else logs.log(log)
        return {name: self._found(name, content) for name, content in wanted.items()}

    def write(self, contents: Mapping[str, Content]) -> None:
        """One request; one or two before it where a sheet has to be made, or to grow."""
        cells = [(self._layout.sheet, self._layout.cells(contents))]
        if self._log is not None:
            stamped = [(name, content[_LOG]) for name, content in contents.items() if _LOG in content]
            cells.append(
                (self._log.sheet, self._log.cells([self._lines[one] for one in stamped if one in self._lines]))
            )
        cells = [(sheet, entered) for sheet, entered in cells if entered]
        with self._explained():
            self._make_room(cells)
            data = [one for sheet, entered in cells for one in ranges(sheet.title, entered)]
            if data:
                self._client.enter(self._keys.spreadsheet, data)

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _found(self, key_result: str, places: Content) -> Found:
        found = self._layout.found(key_result, places, create=self._keys.create)
        if found.absent is None and self._log is not None and _LOG in places:
            where = self._log.stands(key_result, places[_LOG])
            if where is not None:
                return replace(
                    found,
                    content={**found.content, _LOG: places[_LOG]},
                    where={**found.where, _LOG: where},
                )
        return found

    def _look(self) -> tuple[Cells, Cells | None]:
        """What stands in the sheet and in the log. A log that is not there is blank, and so is a sheet to be made."""
        asked = {self._keys.sheet: layouts.wanted(self._keys)}
        if self._keys.log is not None:
            asked[self._keys.log] = logs.wanted(self._keys.log)
        try:
            found = self._cells(asked)
        except Refused as error:
            if not error.message.startswith("Unable to parse range"):
                raise
            there = [one.properties.title for one in self._client.spreadsheet(self._keys.spreadsheet).sheets]
            if all(title in there for title in asked):
                raise
            if self._keys.sheet not in there and not self._keys.create:
                has = f"(there are: {', '.join(there)})"
                said = f"there is no sheet {self._keys.sheet!r}; correct sheet in publish:, or set create: true {has}"
                raise SourceBroken(one_line(said, 280)) from None
            found = self._cells({title: parts for title, parts in asked.items() if title in there})
        log = self._keys.log
        return found.get(self._keys.sheet, Cells(self._keys.sheet)), None if log is None else found.get(log, Cells(log))

    def _cells(self, asked: Mapping[str, Sequence[str]]) -> dict[str, Cells]:
        titles = [title for title, parts in asked.items() for _ in parts]
        if not titles:
            return {}
        found = {title: Cells(title) for title in asked}
        answers = self._client.values(
            self._keys.spreadsheet, [one for parts in asked.values() for one in parts], ENTERED
        )
        for title, values in zip(titles, answers, strict=True):
            found[title].take(values)
        return found

    def _make_room(self, cells: Sequence[tuple[Cells, Mapping[Place, Scalar | None]]]) -> None:
        """Adds the sheets that are not there, and what those lack that end too early."""
        requests: list[Mapping[str, Any]] = []
        for sheet, entered in cells:
            rows, columns = max(row for row, _ in entered) + 1, max(column for _, column in entered) + 1
            if not sheet.exists:
                size = {"rowCount": max(rows, _ROWS), "columnCount": max(columns, _COLUMNS)}
                requests.append({"addSheet": {"properties": {"title": sheet.title, "gridProperties": size}}})
                continue
            for dimension, length in (("ROWS", rows - sheet.rows), ("COLUMNS", columns - sheet.columns)):
                if length > 0:
                    more = {"sheetId": self._number(sheet.title), "dimension": dimension, "length": length}
                    requests.append({"appendDimension": more})
        if requests:
            self._client.change(self._keys.spreadsheet, requests)

    def _number(self, title: str) -> int:
        sheets = self._client.spreadsheet(self._keys.spreadsheet).sheets
        number = next((one.properties.sheetId for one in sheets if one.properties.title == title), None)
        if number is None:
            raise RetryLater(f"the sheet {title!r} was renamed just now")
        return number

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Says of a refusal what to do about it, where that is known."""
        try:
            yield
        except Refused as error:
            raise SourceBroken(one_line(self._advice(error), 280)) from None

    def _advice(self, error: Refused) -> str:
        said = f"(HTTP {error.status}" + (f": {error.message})" if error.message else ")")
        book = self._keys.spreadsheet
        if error.scopes:
            return f"the token may only read; it needs the scope https://www.googleapis.com/auth/spreadsheets {said}"
        if error.status == 403 and "permission" in error.message:
            account = self._client.account or "the token's account"
            return f"share the spreadsheet {book} with {account} as editor {said}"
        if error.status == 404 and error.message:
            return f"there is no spreadsheet {book}; correct it in publish: {said}"
        if error.bad_range:
            hint = "a header of up to three capital letters is written in small ones"
            return f"{error.message}; correct key_column and columns in publish: ({hint})"
        if error.status == 401:
            return f"the credentials were refused {said}"
        return f"Google refuses it {said}" if error.message else str(error)
