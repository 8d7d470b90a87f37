"""The company's spreadsheets: cells, sheets, named ranges, and the changes that people make to them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from syncd.sandbox.clock import Clock

EPOCH = date(1899, 12, 30)
"""Day 0 of Sheets' serial dates."""

Format = Literal["plain", "date", "percent", "currency"]


@dataclass(frozen=True)
class CellError:
    """The error of a failed formula. `type` is the API's name for the error, and `shown` is the text that the grid
    shows.
    """

    type: str
    shown: str


REF = CellError("REF", "#REF!")
NOT_AVAILABLE = CellError("N_A", "#N/A")
DIVIDE_BY_ZERO = CellError("DIVIDE_BY_ZERO", "#DIV/0!")
ERRORS = {error.shown: error for error in (REF, NOT_AVAILABLE, DIVIDE_BY_ZERO)}

Scalar = float | str | bool | CellError | None


@dataclass(frozen=True)
class Cell:
    """A cell. The value of a blank cell is None. The value of a date is its serial number (days since EPOCH), with the
    format `date`.
    """

    value: Scalar = None
    format: Format = "plain"
    formula: str | None = None


BLANK = Cell()


def day(moment: date) -> Cell:
    """A date cell."""
    return Cell(float((moment - EPOCH).days), "date")


@dataclass
class Sheet:
    """A sheet. The `rows` of a sheet may differ in length; a missing cell is blank."""

    id: int
    title: str
    rows: list[list[Cell]] = field(default_factory=list)
    row_count: int = 1000
    column_count: int = 26

    def cell(self, row: int, column: int) -> Cell:
        """The cell at a row and a column, which count from zero."""
        if row < len(self.rows) and column < len(self.rows[row]):
            return self.rows[row][column]
        return BLANK

    def put(self, row: int, column: int, cell: Cell) -> None:
        """Sets the cell at a row and a column, which count from zero. Blank cells are added between the row's end and
        this cell.
        """
        self.rows.extend([] for _ in range(row + 1 - len(self.rows)))
        self.rows[row].extend(BLANK for _ in range(column + 1 - len(self.rows[row])))
        self.rows[row][column] = cell


@dataclass
class Spreadsheet:
    """A spreadsheet. The service account and the token's owner can read a `shared` spreadsheet.

    Anybody can read a `public` spreadsheet, also with an API key. If a spreadsheet is `editable`, the accounts with
    which it is shared can edit it.
    """

    id: str
    title: str
    zone: str = "Europe/Berlin"
    locale: str = "en_US"
    shared: bool = True
    editable: bool = True
    public: bool = False
    sheets: list[Sheet] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    """The named ranges: each range in A1 notation with the sheet's title, by name."""

    def sheet(self, title: str) -> Sheet:
        """The sheet with exactly this title. Raises KeyError if there is none."""
        return {sheet.title: sheet for sheet in self.sheets}[title]


class Workbooks:
    """Every spreadsheet by id."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.clock = clock
        self.lock = lock
        self.spreadsheets: dict[str, Spreadsheet] = {}
        self.before_next_write: Callable[[], object] | None = None
        """A function that makes a change as people would, between a client's read and write. The sandbox calls the
        function once, before the next write.
        """

    def add(self, spreadsheet: Spreadsheet) -> Spreadsheet:
        """Adds a spreadsheet."""
        self.spreadsheets[spreadsheet.id] = spreadsheet
        return spreadsheet

    def set_cell(self, spreadsheet: str, sheet: str, at: str, value: Cell | date | Scalar) -> None:
        """Sets a cell, given in A1 notation. The text `#REF!` becomes that error. A text that begins with `=` becomes a
        formula.
        """
        place = re.fullmatch(r"([A-Z]+)([1-9]\d*)", at)
        if place is None:
            raise ValueError(f"{at} is not a cell in A1 notation; write it such as C11")
        column, row = column_number(place[1]), int(place[2]) - 1
        with self.lock:
            grid = self.spreadsheets[spreadsheet].sheet(sheet)
            grid.put(row, column, typed(value, grid.cell(row, column).format))
            self.clock.tick()

    def append_row(self, spreadsheet: str, sheet: str, values: list[Cell | date | Scalar]) -> None:
        """Adds a row below the last row that is not blank."""
        with self.lock:
            rows = self.spreadsheets[spreadsheet].sheet(sheet).rows
            while rows and all(cell.value is None for cell in rows[-1]):
                rows.pop()
            rows.append([typed(value) for value in values])
            self.clock.tick()

    def sort_rows(self, spreadsheet: str, sheet: str, column: str, *, descending: bool = False) -> None:
        """Sorts all rows except the first by the text in a column. `column` is the column's header. Blanks are last."""
        with self.lock:
            at = self._column(spreadsheet, sheet, column)
            rows = self.spreadsheets[spreadsheet].sheet(sheet).rows

            def text(row: list[Cell]) -> str:
                value = row[at].value if at < len(row) else None
                return "" if value is None else str(value)

            filled = sorted((row for row in rows[1:] if text(row)), key=text, reverse=descending)
            rows[1:] = [*filled, *(row for row in rows[1:] if not text(row))]
            self.clock.tick()

    def insert_row(self, spreadsheet: str, sheet: str, before: int, values: list[Cell | date | Scalar]) -> None:
        """Inserts a row above the row with the number `before`, counted from 1."""
        with self.lock:
            grid = self.spreadsheets[spreadsheet].sheet(sheet)
            grid.rows.insert(before - 1, [typed(value) for value in values])
            grid.row_count += 1
            self.clock.tick()

    def delete_row(self, spreadsheet: str, sheet: str, row: int) -> None:
        """Deletes the row with this number, counted from 1."""
        with self.lock:
            grid = self.spreadsheets[spreadsheet].sheet(sheet)
            del grid.rows[row - 1 : row]
            grid.row_count -= 1
            self.clock.tick()

    def rename_sheet(self, spreadsheet: str, sheet: str, title: str) -> None:
        """Renames a sheet. As in Sheets, named ranges get the new title. Ranges in other places keep the old title."""
        with self.lock:
            book = self.spreadsheets[spreadsheet]
            book.sheet(sheet).title = title
            for name, target in book.named.items():
                if target.startswith(f"{sheet}!"):
                    book.named[name] = f"{title}!{target.split('!', 1)[1]}"
            self.clock.tick()

    def insert_column(self, spreadsheet: str, sheet: str, before: str, name: str) -> None:
        """Inserts a column with the header `name` to the left of the column with the header `before`."""
        with self.lock:
            book = self.spreadsheets[spreadsheet]
            grid, at = book.sheet(sheet), self._column(spreadsheet, sheet, before)
            for row in grid.rows:
                if len(row) > at:
                    row.insert(at, BLANK)
            grid.put(0, at, typed(name))
            grid.column_count += 1
            _shift(book, sheet, at, 1)
            self.clock.tick()

    def delete_column(self, spreadsheet: str, sheet: str, column: str) -> None:
        """Deletes the column with the header `column`, and every named range that covers only that column."""
        with self.lock:
            book = self.spreadsheets[spreadsheet]
            grid, at = book.sheet(sheet), self._column(spreadsheet, sheet, column)
            for row in grid.rows:
                del row[at : at + 1]
            grid.column_count -= 1
            _shift(book, sheet, at, -1)
            self.clock.tick()

    def rename_column(self, spreadsheet: str, sheet: str, column: str, name: str) -> None:
        """Changes the text in a column's header cell."""
        with self.lock:
            at = self._column(spreadsheet, sheet, column)
            self.set_cell(spreadsheet, sheet, f"{column_letters(at)}1", name)

    def _column(self, spreadsheet: str, sheet: str, header: str) -> int:
        rows = self.spreadsheets[spreadsheet].sheet(sheet).rows
        headers = [cell.value for cell in rows[0]] if rows else []
        if header not in headers:
            raise ValueError(f"no column of {sheet} has the header {header}")
        return headers.index(header)


def _shift(book: Spreadsheet, title: str, at: int, by: int) -> None:
    """Moves named ranges together with their columns after a column was inserted (`by` is 1) or deleted (`by` is -1) at
    `at`.
    """
    for name, target in list(book.named.items()):
        sheet, _, cells = target.partition("!")
        columns = [column_number(letters) for letters in re.findall(r"[A-Z]+", cells)]
        if sheet != title:
            continue
        if by < 0 and set(columns) == {at}:
            del book.named[name]
            continue
        first = at if by > 0 else at + 1
        moved = iter(column_letters(column + by if column >= first else column) for column in columns)
        book.named[name] = f"{sheet}!{re.sub(r'[A-Z]+', lambda _: next(moved), cells)}"  # noqa: B023  used at once


def typed(value: Cell | date | Scalar, format: Format = "plain") -> Cell:
    """The cell that results if a person types a value into a cell with the number format `format`."""
    match value:
        case Cell():
            return value
        case date():
            return day(value)
        case str() if value in ERRORS:
            return Cell(ERRORS[value])
        case str() if value.startswith("="):
            return Cell(0.0, format, formula=value)
        case str() | None | bool() | CellError():
            return Cell(value or None if isinstance(value, str) else value)
        case _:
            return Cell(value, format)


def column_number(letters: str) -> int:
    """The number of a column: `A` is 0, `AA` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def column_letters(number: int) -> str:
    """The letters of a column: 0 is `A`, 26 is `AA`."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
