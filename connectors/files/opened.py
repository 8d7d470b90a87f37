"""The interface of an opened file: the names of its sheets, and the rows of each sheet in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from syncd.sdk.a1 import Range
from syncd.sdk.cells import Cell
from syncd.sdk.tables import is_filled

Row = TypeVar("Row", bound=Sequence[Cell])
Block = tuple[int, Sequence[Sequence[Cell]]]
"""A pair: the number of the first row, counted from 0, and consecutive rows. Each row begins at column A."""

BLOCK_ROWS = 256
"""The number of rows in a block. Blocks of this size fit into a processor's cache; reading larger blocks takes twice as
long.
"""


class Opened(Protocol):
    """An opened file. Methods raise Unreadable for a sheet that is missing, or for rows that cannot be read."""

    text_numbers: bool
    """Whether a text such as `12` counts as a number, because the format stores only texts."""

    @property
    def sheets(self) -> Sequence[str]:
        """The names of the file's sheets; empty if the format has no names for sheets, as in CSV."""
        ...

    def sheet(self, name: str | None) -> str | None:
        """The name of a sheet as the file writes it. If `name` is None, the name of the default sheet."""
        ...

    def named_range(self, sheet: str | None, name: str) -> tuple[str | None, Range] | None:
        """The sheet and the range that a name stands for in a sheet; None if no range has the name."""
        ...

    def blocks(self, sheet: str | None) -> Iterator[Block]:
        """The rows of a sheet, in order. Rows between two blocks are blank."""
        ...


def in_blocks(rows: Iterator[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Cuts rows into blocks, each with the number of its first row."""
    first = 0
    while block := list(islice(rows, BLOCK_ROWS)):
        yield first, block
        first += len(block)


def row_of(opened: Opened, sheet: str | None, number: int) -> Sequence[Cell]:
    """The cells of the row with this number, counted from 0; empty if the sheet ends before that row."""
    for first, rows in opened.blocks(sheet):
        if first <= number < first + len(rows):
            return rows[number - first]
        if first > number:
            break
    return ()


def first_filled(opened: Opened, sheet: str | None, area: Range) -> tuple[int, Sequence[Cell]]:
    """The number and the cells of the first filled row of an area; an empty row if all its rows are blank."""
    columns = slice(area.first_column, None if area.last_column is None else area.last_column + 1)
    for first, rows in opened.blocks(sheet):
        for number, row in enumerate(rows, first):
            if area.last_row is not None and number > area.last_row:
                return area.first_row, ()
            if number >= area.first_row and is_filled(row[columns]):
                return number, row
    return area.first_row, ()
