"""Tables, the keys that locate a number in a table, and the reading of a single cell.

Google Sheets and spreadsheet files share this module, `series` and `lookup`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.sdk.a1 import Range, address
from syncd.sdk.cells import Cell, Reader, shown
from syncd.sdk.facts import Reading, Snapshot
from syncd.sdk.matching import Match, plain_text
from syncd.sdk.names import nearest_hint


class Unreadable(Exception):
    """A range that does not exist or cannot be used; the text says why."""


@dataclass(frozen=True)
class Header:
    """The row of a sheet that names its columns. `row` is its number, from 0. `left` is the column of the row's first
    cell.

    The cells are indexed once, however many measures search for a name.
    """

    cells: Sequence[Cell]
    row: int = 0
    left: int = 0

    @property
    def names(self) -> list[str]:
        """The texts of the cells that are not blank."""
        return [name for cell in self.cells if (name := plain_text(cell))]

    @cached_property
    def _positions(self) -> Mapping[str, Sequence[int]]:
        positions: dict[str, list[int]] = {}
        for index, cell in enumerate(self.cells):
            positions.setdefault(plain_text(cell), []).append(index)
        return positions

    def position(self, name: str, reader: Reader, table: str = "") -> int:
        """The position of the cell with this name: the cell with this text, else the cell with this day or number.

        Raises Unreadable if no cell has the name, or if several cells have it. `table` is the table's name for people.
        """
        positions = self._positions.get(plain_text(name), ())
        if not positions:
            is_same = Match(name, reader)
            positions = [index for index, cell in enumerate(self.cells) if is_same(cell)]
        if len(positions) == 1:
            return positions[0]
        if positions:
            raise Unreadable(
                f"{table or 'the sheet'} has the column {name!r} twice; name the one meant by its range, such as C2:C"
            )
        where = "the first row" if self.row == 0 else f"row {self.row + 1}"
        hint = "; if the names are in another row, say which: header: 3" if len(self.names) < 2 else ""
        raise Unreadable(
            f"{table or 'the sheet'} has no column {name!r}{nearest_hint(name, self.names)}; {where} has: "
            f"{', '.join(self.names) or 'nothing'}{hint}"
        )


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

    def header(self, row: int | None = None) -> Header:
        """The row with this number (from 1) as the header; without a number, the first row that is not blank."""
        if row is None:
            offset = next((index for index, cells in enumerate(self.rows) if is_filled(cells)), 0)
        else:
            offset = row - 1 - self.top
        return Header(self.rows[offset] if 0 <= offset < len(self.rows) else (), self.top + offset, self.left)

    def below(self, header: Header, position: int) -> Grid:
        """The column below a cell of its header."""
        rows = [row[position : position + 1] for row in self.rows[header.row + 1 - self.top :]]
        return Grid(self.sheet, rows, header.row + 1, self.left + position)

    def line(self, *, down: bool) -> Iterator[tuple[int, str, Cell]]:
        """The cells of the first column (`down`) or the first row, each with its position in the sheet, address and
        content.
        """
        if down:
            for offset, row in enumerate(self.rows):
                yield self.top + offset, address(self.sheet, self.top + offset, self.left), row[0] if row else None
        else:
            for offset, cell in enumerate(self.rows[0] if self.rows else ()):
                yield self.left + offset, address(self.sheet, self.top, self.left + offset), cell


def is_filled(cells: Sequence[Cell]) -> bool:
    """Whether a row has a cell that is not blank."""
    return any(cell is not None and plain_text(cell) for cell in cells)


class Series(BaseModel):
    """A dated series: a column of dates and a column of numbers, paired by row."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    dates: str = Field(description="The dates: a range such as `Support!A2:A`, or the column's header.")
    values: str = Field(description="The numbers: a range such as `Support!C2:C`, or the column's header.")


class Lookup(BaseModel):
    """A cell of a table, in the row whose other cells meet the conditions."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    table: str = Field(description="The table with its header: a range such as `Plan!A1:F`, or the name of a sheet.")
    row: Mapping[str, str | bool | int | float] = Field(
        description="The conditions that the row meets, each as HEADER: VALUE.", json_schema_extra={"minProperties": 1}
    )
    column: str = Field(description="The header of the column that holds the number.")

    @model_validator(mode="after")
    def _some_condition(self) -> Lookup:
        if not self.row:
            raise ValueError("needs at least one HEADER: VALUE in its row")
        return self


Resolve = Callable[[str], Grid]
"""Returns the grid that a reference names, or raises Unreadable."""


def read_cell(reference: str, resolve: Resolve, reader: Reader) -> Snapshot:
    """The reading of the single cell that a reference names. A blank cell gives no reading."""
    grid = resolve(reference)
    cells = [cell for row in grid.rows for cell in row] or [None]
    if not all(reader.blank(cell) for cell in cells[1:]):
        raise Unreadable(f"{reference} is more than one cell")
    return undated(cells[0], address(grid.sheet, grid.top, grid.left), reader)


def undated(cell: Cell, where: str, reader: Reader) -> Snapshot:
    """The reading of the cell at an address, without a date. A blank cell gives no reading."""
    if reader.blank(cell):
        return Snapshot(notes=[f"{where} is blank"])
    number, problem = reader.number(cell)
    return Snapshot([Reading(number, where, shown(cell), problem=problem)])
