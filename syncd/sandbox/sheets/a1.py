"""A1 notation: finds the cells of a reference such as `Support!A2:A`, `'It''s'!B2`, `A:C` or a named range."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, column_letters, column_number


class BadRangeError(ValueError):
    """Sheets' error `Unable to parse range`."""

    def __init__(self, text: str) -> None:
        super().__init__(f"Unable to parse range: {text}")


@dataclass(frozen=True)
class Area:
    """An area of one sheet. Rows and columns count from 0; the ends are exclusive."""

    sheet: Sheet
    row: int
    column: int
    end_row: int
    end_column: int

    def text(self) -> str:
        """The area in the API's notation: the sheet's title and both corners. The title is in quotes, unless it is a
        plain word.
        """
        title = self.sheet.title
        if not re.fullmatch(r"[A-Za-z_]\w*", title) or re.fullmatch(r"[A-Za-z]{1,3}\d+", title):
            title = "'" + title.replace("'", "''") + "'"
        first = f"{column_letters(self.column)}{self.row + 1}"
        last = f"{column_letters(self.end_column - 1)}{self.end_row}"
        return f"{title}!{first}" if first == last else f"{title}!{first}:{last}"


def whole(sheet: Sheet) -> Area:
    """Every cell of a sheet."""
    return Area(sheet, 0, 0, sheet.row_count, sheet.column_count)


class GridLimitError(ValueError):
    """Sheets' error `exceeds grid limits`, for an area outside its sheet."""

    def __init__(self, area: Area) -> None:
        rows, columns = area.sheet.row_count, area.sheet.column_count
        super().__init__(f"Range ({area.text()}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")


_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9]\d*)?")


def parse(text: str, book: Spreadsheet) -> Area:
    """The area that `text` refers to in `book`: a named range, a whole sheet, or cells.

    A reference without a sheet's title refers to the first sheet.
    """
    for name, target in book.named.items():
        if name.lower() == text.lower():
            return parse(target, book)
    title, cells = _split(text)
    sheets = {sheet.title: sheet for sheet in book.sheets}
    if title is None:
        return whole(sheets[cells]) if cells in sheets else _area(text, cells, book.sheets[0])
    if title not in sheets:
        raise BadRangeError(text)
    return _area(text, cells, sheets[title]) if cells else whole(sheets[title])


def _split(text: str) -> tuple[str | None, str]:
    if text.startswith("'"):
        quoted = re.fullmatch(r"'((?:[^']|'')+)'(?:!(.*))?", text)
        if quoted is None:
            raise BadRangeError(text)
        return quoted[1].replace("''", "'"), quoted[2] or ""
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
        # Sheets refuses a range that begins outside the grid: airbytehq/airbyte#1740.
        raise GridLimitError(Area(sheet, top, left, max(bottom, top + 1), max(right, left + 1)))
    return Area(sheet, top, left, bottom, right)


def _span(first: int | None, last: int | None, size: int) -> tuple[int, int]:
    """The span from the smaller to the larger of two numbers, with an exclusive end. If a number is missing, the span
    extends to the grid's edge.

    Both `A2:A` and `A:A2` therefore begin in row 2.
    """
    ends = sorted(end for end in (first, last) if end is not None)
    return ends[0] if ends else 0, min(ends[1] + 1, size) if len(ends) == 2 else size


def _corner(text: str, corner: str) -> tuple[int | None, int | None]:
    parts = _CORNER.fullmatch(corner)
    if parts is None or not corner:
        raise BadRangeError(text)
    column = column_number(parts[1].upper()) if parts[1] else None
    return column, int(parts[2]) - 1 if parts[2] else None
