"""Reads files through their connector, and writes the files that tests need."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.files import Files
from connectors.files.source import FilesSource
from syncd.sdk import Context, Reading, Snapshot, Stream
from syncd.sdk.facts import Between

BERLIN = ZoneInfo("Europe/Berlin")


def opened(folder: Path, context: Context, **settings: Any) -> FilesSource:
    return Files.open(Files.Settings.model_validate({"type": "files", "root": str(folder), **settings}), context)


def read(
    folder: Path, context: Context, file: str, *, between: Between | None = None, limits: Any = None, **keys: Any
) -> Snapshot:
    part = Files.Measure.model_validate({"file": file, **keys}).part()
    windows = {} if between is None else {part: between}
    stream = Stream(file, "readings", frozenset({part}), windows=windows)
    (page,) = opened(folder, context, **(limits or {})).pull(stream, None)
    return page.readings[part]


def cell(folder: Path, context: Context, file: str, where: str, **keys: Any) -> Reading:
    snapshot = read(folder, context, file, cell=where, **keys)
    assert snapshot.problem is None
    (reading,) = snapshot.readings
    return reading


def series(folder: Path, context: Context, file: str, dates: str, values: str, **keys: Any) -> dict[str, float | None]:
    snapshot = read(folder, context, file, series={"dates": dates, "values": values}, **keys)
    assert snapshot.problem is None, snapshot.problem
    return {
        reading.at.astimezone(BERLIN).date().isoformat(): reading.number for reading in snapshot.readings if reading.at
    }


ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    ' office:version="1.3"><office:body><office:spreadsheet>'
)
ODS_TAIL = "</office:spreadsheet></office:body></office:document-content>"


def value(kind: str, written: str, shown: str = "", more: str = "") -> str:
    attribute = {"date": "date-value", "boolean": "boolean-value", "string": "string-value"}.get(kind, "value")
    return (
        f'<table:table-cell office:value-type="{kind}" office:{attribute}="{written}" calcext:value-type="{kind}"'
        f" {more}><text:p>{shown or written}</text:p></table:table-cell>"
    )


def text(shown: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{shown}</text:p></table:table-cell>'


def blank(times: int = 1) -> str:
    return f'<table:table-cell table:number-columns-repeated="{times}"/>'


def error(shown: str) -> str:
    return (
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
        f' calcext:value-type="error"><text:p>{shown}</text:p></table:table-cell>'
    )


def row(*cells: str, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'


def write_ods(path: Path, *, after: str = "", styles: str = "", **sheets: str) -> None:
    """A workbook of these sheets' rows; `after` follows the sheets."""
    tables = "".join(
        f'<table:table table:name="{name}" table:style-name="{name}">{rows}</table:table>'
        for name, rows in sheets.items()
    )
    head = ODS_HEAD.replace(
        "<office:body>", f"<office:automatic-styles>{styles}</office:automatic-styles><office:body>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", head + tables + after + ODS_TAIL)


def write_xlsx(path: Path, sheet: str, *, workbook: str = "", **parts: str | bytes) -> None:
    """A workbook with one sheet, `Data`, of this XML within `sheetData`; `workbook` follows its list of sheets."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Data" sheetId="1"'
        f' r:id="rId1"/></sheets>{workbook}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
        f' Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet
        if sheet.startswith("<") and "sheetData" in sheet
        else f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (files | parts).items():
            archive.writestr(name, content)
