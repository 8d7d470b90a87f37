"""Readings out of a table: one cell, a dated series, or a lookup. Google Sheets and spreadsheet files share this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.sdk.a1 import Range, address, column_letters, parse_range, split_sheet
from syncd.sdk.cells import Cell, Reader, shown
from syncd.sdk.facts import Reading, Snapshot
from syncd.sdk.series import dated_readings


@dataclass(frozen=True, slots=True)
class Grid:
    """A rectangle of cells. `top` and `left` are the row and the column of its first cell in the sheet, counted from 0.

    Rows may differ in length: a missing cell is blank.
    """

    sheet: str | None
    rows: Sequence[Sequence[Cell]]
    top: int = 0
    left: int = 0

    def clip(self, area: Range) -> Grid:
        """The part of this grid within an area of the sheet."""
        bottom = len(self.rows) + self.top if area.last_row is None else area.last_row + 1
        rows = self.rows[max(0, area.first_row - self.top) : max(0, bottom - self.top)]
        start = max(0, area.first_column - self.left)
        end = None if area.last_column is None else max(0, area.last_column + 1 - self.left)
        return Grid(
            self.sheet,
            [row[start:end] for row in rows],
            max(self.top, area.first_row),
            max(self.left, area.first_column),
        )

    def column(self, header: str) -> Grid | None:
        """The column below a header in this grid's first row; None if no column has it, or several do."""
        index = self.header_index(header)
        if index is None:
            return None
        rows = [row[index : index + 1] for row in self.rows[1:]]
        return Grid(self.sheet, rows, self.top + 1, self.left + index)

    def headers(self) -> list[str]:
        """The texts of the first row."""
        return [shown(cell).strip() for cell in self.rows[0]] if self.rows else []

    def header_index(self, header: str) -> int | None:
        """The number of the column with this header; None if no column has it, or several do."""
        columns = [index for index, name in enumerate(self.headers()) if name == header.strip()]
        return columns[0] if len(columns) == 1 else None

    def line(self, *, down: bool) -> Iterator[tuple[int, str, Cell]]:
        """The cells of its first column (`down`) or row: each cell's position in the sheet, address and content."""
        if down:
            for offset, row in enumerate(self.rows):
                yield self.top + offset, address(self.sheet, self.top + offset, self.left), row[0] if row else None
        else:
            for offset, cell in enumerate(self.rows[0] if self.rows else ()):
                yield self.left + offset, address(self.sheet, self.top, self.left + offset), cell


class Series(BaseModel):
    """A dated series: a column of dates and a column of numbers, paired by row."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    dates: str = Field(description="The dates: a range such as `Support!A2:A`, or the column's header.")
    values: str = Field(description="The numbers: a range such as `Support!C2:C`, or the column's header.")


class Lookup(BaseModel):
    """A cell of a table, in the row whose other cells meet the conditions."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    table: str = Field(description="The table, its header included: a range such as `Plan!A1:F`, or a sheet's name.")
    row: Mapping[str, str | bool | int | float] = Field(
        description="HEADER: VALUE, for each condition that the row meets."
    )
    column: str = Field(description="The header of the column that holds the number.")

    @model_validator(mode="after")
    def _some_condition(self) -> Lookup:
        if not self.row:
            raise ValueError("needs at least one HEADER: VALUE in its row")
        return self


class Unreadable(Exception):
    """A range that does not exist; the text says what exists."""


Resolve = Callable[[str], Grid]
"""Gives the grid that a reference names, or raises Unreadable."""


def read_cell(reference: str, resolve: Resolve, reader: Reader) -> Snapshot:
    """The single cell that a reference names. A blank cell is no reading."""
    grid = resolve(reference)
    cells = [cell for row in grid.rows for cell in row] or [None]
    if not all(reader.blank(cell) for cell in cells[1:]):
        raise Unreadable(f"{reference} is more than one cell")
    if reader.text_numbers and isinstance(cells[0], str) and "." in cells[0]:
        # Only in CSV a text is a number without `as:`, and there the whole file was read.
        column = column_letters(grid.left)
        reader = reader.beside(cell for row in resolve(f"{column}:{column}").rows for cell in row)
    return _undated(cells[0], address(grid.sheet, grid.top, grid.left), reader)


def read_series(series: Series, resolve: Resolve, reader: Reader) -> Snapshot:
    """The readings of the rows of a series, in their order; see `dated_readings`."""
    date_cells, value_cells = resolve(series.dates), resolve(series.values)
    down = _runs_down(series, date_cells, value_cells)
    dates = {position: cell for position, _, cell in date_cells.line(down=down)}
    rows = ((where, dates.get(position), cell) for position, where, cell in value_cells.line(down=down))
    return dated_readings(rows, series.values, reader)


def _runs_down(series: Series, dates: Grid, values: Grid) -> bool:
    """Whether a series runs down columns, not along rows. The ranges decide it, because few cells of a row may be
    filled.
    """
    down: set[str] = set()
    across: set[str] = set()
    for reference, grid in ((series.dates, dates), (series.values, values)):
        area = parse_range(split_sheet(reference)[1])
        if area is not None:
            is_row, is_column = area.first_row == area.last_row, area.first_column == area.last_column
        else:  # the column of a header, or a named range: only its cells tell its form
            is_row, is_column = len(grid.rows) <= 1, all(len(row) <= 1 for row in grid.rows)
        if not (is_row or is_column):
            raise Unreadable(f"{reference} is neither one column nor one row")
        if is_row != is_column:
            (across if is_row else down).add(reference)
    if down and across:
        raise Unreadable(f"{down.pop()} runs down and {across.pop()} runs across; a series runs one way")
    return not across


def read_lookup(lookup: Lookup, resolve: Resolve, reader: Reader) -> Snapshot:
    """The cell where the matching row meets the column. If no row matches, or several do, the reading is unknown."""
    grid = resolve(lookup.table)
    column = _column(grid, lookup.column, lookup.table)
    conditions = [(_column(grid, header, lookup.table), value) for header, value in lookup.row.items()]
    rows = [
        offset
        for offset, row in enumerate(grid.rows[1:], start=1)
        if all(_same(row[index] if index < len(row) else None, value, reader) for index, value in conditions)
    ]
    if len(rows) != 1:
        wanted = ", ".join(f"{header} = {value}" for header, value in lookup.row.items())
        problem = f"no row has {wanted}" if not rows else f"{len(rows)} rows have {wanted}"
        return Snapshot([Reading(None, lookup.table, "", problem=problem)])
    cells = [row[column] if column < len(row) else None for row in grid.rows]
    reader = reader.beside(cells[1:])
    return _undated(cells[rows[0]], address(grid.sheet, grid.top + rows[0], grid.left + column), reader)


def _undated(cell: Cell, where: str, reader: Reader) -> Snapshot:
    if reader.blank(cell):
        return Snapshot(notes=[f"{where} is blank"])
    number, problem = reader.number(cell)
    return Snapshot([Reading(number, where, shown(cell), problem=problem)])


def _column(grid: Grid, header: str, table: str) -> int:
    index = grid.header_index(header)
    if index is None:
        names = [name for name in grid.headers() if name]
        twice = names.count(header.strip()) > 1
        raise Unreadable(
            f"{table} has the column {header!r} twice"
            if twice
            else f"{table} has no column {header!r}; its first row has: {', '.join(names) or 'nothing'}"
        )
    return index


def _same(cell: Cell, value: str | bool | int | float, reader: Reader) -> bool:
    """Whether a cell equals the value of a condition: as numbers, as days, else as texts."""
    if isinstance(cell, bool) or isinstance(value, bool):
        return shown(cell).strip().upper() == shown(value).strip().upper()
    if isinstance(cell, int | float) and isinstance(value, int | float):
        return float(cell) == float(value)
    if isinstance(cell, int | float) and isinstance(value, str) and reader.serial_dates:
        moment = reader.moment(value)
        return moment is not None and moment == reader.moment(cell)
    return shown(cell).strip() == shown(value).strip()
