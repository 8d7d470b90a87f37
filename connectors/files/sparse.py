"""Reads sheets whose cells lie far apart, such as a table and a stray cell in Z1048576.

calamine makes a rectangle around all cells. syncd therefore removes the blank rows and columns from the XML that
calamine reads. While syncd reads the rows, it puts the blank rows and columns back, a few at a time.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, repeat
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

from connectors.files.opened import BLOCK_ROWS, Block
from syncd.sdk.cells import Cell


@dataclass(frozen=True, slots=True)
class Places:
    """The numbers, from 0, of the rows and columns in which a sheet has cells, in order."""

    rows: Sequence[int]
    columns: Sequence[int]

    def put_back(self, rows: Iterable[Sequence[Cell]]) -> Iterator[Block]:
        """Yields the rows in blocks, with the row numbers and columns that they have in the original sheet."""
        dense = next((index for index, column in enumerate(self.columns) if index != column), len(self.columns))
        numbered = zip(self.rows, chain(rows, repeat(())), strict=False)
        for _, run in groupby(enumerate(numbered), lambda item: (item[1][0] - item[0], item[0] // BLOCK_ROWS)):
            block = [(number, self._spread(row, dense)) for _, (number, row) in run]
            yield block[0][0], [row for _, row in block]

    def _spread(self, row: Sequence[Cell], dense: int) -> Sequence[Cell]:
        """A row from column A on. The row is longer than `dense` cells only if it has cells beyond them."""
        far = [
            (column, cell)
            for column, cell in zip(self.columns[dense:], row[dense:], strict=False)
            if cell not in (None, "")
        ]
        if not far:
            return row[:dense]
        cells: list[Cell] = [*row[:dense], *repeat(None, far[-1][0] + 1 - dense)]
        for column, cell in far:
            cells[column] = cell
        return cells


def packed(parts: Iterable[tuple[str, Iterable[bytes]]]) -> BinaryIO:
    """A ZIP file of these parts, in memory."""
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, chunks in parts:
            with archive.open(name, "w") as part:
                for chunk in chunks:
                    part.write(chunk)
    return content
