"""A1 notation: which cells `Support!A2:A`, `'It''s'!B2`, `A:C` or a named range mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, column_letters, column_number


class BadRangeError(ValueError):
    """Sheets' `Unable to parse range`."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Unable to parse range: {text}")


@dataclass(frozen=True)
class Area:
    """Zero-based and half-open; `whole` when no cells were named, so that the answer ends at the last value."""

    sheet: Sheet
    row: int
    column: int
    end_row: int
    end_column: int

    def text(self) -> str:
        """As the API writes a range back: the title quoted where it is no plain word, every corner filled in."""
        title = self.sheet.title
        if not re.fullmatch(r"[A-Za-z_]\w*", title) or re.fullmatch(r"[A-Za-z]{1,3}\d+", title):
            title = "'" + title.replace("'", "''") + "'"
        first = f"{column_letters(self.column)}{self.row + 1}"
        last = f"{column_letters(self.end_column - 1)}{self.end_row}"
        return f"{title}!{first}" if first == last else f"{title}!{first}:{last}"


class GridLimitError(ValueError):
    """Sheets' `exceeds grid limits`, for an area that is not within its sheet."""

    def __init__(self, area: Area) -> None:
        rows, columns = area.sheet.row_count, area.sheet.column_count
        super().__init__(f"Range ({area.text()}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")


_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9]\d*)?")


def parse(text: str, book: Spreadsheet) -> Area:
    """A range of `book`. Without a sheet it is one of the first sheet, unless it names a sheet or a named range."""
    for name, target in book.named.items():
        if name.lower() == text.lower():
            return parse(target, book)
    title, cells = _split(text)
    if title is None:
        whole = next((sheet for sheet in book.sheets if sheet.title == cells), None)
        if whole is not None:
            return Area(whole, 0, 0, whole.row_count, whole.column_count)
        sheet = book.sheets[0]
    else:
        named = next((sheet for sheet in book.sheets if sheet.title == title), None)
        if named is None:
            raise BadRangeError(text)
        sheet = named
        if not cells:
            return Area(sheet, 0, 0, sheet.row_count, sheet.column_count)
    return _area(text, cells, sheet)


def _split(text: str) -> tuple[str | None, str]:
    if text.startswith("'"):
        found = re.fullmatch(r"'((?:[^']|'')+)'(?:!(.*))?", text)
        if found is None:
            raise BadRangeError(text)
        return found[1].replace("''", "'"), found[2] or ""
    title, mark, cells = text.rpartition("!")
    return (title, cells) if mark else (None, text)


def _area(text: str, cells: str, sheet: Sheet) -> Area:
    first, colon, last = cells.partition(":")
    column, row = _corner(text, first)
    end_column, end_row = _corner(text, last) if colon else (column, row)
    if not colon and (column is None or row is None):
        raise BadRangeError(text)
    top, bottom = _span(row, end_row, sheet.row_count)
    left, right = _span(column, end_column, sheet.column_count)
    if top >= sheet.row_count or left >= sheet.column_count:
        # Sheets refuses a range that begins outside of the grid: airbytehq/airbyte#1740.
        raise GridLimitError(Area(sheet, top, left, max(bottom, top + 1), max(right, left + 1)))
    return Area(sheet, top, left, bottom, right)


def _span(one: int | None, other: int | None, size: int) -> tuple[int, int]:
    """Half-open. With one end only it is open towards the grid's edge: `A2:A`, and `A:A2` too, begin in row 2."""
    ends = sorted(end for end in (one, other) if end is not None)
    return ends[0] if ends else 0, min(ends[1] + 1, size) if len(ends) == 2 else size


def _corner(text: str, corner: str) -> tuple[int | None, int | None]:
    found = _CORNER.fullmatch(corner)
    if found is None or not corner:
        raise BadRangeError(text)
    column = column_number(found[1].upper()) if found[1] else None
    return column, int(found[2]) - 1 if found[2] else None
