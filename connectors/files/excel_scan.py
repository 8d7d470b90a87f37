"""Scans the XML of an XLSX sheet for its error cells and its extent.

Regular expressions scan a megabyte at a time. A parser that calls Python for each cell takes longer than calamine needs
for the whole file. The format: ECMA-376 part 1, 18.3.1.4 (c), 18.3.1.40 (f) and 18.18.11 (t="e").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from connectors.files.scan import NEVER_CALCULATED, SheetScan, text_of
from syncd.sdk.a1 import column_letters, column_number
from syncd.sdk.cells import CellError

_PREFIX = re.compile(rb"<(?:(\w+):)?worksheet\b")
_ADDRESS = re.compile(rb"""\br\s*=\s*["']([A-Z]{0,3})([0-9]{1,7})["']""")
_IS_TEXT = re.compile(rb"""\bt\s*=\s*["']str["']""")
_LARGE = 1_000_000  # cells
_BEGINNING = 100_000  # bytes in which the sheet's first element must begin


class _Patterns:
    """The regular expressions for a sheet whose elements have a prefix such as `x:`; the prefix may be empty."""

    def __init__(self, prefix: bytes) -> None:
        def pattern(expression: bytes) -> re.Pattern[bytes]:
            return re.compile(expression.replace(b"~", re.escape(prefix)))

        self.row = b"<" + prefix + b"row"
        self.cell = b"<" + prefix + b"c"
        self.end = b"</" + prefix + b"c>"
        self.cells = pattern(rb"<~c[\s/>]")
        self.addresses = pattern(rb'<~c\s[^>]*?\br="[A-Z]{1,3}[0-9]{1,7}"')
        self.addressed = self.cell + b' r="'
        self.formula = b"<" + prefix + b"f"
        self.letters = pattern(rb'<~c r="([A-Z]{1,3})')
        self.numbers = pattern(rb'<~c r="[A-Z]{1,3}([0-9]{1,7})"')
        self.filled = pattern(rb'<~c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"[^>/]*>')
        self.data = pattern(rb"<~sheetData(?:\s[^>]*)?>")
        self.prefix = prefix
        self.tags = pattern(rb"""<~(row|c)(?=[\s/>])((?:[^>"']|"[^"]*"|'[^']*')*)>""")
        self.no_address = pattern(
            rb"""<~(?:row|c)\s(?:[^>"']|"[^"]*"|'[^']*')*?\br\s*=\s*["'](?!(?:[A-Z]{1,3})?[0-9]{1,7}["'])"""
        )
        self.error = pattern(rb"""<~c\s([^>]*\bt\s*=\s*["']e["'][^>]*)>""")
        self.value = pattern(rb"<~v>([^<]*)</~v>")
        self.uncalculated = pattern(rb"(?:</~f>|<~f\b[^>]*/>)\s*(?:<~v\s*/>|<~v>\s*</~v>)?\s*</~c>")
        self.zero = pattern(rb"(?:</~f>|<~f\b[^>]*/>)\s*<~v>0</~v>\s*</~c>")


_patterns = cache(_Patterns)


class BadAddress(Exception):
    """A cell has an invalid address, such as A4294967295. For such an address calamine would make a rectangle of all
    rows.
    """


def scan_excel(chunks: Callable[[], Iterable[bytes]], *, recalculates: bool) -> SheetScan:
    """Scans a sheet's XML. `recalculates` says that the program that wrote the file calculated no formulas; a formula
    with the value 0 then counts as never calculated. Raises BadAddress.

    The extent may include blank cells that have a format. For large sheets the extent is exact.
    """
    scan = _scan(chunks(), recalculates=recalculates, is_exact=False)
    return scan if scan.area <= _LARGE else _scan(chunks(), recalculates=recalculates, is_exact=True)


def _scan(chunks: Iterable[bytes], *, recalculates: bool, is_exact: bool) -> SheetScan:
    scan = SheetScan()
    row = 0
    for patterns, xml in _whole_rows(chunks):
        cells = len(patterns.cells.findall(xml))
        scan.shared_texts += xml.count(b'"s"') + xml.count(b"'s'")
        is_plain = xml.count(patterns.addressed) == cells
        if not is_plain and patterns.no_address.search(xml):
            raise BadAddress
        if not is_plain and len(patterns.addresses.findall(xml)) != cells:
            xml, row = _with_addresses(patterns, xml, row)
        if is_plain:
            all_numbers = patterns.numbers.findall(xml)
            if len(all_numbers) != cells:
                raise BadAddress
        if is_plain and not is_exact:
            letters, numbers = set(patterns.letters.findall(xml)), set(all_numbers)
        else:
            filled = patterns.filled.findall(xml)
            cells = len(filled)
            letters, numbers = {place[0] for place in filled}, {place[1] for place in filled}
        if letters:
            row = max(map(int, numbers))
            scan.extend(row, 1 + max(column_number(name.decode()) for name in letters))
            scan.cells += cells
        if b'"e"' in xml or b"'e'" in xml:
            for match in patterns.error.finditer(xml):
                value = patterns.value.search(xml, match.end(), xml.find(patterns.end, match.end()))
                is_blank = match[1].endswith(b"/") or value is None
                _add(scan, match[1], CellError("an error" if is_blank or value is None else text_of(value[1])))
        if patterns.formula in xml:
            for pattern in (patterns.uncalculated, *((patterns.zero,) if recalculates else ())):
                for match in pattern.finditer(xml):
                    tag = xml[xml.rfind(patterns.cell, 0, match.start()) : match.start()].split(b">", 1)[0]
                    if not _IS_TEXT.search(tag):  # an empty text is stored without a value too
                        _add(scan, tag, NEVER_CALCULATED)
    return scan


def closed_up_excel(chunks: Iterable[bytes]) -> tuple[bytes, list[int], list[int]]:
    """A sheet's XML without the blank rows and columns between its cells, and the numbers, from 0, of the rows and
    columns that remain.
    """
    cells: dict[int, list[tuple[int, bytes]]] = {}
    beginning, row = b"", 0
    for patterns, xml in _whole_rows(chunks):
        if not beginning and (data := patterns.data.search(xml)):
            beginning = xml[: data.end()]
        xml, row = _with_addresses(patterns, xml, row)
        for match in patterns.filled.finditer(xml):
            end = xml.find(patterns.end, match.end()) + len(patterns.end)
            cells.setdefault(int(match[2]) - 1, []).append((column_number(match[1].decode()), xml[match.start() : end]))
    rows, columns = sorted(cells), sorted({column for row in cells.values() for column, _ in row})
    index_of = {column: index for index, column in enumerate(columns)}
    p = patterns.prefix.decode()
    parts = [beginning]
    for index, number in enumerate(rows, start=1):
        parts.append(f'<{p}row r="{index}">'.encode())
        for column, cell in cells[number]:
            address = f'r="{column_letters(index_of[column])}{index}"'.encode()
            parts.append(_ADDRESS.sub(address, cell, count=1))
        parts.append(f"</{p}row>".encode())
    parts.append(f"</{p}sheetData></{p}worksheet>".encode())
    return b"".join(parts), rows, columns


def _whole_rows(chunks: Iterable[bytes]) -> Iterator[tuple[_Patterns, bytes]]:
    """The XML in pieces, each of which ends before a row."""
    patterns: _Patterns | None = None
    rest = b""
    for chunk in chunks:
        rest += chunk
        if patterns is None:
            match = _PREFIX.search(rest)
            if match is None and len(rest) < _BEGINNING:
                continue
            patterns = _patterns(match[1] + b":" if match and match[1] else b"")
        cut = rest.rfind(patterns.row)
        if cut > 0:
            yield patterns, rest[:cut]
            rest = rest[cut:]
    yield patterns or _patterns(b""), rest


def _with_addresses(patterns: _Patterns, xml: bytes, row: int) -> tuple[bytes, int]:
    """The XML with an address added to each cell, and the number of the last row in it; `row` is the number of the row
    before this XML.

    A cell without an address follows the cell before it.
    """
    column = 0

    def write(match: re.Match[bytes]) -> bytes:
        nonlocal row, column
        address = _ADDRESS.search(match[2])
        if match[1] == b"row":
            row, column = int(address[2]) if address else row + 1, 0
            return match[0]
        if address and address[1]:
            column = column_number(address[1].decode())
            row = int(address[2])
        reference = f'"{column_letters(column)}{row}"'.encode()
        column += 1
        rest = match[2] if address is None else match[2][: address.start()] + match[2][address.end() :]
        return patterns.cell + b" r=" + reference + b" " + rest + b">"

    return patterns.tags.sub(write, xml), row


def _add(scan: SheetScan, tag: bytes, error: CellError) -> None:
    address = _ADDRESS.search(tag)
    if address and address[1]:
        scan.add_error(int(address[2]) - 1, column_number(address[1].decode()), error)
