"""The contract of publishers, for rows of a sheet: against the sandbox, through gspread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.sheets import Sheets
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, typed
from syncd.sandbox.world import World
from syncd.sdk.testing import Fake, PublisherContract

BOOK = "1Contract"


def rows(world: World) -> dict[str, list[list[Any]]]:
    """The cells of every sheet, without blanks at the ends of rows."""
    cells: dict[str, list[list[Any]]] = {}
    for sheet in world.sheets.spreadsheets[BOOK].sheets:
        cells[sheet.title] = [[cell.value for cell in row] for row in sheet.rows]
        for row in cells[sheet.title]:
            while row and row[-1] is None:
                row.pop()
    return cells


@pytest.mark.sibling
class TestLettersOfASheetThatIsThere(PublisherContract):
    connector = Sheets
    publish = {
        "spreadsheet": BOOK,
        "sheet": "OKRs",
        "key_column": "A",
        "columns": {"value": "D", "progress": "E", "health": "F", "note": "G", "title": "J", "updated": "K"},
    }
    secrets = (Credentials.google_token,)
    libraries = ("gspread", "google", "requests")

    def settings(self, url: str) -> dict[str, Any]:
        return {"url": url, "token": Credentials.google_token}

    @contextmanager
    def fake(self) -> Iterator[Fake]:
        world = World(DEMO_NOW)
        table = [["KR", "Owner", "Due"], ["articles", "web", "soon"], [], ["calls", "support", None], ["other", "x"]]
        sheet = Sheet(1, "OKRs", [[typed(cell) for cell in row] for row in table])
        world.sheets.add(Spreadsheet(BOOK, "Goals", sheets=[Sheet(2, "Read me"), sheet]))
        with Sandbox(world, "127.0.0.1", 0).running() as box:
            yield Fake(box.sheets_url, lambda: rows(world))


@pytest.mark.whole
class TestASheetAndALogThatAreMade(TestLettersOfASheetThatIsThere):
    publish = {
        "spreadsheet": BOOK,
        "sheet": "Key results",
        "key_column": "KR",
        "columns": {"value": "Value", "health": "Health", "note": "Note", "progress": "B"},
        "create": True,
        "log": "The log",
    }
