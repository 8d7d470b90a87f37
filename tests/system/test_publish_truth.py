"""What is written is true: complete values alone, each once, and nothing by a plan or a dry run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from projects import Project

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.sheets.workbook import Sheet
from syncd.sandbox.story.numbers import OKR_BOOK

_MAPPING = """
period: {period}
objectives:
  - id: {objective}
    title: Fewer calls
    owner: support
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 0
        target: 100
        stale_after: 2d
        plausible: {{at_most: 1000}}
        measure: {{from: local, file: calls.csv, cell: B2, take: latest}}
"""
_ASKED = """
      - {id: mood, title: People are content, kind: outcome, baseline: 0, target: 10}
"""
_PROJECT = """
clock: {clock}+00:00
mappings: mappings/
web:
  address: https://okr.acme.example/
connections:
  local: {{type: files, root: .}}
  numbers: {{type: sheets, url: "{url}", token: "${{GOOGLE_TOKEN}}"}}
publish:
  - to: numbers
    spreadsheet: {book}
    sheet: Board
    key_column: A
    columns: {{value: B, health: C, quality: D, confidence: E, note: F, period: G, evidence: H}}
    create: true
"""
_QUARTER = "{start: 2026-10-01, end: 2026-12-31, id: 2026-Q4}"


class Company(Project):
    """A number in a file, and the sheet that it is written to."""

    box: Sandbox

    def at(self, clock: str, calls: float | None, *mappings: tuple[str, str]) -> None:
        """By this time the file has this number; None: there is no file."""
        folder = self.folder / "mappings"
        folder.mkdir(exist_ok=True)
        for number, (period, objective) in enumerate(mappings or [(_QUARTER, "o")]):
            text = _MAPPING.format(period=period, objective=objective) + (_ASKED if not number else "")
            (folder / f"{number}.yaml").write_text(text)
        file = self.folder / "calls.csv"
        file.unlink(missing_ok=True)
        if calls is not None:
            file.write_text(f"what,calls\nnow,{calls:g}\n")
        text = _PROJECT.format(clock=clock, url=self.box.sheets_url, book=OKR_BOOK)
        (self.folder / "syncd.yaml").write_text(text)

    def row(self, name: str = "calls") -> list[Any]:
        """Its cells in the sheet, the id left out; nothing where it has no row."""
        book = self.box.world.sheets.spreadsheets[OKR_BOOK]
        rows = next((sheet.rows for sheet in book.sheets if sheet.title == "Board"), [])
        found = [row for row in rows if row and row[0].value == name]
        return [cell.value for cell in found[0][1:]] if found else []

    def asked(self) -> list[str]:
        """The requests that publishing made since the last time."""
        found = [one.method for one in self.box.requests]
        self.box.requests.clear()
        return found


@pytest.fixture
def company(tmp_path: Path, box: Sandbox) -> Company:
    found = Company(tmp_path, {"GOOGLE_TOKEN": box.credentials["google_token"]})
    found.box = box
    return found


def test_a_failed_pull_changes_the_quality_that_is_shown_and_never_the_number(company: Company) -> None:
    company.at("2026-11-20T10:00", 80)
    company.run("sync", check=0)
    assert company.row()[:3] == [80, "On track", "complete"]
    company.at("2026-11-20T11:00", None)
    company.run("sync", check=1)
    assert company.row()[:3] == [80, "On track", "failed"]
    company.at("2026-11-23T11:00", None)
    company.run("sync", check=1)
    assert company.row()[:3] == [80, "Unknown", "stale"]
    company.at("2026-11-23T12:00", 90)
    company.run("sync", check=0)
    assert company.row()[:3] == [90, "On track", "complete"]


def test_a_held_number_is_not_written_until_it_is_approved(company: Company) -> None:
    company.at("2026-11-20T10:00", 80)
    company.run("sync", check=0)
    company.at("2026-11-20T11:00", 5000)
    company.run("sync", check=0)
    assert company.row()[:3] == [80, "On track", "held"]
    company.run("approve", "calls", "--author", "ana", check=0)
    assert company.row()[0] == 80, "an approval asks no network"
    assert "wrote 1 check-in to numbers" in company.run("publish", check=0).stdout
    assert company.row()[:3] == [5000, "Done", "complete"]


def test_before_there_is_a_number_nothing_is_written(company: Company) -> None:
    company.at("2026-11-20T10:00", None)
    company.run("sync", check=1)
    assert company.row() == []
    assert company.asked() == []


def test_what_a_person_says_is_written_by_the_next_sync(company: Company) -> None:
    company.at("2026-11-20T10:00", 80)
    company.run("sync", check=0)
    company.run("checkin", "mood", "--value", "7", "--note", "=so far", "--author", "ana", check=0)
    company.run("checkin", "calls", "--confidence", "0.6", "--author", "ana", check=0)
    company.run("sync", check=0)
    assert company.row("mood")[0] == 7
    assert company.row("mood")[4] == "=so far"
    assert company.row()[3] == 0.6
    assert company.row()[6] == "https://okr.acme.example/?period=2026-Q4#calls"


def test_a_dry_run_and_a_plan_write_nothing_and_the_plan_says_what_would_be(company: Company) -> None:
    company.box.world.sheets.spreadsheets[OKR_BOOK].sheets.append(Sheet(900, "Board"))
    for at, value in (("A1", "Key result"), ("A2", "calls"), ("B2", 12)):
        company.box.world.sheets.set_cell(OKR_BOOK, "Board", at, value)
    company.at("2026-11-20T10:00", 80)
    company.run("sync", "--dry-run", check=0)
    assert company.asked() == []
    document = json.loads(company.run("plan", "--json", check=0).stdout)
    (one,) = document["publish"]
    assert (one["to"], one["key_result"], one["failed"]) == ("numbers", "calls", False)
    (value,) = [change for change in one["changes"] if change["place"] == "value in B"]
    assert value == {"place": "value in B", "where": "Board!B2", "old": 12, "new": 80, "left_alone": True}
    text = company.run("plan", check=0).stdout
    assert "! Board!B2 holds 12, which syncd did not write: left alone" in text
    assert max(map(len, text.splitlines())) <= 80
    assert set(company.asked()) == {"GET"}
    assert company.row()[0] == 12
    company.run("sync", check=0)
    assert company.row()[:2] == [12, "On track"]
    company.run("approve", "calls", "--author", "ana", check=0)
    company.run("publish", check=0)
    assert company.row()[0] == 80
    assert company.run("plan", "--exit-code", check=0).stdout.startswith("Nothing would change")


def test_a_plan_says_which_publisher_cannot_be_asked(company: Company) -> None:
    company.at("2026-11-20T10:00", 80)
    company.box.fault(Fault("sheets", "status", status=403, body="{}"))
    done = company.run("plan", check=1)
    assert "✗ numbers: calls: " in done.stderr
    assert "permission" in done.stderr or "share" in done.stderr


def test_of_two_periods_that_have_it_the_one_of_today_is_written(company: Company) -> None:
    """And once that is over, its last numbers, until the next quarter has its own."""
    later = "{start: 2027-01-01, end: 2027-03-31, id: 2027-Q1}"
    year = "{start: 2026-01-01, end: 2026-12-31, id: '2026'}"
    company.at("2026-11-20T10:00", 80, (_QUARTER, "o"), (year, "p"), (later, "q"))
    company.run("sync", check=0)
    assert (company.row()[0], company.row()[5]) == (80, "2026-Q4")
    company.at("2027-01-02T10:00", 70, (_QUARTER, "o"), (year, "p"), (later, "q"))
    company.run("sync", check=0)
    assert company.row()[5] == "2027-Q1"


def test_the_page_and_the_metrics_say_what_is_not_written(company: Company) -> None:
    company.at("2026-11-20T10:00", 80)
    company.box.fault(Fault("sheets", "status", status=403, body="{}"))
    done = company.run("sync", check=1)
    assert "✗ numbers: calls: not written:" in done.stderr
    said = company.run("status", check=0).stdout
    assert "Check-ins that are not written" in said
    assert "`syncd publish --retry`" in " ".join(said.split())
    (trouble,) = company.status()["unwritten"]
    assert (trouble["to"], trouble["state"], trouble["key_results"]) == ("numbers", "dead", ["calls"])
    company.run("sync", check=0)
    assert len(company.asked()) == 1, "what is dead is not asked about again"
    company.box.heal()
    assert "wrote 1 check-in to numbers" in company.run("publish", "--retry", check=0).stdout
    assert company.row()[0] == 80
    assert company.status()["unwritten"] == []
