"""The history of check-ins as a sheet that only grows: one row for each statement that was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.sheets.cells import Cells, Place
from syncd.sdk import Scalar, SourceBroken, Stated, Statement
from syncd.sdk.a1 import address, quote_sheet
from syncd.sdk.block import health

LOGGED: tuple[Stated, ...] = ("updated", "period", "key_result", "value", "progress", "health", "quality", "note")
"""Its columns, from A on."""

_KEY = LOGGED.index("key_result")


@dataclass(frozen=True, slots=True)
class Log:
    """As it was read. A row is known by its time and key result: a statement that stands there is not written again."""

    sheet: Cells
    rows: Mapping[tuple[Scalar | None, Scalar | None], int]

    def stands(self, key_result: str, stamp: Scalar | None) -> str | None:
        """Where the row of a statement is."""
        row = self.rows.get((stamp, key_result))
        return None if row is None else address(self.sheet.title, row, 0)

    def cells(self, lines: Sequence[Sequence[Scalar | None]]) -> dict[Place, Scalar | None]:
        """The cells of these rows, below all others, with the header where there is none."""
        new = [line for line in lines if (line[0], line[_KEY]) not in self.rows]
        header: list[Sequence[Scalar | None]] = [] if self.sheet.standing or not new else [LOGGED]
        return {
            (self.sheet.below + down, column): value
            for down, line in enumerate([*header, *new])
            for column, value in enumerate(line)
            if value is not None
        }


def stamp(said: Statement) -> str:
    """The time of a statement as the log has it: to the second, for there may be two in a minute."""
    return f"{said.updated:%Y-%m-%d %H:%M:%S}"


def line(said: Statement) -> Sequence[Scalar | None]:
    """A statement as a row; no number where it is not known."""
    content = {**said.content(LOGGED), "updated": stamp(said), "health": health(said).capitalize()}
    return [content.get(name) for name in LOGGED]


def wanted(title: str) -> Sequence[str]:
    """The ranges to read: what rows are known by, and the header."""
    sheet = quote_sheet(title)
    return [f"{sheet}!A:C", f"{sheet}!A1:H1"]


def log(sheet: Cells) -> Log:
    """SourceBroken where the sheet holds something else."""
    first = [sheet.standing.get((0, column)) for column in range(len(LOGGED))]
    if sheet.standing and first != list(LOGGED):
        raise SourceBroken(
            f"the first row of {sheet.title} is not that of a log; name a sheet in log that is not there yet"
        )
    rows = {(sheet.standing.get((row, 0)), sheet.standing.get((row, _KEY))): row for row in range(1, sheet.below)}
    return Log(sheet, rows)
