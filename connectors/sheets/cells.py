"""The cells of a sheet as they were read, and the ranges that a write of cells needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from connectors.sheets.client import Values
from syncd.sdk import RetryLater, Scalar
from syncd.sdk.a1 import address, parse_range, split_sheet

Place = tuple[int, int]
"""(row, column), both from 0."""


@dataclass(slots=True)
class Cells:
    """The cells of the ranges of a sheet that were read, without blank cells. `rows` and `columns` are the sheet's
    size.

    `exists` says whether the spreadsheet has the sheet. If Google's response does not give a size, the size is 0.
    """

    title: str
    exists: bool = False
    values: dict[Place, Scalar] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0

    def add(self, values: Values) -> None:
        """Adds the cells of one range of a response. Google cuts each range to the bounds of its sheet."""
        area = parse_range(split_sheet(values.range)[1])
        if area is None:
            raise RetryLater("its answer is not what Google documents")
        self.exists = True
        self.rows = max(self.rows, (area.last_row or area.first_row) + 1)
        self.columns = max(self.columns, (area.last_column or area.first_column) + 1)
        for down, row in enumerate(values.cells()):
            for right, value in enumerate(row):
                if value is None or value == "":
                    continue
                shown = str(value).upper() if isinstance(value, bool) else value  # a ticked box must not be a 1
                self.values[(area.first_row + down, area.first_column + right)] = shown

    def text(self, row: int, column: int) -> str:
        """A cell as a text, because Google may have stored an id that consists of digits as a number."""
        value = self.values.get((row, column), "")
        return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()

    @property
    def below(self) -> int:
        """The first row below all cells."""
        return max((row for row, _ in self.values), default=-1) + 1

    def is_blank(self, rows: range) -> bool:
        """Whether all cells of these rows are blank."""
        return not any(row in rows for row, _ in self.values)


def ranges(title: str, cells: Mapping[Place, Scalar | None]) -> Iterable[Mapping[str, Any]]:
    """Google's ValueRanges of exactly these cells, one for each run of adjacent rows in a column. The value None makes
    a cell blank.
    """
    by_column = sorted(cells, key=lambda place: (place[1], place[0]))
    breaks = [index for index, (above, below) in enumerate(pairwise(by_column), 1) if below != (above[0] + 1, above[1])]
    starts = [0, *breaks]
    for start, end in zip(starts, [*breaks, len(by_column)], strict=True):
        run: Sequence[Place] = by_column[start:end]
        if run:
            (row, column), (last, _) = run[0], run[-1]
            first, end_cell = address(title, row, column), address(None, last, column)
            values = ["" if cells[place] is None else cells[place] for place in run]
            text = first if row == last else f"{first}:{end_cell}"
            yield {"range": text, "majorDimension": "COLUMNS", "values": [values]}
