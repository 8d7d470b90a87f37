"""The row of a key result in a sheet, over the turn of a quarter: a whole cycle each time, against the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject

from syncd.cycle.plan import plan_sync
from syncd.sandbox import Sandbox
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, typed

MAPPING = """\
period: 2026-Q4
objectives:
  - id: o
    title: Customers find answers
    owner: support
    key_results:
      - {id: a, title: A, owner: ann, kind: outcome, unit: p, baseline: 0, target: 10,
         measure: {from: local, file: a.csv, series: {dates: Day, values: Number}, take: latest}}
      - {id: b, title: B, kind: outcome, unit: p, baseline: 0, target: 10,
         measure: {from: local, file: a.csv, series: {dates: Day, values: Number}, take: latest}}
"""
NEW_YEAR = datetime(2027, 1, 2, 12, tzinfo=UTC)


class Board(CsvProject):
    """A project that publishes to the sheet `OKRs`, whose first row names the values."""

    def __init__(self, folder: Path, box: Sandbox, *columns: str) -> None:
        names = ", ".join(f"{column}: {column.capitalize()}" for column in columns)
        settings = f"""\
publish:
  - {{to: numbers, spreadsheet: B, sheet: OKRs, key_column: Id, columns: {{{names}}}}}
"""
        super().__init__(folder, MAPPING, datetime(2026, 12, 30, 12, tzinfo=UTC), settings=settings)
        with (folder / "syncd.yaml").open("a") as file:
            file.write(f'  numbers: {{type: sheets, url: "{box.sheets_url}", token: "${{GOOGLE_TOKEN}}"}}\n')
        header = [typed("Id"), *(typed(column.capitalize()) for column in columns)]
        self.sheet = Sheet(1, "OKRs", [header, [typed("a")], [typed("b")]])
        box.world.sheets.add(Spreadsheet("B", "Board", sheets=[self.sheet]))

    def numbers(self, *rows: str) -> None:
        self.write("a.csv", "Day,Number", *rows)

    def turn(self) -> None:
        """The new quarter begins, with key results of the same ids and another target."""
        self.now = NEW_YEAR
        self.edit("2026-Q4", "2027-Q1")
        self.edit("target: 10", "target: 30")

    def row(self, number: int = 1) -> list[Any]:
        """The row without its id."""
        width = len(self.sheet.rows[0])
        return [self.sheet.cell(number, column).value for column in range(1, width)]


@pytest.fixture(autouse=True)
def token(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_TOKEN", box.credentials["google_token"])


def test_row_of_a_new_quarter_shows_no_number_of_the_old_quarter(box: Sandbox, tmp_path: Path) -> None:
    board = Board(tmp_path, box, "period", "value", "progress", "target", "owner")
    board.numbers("2026-12-29,9")
    board.cycle()
    assert board.row() == ["2026-Q4", 9.0, 0.9, 10.0, "ann"]
    assert board.row(2) == ["2026-Q4", 9.0, 0.9, 10.0, "support"], "its objective's owner"
    board.turn()
    board.cycle()
    assert board.row() == ["2027-Q1", None, None, 30.0, "ann"]
    board.numbers("2026-12-29,9", "2027-01-02,3")
    board.cycle()
    assert board.row() == ["2027-Q1", 3.0, 0.1, 30.0, "ann"]
    board.numbers("2026-12-29,9", "2027-01-02,n/a")
    board.cycle()
    assert board.row() == ["2027-Q1", 3.0, 0.1, 30.0, "ann"], "within its period, the last number stays"


def test_old_number_goes_though_the_new_statement_says_the_same(box: Sandbox, tmp_path: Path) -> None:
    """The number was unknown at the end of the old quarter already, and the sheet shows nothing else."""
    board = Board(tmp_path, box, "value")
    board.numbers("2026-12-28,9")
    board.cycle()
    board.numbers("2026-12-28,9", "2026-12-29,n/a")
    board.cycle()
    assert board.row() == [9.0]
    board.turn()
    board.numbers()
    board.cycle()
    assert board.row() == [None]
    written = len([request for request in box.requests if request.method == "POST"])
    board.cycle()
    assert len([request for request in box.requests if request.method == "POST"]) == written


def test_plan_shows_that_the_old_number_goes(box: Sandbox, tmp_path: Path) -> None:
    board = Board(tmp_path, box, "value")
    board.numbers("2026-12-29,9")
    board.cycle()
    board.turn()
    (change, *_) = [change for preview in plan_sync(board.request()).publish for change in preview.changes]
    assert (change.old, change.new) == (9.0, None)
