"""A sheet as one read found it, and the cells that are to be written to it."""

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
    """What stands in the parts of a sheet that were asked for, without blanks; `rows` and `columns` are its size.

    `exists` says whether there is such a sheet at all. A size that no answer tells is 0.
    """

    title: str
    exists: bool = False
    standing: dict[Place, Scalar] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0

    def take(self, found: Values) -> None:
        """What one range of an answer holds. Google says each range within the bounds of its sheet."""
        area = parse_range(split_sheet(found.range)[1])
        if area is None:
            raise RetryLater("its answer is not what Google documents")
        self.exists = True
        self.rows = max(self.rows, (area.last_row or area.first_row) + 1)
        self.columns = max(self.columns, (area.last_column or area.first_column) + 1)
        for down, row in enumerate(found.values):
            for right, value in enumerate(row):
                if value is None or value == "":
                    continue
                if not isinstance(value, int | float | str):
                    raise RetryLater(f"its answer holds a cell of the type {type(value).__name__}")
                shown = str(value).upper() if isinstance(value, bool) else value  # a box that is ticked is no 1
                self.standing[(area.first_row + down, area.first_column + right)] = shown

    def text(self, row: int, column: int) -> str:
        """A cell as a text; an id may be all digits, and a number then."""
        value = self.standing.get((row, column), "")
        return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()

    @property
    def below(self) -> int:
        """The first row below everything."""
        return max((row for row, _ in self.standing), default=-1) + 1


def ranges(title: str, cells: Mapping[Place, Scalar | None]) -> Iterable[Mapping[str, Any]]:
    """ValueRanges of these cells and no others: one for each run of rows in a column. None makes a cell blank."""
    by_column = sorted(cells, key=lambda place: (place[1], place[0]))
    starts = [0, *(at for at, (one, next_one) in enumerate(pairwise(by_column), 1) if next_one != (one[0] + 1, one[1]))]
    for start, end in zip(starts, [*starts[1:], len(by_column)], strict=True):
        run: Sequence[Place] = by_column[start:end]
        if run:
            (row, column), (last, _) = run[0], run[-1]
            first, end_cell = address(title, row, column), address(None, last, column)
            values = ["" if cells[place] is None else cells[place] for place in run]
            text = first if row == last else f"{first}:{end_cell}"
            yield {"range": text, "majorDimension": "COLUMNS", "values": [values]}
