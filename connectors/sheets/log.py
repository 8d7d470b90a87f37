"""The log: a sheet with the history of check-ins, to which syncd only adds rows, one for each statement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.sheets.cells import Cells, Place
from connectors.sheets.keys import LOGGED
from syncd.sdk import Scalar, SourceBroken, Statement
from syncd.sdk.a1 import address, column_letters, quote_sheet
from syncd.sdk.block import health

_KEY = LOGGED.index("key_result")


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of the log. A statement's time and key result identify its row. A statement that already has a row is
    not written again.

    `newest` has the row with the latest time of each key result. If this row has what a later statement says, the
    statement needs no row: after a restore, syncd states again what it stated before, with a later time.
    """

    sheet: Cells
    rows: Mapping[tuple[Scalar | None, Scalar | None], int]
    newest: Mapping[Scalar | None, int]

    def row_address(self, key_result: str, stamp: Scalar | None, line: Sequence[Scalar | None] | None) -> str | None:
        """The address of a statement's row, or of the newest row if this has the cells of the statement's line apart
        from the time. None if there is no such row.
        """
        row, newest = self.rows.get((stamp, key_result)), self.newest.get(key_result)
        if row is None and newest is not None and line is not None:
            written = [self.sheet.values.get((newest, column)) for column in range(1, len(LOGGED))]
            row = newest if all(map(_is_same, written, line[1:])) else None
        return None if row is None else address(self.sheet.title, row, 0)

    def cells(self, lines: Sequence[Sequence[Scalar | None]]) -> dict[Place, Scalar | None]:
        """The cells of the new rows, which go below all other rows. Adds a header if there is none."""
        new = [line for line in lines if (line[0], line[_KEY]) not in self.rows]
        header: list[Sequence[Scalar | None]] = [] if self.sheet.values or not new else [LOGGED]
        return {
            (self.sheet.below + down, column): value
            for down, line in enumerate([*header, *new])
            for column, value in enumerate(line)
            if value is not None
        }


def stamp(statement: Statement) -> str:
    """The time of a statement, as a text for the log: to the second, because a minute may have two statements."""
    return f"{statement.updated:%Y-%m-%d %H:%M:%S}"


def line(statement: Statement) -> Sequence[Scalar | None]:
    """The cells of a statement's row. Unknown numbers are left blank."""
    content = {**statement.content(LOGGED), "updated": stamp(statement), "health": health(statement).capitalize()}
    return [content.get(name) for name in LOGGED]


def needed_ranges(title: str) -> Sequence[str]:
    """The range to read: the columns of the log."""
    return [f"{quote_sheet(title)}!A:{column_letters(len(LOGGED) - 1)}"]


def log(sheet: Cells) -> Log:
    """Reads a sheet as a log. Raises SourceBroken if the sheet holds something else."""
    first = [sheet.values.get((0, column)) for column in range(len(LOGGED))]
    if sheet.values and first != list(LOGGED):
        raise SourceBroken(
            f"the first row of {sheet.title} is not the header of a log; write the name of a new sheet in log"
        )
    rows = {(sheet.values.get((row, 0)), sheet.values.get((row, _KEY))): row for row in range(1, sheet.below)}
    by_time = sorted(rows.items(), key=lambda entry: (str(entry[0][0]), entry[1]))  # people may sort the log
    return Log(sheet, rows, {key_result: row for (_, key_result), row in by_time})


def _is_same(written: Scalar | None, value: Scalar | None) -> bool:
    if isinstance(written, int | float) and isinstance(value, int | float):
        return math.isclose(written, value, rel_tol=1e-9)  # Google keeps 15 digits
    return written == (None if value == "" else value)
