"""Google Sheets' methods that write: methods that set values, append rows to a table, and add sheets.

Google applies either all changes of a request or none. Every method therefore prepares all its changes before it
writes. Shapes and rules follow the discovery document of sheets v4 and its guide to reading and writing values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from syncd.sandbox.http import Request
from syncd.sandbox.sheets import a1, tables
from syncd.sandbox.sheets.entered import OPTIONS, entered
from syncd.sandbox.sheets.reads import DATES, RENDERS, choice, sheet_properties, value_range
from syncd.sandbox.sheets.workbook import BLANK, Cell, Sheet, Spreadsheet, column_letters


@dataclass(frozen=True)
class _Write:
    """The area that a request writes to, and the row, column and content of each cell that it sets."""

    area: a1.Area
    cells: tuple[tuple[int, int, Cell], ...]

    def apply(self) -> None:
        for row, column, cell in self.cells:
            self.area.sheet.put(row, column, cell)


def update_values(request: Request, book: Spreadsheet, text: str) -> dict[str, Any]:
    """`PUT …/values/{range}`: an UpdateValuesResponse."""
    write = _planned(a1.parse(text, book), request.json(), _option(request.param("valueInputOption")))
    write.apply()
    return _updated(book, write, _echo(request.param))


def batch_update_values(book: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    """`POST …/values:batchUpdate`: a BatchUpdateValuesResponse. If any range is wrong, nothing is written."""
    option = _option(str(body.get("valueInputOption") or ""))
    writes = []
    for number, data in enumerate(body.get("data") or []):
        try:
            writes.append(_planned(a1.parse(str(data.get("range") or ""), book), data, option))
        except ValueError as error:
            raise ValueError(f"Invalid data[{number}]: {error}") from None
    for write in writes:
        write.apply()
    echo = _echo(lambda name: str(body.get(name) or ""))
    written = {(write.area.sheet.id, row, column) for write in writes for row, column, _ in write.cells}
    totals = {
        "totalUpdatedRows": len({(sheet, row) for sheet, row, _ in written}),
        "totalUpdatedColumns": len({(sheet, column) for sheet, _, column in written}),
        "totalUpdatedCells": len(written),
        "totalUpdatedSheets": len({sheet for sheet, _, _ in written}),
    }
    counted = {name: count for name, count in totals.items() if count}
    return {"spreadsheetId": book.id, **counted, "responses": [_updated(book, write, echo) for write in writes]}


def append_values(request: Request, book: Spreadsheet, text: str) -> dict[str, Any]:
    """`POST …/values/{range}:append`: writes below the last table that the range touches. If the grid is too small, it
    grows.
    """
    option, body = _option(request.param("valueInputOption")), request.json()
    insert = choice(request.param("insertDataOption"), "insertDataOption", ("OVERWRITE", "INSERT_ROWS"))
    area = a1.parse(text, book)
    sheet, table = area.sheet, tables.last_table(area)
    row, column = (table.end_row, table.column) if table else (area.row, area.column)
    height = len(_rows(body))
    row_count = sheet.row_count
    sheet.row_count = row_count + height if insert == "INSERT_ROWS" else max(row_count, row + height)
    try:
        write = _planned(a1.Area(sheet, row, column, row + 1, column + 1), body, option)
    except ValueError:
        sheet.row_count = row_count
        raise
    if insert == "INSERT_ROWS":
        sheet.rows[row:row] = [[] for _ in range(height)] if row < len(sheet.rows) else []
    write.apply()
    table_range = {"tableRange": table.text()} if table else {}
    return {"spreadsheetId": book.id, **table_range, "updates": _updated(book, write, _echo(request.param))}


def batch_update(book: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    """`POST …:batchUpdate` with addSheet, appendDimension and insertDimension. If any change is wrong, none is made."""
    changes = body.get("requests") or []
    if not changes:
        raise ValueError("Must specify at least one request.")
    sheets = list(book.sheets)
    sizes = [(sheet, sheet.row_count, sheet.column_count, [list(row) for row in sheet.rows]) for sheet in sheets]
    try:
        replies = [_reply(book, number, change) for number, change in enumerate(changes)]
    except ValueError:
        book.sheets[:] = sheets
        for sheet, row_count, column_count, rows in sizes:
            sheet.row_count, sheet.column_count, sheet.rows[:] = row_count, column_count, rows
        raise
    return {"spreadsheetId": book.id, "replies": replies}


def _reply(book: Spreadsheet, number: int, change: Mapping[str, Any]) -> dict[str, Any]:
    makers: dict[str, Callable[[Spreadsheet, Mapping[str, Any]], dict[str, Any]]]
    makers = {
        "addSheet": _add_sheet,
        "appendDimension": _append_dimension,
        "insertDimension": _insert_dimension,
    }
    (kind, arguments), *more = change.items() or [("", {})]
    if more or kind not in makers:
        raise ValueError(f"Invalid requests[{number}]: this sandbox takes one of {', '.join(makers)}")
    try:
        return makers[kind](book, arguments)
    except ValueError as error:
        raise ValueError(f"Invalid requests[{number}].{kind}: {error}") from None


def _add_sheet(book: Spreadsheet, change: Mapping[str, Any]) -> dict[str, Any]:
    properties = change.get("properties") or {}
    title = properties.get("title") or f"Sheet{len(book.sheets) + 1}"
    if any(sheet.title.lower() == title.lower() for sheet in book.sheets):
        raise ValueError(f'A sheet with the name "{title}" already exists. Please enter another name.')
    grid = properties.get("gridProperties") or {}
    sheet = Sheet(max((sheet.id for sheet in book.sheets), default=0) + 1, title)
    sheet.row_count, sheet.column_count = grid.get("rowCount", 1000), grid.get("columnCount", 26)
    book.sheets.insert(properties.get("index", len(book.sheets)), sheet)
    return {"addSheet": {"properties": sheet_properties(book, sheet)}}


def _append_dimension(book: Spreadsheet, change: Mapping[str, Any]) -> dict[str, Any]:
    sheet, length = _sheet(book, change), change.get("length", 0)
    if change.get("dimension") == "COLUMNS":
        sheet.column_count += length
    else:
        sheet.row_count += length
    return {}


def _insert_dimension(book: Spreadsheet, change: Mapping[str, Any]) -> dict[str, Any]:
    area = change.get("range") or {}
    sheet, start, end = _sheet(book, area), area.get("startIndex", 0), area.get("endIndex", 0)
    by_column = area.get("dimension") == "COLUMNS"
    size = sheet.column_count if by_column else sheet.row_count
    if not 0 <= start < end or start > size:
        raise ValueError(f"range.startIndex[{start}] must be less than range.endIndex[{end}] and within the sheet")
    if change.get("inheritFromBefore") and start == 0:
        raise ValueError("inheritFromBefore cannot be true if startIndex is 0")
    if by_column:
        for row in sheet.rows:
            row[start:start] = [BLANK] * (end - start) if start < len(row) else []
        sheet.column_count += end - start
    else:
        sheet.rows[start:start] = [[] for _ in range(end - start)] if start < len(sheet.rows) else []
        sheet.row_count += end - start
    return {}


def _sheet(book: Spreadsheet, change: Mapping[str, Any]) -> Sheet:
    sheet = next((sheet for sheet in book.sheets if sheet.id == change.get("sheetId", 0)), None)
    if sheet is None:
        raise ValueError(f"No grid with id: {change.get('sheetId', 0)}")
    return sheet


def _option(value: str) -> str:
    if not value:
        raise ValueError("'valueInputOption' is required but not specified")
    return choice(value, "valueInputOption", OPTIONS)


def _rows(body: Mapping[str, Any]) -> list[list[Any]]:
    """The rows of a ValueRange. If the ValueRange has columns, they are turned into rows, and missing cells become
    None.
    """
    lines: list[list[Any]] = body.get("values") or []
    if body.get("majorDimension") != "COLUMNS":
        return lines
    return [list(row) for row in zip_longest(*lines)]


def _planned(area: a1.Area, body: Mapping[str, Any], option: str) -> _Write:
    """The cells that `body` writes to `area`. If the area is a single cell, the values begin there. A larger area must
    have room for all values.
    """
    rows = _rows(body)
    end_row, end_column = area.row + len(rows), area.column + max(map(len, rows), default=0)
    target = a1.Area(area.sheet, area.row, area.column, max(end_row, area.row + 1), max(end_column, area.column + 1))
    if end_row > area.sheet.row_count or end_column > area.sheet.column_count:
        raise a1.GridLimitError(target)
    if (area.end_row - area.row, area.end_column - area.column) != (1, 1):
        within = f"Requested writing within range [{area.text()}], but tried writing to"
        if end_row > area.end_row:
            raise ValueError(f"{within} row [{area.end_row + 1}]")
        if end_column > area.end_column:
            raise ValueError(f"{within} column [{column_letters(area.end_column)}]")
    cells = []
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            place = (area.row + row, area.column + column)
            try:
                cell = entered(value, option, area.sheet.cell(*place))
            except ValueError as error:
                raise ValueError(f"Invalid values[{row}][{column}]: {error}") from None
            if cell is not None:
                cells.append((*place, cell))
    return _Write(target, tuple(cells))


Echo = Callable[[a1.Area], dict[str, Any]]


def _echo(param: Callable[[str], str]) -> Echo:
    """Returns a function that makes `updatedData`, the new content of the cells, if the request asks for it."""
    if param("includeValuesInResponse").lower() != "true":
        return lambda area: {}
    render = choice(param("responseValueRenderOption"), "responseValueRenderOption", RENDERS)
    dates = choice(param("responseDateTimeRenderOption"), "responseDateTimeRenderOption", DATES)
    return lambda area: {"updatedData": value_range(area, "ROWS", render, dates)}


def _updated(book: Spreadsheet, write: _Write, echo: Echo) -> dict[str, Any]:
    counts = {
        "updatedRows": len({row for row, _, _ in write.cells}),
        "updatedColumns": len({column for _, column, _ in write.cells}),
        "updatedCells": len(write.cells),
    }
    counted = {name: count for name, count in counts.items() if count}
    return {"spreadsheetId": book.id, "updatedRange": write.area.text(), **counted, **echo(write.area)}
