"""What Google Sheets' writing methods do and answer: values in place, rows below a table, and new sheets.

Every method finds out what it would write before it writes anything, since Google applies a request as a whole or not
at all. Shapes and rules are those of the discovery document of sheets v4 and its guide to reading and writing values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.http import Asked
from syncd.sandbox.sheets import a1, tables
from syncd.sandbox.sheets.entered import OPTIONS, entered
from syncd.sandbox.sheets.reads import DATES, RENDERS, choice, sheet_properties, value_range
from syncd.sandbox.sheets.workbook import Cell, Sheet, Spreadsheet, column_letters


@dataclass(frozen=True)
class _Write:
    """Cells with their places, and the area that they were sent for."""

    area: a1.Area
    cells: tuple[tuple[int, int, Cell], ...]

    def apply(self) -> None:
        for row, column, cell in self.cells:
            self.area.sheet.put(row, column, cell)


def update_values(asked: Asked, book: Spreadsheet, text: str) -> dict[str, Any]:
    """`PUT …/values/{range}`: an UpdateValuesResponse."""
    write = _planned(book, a1.parse(text, book), asked.json(), _option(asked.param("valueInputOption")))
    write.apply()
    return _updated(book, write, _echo(asked.param))


def batch_update_values(book: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    """`POST …/values:batchUpdate`: a BatchUpdateValuesResponse; nothing is written if one range is wrong."""
    option = _option(str(body.get("valueInputOption") or ""))
    writes = []
    for number, one in enumerate(body.get("data") or []):
        try:
            writes.append(_planned(book, a1.parse(str(one.get("range") or ""), book), one, option))
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


def append_values(asked: Asked, book: Spreadsheet, text: str) -> dict[str, Any]:
    """`POST …/values/{range}:append`: below the range's last table, on rows that the grid grows by where it must."""
    option, body = _option(asked.param("valueInputOption")), asked.json()
    insert = choice(asked.param("insertDataOption"), "insertDataOption", ("OVERWRITE", "INSERT_ROWS"))
    area = a1.parse(text, book)
    sheet, table = area.sheet, tables.last_table(area)
    row, column = (table.end_row, table.column) if table else (area.row, area.column)
    height = len(body.get("values") or [])
    if body.get("majorDimension") == "COLUMNS":
        height = max((len(line) for line in body.get("values") or []), default=0)
    room = sheet.row_count
    sheet.row_count = room + height if insert == "INSERT_ROWS" else max(room, row + height)
    try:
        write = _planned(book, a1.Area(sheet, row, column, row + 1, column + 1), body, option)
    except ValueError:
        sheet.row_count = room
        raise
    if insert == "INSERT_ROWS":
        sheet.rows[row:row] = [[] for _ in range(height)] if row < len(sheet.rows) else []
    write.apply()
    found = {"tableRange": table.text()} if table else {}
    return {"spreadsheetId": book.id, **found, "updates": _updated(book, write, _echo(asked.param))}


def batch_update(book: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    """`POST …:batchUpdate` with addSheet and appendDimension; if one request is wrong, none counts."""
    requests = body.get("requests") or []
    if not requests:
        raise ValueError("Must specify at least one request.")
    sheets, sizes = list(book.sheets), [(sheet, sheet.row_count, sheet.column_count) for sheet in book.sheets]
    try:
        replies = [_reply(book, number, one) for number, one in enumerate(requests)]
    except ValueError:
        book.sheets[:] = sheets
        for sheet, rows, columns in sizes:
            sheet.row_count, sheet.column_count = rows, columns
        raise
    return {"spreadsheetId": book.id, "replies": replies}


def _reply(book: Spreadsheet, number: int, request: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Callable[[Spreadsheet, Mapping[str, Any]], dict[str, Any]]]
    known = {"addSheet": _add_sheet, "appendDimension": _append_dimension}
    (kind, what), *more = request.items() or [("", {})]
    if more or kind not in known:
        raise ValueError(f"Invalid requests[{number}]: one of {', '.join(known)} is what this sandbox can do")
    try:
        return known[kind](book, what)
    except ValueError as error:
        raise ValueError(f"Invalid requests[{number}].{kind}: {error}") from None


def _add_sheet(book: Spreadsheet, request: Mapping[str, Any]) -> dict[str, Any]:
    asked = request.get("properties") or {}
    title = asked.get("title") or f"Sheet{len(book.sheets) + 1}"
    if any(sheet.title.lower() == title.lower() for sheet in book.sheets):
        raise ValueError(f'A sheet with the name "{title}" already exists. Please enter another name.')
    grid = asked.get("gridProperties") or {}
    sheet = Sheet(max((one.id for one in book.sheets), default=0) + 1, title)
    sheet.row_count, sheet.column_count = grid.get("rowCount", 1000), grid.get("columnCount", 26)
    book.sheets.insert(asked.get("index", len(book.sheets)), sheet)
    return {"addSheet": {"properties": sheet_properties(book, sheet)}}


def _append_dimension(book: Spreadsheet, request: Mapping[str, Any]) -> dict[str, Any]:
    wanted, length = request.get("sheetId", 0), request.get("length", 0)
    sheet = next((one for one in book.sheets if one.id == wanted), None)
    if sheet is None:
        raise ValueError(f"No grid with id: {wanted}")
    if request.get("dimension") == "COLUMNS":
        sheet.column_count += length
    else:
        sheet.row_count += length
    return {}


def _option(value: str) -> str:
    if not value:
        raise ValueError("'valueInputOption' is required but not specified")
    return choice(value, "valueInputOption", OPTIONS)


def _planned(book: Spreadsheet, area: a1.Area, body: Mapping[str, Any], option: str) -> _Write:
    """From the area's first cell on. One cell alone is where the values begin, a wider range has to hold them all."""
    lines = body.get("values") or []
    if body.get("majorDimension") == "COLUMNS":
        height = max((len(line) for line in lines), default=0)
        lines = [[line[row] if row < len(line) else None for line in lines] for row in range(height)]
    end_row, end_column = area.row + len(lines), area.column + max((len(line) for line in lines), default=0)
    target = a1.Area(area.sheet, area.row, area.column, max(end_row, area.row + 1), max(end_column, area.column + 1))
    if end_row > area.sheet.row_count or end_column > area.sheet.column_count:
        raise a1.GridLimitError(target)
    one_cell = (area.end_row - area.row, area.end_column - area.column) == (1, 1)
    if not one_cell:
        within = f"Requested writing within range [{area.text()}], but tried writing to"
        if end_row > area.end_row:
            raise ValueError(f"{within} row [{area.end_row + 1}]")
        if end_column > area.end_column:
            raise ValueError(f"{within} column [{column_letters(area.end_column)}]")
    cells = []
    for row, line in enumerate(lines):
        for column, value in enumerate(line):
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
    """`updatedData`, where the request wants to see what the cells hold now."""
    if param("includeValuesInResponse").lower() != "true":
        return lambda area: {}
    render = choice(param("responseValueRenderOption"), "responseValueRenderOption", RENDERS)
    dates = choice(param("responseDateTimeRenderOption"), "responseDateTimeRenderOption", DATES)
    return lambda area: {"updatedData": value_range(area, "ROWS", render, dates)}


def _updated(book: Spreadsheet, write: _Write, echo: Echo) -> dict[str, Any]:
    """An UpdateValuesResponse, whose counts are absent where nothing was written."""
    counts = {
        "updatedRows": len({row for row, _, _ in write.cells}),
        "updatedColumns": len({column for _, column, _ in write.cells}),
        "updatedCells": len(write.cells),
    }
    counted = {name: count for name, count in counts.items() if count}
    return {"spreadsheetId": book.id, "updatedRange": write.area.text(), **counted, **echo(write.area)}
