"""Reads an XLSX or ODS workbook. python-calamine reads the values; a scan of the XML finds the error cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from connectors.files.contents import SheetPart
from connectors.files.excel_contents import check_shared_texts, excel_contents
from connectors.files.excel_scan import BadAddress, closed_up_excel, scan_excel
from connectors.files.limits import Limits
from connectors.files.ods_scan import closed_up_open_document, scan_open_document
from connectors.files.opened import Block, in_blocks
from connectors.files.package import Package
from connectors.files.scan import SheetScan
from connectors.files.sparse import Places, packed
from syncd.sdk import SourceBroken
from syncd.sdk.a1 import Range, parse_range, split_sheet
from syncd.sdk.cells import Cell
from syncd.sdk.names import nearest_hint
from syncd.sdk.tables import Unreadable

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

T = TypeVar("T")

_CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_ODS_PARTS = {"mimetype", _MANIFEST, _CONTENT}


class Workbook:
    """An opened workbook. syncd does not calculate formulas: the value of a formula is the one stored in the file."""

    text_numbers = False

    def __init__(self, content: BinaryIO, limits: Limits) -> None:
        self._content = content
        self._limits = limits
        self._package = Package(content, limits)
        self._scans: dict[str, SheetScan] = {}
        names = self._package.names
        if "xl/workbook.bin" in names:
            raise SourceBroken(f"{limits.file} is an Excel binary workbook; save it as Excel workbook (.xlsx)")
        if _CONTENT in names:
            self._check_encryption()
            self._contents, self._scans = scan_open_document(self._package.chunks(_CONTENT), limits)
        elif any(name.startswith("xl/") for name in names):
            self._contents = excel_contents(self._package)
        else:
            raise SourceBroken(f"{limits.file} is a ZIP file and no workbook; save it as XLSX or ODS")
        if not self._contents.sheets:
            raise SourceBroken(f"{limits.file} has no sheet with cells")
        self._others = self._parts_beside_sheets()
        for part in self._others:
            for _ in self._package.chunks(part):  # to check them: calamine has no limits
                pass
        self._opened: CalamineWorkbook | None = None
        self._read_sheets: dict[str, CalamineSheet] = {}
        self._closed_up: dict[str, tuple[Places, CalamineSheet]] = {}

    @property
    def sheets(self) -> Sequence[str]:
        """The names of the sheets with cells, including hidden sheets."""
        return [sheet.name for sheet in self._contents.sheets]

    def sheet(self, name: str | None) -> str:
        """The sheet with this name, ignoring case as formulas do. If `name` is None, the first sheet that is not
        hidden.
        """
        sheets = self._contents.sheets
        if name is None:
            return next((sheet.name for sheet in sheets if sheet.is_visible), sheets[0].name)
        names = [sheet.name for sheet in sheets if sheet.name == name] or [
            sheet.name for sheet in sheets if sheet.name.casefold() == name.casefold()
        ]
        if not names:
            raise Unreadable(
                f"{self._limits.file} has no sheet {name!r}{nearest_hint(name, self.sheets)}; "
                f"it has: {', '.join(self.sheets)}"
            )
        return names[0]

    def named_range(self, sheet: str | None, name: str) -> tuple[str, Range] | None:
        """A named range. A name of the sheet takes precedence over the same name of the workbook. Raises Unreadable if
        the name does not stand for exactly one range.
        """
        ranges = self._contents.ranges
        scope = self.sheet(sheet)
        reference = ranges.get((scope, name.lower())) or ranges.get((None, name.lower()))
        if reference is None:
            return None
        title, rest = split_sheet(reference.lstrip("=").removeprefix("$"))
        area = parse_range(rest)
        if area is None or title is None:
            raise Unreadable(f"the name {name!r} stands for {reference!r}, which is no range of cells")
        return self.sheet(title), area

    def blocks(self, sheet: str | None) -> Iterator[Block]:
        """The rows of a sheet."""
        part = next(part for part in self._contents.sheets if part.name == self.sheet(sheet))
        scan = self._scan(part)
        scan.check(part.name, self._limits)
        if not self._contents.is_ods:
            check_shared_texts(self._package, part.part, scan.shared_texts, self._limits)
        blocks = self._sparse(part) if scan.is_sparse else in_blocks(_to_end(self._rows(part.name), scan))
        for first, rows in blocks:
            self._limits.check_time()
            if scan.errors:
                yield first, [scan.with_errors(number, row) for number, row in enumerate(rows, first)]
            else:
                yield first, rows

    def _scan(self, part: SheetPart) -> SheetScan:
        if part.name not in self._scans:
            try:
                self._scans[part.name] = scan_excel(
                    lambda: self._package.chunks(part.part), recalculates=self._contents.recalculates
                )
            except BadAddress:
                raise self._damaged(f"a cell of its sheet {part.name!r} has no address of a cell") from None
        return self._scans[part.name]

    def _rows(self, name: str) -> Iterator[Sequence[Cell]]:
        if self._opened is None:
            is_whole = not self._contents.is_ods or self._package.names >= _ODS_PARTS
            self._opened = self._open(self._content if is_whole else self._packed_again({}))
        if name not in self._read_sheets:
            self._read_sheets[name] = self._sheet_in(self._opened, name)
        return _rows_from_a(self._read_sheets[name])

    def _sparse(self, part: SheetPart) -> Iterator[Block]:
        if part.name not in self._closed_up:
            chunks = self._package.chunks(part.part)
            if self._contents.is_ods:
                xml, rows, columns = closed_up_open_document(chunks, self._limits, part.name)
            else:
                xml, rows, columns = closed_up_excel(chunks)
            self._limits.check_cells(part.name, len(rows) * len(columns))
            workbook = self._open(self._packed_again({part.part: [xml]}))
            self._closed_up[part.name] = Places(rows, columns), self._sheet_in(workbook, part.name)
        places, sheet = self._closed_up[part.name]
        return places.put_back(_rows_from_a(sheet))

    def _packed_again(self, sheets: Mapping[str, Iterable[bytes]]) -> BinaryIO:
        """A new ZIP file of the workbook with only these sheets. For ODS, the ZIP file has all parts that calamine
        requires.
        """
        parts: dict[str, Iterable[bytes]] = {}
        if self._contents.is_ods:
            parts = {"mimetype": [_ODS], _MANIFEST: [b"<manifest/>"], _CONTENT: self._package.chunks(_CONTENT)}
        parts |= {part: self._package.chunks(part) for part in self._others}
        return packed({**parts, **sheets}.items())

    def _open(self, content: BinaryIO) -> CalamineWorkbook:
        from python_calamine import CalamineWorkbook

        content.seek(0)
        return self._read(lambda: CalamineWorkbook.from_filelike(content))

    def _sheet_in(self, workbook: CalamineWorkbook, name: str) -> CalamineSheet:
        return self._read(lambda: workbook.get_sheet_by_name(name))

    def _read(self, read: Callable[[], T]) -> T:
        """The result of a call to python-calamine. If python-calamine raises an error or panics, because of a damaged
        file or a bug, raises SourceBroken.
        """
        import python_calamine

        try:
            return read()
        except python_calamine.CalamineError as error:
            raise self._damaged(error) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise self._damaged(error) from None

    def _damaged(self, error: object) -> SourceBroken:
        return SourceBroken(
            f"{self._limits.file} cannot be read ({error}); open it in a spreadsheet program and save it"
        )

    def _parts_beside_sheets(self) -> list[str]:
        """The XML parts, other than sheets, that calamine reads. The case of their names is ignored."""
        if self._contents.is_ods:
            return [part for part in ("mimetype", _MANIFEST) if part in self._package.names]
        folders = {str(PurePosixPath(sheet.part).parent.parent).lower() for sheet in self._contents.sheets} | {"xl"}
        folders |= {f"{folder}/_rels" for folder in folders} | {"_rels", "."}
        sheets = {sheet.part for sheet in self._contents.sheets}
        return [
            part
            for part in sorted(self._package.names - sheets)
            if str(PurePosixPath(part).parent).lower() in folders and part.lower().endswith((".xml", ".rels"))
        ]

    def _check_encryption(self) -> None:
        if _MANIFEST in self._package.names and b"encryption-data" in b"".join(self._package.chunks(_MANIFEST)):
            raise SourceBroken(f"{self._limits.file} is protected by a password; save it without one")


def _rows_from_a(sheet: CalamineSheet) -> Iterator[Sequence[Cell]]:
    """The rows from row 1 on, each from column A on."""
    if sheet.start is None:
        return
    left = [None] * sheet.start[1]
    for row in sheet.iter_rows():
        yield [*left, *row] if left else row


def _to_end(rows: Iterator[Sequence[Cell]], scan: SheetScan) -> Iterator[Sequence[Cell]]:
    """The rows of calamine, and blank rows after them down to the last error cell: calamine ends at the last value."""
    count = 0
    for row in rows:
        count += 1
        yield row
    yield from repeat((), max(scan.errors, default=-1) + 1 - count)
