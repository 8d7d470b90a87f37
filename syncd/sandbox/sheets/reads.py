"""Makes the responses of Google Sheets' reading methods: the values of ranges, and a spreadsheet's properties and
cells.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from syncd.sandbox.http import Request
from syncd.sandbox.sheets import a1
from syncd.sandbox.sheets.workbook import EPOCH, Cell, CellError, Sheet, Spreadsheet

RENDERS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
DATES = ("SERIAL_NUMBER", "FORMATTED_STRING")


def get_values(request: Request, book: Spreadsheet, text: str) -> dict[str, Any]:
    """`GET …/values/{range}`: a ValueRange, in the form that the query requests."""
    dimension = choice(request.param("majorDimension"), "majorDimension", ("ROWS", "COLUMNS"))
    render = choice(request.param("valueRenderOption"), "valueRenderOption", RENDERS)
    dates = choice(request.param("dateTimeRenderOption"), "dateTimeRenderOption", DATES)
    return value_range(a1.parse(text, book), dimension, render, dates)


def batch_get_values(request: Request, book: Spreadsheet) -> dict[str, Any]:
    """`GET …/values:batchGet`: a BatchGetValuesResponse."""
    ranges = [get_values(request, book, text) for text in request.params.get("ranges", [])]
    return {"spreadsheetId": book.id, "valueRanges": ranges}


def value_range(area: a1.Area, dimension: str, render: str, dates: str) -> dict[str, Any]:
    """A ValueRange. A ValueRange omits trailing blanks, and has "" for other blanks. If all cells are blank, the
    ValueRange has no `values`.
    """
    last = min(area.end_row, len(area.sheet.rows))
    grid = [
        [area.sheet.cell(row, column) for column in range(area.column, area.end_column)]
        for row in range(area.row, last)
    ]
    if dimension == "COLUMNS":
        grid = [list(column) for column in zip(*grid, strict=True)]
    lines = [_trimmed([_shown(cell, render, dates) for cell in line]) for line in grid]
    while lines and not lines[-1]:
        lines.pop()
    answer: dict[str, Any] = {"range": area.text(), "majorDimension": dimension}
    return answer | ({"values": lines} if lines else {})


def _trimmed(line: list[Any]) -> list[Any]:
    while line and line[-1] == "":
        line.pop()
    return line


def choice(value: str, name: str, options: tuple[str, ...]) -> str:
    """`value`, or the first option if `value` is empty. Raises ValueError, in Google's words, if `value` is not an
    option.
    """
    if value and value not in options:
        raise ValueError(f"Invalid value at '{name}', \"{value}\"")
    return value or options[0]


def _shown(cell: Cell, render: str, dates: str) -> Any:
    if render == "FORMULA" and cell.formula is not None:
        return cell.formula
    match cell.value:
        case None:
            return ""
        case CellError(shown=shown):
            return shown
        case float() | int() if render == "FORMATTED_VALUE" or (cell.format == "date" and dates == "FORMATTED_STRING"):
            return _formatted(cell)
        case bool() if render == "FORMATTED_VALUE":
            return str(cell.value).upper()
        case float() as number if number.is_integer():
            return int(number)
        case value:
            return value


def _formatted(cell: Cell) -> str:
    """A cell's text in the grid, in the locale en_US."""
    if isinstance(cell.value, bool):
        return str(cell.value).upper()
    number = float(str(cell.value))
    match cell.format:
        case "date":
            return (EPOCH + timedelta(days=int(number))).isoformat()
        case "percent":
            return f"{number * 100:g}%"
        case "currency":
            return f"€{number:,.2f}"
    return f"{number:,.0f}" if number.is_integer() else f"{number:,g}"


def spreadsheet(request: Request, book: Spreadsheet) -> dict[str, Any]:
    """A Spreadsheet: properties, sheets and named ranges. The Spreadsheet includes cells if `fields` or includeGridData
    requests them.
    """
    ranges = request.params.get("ranges", [])
    areas = [a1.parse(text, book) for text in ranges]
    # If `fields` names `data`, the API behaves as if includeGridData were set.
    with_cells = request.param("includeGridData") == "true" or "data" in request.param("fields")
    sheets = []
    for sheet in book.sheets:
        wanted = [area for area in areas if area.sheet is sheet]
        if areas and not wanted:
            continue
        row: dict[str, Any] = {"properties": sheet_properties(book, sheet)}
        if with_cells:
            row["data"] = [_grid_data(area) for area in wanted or [a1.whole(sheet)]]
        sheets.append(row)
    named = [
        {"namedRangeId": str(number), "name": name, "range": _grid_range(a1.parse(target, book))}
        for number, (name, target) in enumerate(book.named.items())
    ]
    content: dict[str, Any] = {
        "spreadsheetId": book.id,
        "properties": {"title": book.title, "locale": book.locale, "autoRecalc": "ON_CHANGE", "timeZone": book.zone},
        "sheets": sheets,
        "namedRanges": named,
        "spreadsheetUrl": f"https://docs.google.example/spreadsheets/d/{book.id}/edit",
    }
    mask = request.param("fields")
    return _masked(content, _mask(mask)) if mask and mask != "*" else content


def sheet_properties(book: Spreadsheet, sheet: Sheet) -> dict[str, Any]:
    """The sheet's SheetProperties."""
    return {
        "sheetId": sheet.id,
        "title": sheet.title,
        "index": book.sheets.index(sheet),
        "sheetType": "GRID",
        "gridProperties": {"rowCount": sheet.row_count, "columnCount": sheet.column_count},
    }


def _grid_range(area: a1.Area) -> dict[str, int]:
    rows = {"startRowIndex": area.row, "endRowIndex": area.end_row}
    return {"sheetId": area.sheet.id, **rows, "startColumnIndex": area.column, "endColumnIndex": area.end_column}


def _grid_data(area: a1.Area) -> dict[str, Any]:
    last = min(area.end_row, len(area.sheet.rows))
    rows = []
    for row in range(area.row, last):
        width = min(area.end_column, len(area.sheet.rows[row]))
        rows.append({"values": [_cell_data(area.sheet, row, column) for column in range(area.column, width)]})
    place = {"startRow": area.row, "startColumn": area.column}
    return {key: value for key, value in place.items() if value} | {"rowData": rows}


def _cell_data(sheet: Sheet, row: int, column: int) -> dict[str, Any]:
    cell = sheet.cell(row, column)
    match cell.value:
        case None:
            return {}
        case CellError(type=type, shown=shown):
            value: dict[str, Any] = {"errorValue": {"type": type, "message": f"Error: {shown}"}}
        case bool():
            value = {"boolValue": cell.value}
        case str():
            value = {"stringValue": cell.value}
        case number:
            value = {"numberValue": number}
    entered = value if cell.formula is None else {"formulaValue": cell.formula}
    data = {"userEnteredValue": entered, "effectiveValue": value}
    kinds = {"date": "DATE", "percent": "PERCENT", "currency": "CURRENCY"}
    if cell.format in kinds:
        data["effectiveFormat"] = {"numberFormat": {"type": kinds[cell.format], "pattern": ""}}
    return data | {"formattedValue": _shown(cell, "FORMATTED_VALUE", "SERIAL_NUMBER")}


Mask = dict[str, "Mask"]


def _mask(text: str) -> Mask:
    """The tree of a mask such as `properties.timeZone,sheets(properties(title,index),data)`. An empty branch selects
    everything below it.
    """
    tree: Mask = {}
    stack: list[Mask] = [tree]
    at = stack[-1]
    for token in re.findall(r"[A-Za-z*]+|[.,()/]", text):
        match token:
            case "(":
                stack.append(at)
            case ")":
                stack.pop()
                at = {}
            case ",":
                at = stack[-1]
            case "." | "/":
                pass
            case name:
                parent = stack[-1] if at is stack[-1] else at
                at = parent.setdefault(name, {})
    return tree


def _masked(content: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return content
    if isinstance(content, list):
        return [_masked(part, mask) for part in content]
    if not isinstance(content, dict):
        return content
    return {key: _masked(value, mask[key]) for key, value in content.items() if key in mask}
