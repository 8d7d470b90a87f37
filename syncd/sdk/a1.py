"""A1 notation: `Support!A2:A`, `'It''s'!B3`, `A1:F20`.

Rows and columns count from 0. A range includes its last row and column. The last row or column of an open range is
None: `A2:A` has no last row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_CELL = r"\$?(?P<{0}col>[A-Za-z]{{1,3}})?\$?(?P<{0}row>[1-9][0-9]*)?"
_RANGE = re.compile(_CELL.format("a") + r"(?P<colon>:" + _CELL.format("b") + r")?\Z")
_SHEET = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))!(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Range:
    """A rectangle of a sheet. `last_row` or `last_column` is None if the rectangle is open in that direction."""

    first_row: int
    first_column: int
    last_row: int | None
    last_column: int | None


def split_sheet(reference: str) -> tuple[str | None, str]:
    """Splits a reference into the name of its sheet, without quotes, and the part after the `!`. The name is None if
    the reference names no sheet.
    """
    match = _SHEET.match(reference)
    if not match:
        return None, reference
    quoted, plain, rest = match.groups()
    return (quoted.replace("''", "'") if quoted else plain), rest


def parse_range(text: str) -> Range | None:
    """Parses a range that has no sheet name; None if the text is not a range (a header, a named range).

    `A:A` and `2:2` are ranges; `A` alone is a name.
    """
    match = _RANGE.match(text)
    if not match:
        return None
    a_col, a_row = match["acol"], match["arow"]
    if not match["colon"]:
        if not (a_col and a_row):
            return None
        row, column = int(a_row) - 1, column_number(a_col)
        return Range(row, column, row, column)
    b_col, b_row = match["bcol"], match["brow"]
    to_the_right = a_col and a_row and b_row and not b_col  # `B2:4` is open to the right, as `B2:C` is open below
    if not (a_col or a_row) or not (b_col or b_row) or (bool(a_col) != bool(b_col) and not to_the_right):
        return None
    first_row, last_row = _in_order(int(a_row) - 1 if a_row else 0, int(b_row) - 1 if b_row else None)
    first_column, last_column = _in_order(column_number(a_col) if a_col else 0, column_number(b_col) if b_col else None)
    return Range(first_row, first_column, last_row, last_column)


def parse_block(text: str) -> Range | None:
    """Parses a range with a colon, such as `B2:B`; None for any other text.

    A series and a table have more than one cell. There, a text such as `Q4` or `FY26` is the name of a column or a
    sheet, although it looks like the address of a cell.
    """
    return parse_range(text) if ":" in text else None


def _in_order(first: int, last: int | None) -> tuple[int, int | None]:
    """Reads `A5:A2` as `A2:A5`, as spreadsheets do."""
    return (last, first) if last is not None and last < first else (first, last)


def column_number(letters: str) -> int:
    """The number of a column, from 0: `A` is 0, `Z` 25, `AA` 26."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


@lru_cache
def column_letters(number: int) -> str:
    """The letters of a column: 0 is `A`, 25 `Z`, 26 `AA`."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def range_text(area: Range) -> str:
    """Writes a range in A1 notation, without a sheet. A range without a last column must have a last row."""
    first_column = column_letters(area.first_column) if area.first_column or area.last_column is not None else ""
    last_column = "" if area.last_column is None else column_letters(area.last_column)
    last_row = "" if area.last_row is None else area.last_row + 1
    return f"{first_column}{area.first_row + 1}:{last_column}{last_row}"


def address(sheet: str | None, row: int, column: int) -> str:
    """A cell's address for people: `Support!C14`."""
    cell = f"{column_letters(column)}{row + 1}"
    return f"{quote_sheet(sheet)}!{cell}" if sheet else cell


def whole_sheet(name: str) -> str:
    """The reference to all cells of a sheet: the sheet's name in quotes. A name without quotes would mean a named range
    (Sheets API, "A1 notation").
    """
    return "'" + name.replace("'", "''") + "'"


@lru_cache  # called for each cell of a sheet
def quote_sheet(name: str) -> str:
    """A sheet's name in A1 notation. A plain word that cannot be mistaken for a range stays unquoted; any other name
    gets quotes.
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and parse_range(name) is None:
        return name
    return whole_sheet(name)
