"""What a file offers that was opened for reading: its sheets, and their rows block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from syncd.sdk.a1 import Range
from syncd.sdk.cells import Cell
from syncd.sdk.tables import is_filled

Row = TypeVar("Row", bound=Sequence[Cell])
Block = tuple[int, Sequence[Sequence[Cell]]]
"""The number of its first row, from 0, and consecutive rows, each from column A on."""

BLOCK_ROWS = 256
"""Rows that a processor's cache holds: larger blocks take twice as long."""


class Opened(Protocol):
    """An opened file. A method raises Unreadable for a sheet that is missing, or for rows that make no sense."""

    text_numbers: bool
    """Whether a text that is a plain number is a number, because the format has nothing but texts."""

    @property
    def sheets(self) -> Sequence[str]:
        """The names of its sheets; empty if it has no names for them, as CSV."""
        ...

    def sheet(self, name: str | None) -> str | None:
        """A sheet's name as the file writes it; of None, the name of the sheet that people mean without a name."""
        ...

    def named_range(self, sheet: str | None, name: str) -> tuple[str | None, Range] | None:
        """The sheet and the range with a name, as seen from a sheet; None if no range has it."""
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
    """The cells of a row, from 0; empty if the sheet ends before it."""
    for first, rows in opened.blocks(sheet):
        if first <= number < first + len(rows):
            return rows[number - first]
        if first > number:
            break
    return ()


def first_filled(opened: Opened, sheet: str | None, area: Range) -> tuple[int, Sequence[Cell]]:
    """The first row of an area that has a cell which is not blank, with its number; an empty row if there is none."""
    columns = slice(area.first_column, None if area.last_column is None else area.last_column + 1)
    for first, rows in opened.blocks(sheet):
        for number, row in enumerate(rows, first):
            if area.last_row is not None and number > area.last_row:
                return area.first_row, ()
            if number >= area.first_row and is_filled(row[columns]):
                return number, row
    return area.first_row, ()
