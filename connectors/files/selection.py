"""Reads the cells that measures need from an opened file, in one pass through each sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from connectors.files.keys import FilesMeasure
from connectors.files.opened import Opened, first_filled, row_of
from syncd.sdk import Snapshot
from syncd.sdk.a1 import Range, split_sheet
from syncd.sdk.cells import Cell, ColumnReader, Reader
from syncd.sdk.facts import Between
from syncd.sdk.lookup import LookupReader, check_header
from syncd.sdk.series import SeriesReader, read_series
from syncd.sdk.table_measure import series_column
from syncd.sdk.tables import Grid, Header, Lookup, Series, Unreadable, read_cell

Rows = Sequence[Sequence[Cell]]
_ALL = Range(0, 0, None, None)


@dataclass(frozen=True, slots=True)
class _Place:
    sheet: str | None
    area: Range

    @property
    def is_column(self) -> bool:
        """Whether the area is a single column of more than one cell."""
        return self.area.first_column == self.area.last_column and self.area.first_row != self.area.last_row

    def clip(self, first: int, rows: Rows) -> tuple[int, Rows]:
        """The part of a block that lies in the area: the number of its first row, and its rows."""
        start = max(0, self.area.first_row - first)
        end = None if self.area.last_row is None else max(0, self.area.last_row + 1 - first)
        return first + start, rows[start:end] if start or end is not None else rows


@dataclass(slots=True)
class _Search:
    """How to read a measure: the functions `takes` collect its cells from the blocks of sheets, and `finish` makes the
    readings.
    """

    takes: list[tuple[str | None, Callable[[int, Rows], None]]]
    finish: Callable[[], Snapshot]


@dataclass(slots=True)
class _Collected:
    place: _Place
    rows: list[Sequence[Cell]] = field(default_factory=list)

    def add(self, first: int, rows: Rows) -> None:
        """Adds a block. Rows that are missing between this block and the block before count as blank."""
        area = self.place.area
        first, rows = self.place.clip(first, rows)
        if rows:
            self.rows.extend(() for _ in range(first - area.first_row - len(self.rows)))
            end = None if area.last_column is None else area.last_column + 1
            self.rows.extend(row[area.first_column : end] for row in rows)

    @property
    def grid(self) -> Grid:
        """All collected cells."""
        return Grid(self.place.sheet, self.rows, self.place.area.first_row, self.place.area.first_column)


def read_parts(
    opened: Opened, parts: Mapping[str, FilesMeasure], windows: Mapping[str, Between], zone: ZoneInfo
) -> dict[str, Snapshot]:
    """The readings of each part, or the reason why it cannot be read."""
    snapshots: dict[str, Snapshot] = {}
    searches: dict[str, _Search] = {}
    headers = _Headers(opened)
    for part, keys in parts.items():
        reader = Reader(zone, keys.as_, text_numbers=opened.text_numbers)
        try:
            searches[part] = _Resolver(opened, headers, keys, reader, windows.get(part)).search()
        except Unreadable as error:
            snapshots[part] = Snapshot(problem=str(error))
    for sheet in dict.fromkeys(sheet for search in searches.values() for sheet, _ in search.takes):
        _pass(opened, sheet, searches, snapshots)
    for part, search in searches.items():
        try:
            snapshots[part] = search.finish()
        except Unreadable as error:
            snapshots[part] = Snapshot(problem=str(error))
    return snapshots


def missing_in(opened: Opened, keys: FilesMeasure, zone: ZoneInfo) -> str | None:
    """Says which sheet, column or named range of a measure the file lacks; None if it has all of them."""
    try:
        reader = Reader(zone, keys.as_, text_numbers=opened.text_numbers)
        _Resolver(opened, _Headers(opened), keys, reader, None).search()
    except Unreadable as error:
        return str(error)
    return None


def _pass(opened: Opened, sheet: str | None, searches: dict[str, _Search], snapshots: dict[str, Snapshot]) -> None:
    """Reads a sheet once for all searches. Parts with a problem are removed from `searches`."""

    def drop(part: str, error: Unreadable) -> None:
        snapshots[part] = Snapshot(problem=str(error))
        del searches[part]

    takes = [(part, take) for part, search in searches.items() for where, take in search.takes if where == sheet]
    try:
        for first, rows in opened.blocks(sheet):
            for part, take in takes:
                if part in searches:
                    try:
                        take(first, rows)
                    except Unreadable as error:
                        drop(part, error)
    except Unreadable as error:
        for part in {part for part, _ in takes} & searches.keys():
            drop(part, error)


class _Headers:
    """The headers of an opened file. Each header is read only once, even if many measures name its columns."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._read: dict[tuple[_Place, int | None], Header] = {}

    def header(self, table: _Place, number: int | None) -> Header:
        """The header of a table: the row with this number, counted from 1; without a number, the first filled row."""
        if (table, number) not in self._read:
            area = table.area
            if number is None:
                row, cells = first_filled(self._opened, table.sheet, area)
            else:
                row = number - 1
                cells = row_of(self._opened, table.sheet, row)
            end = None if area.last_column is None else area.last_column + 1
            header = Header([None] * area.first_column + list(cells[area.first_column : end]), row)
            self._read[table, number] = header
        return self._read[table, number]


@dataclass(frozen=True, slots=True)
class _Resolver:
    opened: Opened
    headers: _Headers
    keys: FilesMeasure
    reader: Reader
    between: Between | None

    def search(self) -> _Search:
        """The search for the measure's cells. Raises Unreadable if a sheet or a column is missing."""
        if self.keys.series is not None:
            return self._series(self.keys.series)
        if self.keys.lookup is not None:
            return self._lookup(self.keys.lookup)
        return self._cell(self.keys.cell or "")

    def _cell(self, reference: str) -> _Search:
        """The search for a single cell. In CSV, the other cells of the column decide whether the text of this cell may
        be a number.
        """
        collected, column = _Collected(self._place(reference)), ColumnReader(self.reader)
        sheet, position = collected.place.sheet, collected.place.area.first_column

        def look(first: int, rows: Rows) -> None:
            for row in rows:
                if position < len(row):
                    column.look(row[position])

        return _Search(
            [(sheet, collected.add), *([(sheet, look)] if self.opened.text_numbers else [])],
            lambda: read_cell(reference, lambda _: collected.grid, column.reader),
        )

    def _series(self, series: Series) -> _Search:
        dates, values = self._place(series.dates), self._place(series.values)
        if dates.sheet == values.sheet and dates.is_column and values.is_column:
            return self._columns(series, dates, values)
        both = {series.dates: _Collected(dates), series.values: _Collected(values)}

        def finish() -> Snapshot:
            return read_series(series, lambda reference: both[reference].grid, self.reader, self.between)

        return _Search([(collected.place.sheet, collected.add) for collected in both.values()], finish)

    def _columns(self, series: Series, dates: _Place, values: _Place) -> _Search:
        rows = SeriesReader(series.values, self.reader, self.between)
        columns = dates.area.first_column, values.area.first_column

        def add(first: int, block: Rows) -> None:
            first, block = values.clip(*dates.clip(first, block))
            rows.add(values.sheet, first, block, *columns)

        return _Search([(values.sheet, add)], rows.snapshot)

    def _lookup(self, lookup: Lookup) -> _Search:
        table = self._table(lookup.table)
        check_header(lookup.table, table.area, self.keys.header)
        header = self.headers.header(table, self.keys.header)
        search = LookupReader(lookup, self.reader, header, table.sheet)
        body = _Place(table.sheet, Range(max(header.row + 1, table.area.first_row), 0, table.area.last_row, None))

        def add(first: int, block: Rows) -> None:
            search.add(*body.clip(first, block))

        return _Search([(table.sheet, add)], search.snapshot)

    def _table(self, reference: str) -> _Place:
        """The place of a lookup's table: a range, a named range, or a whole sheet."""
        name, rest = split_sheet(reference)
        if (place := self._range(name, rest)) is not None:
            return place
        if name is not None:
            raise Unreadable(f"{reference} is no table; write a range such as Plan!A1:F, or the name of a sheet")
        return _Place(self.opened.sheet(rest), _ALL)

    def _place(self, reference: str) -> _Place:
        name, rest = split_sheet(reference)
        if (place := self._range(name, rest)) is not None:
            return place
        sheet = self.opened.sheet(name)
        header = self.headers.header(_Place(sheet, _ALL), self.keys.header)
        column = series_column(header, rest, self.reader, sheet or self.keys.file.rsplit("/", 1)[-1])
        return _Place(sheet, Range(header.row + 1, column, None, column))

    def _range(self, name: str | None, rest: str) -> _Place | None:
        area = self.keys.area(rest)
        if area is not None:
            return _Place(self.opened.sheet(name), area)
        named = self.opened.named_range(name, rest)
        return None if named is None else _Place(*named)
