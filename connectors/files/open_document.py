"""Reads the sheets of an ODS file and tells formula errors from blank cells.

No maintained library does both: calamine returns LibreOffice's error cells as empty texts, and the last release of
odfpy is from 2020. The format: OASIS OpenDocument 1.3 part 3, sections 9.1 and 19.385; LibreOffice's `calcext`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from defusedxml import DefusedXmlException, ElementTree

from syncd.sdk.cells import Cell, CellError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_MAX_CELLS = 5_000_000


class NotOpenDocument(ValueError):
    """The file is not an ODS file; the text says why."""


def read_sheets(path: Path) -> dict[str, list[list[Cell]]]:
    """The rows of each sheet by its name, without trailing blanks. Raises NotOpenDocument, or OSError."""
    try:
        with ZipFile(path) as archive, archive.open("content.xml") as content:
            body = ElementTree.parse(content)
    except (BadZipFile, KeyError, ValueError, zlib.error, ElementTree.ParseError, DefusedXmlException) as error:
        raise NotOpenDocument(str(error)) from None
    sheets = body.iter(f"{_TABLE}table")
    return {sheet.get(f"{_TABLE}name", ""): list(_rows(sheet)) for sheet in sheets}


def _rows(sheet: Element) -> Iterator[list[Cell]]:
    # The format writes repeated rows as a count. The long blank tail of a sheet is such a repetition: it is left out.
    blank_rows = total = 0
    for row in sheet.iter(f"{_TABLE}table-row"):
        cells = _cells(row)
        repeated = int(row.get(f"{_TABLE}number-rows-repeated", "1"))
        if not cells:
            blank_rows += repeated
            continue
        total += blank_rows + len(cells) * repeated
        if total > _MAX_CELLS:
            raise NotOpenDocument(f"it has more than {_MAX_CELLS:,} cells")
        yield from ([] for _ in range(blank_rows))
        blank_rows = 0
        yield from (list(cells) for _ in range(repeated))


def _cells(row: Element) -> list[Cell]:
    cells: list[Cell] = []
    blanks = 0
    for cell in row:
        if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            continue
        repeated = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        value = _value(cell)
        if value is None:
            blanks += repeated
            continue
        cells.extend([None] * blanks)
        blanks = 0
        cells.extend([value] * min(repeated, 16_384))
    return cells


def _value(cell: Element) -> Cell:
    text = "\n".join("".join(part.itertext()) for part in cell.findall(f"{_TEXT}p"))
    if cell.get(f"{_CALC}value-type") == "error":
        return CellError(text or "an error")
    kind = cell.get(f"{_OFFICE}value-type")
    if kind in ("float", "percentage", "currency"):
        return float(cell.get(f"{_OFFICE}value", "nan"))
    if kind == "boolean":
        return cell.get(f"{_OFFICE}boolean-value") == "true"
    if kind == "date":
        return _moment(cell.get(f"{_OFFICE}date-value", ""), text)
    return cell.get(f"{_OFFICE}string-value") or text or None


def _moment(written: str, text: str) -> Cell:
    try:
        return datetime.fromisoformat(written) if "T" in written else date.fromisoformat(written)
    except ValueError:
        return text or written or None
