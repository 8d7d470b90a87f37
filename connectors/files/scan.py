"""The facts about a sheet that python-calamine does not report: its error cells and its extent. A scan of the XML finds
them.

calamine returns blanks for error cells, and for formulas that were never calculated. Measures would skip such blanks
silently. calamine also returns the whole rectangle around all cells: a single stray cell in Z1048576 makes 27 million
cells.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.files.limits import Limits
from syncd.sdk.cells import Cell, CellError

NEVER_CALCULATED = CellError("a formula that was never calculated; open the file and save it")


@dataclass(slots=True)
class SheetScan:
    """The error cells of a sheet by row, each with its column and how often it is repeated. Rows and columns count from
    0.

    `rows` and `columns` are the extent of all cells, and `cells` is the number of cells. At most `shared_texts` cells
    have a text that is stored elsewhere in the file.
    """

    errors: dict[int, list[tuple[int, int, CellError]]] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0
    cells: int = 0
    shared_texts: int = 0

    def add_error(self, row: int, column: int, error: CellError) -> None:
        """Adds an error cell, and extends the extent to it."""
        self.errors.setdefault(row, []).append((column, 1, error))
        self.extend(row + 1, column + 1)

    def repeat_errors(self, rows: range, errors: list[tuple[int, int, CellError]]) -> None:
        """Adds the same error cells to each of these rows, without changing the extent."""
        if errors:
            self.errors |= dict.fromkeys(rows, errors)

    def extend(self, rows: int, columns: int) -> None:
        """Extends the extent to at least this many rows and columns."""
        self.rows, self.columns = max(self.rows, rows), max(self.columns, columns)

    @property
    def area(self) -> int:
        """The number of cells, blank or not, in the rectangle around the sheet's cells."""
        return self.rows * self.columns

    @property
    def is_sparse(self) -> bool:
        """Whether most of the rectangle around the sheet's cells is blank."""
        return self.area > 1_000_000 + 8 * self.cells

    def check(self, name: str, limits: Limits) -> None:
        """Raises SourceBroken if the sheet has more cells than the limit, or cells beyond the largest sheet size."""
        limits.check_extent(name, self.rows, self.columns)
        limits.check_cells(name, self.cells if self.is_sparse else self.area)

    def with_errors(self, number: int, row: Sequence[Cell]) -> Sequence[Cell]:
        """The row with its error cells in place of the blanks that calamine returns for them."""
        errors = self.errors.get(number)
        if not errors:
            return row
        cells = [*row]
        for column, times, error in errors:
            cells.extend([None] * (column + times - len(cells)))
            cells[column : column + times] = [error] * times
        return cells


def text_of(xml: bytes) -> str:
    """The text of an element that contains no other elements."""
    return html.unescape(xml.decode("utf-8", "replace")).strip()
