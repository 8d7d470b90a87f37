"""Scans the XML of an ODS workbook for its sheets, named ranges and error cells, and the extent of each sheet.

The format stores repeated rows and cells once, with a count. The blank end of a sheet is stored as one repeated row.
LibreOffice marks an error by `calcext:value-type`. Format: OASIS OpenDocument 1.3 part 3, sections 9.1, 9.4.12 and
19.385.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from xml.sax.saxutils import quoteattr

from connectors.files.contents import Contents, SheetPart
from connectors.files.limits import Limits
from connectors.files.scan import NEVER_CALCULATED, SheetScan, text_of
from syncd.sdk.a1 import quote_sheet
from syncd.sdk.cells import CellError

_ROW = b"<table:table-row"
_SHOWN_ERROR = re.compile(rb">(?:#(?:[A-Z][^<#\s]{1,11}[!?]|N/A)|Err:\d{3})</text:p>")
_UNUSUAL = (
    b'"error"',
    b"'error'",
    b":formula",
    b"<table:table ",
    b"columns-repeated",
    b"covered",
    b">#",
    b">Err:",
    b"text:c",
)
_REPEATED_ROW = re.compile(rb"""rows-repeated=["'](?!1["'])""")
_ROW_END = b"</table:table-row>"
_CELL = b"<table:table-cell"
_COVERED = b"<table:covered-table-cell"
_CELL_TAG = re.compile(rb"""<table:(?:covered-)?table-cell(?=[\s/>])((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_TABLE_TAG = re.compile(
    rb"""<(/?)table:table(?=[\s>])((?:[^>"']|"[^"]*"|'[^']*')*)>|<table:named-range\s((?:[^>"']|"[^"]*"|'[^']*')*)>"""
)
_REPEATED = re.compile(rb"""number-(?:rows|columns)-repeated=["'](\d+)""")
_SPACES = re.compile(rb"""text:c\s*=\s*["'](\d+)""")
_ERROR = re.compile(rb"""calcext:value-type=["']error["']""")
_STYLE = re.compile(
    rb'<style:style\s[^>]*style:name="([^"]*)"[^>]*>\s*<style:table-properties[^>]*table:display="false"'
)
_PARAGRAPH = re.compile(rb"<text:p(?:\s[^>]*)?>(.*?)</text:p>", re.DOTALL)
_COMMENT = re.compile(rb"<office:annotation.*?</office:annotation>", re.DOTALL)
_MARKUP = re.compile(rb"<[^>]*>")
_REFERENCE = re.compile(
    r"\$?(?:'((?:[^']|'')+)'|([^.$']+))\.\$?([A-Z]+)\$?(\d+)(?::(?:\$?(?:'(?:[^']|'')+'|[^.$']*))\.\$?([A-Z]+)\$?(\d+))?\Z"
)


def scan_open_document(chunks: Iterable[bytes], limits: Limits) -> tuple[Contents, dict[str, SheetScan]]:
    """The contents that a workbook's `content.xml` lists, and the scan of each sheet by the sheet's name."""
    walk = _Walk(limits)
    for pieces in _between_rows(chunks):
        if not walk.take_plain(pieces):
            for piece in pieces:
                walk.take(piece)
    return walk.contents, walk.scans


def closed_up_open_document(chunks: Iterable[bytes], limits: Limits, sheet: str) -> tuple[bytes, list[int], list[int]]:
    """A `content.xml` with one sheet, without the blank rows and columns between its cells, and the numbers, from 0, of
    the rows and columns that remain.
    """
    walk = _Walk(limits, kept=sheet)
    pieces = list(chain.from_iterable(_between_rows(chunks)))
    for piece in pieces:
        walk.take(piece)
    rows = [row + more for row, times, _ in walk.filled for more in range(times)]
    columns = sorted(
        {column + more for _, _, cells in walk.filled for column, times, _ in cells for more in range(times)}
    )
    index_of = {column: index for index, column in enumerate(columns)}
    beginning = pieces[0][: pieces[0].index(b">", pieces[0].index(b"<office:document-content")) + 1]
    parts = [beginning, b"<office:body><office:spreadsheet><table:table table:name=", quoteattr(sheet).encode(), b">"]
    for _, times, cells in walk.filled:
        parts.append(b'<table:table-row table:number-rows-repeated="%d">' % times)
        at = 0
        for column, repeated, cell in cells:
            if gap := index_of[column] - at:
                parts.append(b'<table:table-cell table:number-columns-repeated="%d"/>' % gap)
            parts.append(cell)
            at = index_of[column] + repeated
        parts.append(_ROW_END)
    parts.append(b"</table:table></office:spreadsheet></office:body></office:document-content>")
    return b"".join(parts), rows, columns


def _between_rows(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The XML in pieces: the text before the first row, and then the text from the start of each row to the start of
    the next row.
    """
    rest = b""
    for chunk in chunks:
        *pieces, rest = (rest + chunk).split(_ROW)
        yield pieces
    yield [rest]


class _Walk:
    """Counts rows and cells from piece to piece.

    `filled` stores the cells of the sheet `kept` that are not blank. Each entry has a row's number, how often the row
    is repeated, and the column, repetition and XML of each of its cells.
    """

    def __init__(self, limits: Limits, kept: str | None = None) -> None:
        self.contents = Contents(is_ods=True)
        self.scans: dict[str, SheetScan] = {}
        self.filled: list[tuple[int, int, list[tuple[int, int, bytes]]]] = []
        self._kept = kept
        self._limits = limits
        self._hidden: set[bytes] = set()
        self._sheet: str | None = None
        self._scan = SheetScan()
        self._row = 0
        self._written_out = 0  # bytes of all cells, repetitions included

    def take_plain(self, pieces: list[bytes]) -> bool:
        """If each piece is a row of plain values, as most rows are, reads the pieces and returns True. Otherwise reads
        no piece and returns False.

        All pieces are checked at once, because the scan must not take longer than calamine.
        """
        xml = b"".join(pieces)
        if any(word in xml for word in _UNUSUAL) or _REPEATED_ROW.search(xml):
            return False
        if not all(piece[:1] in (b" ", b">") and piece.endswith(_ROW_END) for piece in pieces):
            return False
        widths = [piece.count(_CELL) for piece in pieces]
        self._row += len(pieces)
        self._scan.cells += sum(widths)
        self._scan.extend(self._row, max(widths, default=0))
        self._limits.check_cells(self._sheet or "", self._scan.cells)
        return True

    def take(self, piece: bytes) -> None:
        """Reads a piece.

        Each piece is a row, except the first piece and pieces that begin with the rest of another element's name.
        """
        if piece[:1] not in (b" ", b">", b"/", b"\n", b"\t", b"\r"):
            self._hidden.update(match[1] for match in _STYLE.finditer(piece))
            self._tables(piece)
            return
        end = piece.find(_ROW_END)
        opening, _, body = piece[: end if end >= 0 else piece.find(b">") + 1].partition(b">")
        repeated = _times(opening)
        if b"value-type" in body or b"table:formula" in body or b"text:c" in body:
            self._cells(body, repeated)
        self._row += repeated
        self._tables(piece[end:] if end >= 0 else piece)

    def _tables(self, xml: bytes) -> None:
        if b"table:table" not in xml and b"table:named-range" not in xml:
            return
        for match in _TABLE_TAG.finditer(xml):
            if match[3] is not None:
                self._name(match[3])
            elif match[1]:
                self._sheet = None
            else:
                self._sheet = _attribute(match[2], b"table:name")
                is_visible = _attribute(match[2], b"table:style-name").encode() not in self._hidden
                self.contents.sheets.append(SheetPart(self._sheet, is_visible, "content.xml"))
                self._scan = self.scans[self._sheet] = SheetScan()
                self._row = 0

    def _name(self, tag: bytes) -> None:
        name, address = _attribute(tag, b"table:name"), _attribute(tag, b"table:cell-range-address")
        if match := _REFERENCE.match(address):
            sheet = match[1].replace("''", "'") if match[1] else match[2]
            last = f":{match[5]}{match[6]}" if match[5] else ""
            self.contents.ranges[self._sheet, name.lower()] = f"{quote_sheet(sheet)}!{match[3]}{match[4]}{last}"

    def _cells(self, body: bytes, repeated: int) -> None:
        last = body.rfind(_CELL)
        first_repeated = body.find(b"columns-repeated")
        is_plain = first_repeated < 0 or (
            first_repeated > last and body.endswith(b"/>") and b"value-type" not in body[last:]
        )
        if (
            is_plain
            and self._sheet != self._kept
            and not _ERROR.search(body)
            and not _SHOWN_ERROR.search(body)
            and b"table:formula" not in body
            and b"text:c" not in body
        ):
            width = body.count(_CELL) + body.count(_COVERED) - (first_repeated >= 0)
            self._count(width, width, repeated)
            self._write_out(len(body) * repeated)
            return
        column = width = cells = size = 0
        errors: list[tuple[int, int, CellError]] = []
        tags = list(_CELL_TAG.finditer(body))
        filled: list[tuple[int, int, bytes]] = []
        for match, after in zip_longest(tags, tags[1:]):
            tag, times = match[1], _times(match[1])
            inner = body[match.end() : after.start() if after else None]
            size += (len(inner) + sum(map(int, _SPACES.findall(inner)))) * times
            if b"value-type" in tag or b"table:formula" in tag:
                cells, width = cells + times, column + times
                content = _COMMENT.sub(b"", inner)
                filled.append((column, times, match[0] + inner))
                # Programs without `calcext` store 0 or an empty text as the value of an error cell, and the error as
                # the shown text.
                if _ERROR.search(tag) or _SHOWN_ERROR.search(content):
                    errors.append((column, times, CellError(_text(content))))
                elif b"office:value-type" not in tag:
                    errors.append((column, times, NEVER_CALCULATED))
            column += times
        if self._sheet == self._kept:
            self.filled.append((self._row, repeated, filled))
        self._count(cells, width, repeated)  # checks the limits before the errors are repeated for each row
        self._write_out(size * repeated)
        self._scan.repeat_errors(range(self._row, self._row + repeated), errors)

    def _write_out(self, size: int) -> None:
        """Adds to the number of bytes of the texts that calamine makes. calamine copies a text for each repetition of
        its cell, its row or its spaces.
        """
        self._written_out += size
        self._limits.check_size(self._written_out)

    def _count(self, cells: int, width: int, repeated: int) -> None:
        self._scan.cells += cells * repeated
        self._scan.extend(self._row + repeated, width)
        self._limits.check_extent(self._sheet or "", self._scan.rows, self._scan.columns)
        self._limits.check_cells(self._sheet or "", self._scan.cells)


def _times(tag: bytes) -> int:
    match = _REPEATED.search(tag)
    return int(match[1]) if match else 1


def _attribute(tag: bytes, name: bytes) -> str:
    match = re.search(re.escape(name) + rb"""\s*=\s*("[^"]*"|'[^']*')""", tag)
    return html.unescape(match[1][1:-1].decode("utf-8", "replace")) if match else ""


def _text(xml: bytes) -> str:
    return "\n".join(text_of(_MARKUP.sub(b"", match[1])) for match in _PARAGRAPH.finditer(xml)) or "an error"
