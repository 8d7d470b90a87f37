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


@dataclass
class Spreadsheet:
    """`shared`: with the service account and the token's owner; `public`: with anybody, so an API key is enough."""

    id: str
    title: str
    zone: str = "Europe/Berlin"
    locale: str = "en_US"
    shared: bool = True
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
            rows = self.spreadsheets[spreadsheet].sheet(sheet).rows
            rows.extend([] for _ in range(row + 1 - len(rows)))
            rows[row].extend(BLANK for _ in range(column + 1 - len(rows[row])))
            was = rows[row][column]
            rows[row][column] = typed(value, was.format)
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
