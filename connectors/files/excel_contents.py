"""Reads the sheets and named ranges of an XLSX workbook, transitional or strict. Format: ECMA-376 part 1, 18.2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from connectors.files.contents import Contents, SheetPart
from connectors.files.limits import Limits
from connectors.files.package import Package

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_TRUE = ("1", "true")
_SHARED = re.compile(rb"<(?:\w+:)?si(?:\s[^>]*?)?(?:/>|>(.*?)</(?:\w+:)?si>)", re.DOTALL)
_HAS_SHARED = re.compile(rb"""\bt\s*=\s*["']s["']""")
_NUMBER_OF_SHARED = re.compile(_HAS_SHARED.pattern + rb"[^>]*>\s*<(?:\w+:)?v>\s*(\d{1,9})")


def excel_contents(package: Package) -> Contents:
    """The contents that the part `workbook.xml` lists. Chart sheets have no cells and are left out."""
    workbook = _workbook_part(package)
    folder = PurePosixPath(workbook).parent
    relations = _relations(package, f"{folder}/_rels/{PurePosixPath(workbook).name}.rels")
    contents = Contents(is_ods=False)
    names: list[str] = []
    for element in package.tree(workbook).iter():
        kind = _local(element.tag)
        if kind == "sheet":
            name = element.get("name", "")
            names.append(name)
            relation, target = relations.get(_reference(element), ("", ""))
            if relation.endswith("/worksheet"):
                part = target.lstrip("/") if target.startswith("/") else str(folder / target)
                contents.sheets.append(SheetPart(name, element.get("state", "visible") == "visible", part))
        elif kind == "definedName" and element.text:
            scope = element.get("localSheetId", "")
            sees = names[int(scope)] if scope.isdigit() and int(scope) < len(names) else None
            contents.ranges[sees, element.get("name", "").lower()] = element.text.strip()
        elif kind == "calcPr":
            contents.recalculates = element.get("fullCalcOnLoad") in _TRUE
    return contents


def check_shared_texts(package: Package, sheet: str, cells: int, limits: Limits) -> None:
    """Raises SourceBroken if the texts of a sheet are too large in memory: calamine copies a shared text for each of
    its cells.

    `cells` is an upper bound of the number of cells with shared texts.
    """
    parts = [part for part in package.names if part.lower().endswith("sharedstrings.xml")] if cells else []
    xml = b"".join(chunk for part in parts for chunk in package.chunks(part))
    longest = max(map(len, xml.split(b"si>")))
    if cells * longest <= limits.settings.max_unpacked:
        return
    is_plain = len(parts) == 1 and b"<!--" not in xml
    sizes = [len(text) for text in _SHARED.findall(xml)] if is_plain else []
    sheet_xml = b"".join(package.chunks(sheet))
    numbers = [int(number) for number in _NUMBER_OF_SHARED.findall(sheet_xml)]
    total = sum(sizes[number] if number < len(sizes) else longest for number in numbers)
    unseen = len(_HAS_SHARED.findall(sheet_xml)) - len(numbers)  # cells in a form that no known program writes
    limits.check_size(total + max(0, unseen) * longest)


def _workbook_part(package: Package) -> str:
    for kind, target in _relations(package, "_rels/.rels").values():
        if kind.endswith("/officeDocument"):
            return target.lstrip("/")
    return "xl/workbook.xml"


def _relations(package: Package, part: str) -> Mapping[str, tuple[str, str]]:
    """The kind and the target of each relation in a part, by the relation's id; empty if the file has no such part."""
    if part not in package.names:
        return {}
    return {
        element.get("Id", ""): (element.get("Type", ""), element.get("Target", "")) for element in package.tree(part)
    }


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _reference(element: Element) -> str:
    """The value of the attribute `r:id` in any namespace, because strict workbooks use another namespace."""
    return next((value for key, value in element.items() if key.endswith("}id")), "")
