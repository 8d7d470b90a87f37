"""Writes check-ins to a sheet: for any number of key results, one request reads and one request writes.

A write changes only the cells of these key results.
"""

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
from connectors.sheets.moved import stray_cells
from syncd.sdk import Content, RetryLater, Scalar, SourceBroken, Statement, Summary, Written, single_line
from syncd.sdk.a1 import address
from syncd.sdk.block import health

_LOG = "log"
_CHECKS = 4  # how often restored cells are read again
_NAMED = 3
_ROWS, _COLUMNS = 1000, 26  # the size of a sheet that somebody adds by hand


class SheetsPublisher:
    """Writes to one sheet, and to its log, through an opened account.

    The place `log` has the time of the statement in the log. This place is empty if the log has no row for the
    statement.
    """

    together = True
    appends = False

    def __init__(self, client: Client, keys: SheetsPublish) -> None:
        self._client = client
        self._keys = keys
        self._former: dict[str, Sequence[str]] = {}  # the ids that a key result had before, newest first
        self._lines: dict[tuple[str, Scalar | None], Sequence[Scalar | None]] = {}
        self._layout: Layout
        self._log: Log | None = None
        self._unchecked: Mapping[Place, Scalar | None] | None = None

    def content(self, statement: Statement | Summary) -> Content:
        """The values of the columns, and the time of the statement's row in the log."""
        assert isinstance(statement, Statement)
        self._former[statement.key_result] = statement.former
        stated = statement.content(self._keys.columns)
        if "health" in stated:
            stated["health"] = health(statement).capitalize()
        content = {self._keys.place(name): stated[name] for name in self._keys.columns if name in stated}
        if self._keys.log is not None:
            content[_LOG] = logs.stamp(statement)
            self._lines[statement.key_result, content[_LOG]] = logs.line(statement)
        return content

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """Makes one request, and two more if a sheet is missing. If the response to the last write was lost, first
        checks that write.
        """
        with self._explained():
            self._check()
            sheet, log = self._look()
            self._layout = layouts.layout(self._keys, sheet, self._former)
            self._log = None if log is None else logs.log(log)
        return {name: self._read_row(name, content) for name, content in wanted.items()}

    def write(self, contents: Mapping[str, Content]) -> None:
        """Makes one request to write, and one to read the written cells. If sheets or rows must be added, makes more
        requests before the write.

        If somebody moved rows or columns meanwhile, restores the overwritten cells and raises RetryLater.
        """
        self._insert_rows(self._layout.new_rows(contents))
        cells = [(self._layout.sheet, self._layout.cells(contents))]
        if self._log is not None:
            stamps = [(name, content[_LOG]) for name, content in contents.items() if _LOG in content]
            lines = [self._lines[stamp] for stamp in stamps if stamp in self._lines]
            cells.append((self._log.sheet, self._log.cells(lines)))
        cells = [(sheet, entered) for sheet, entered in cells if entered]
        with self._explained():
            self._make_room(cells)
            data = [value_range for sheet, entered in cells for value_range in ranges(sheet.title, entered)]
            if data:
                # Set before the request, because the request may take effect although its answer is lost.
                self._unchecked = next((entered for sheet, entered in cells if sheet is self._layout.sheet), None)
                self._client.enter(self._keys.spreadsheet, data)
            self._check()

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _read_row(self, key_result: str, places: Content) -> Written:
        row = self._layout.read_row(key_result, places, create=self._keys.create)
        if row.absent is None and self._log is not None and _LOG in places:
            stamp = places[_LOG]
            where = self._log.row_address(key_result, stamp, self._lines.get((key_result, stamp)))
            if where is not None:
                return replace(
                    row,
                    content={**row.content, _LOG: places[_LOG]},
                    where={**row.where, _LOG: where},
                )
        return row

    def _look(self) -> tuple[Cells, Cells | None]:
        """The cells of the sheet and of the log. A missing log, or a sheet that `create` will add, has no cells."""
        ranges_by_title = {self._keys.sheet: layouts.needed_ranges(self._keys)}
        if self._keys.log is not None:
            ranges_by_title[self._keys.log] = logs.needed_ranges(self._keys.log)
        try:
            cells_by_title = self._cells(ranges_by_title)
        except Refused as error:
            if not error.bad_range:
                raise
            titles = [sheet.properties.title for sheet in self._client.spreadsheet(self._keys.spreadsheet).sheets]
            if all(title in titles for title in ranges_by_title):
                raise
            if self._keys.sheet not in titles and not self._keys.create:
                problem = f"there is no sheet {self._keys.sheet!r}; correct sheet in publish:, or set create: true"
                raise SourceBroken(single_line(f"{problem} (there are: {', '.join(titles)})", 280)) from None
            cells_by_title = self._cells({title: parts for title, parts in ranges_by_title.items() if title in titles})
        title, log_title = self._keys.sheet, self._keys.log
        log = None if log_title is None else cells_by_title.get(log_title, Cells(log_title))
        return cells_by_title.get(title, Cells(title)), log

    def _cells(self, ranges_by_title: Mapping[str, Sequence[str]]) -> dict[str, Cells]:
        titles = [title for title, parts in ranges_by_title.items() for _ in parts]
        if not titles:
            return {}
        cells_by_title = {title: Cells(title) for title in ranges_by_title}
        parts = [part for parts in ranges_by_title.values() for part in parts]
        answers = self._client.values(self._keys.spreadsheet, parts, ENTERED)
        for title, values in zip(titles, answers, strict=True):
            cells_by_title[title].add(values)
        return cells_by_title

    def _insert_rows(self, number: int) -> None:
        """Inserts rows below the table if other cells are below it, such as totals or notes."""
        end = self._layout.end
        if not number or end >= self._layout.sheet.below:
            return
        rows = {"sheetId": self._sheet_id(self._keys.sheet), "dimension": "ROWS"}
        rows |= {"startIndex": end, "endIndex": end + number}
        with self._explained():
            self._client.change(
                self._keys.spreadsheet, [{"insertDimension": {"range": rows, "inheritFromBefore": True}}]
            )
            sheet, _ = self._look()
            self._layout = layouts.layout(self._keys, sheet, self._former)

    def _check(self) -> None:
        """Reads the written cells, and restores cells that were overwritten in moved rows. Raises RetryLater if rows
        moved.
        """
        if self._unchecked is None:
            return
        before, entered, key = self._layout.sheet, self._unchecked, self._layout.key
        lost: list[Place] = []
        for _ in range(_CHECKS):
            after = self._cells({before.title: layouts.needed_ranges(self._keys)})[before.title]
            stray = stray_cells(before, after, entered, key)
            lost += stray.lost
            if not stray.held:
                break
            self._client.enter(self._keys.spreadsheet, list(ranges(after.title, stray.held)))
            before, entered, key = after, stray.held, stray.key
        else:
            raise RetryLater(f"the rows of {before.title} move whenever syncd writes to them")
        self._unchecked = None
        if lost:
            where = ", ".join(address(before.title, *place) for place in lost[:_NAMED])
            more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
            raise SourceBroken(
                f"somebody moved rows of {before.title} while syncd wrote to them, and syncd overwrote {where}{more}; "
                "what was there is in the spreadsheet's version history"
            )
        if before is not self._layout.sheet:
            raise RetryLater(f"somebody moved rows of {before.title} while syncd wrote to them")

    def _make_room(self, cells: Sequence[tuple[Cells, Mapping[Place, Scalar | None]]]) -> None:
        requests: list[Mapping[str, Any]] = []
        for sheet, entered in cells:
            rows, columns = max(row for row, _ in entered) + 1, max(column for _, column in entered) + 1
            if not sheet.exists:
                size = {"rowCount": max(rows, _ROWS), "columnCount": max(columns, _COLUMNS)}
                requests.append({"addSheet": {"properties": {"title": sheet.title, "gridProperties": size}}})
                continue
            for dimension, length in (("ROWS", rows - sheet.rows), ("COLUMNS", columns - sheet.columns)):
                if length > 0:
                    more = {"sheetId": self._sheet_id(sheet.title), "dimension": dimension, "length": length}
                    requests.append({"appendDimension": more})
        if requests:
            self._client.change(self._keys.spreadsheet, requests)

    def _sheet_id(self, title: str) -> int:
        sheets = self._client.spreadsheet(self._keys.spreadsheet).sheets
        sheet_id = next((sheet.properties.sheetId for sheet in sheets if sheet.properties.title == title), None)
        if sheet_id is None:
            raise RetryLater(f"the sheet {title!r} was renamed just now")
        return sheet_id

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            raise SourceBroken(self._advice(error)) from None

    def _advice(self, error: Refused) -> str:
        detail = f"(HTTP {error.status}" + (f": {error.message})" if error.message else ")")
        book = self._keys.spreadsheet
        if error.scopes:
            return f"the token may only read; it needs the scope https://www.googleapis.com/auth/spreadsheets {detail}"
        if error.disabled:
            return f"enable the Google Sheets API in the project of the credentials {detail}"
        if error.status == 403:
            account = self._client.account or "the token's account"
            return f"share the spreadsheet {book} with {account} as editor {detail}"
        if error.status == 404 and error.message:
            return f"there is no spreadsheet {book}; correct it in publish: {detail}"
        if error.status == 401:
            return f"the credentials were refused {detail}"
        return f"Google refuses the request {detail}" if error.message else str(error)
