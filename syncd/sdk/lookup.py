"""Reads a lookup: finds the row that meets all conditions, and takes the cell of one column in that row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from syncd.sdk.a1 import Range, address, parse_block, quote_sheet, range_text, split_sheet
from syncd.sdk.cells import Cell, ColumnReader, Reader
from syncd.sdk.facts import Reading, Snapshot
from syncd.sdk.matching import Match
from syncd.sdk.tables import Header, Lookup, Resolve, Unreadable, undated

_REMEMBERED = 20_000  # cells; a table may have millions of different cells


class LookupReader:
    """Searches the rows of a table, block by block. Raises Unreadable if the header lacks a column, or has a column
    twice.
    """

    def __init__(self, lookup: Lookup, reader: Reader, header: Header, sheet: str | None) -> None:
        self._lookup = lookup
        self._cells = ColumnReader(reader)
        self._sheet = sheet
        self._left = header.left
        self._column = header.position(lookup.column, reader, lookup.table)
        self._conditions = [
            _Condition(header.position(name, reader, lookup.table), Match(value, reader))
            for name, value in lookup.row.items()
        ]
        self._matching = 0
        self._at: tuple[int, Cell] = (0, None)

    def add(self, first: int, rows: Sequence[Sequence[Cell]]) -> None:
        """Searches rows of the table; `first` is the number of the first row in the sheet, from 0."""
        for row in rows:
            if self._column < len(row):
                self._cells.look(row[self._column])
        rest: Iterable[tuple[int, Sequence[Cell]]] = enumerate(rows, first)
        for condition in self._conditions:
            rest = condition.select(rest)
        for number, row in rest:
            self._matching += 1
            self._at = number, row[self._column] if self._column < len(row) else None

    def snapshot(self) -> Snapshot:
        """The reading from the only matching row. If no row matches, or several rows match, the reading is unknown."""
        if self._matching != 1:
            wanted = ", ".join(f"{header} = {value}" for header, value in self._lookup.row.items())
            problem = f"{self._matching:,} rows with {wanted}" if self._matching else f"no row with {wanted}"
            return Snapshot([Reading(None, self._lookup.table, "", problem=problem)])
        number, cell = self._at
        return undated(cell, address(self._sheet, number, self._left + self._column), self._cells.reader)


class _Condition:
    """A condition of a lookup, with a cache of which cells meet the condition."""

    def __init__(self, position: int, is_same: Match) -> None:
        self._position = position
        self._is_same = is_same
        self._of_texts: dict[Cell, bool] = {}
        self._of_others: dict[tuple[type, Cell], bool] = {}  # with the type, because 1 and True are the same key

    def select(self, rows: Iterable[tuple[int, Sequence[Cell]]]) -> Iterator[tuple[int, Sequence[Cell]]]:
        """The rows that meet the condition, with their numbers."""
        position, of_texts = self._position, self._of_texts
        for number, row in rows:
            cell = row[position] if position < len(row) else None
            meets = of_texts.get(cell) if type(cell) is str else self._of_others.get((type(cell), cell))
            if meets is None:
                meets = self._decide(cell)
            if meets:
                yield number, row

    def _decide(self, cell: Cell) -> bool:
        if len(self._of_texts) + len(self._of_others) >= _REMEMBERED:
            self._of_texts.clear()
            self._of_others.clear()
        meets = self._is_same(cell)
        if isinstance(cell, str):
            self._of_texts[cell] = meets
        else:
            self._of_others[type(cell), cell] = meets
        return meets


def read_lookup(lookup: Lookup, resolve: Resolve, reader: Reader, header_row: int | None = None) -> Snapshot:
    """Carries out a lookup in its table. The header is the table's first row that is not blank, unless `header_row`
    (from 1) is given.
    """
    table = _range(lookup.table)
    check_header(lookup.table, table, header_row)
    grid = resolve(with_header(lookup.table, header_row))
    header = grid.header(header_row)
    if header.row < grid.top:
        raise Unreadable(f"{lookup.table} begins below row {header_row}, its header; write a range such as Plan!A2:F")
    search = LookupReader(lookup, reader, header, grid.sheet)
    first = max(header.row + 1, table.first_row if table is not None else 0)
    search.add(first, grid.rows[first - grid.top :])
    return search.snapshot()


def with_header(table: str, header_row: int | None) -> str:
    """The range of a table. If the header is above the range, the range is extended to the header."""
    area = _range(table)
    if area is None or header_row is None or header_row > area.first_row:
        return table
    sheet, _ = split_sheet(table)
    text = range_text(replace(area, first_row=header_row - 1))
    return text if sheet is None else f"{quote_sheet(sheet)}!{text}"


def check_header(table: str, area: Range | None, header_row: int | None) -> None:
    """Raises Unreadable if the header's row is below the table."""
    if area is not None and header_row is not None and area.last_row is not None and header_row > area.last_row + 1:
        raise Unreadable(f"header: {header_row} is below {table}; write the row that names its columns")


def _range(table: str) -> Range | None:
    return parse_block(split_sheet(table)[1])
