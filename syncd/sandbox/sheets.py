"""Google Sheets' API v4: reading values and a spreadsheet's properties."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from syncd.sandbox import a1
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Answer, Asked, answer_json
from syncd.sandbox.workbook import EPOCH, Cell, CellError, Sheet, Spreadsheet
from syncd.sandbox.world import World

_PATH = re.compile(r"/v4/spreadsheets/(?P<id>[^/:]+)(?P<rest>/values/(?P<range>.+)|/values:batchGet)?")
_RENDERS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
_DATES = ("SERIAL_NUMBER", "FORMATTED_STRING")
_UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)


class Sheets:
    """An access token sees what is shared with its account and what is public; an API key what is public."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials

    def __call__(self, asked: Asked) -> Answer:
        """Checks the credential, then reads; Google's own error for what is wrong."""
        token, key = asked.bearer(), asked.headers.get("x-goog-api-key") or asked.param("key")
        if token is not None and not self._credentials.is_google(token):
            return _error(401, "UNAUTHENTICATED", _UNAUTHENTICATED)
        if token is None and not key:
            return _error(403, "PERMISSION_DENIED", _UNREGISTERED)
        if token is None and key != self._credentials.google_api_key:
            return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        found = _PATH.fullmatch(asked.path)
        if asked.method != "GET" or found is None:
            return Answer(404, b"<html><title>Error 404 (Not Found)!!1</title></html>", {"Content-Type": "text/html"})
        with self._world.lock:
            book = self._world.sheets.spreadsheets.get(unquote(found["id"]))
            if book is None:
                return _error(404, "NOT_FOUND", "Requested entity was not found.")
            if not (book.public or (token is not None and book.shared)):
                return _error(403, "PERMISSION_DENIED", "The caller does not have permission")
            try:
                if found["range"] is not None:
                    return answer_json(_value_range(asked, book, unquote(found["range"])))
                if found["rest"]:
                    ranges = [_value_range(asked, book, text) for text in asked.params.get("ranges", [])]
                    return answer_json({"spreadsheetId": book.id, "valueRanges": ranges})
                return answer_json(_spreadsheet(asked, book))
            except a1.BadRangeError as error:
                return _error(400, "INVALID_ARGUMENT", f"Unable to parse range: {error}")
            except ValueError as error:
                return _error(400, "INVALID_ARGUMENT", str(error))


def _value_range(asked: Asked, book: Spreadsheet, text: str) -> dict[str, Any]:
    """A ValueRange. Trailing blanks are dropped, inner ones are "", and without any value `values` is absent."""
    dimension = _choice(asked, "majorDimension", ("ROWS", "COLUMNS"))
    render, dates = _choice(asked, "valueRenderOption", _RENDERS), _choice(asked, "dateTimeRenderOption", _DATES)
    area = a1.parse(text, book)
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


def _choice(asked: Asked, name: str, options: tuple[str, ...]) -> str:
    """An enum parameter; the first option is its default."""
    value = asked.param(name) or options[0]
    if value not in options:
        raise ValueError(f"Invalid value at '{name}', \"{value}\"")
    return value


def _shown(cell: Cell, render: str, dates: str) -> Any:
    """A cell as `valueRenderOption` shows it. An error is its text in every one of them."""
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
        case other:
            return other


def _formatted(cell: Cell) -> str:
    """As the grid shows it in the locale en_US."""
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


def _spreadsheet(asked: Asked, book: Spreadsheet) -> dict[str, Any]:
    ranges = asked.params.get("ranges", [])
    areas = [a1.parse(text, book) for text in ranges]
    sheets = []
    for index, sheet in enumerate(book.sheets):
        mine = [area for area in areas if area.sheet is sheet]
        if areas and not mine:
            continue
        grid = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
        properties = {
            "sheetId": sheet.id,
            "title": sheet.title,
            "index": index,
            "sheetType": "GRID",
            "gridProperties": grid,
        }
        one: dict[str, Any] = {"properties": properties}
        # The API takes `fields` that ask for data as includeGridData.
        if asked.param("includeGridData") == "true" or "data" in asked.param("fields"):
            one["data"] = [
                _grid_data(area) for area in mine or [a1.parse(a1.Area(sheet, 0, 0, 1, 1).text().split("!")[0], book)]
            ]
        sheets.append(one)
    named = [
        {"namedRangeId": str(number), "name": name, "range": _grid_range(a1.parse(target, book))}
        for number, (name, target) in enumerate(book.named.items())
    ]
    whole: dict[str, Any] = {
        "spreadsheetId": book.id,
        "properties": {"title": book.title, "locale": book.locale, "autoRecalc": "ON_CHANGE", "timeZone": book.zone},
        "sheets": sheets,
        "namedRanges": named,
        "spreadsheetUrl": f"https://docs.google.example/spreadsheets/d/{book.id}/edit",
    }
    mask = asked.param("fields")
    return _masked(whole, _mask(mask)) if mask and mask != "*" else whole


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
    """CellData: an error shows its type in `effectiveValue` alone, which no values method tells."""
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
    """`properties.timeZone,sheets(properties(title,index),data)` as a tree; an empty branch is everything below."""
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
        return [_masked(one, mask) for one in content]
    if not isinstance(content, dict):
        return content
    return {key: _masked(value, mask[key]) for key, value in content.items() if key in mask}


def _error(code: int, status: str, message: str) -> Answer:
    return answer_json({"error": {"code": code, "message": message, "status": status}}, code)
