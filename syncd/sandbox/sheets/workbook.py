"""The company's spreadsheets: cells, sheets, named ranges, and what people type into them."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from syncd.sandbox.clock import Clock

EPOCH = date(1899, 12, 30)
"""Day 0 of Sheets' serial dates."""

Format = Literal["plain", "date", "percent", "currency"]


@dataclass(frozen=True)
class CellError:
    """A formula that failed: `type` as the API names it, `shown` as the grid shows it."""

    type: str
    shown: str


REF = CellError("REF", "#REF!")
NOT_AVAILABLE = CellError("N_A", "#N/A")
DIVIDE_BY_ZERO = CellError("DIVIDE_BY_ZERO", "#DIV/0!")
ERRORS = {error.shown: error for error in (REF, NOT_AVAILABLE, DIVIDE_BY_ZERO)}

Scalar = float | str | bool | CellError | None


@dataclass(frozen=True)
class Cell:
    """`value` None is a blank; a date is its serial number (days since EPOCH) with the format `date`."""

    value: Scalar = None
    format: Format = "plain"
    formula: str | None = None


BLANK = Cell()


def day(moment: date) -> Cell:
    """A date cell."""
    return Cell(float((moment - EPOCH).days), "date")


@dataclass
class Sheet:
    """`rows` may be ragged; what is not there is blank."""

    id: int
    title: str
    rows: list[list[Cell]] = field(default_factory=list)
    row_count: int = 1000
    column_count: int = 26

    def cell(self, row: int, column: int) -> Cell:
        """Zero-based."""
        if row < len(self.rows) and column < len(self.rows[row]):
            return self.rows[row][column]
        return BLANK

    def put(self, row: int, column: int, cell: Cell) -> None:
        """Zero-based; what lies between the last cell and this one is blank."""
        self.rows.extend([] for _ in range(row + 1 - len(self.rows)))
        self.rows[row].extend(BLANK for _ in range(column + 1 - len(self.rows[row])))
        self.rows[row][column] = cell


@dataclass
class Spreadsheet:
    """`shared`: with the service account and the token's owner; `public`: with anybody, so an API key is enough.

    Both are for reading. `editable`: those that it is shared with are editors, not viewers.
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
    """Name of a range → the range in A1 notation, sheet title included."""

    def sheet(self, title: str) -> Sheet:
        """By its title, exactly."""
        return next(sheet for sheet in self.sheets if sheet.title == title)


class Workbooks:
    """Every spreadsheet by id."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self.spreadsheets: dict[str, Spreadsheet] = {}

    def add(self, spreadsheet: Spreadsheet) -> Spreadsheet:
        """Adds a spreadsheet."""
        self.spreadsheets[spreadsheet.id] = spreadsheet
        return spreadsheet

    def set_cell(self, spreadsheet: str, sheet: str, at: str, value: Cell | date | Scalar) -> None:
        """`at` is one cell in A1 notation. Text like `#REF!` becomes that error; text with `=` in front a formula."""
        found = re.fullmatch(r"([A-Z]+)([1-9]\d*)", at)
        if found is None:
            raise ValueError(f"not one cell in A1 notation: {at}")
        column, row = column_number(found[1]), int(found[2]) - 1
        with self._lock:
            grid = self.spreadsheets[spreadsheet].sheet(sheet)
            grid.put(row, column, typed(value, grid.cell(row, column).format))
            self._clock.tick()

    def append_row(self, spreadsheet: str, sheet: str, values: list[Cell | date | Scalar]) -> None:
        """Below the last row that holds anything."""
        with self._lock:
            rows = self.spreadsheets[spreadsheet].sheet(sheet).rows
            while rows and all(cell.value is None for cell in rows[-1]):
                rows.pop()
            rows.append([typed(value) for value in values])
            self._clock.tick()

    def rename_sheet(self, spreadsheet: str, sheet: str, title: str) -> None:
        """Named ranges follow, as they do in Sheets; ranges written elsewhere do not."""
        with self._lock:
            book = self.spreadsheets[spreadsheet]
            book.sheet(sheet).title = title
            for name, target in book.named.items():
                if target.startswith(f"{sheet}!"):
                    book.named[name] = f"{title}!{target.split('!', 1)[1]}"
            self._clock.tick()

    def insert_column(self, spreadsheet: str, sheet: str, before: str, name: str) -> None:
        """A column headed `name`, left of the one whose header is `before`; what stands to the right moves on."""
        with self._lock:
            book = self.spreadsheets[spreadsheet]
            grid, at = book.sheet(sheet), self._column(spreadsheet, sheet, before)
            for row in grid.rows:
                if len(row) > at:
                    row.insert(at, BLANK)
            grid.put(0, at, typed(name))
            grid.column_count += 1
            _shift(book, sheet, at, 1)
            self._clock.tick()

    def delete_column(self, spreadsheet: str, sheet: str, column: str) -> None:
        """The column whose header is `column`, with its cells; a named range of that column alone goes with it."""
        with self._lock:
            book = self.spreadsheets[spreadsheet]
            grid, at = book.sheet(sheet), self._column(spreadsheet, sheet, column)
            for row in grid.rows:
                del row[at : at + 1]
            grid.column_count -= 1
            _shift(book, sheet, at, -1)
            self._clock.tick()

    def rename_column(self, spreadsheet: str, sheet: str, column: str, name: str) -> None:
        """Another text in the header cell."""
        with self._lock:
            at = self._column(spreadsheet, sheet, column)
            self.set_cell(spreadsheet, sheet, f"{column_letters(at)}1", name)

    def _column(self, spreadsheet: str, sheet: str, header: str) -> int:
        """By the text in the sheet's first row."""
        rows = self.spreadsheets[spreadsheet].sheet(sheet).rows
        found = [at for at, cell in enumerate(rows[0]) if cell.value == header] if rows else []
        if not found:
            raise ValueError(f"no column of {sheet} is headed {header}")
        return found[0]


def _shift(book: Spreadsheet, title: str, at: int, by: int) -> None:
    """Named ranges follow the columns that they are of."""
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
    """What a value becomes when somebody types it into a cell that shows numbers as `format`."""
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
    """`A` is 0, `AA` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def column_letters(number: int) -> str:
    """0 is `A`, 26 is `AA`."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
