"""Reads spreadsheet files: CSV by the standard library, XLSX by openpyxl, ODS by `open_document`.

calamine reads XLSX and ODS faster, but returns a formula's error as a blank cell, which would be skipped silently.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from connectors.files.paths import below, checked
from syncd.sdk import Check, Context, Json, Page, SourceBroken, Stream
from syncd.sdk.a1 import parse_range, split_sheet
from syncd.sdk.cells import Cell, CellError, Reader
from syncd.sdk.table_measure import TableKeys, below_header
from syncd.sdk.tables import Grid, Unreadable

_EXCEL = (".xlsx", ".xlsm")
_WORKBOOKS = (*_EXCEL, ".ods")
_TEXTS = (".csv", ".tsv", ".txt")
_MAX_BYTES = 100_000_000
_ERROR = re.compile(r"(#(REF!|N/A|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!)|Err:\d{3})\Z")


class FilesMeasure(TableKeys):
    """The keys that a `files` connection adds to a measure."""

    file: str = Field(min_length=1, description="The file below the root: .csv, .xlsx, .ods.")

    @field_validator("file")
    @classmethod
    def _supported_kind(cls, value: str) -> str:
        return checked(value, _WORKBOOKS + _TEXTS, "a .csv, .xlsx or .ods file")

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """One file is one stream."""
        return [self.file]


class FilesSource:
    """An opened folder."""

    def __init__(self, root: Path, context: Context) -> None:
        self._root = root
        self._context = context

    def verify(self, stream: Stream) -> None:
        """Files have no fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Reads the whole file each time: there is no cheap and sure sign that a file has not changed."""
        path = below(self._root, stream.key)
        is_text = path.suffix.lower() in _TEXTS
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise SourceBroken(f"{stream.key} has more than {_MAX_BYTES // 1_000_000} MB")
            sheet = _csv_sheets(path) if is_text else _workbook_sheets(path)
        except OSError as error:
            raise SourceBroken(f"{stream.key} cannot be read: {(error.strerror or str(error)).lower()}") from None
        readings = {}
        for part in stream.needs:
            measure = FilesMeasure.of_part(part)
            resolve = _resolver(sheet, whole=measure.lookup is not None)
            reader = Reader(self._context.zone, measure.as_, text_numbers=is_text)
            readings[part] = measure.read(resolve, reader)
        yield Page(readings=readings)

    def census(self, stream: Stream) -> Iterator[Page]:
        """Empty: streams of readings have no census."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """Whether the folder exists, and how many spreadsheet files it holds."""
        if not self._root.is_dir():
            yield Check("reachable", False, f"{self._root} is not a folder; correct root in syncd.yaml")
            return
        try:
            next(self._root.iterdir(), None)
        except OSError as error:
            yield Check("reachable", False, f"{self._root} cannot be read: {(error.strerror or str(error)).lower()}")
            return
        count = sum(1 for path in self._root.rglob("*") if path.suffix.lower() in _WORKBOOKS + _TEXTS)
        yield Check("reachable", True, f"{self._root}, {count} spreadsheet file{'s' * (count != 1)}")

    def close(self) -> None:
        """There is nothing to close."""


def _resolver(sheet: Callable[[str | None], Grid], *, whole: bool) -> Callable[[str], Grid]:
    """Turns a reference into cells. With `whole`, as a lookup needs, a name means a sheet first, then a header."""

    def resolve(reference: str) -> Grid:
        name, rest = split_sheet(reference)
        area = parse_range(rest)
        if area is not None:
            return sheet(name).clip(area)
        if name is None and whole:
            try:
                return sheet(rest)
            except Unreadable:
                pass
        return below_header(sheet(name), rest, reference)

    return resolve


def _csv_sheets(path: Path) -> Callable[[str | None], Grid]:
    text = _decoded(path.read_bytes())
    delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(text)
    csv.field_size_limit(_MAX_BYTES)
    try:
        # StringIO, not splitlines: a cell may hold any line break that Python recognizes.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        rows: list[list[Cell]] = [[_text_cell(cell) for cell in row] for row in reader]
    except csv.Error as error:
        raise SourceBroken(f"{path.name} cannot be read as a CSV file: {error}") from None

    def sheet(name: str | None) -> Grid:
        if name is not None and name != path.stem:
            raise Unreadable(f"{path.name} is CSV and has no sheet {name!r}; write the range alone, such as A2:A")
        return Grid(None, rows)

    return sheet


def _decoded(content: bytes) -> str:
    """Decodes a text file as spreadsheet programs write it: UTF-8, UTF-16 with a byte order mark, else Windows-1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|").delimiter
    except csv.Error:
        return ","


def _text_cell(text: str) -> Cell:
    return CellError(text.strip()) if _ERROR.match(text.strip()) else text


def _workbook_sheets(path: Path) -> Callable[[str | None], Grid]:
    """The sheets of a workbook by name; None means the first sheet."""
    sheets = _excel(path) if path.suffix.lower() in _EXCEL else _open_document(path)

    def sheet(name: str | None) -> Grid:
        if name is not None and name not in sheets:
            raise Unreadable(f"{path.name} has no sheet {name!r}; it has: {', '.join(sheets)}")
        title = next(iter(sheets)) if name is None else name
        return Grid(title, sheets[title]())

    return sheet


def _excel(path: Path) -> Mapping[str, Callable[[], list[list[Cell]]]]:
    from openpyxl import load_workbook

    try:
        # Nothing is calculated here: a program stores each formula with the value that it last had.
        values, formulas = (load_workbook(path, data_only=data_only) for data_only in (True, False))
    except Exception as error:  # openpyxl lets through any error that a damaged file causes in its parsers
        raise SourceBroken(f"{path.name} cannot be read as an XLSX file ({type(error).__name__})") from None
    return {sheet.title: partial(_excel_rows, sheet, formulas[sheet.title]) for sheet in values.worksheets}


def _excel_rows(values: Any, formulas: Any) -> list[list[Cell]]:
    return [
        [_excel_cell(cell, formula) for cell, formula in zip(row, formula_row, strict=True)]
        for row, formula_row in zip(values.iter_rows(), formulas.iter_rows(), strict=True)
    ]


def _excel_cell(value: Any, formula: Any) -> Cell:
    # A formula whose result is an empty text has no value either, but its type is text.
    if value.value is None and formula.data_type == "f" and value.data_type != "str":
        return CellError("a formula that was never calculated; open the file and save it")
    return _typed(value.value)


def _open_document(path: Path) -> Mapping[str, Callable[[], list[list[Cell]]]]:
    from connectors.files.open_document import NotOpenDocument, read_sheets

    try:
        sheets = read_sheets(path)
    except NotOpenDocument as error:
        raise SourceBroken(f"{path.name} cannot be read as an ODS file: {error}") from None
    return {name: partial(_open_document_rows, rows) for name, rows in sheets.items()}


def _open_document_rows(rows: list[list[Cell]]) -> list[list[Cell]]:
    return [[_typed(cell) for cell in row] for row in rows]


def _typed(cell: Any) -> Cell:
    """The cell for a value of a file reader. A time or a duration becomes the text that the program shows for it."""
    if isinstance(cell, str):
        return _text_cell(cell)
    if cell is None or isinstance(cell, bool | int | float | datetime | date | CellError):
        return cell
    if isinstance(cell, time | timedelta):
        return str(cell)
    raise SourceBroken(f"a cell of the unknown type {type(cell).__name__}")
