"""Check-ins to Google Sheets, as the people meet them who look at that sheet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from projects import Project

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.sheets.workbook import Sheet, Spreadsheet, typed

BOOK = "1Goals"
ENTRY = (
    f"{{to: numbers, spreadsheet: {BOOK}, sheet: OKRs, key_column: A, columns: {{value: D, progress: E, health: F}}}}"
)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    owner: support
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, cell: A1}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        drives: calls
        measure: {from: local, file: articles.csv, cell: A1}
"""
TABLE = [
    ["KR", "Title", "Owner", "Value", "Progress", "Health", "To go"],
    ["calls", "Calls fall", "support", None, None, None, "=D2-600"],
    ["articles", "40 articles", "web", None, None, None, "=40-D3"],
]


@pytest.fixture
def okrs(tmp_path: Path, box: Sandbox) -> Project:
    """Two key results that are measured from files, and a sheet with a row for each."""
    sheet = Sheet(5, "OKRs", [[typed(cell) for cell in row] for row in TABLE])
    box.world.sheets.add(Spreadsheet(BOOK, "Goals", sheets=[sheet]))
    project = Project(tmp_path, {"GOOGLE_TOKEN": box.credentials["google_token"]})
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    publish(project, box, ENTRY)
    numbers(project, 1092, 20)
    return project


def publish(project: Project, box: Sandbox, *entries: str) -> None:
    """Writes these entries below `publish:`."""
    listed = "\n".join(f"  - {entry}" for entry in entries)
    (project.folder / "syncd.yaml").write_text(f"""\
mappings: okrs.yaml
timezone: Europe/Berlin
clock: 2026-11-21T10:15:00+01:00
connections:
  local: {{type: files, root: .}}
  numbers: {{type: sheets, url: "{box.sheets_url}", token: "${{GOOGLE_TOKEN}}"}}
publish:
{listed}
""")


def numbers(project: Project, calls: float, articles: float) -> None:
    """What the measures find from now on."""
    (project.folder / "calls.csv").write_text(f"{calls}\n")
    (project.folder / "articles.csv").write_text(f"{articles}\n")


def later(project: Project, minute: int) -> None:
    """Moves the rehearsal's clock."""
    text = (project.folder / "syncd.yaml").read_text()
    before, _, rest = text.partition("clock: ")
    (project.folder / "syncd.yaml").write_text(f"{before}clock: 2026-11-21T10:{minute}:00+01:00{rest[25:]}")


def grid(box: Sandbox, title: str = "OKRs") -> list[list[Any]]:
    rows = box.world.sheets.spreadsheets[BOOK].sheet(title).rows
    return [[cell.formula or cell.value for cell in row] for row in rows]


def asked(box: Sandbox) -> list[str]:
    """What was asked of Google since this was asked last: the method and the end of the path."""
    found = [f"{one.method} {one.path.rpartition(BOOK)[2]}" for one in box.requests if one.service == "sheets"]
    box.requests.clear()
    return found


BOTH = ["GET /values:batchGet", "POST /values:batchUpdate", "GET /values:batchGet"]


def test_a_sync_writes_what_changed_and_nothing_else_asks_google(okrs: Project, box: Sandbox) -> None:
    okrs.run("sync", check=0)
    expected = [list(row) for row in TABLE]
    expected[1][3:6], expected[2][3:6] = [1092, 0.18, "Off track"], [20, 0.5, "At risk"]
    assert grid(box) == expected
    assert asked(box) == BOTH

    okrs.run("sync", check=0)
    assert asked(box) == []

    numbers(okrs, 900, 20)
    okrs.run("sync", check=0)
    expected[1][3:6] = [900, 0.5, "At risk"]
    assert grid(box) == expected
    assert asked(box) == BOTH


@pytest.mark.nightly
def test_what_a_person_wrote_is_left_alone_until_it_is_approved(okrs: Project, box: Sandbox) -> None:
    okrs.run("sync", check=0)
    box.world.sheets.set_cell(BOOK, "OKRs", "F2", "On hold")
    numbers(okrs, 600, 20)
    okrs.run("sync", check=0)
    assert grid(box)[1][3:6] == [600, 1, "On hold"]
    assert "OKRs!F2 holds 'On hold'" in " ".join(okrs.run("status", check=0).stdout.split())

    okrs.run("approve", "calls", check=0)
    okrs.run("sync", check=0)
    assert grid(box)[1][3:6] == [600, 1, "Done"]


def test_in_another_column_what_looks_like_ours_is_a_persons(okrs: Project, box: Sandbox) -> None:
    """A health that somebody judged is one of the same few words."""
    okrs.run("sync", check=0)
    box.world.sheets.set_cell(BOOK, "OKRs", "H2", "Off track")
    publish(okrs, box, ENTRY.replace("health: F", "health: H"))
    numbers(okrs, 600, 20)
    okrs.run("sync", check=0)
    assert grid(box)[1][7] == "Off track"


def test_with_override_it_is_written_over(okrs: Project, box: Sandbox) -> None:
    box.world.sheets.set_cell(BOOK, "OKRs", "D2", 7.0)
    publish(okrs, box, ENTRY.replace("to: numbers", "to: numbers, override: true"))
    okrs.run("sync", check=0)
    assert grid(box)[1][3:6] == [1092, 0.18, "Off track"]


def test_a_first_write_over_what_stands_there_is_refused(okrs: Project, box: Sandbox) -> None:
    """A number, and a formula that comes to one."""
    box.world.sheets.set_cell(BOOK, "OKRs", "D2", 7.0)
    box.world.sheets.set_cell(BOOK, "OKRs", "D3", "=40-1")
    okrs.run("sync", check=0)
    assert [row[3:6] for row in grid(box)[1:]] == [[7, 0.18, "Off track"], ["=40-1", 0.5, "At risk"]]
    status = " ".join(okrs.run("status", check=0).stdout.split())
    assert "OKRs!D2 holds 7" in status
    assert "OKRs!D3 holds '=40-1'" in status


def test_a_sheet_and_its_log_are_made_and_a_lost_answer_leaves_no_second_row(okrs: Project, box: Sandbox) -> None:
    entry = (
        f"{{to: numbers, spreadsheet: {BOOK}, sheet: Q4, key_column: Key result, create: true, log: History, "
        "columns: {value: Value, health: Health, updated: As of}}"
    )
    publish(okrs, box, entry)
    okrs.run("sync", check=0)
    assert grid(box, "Q4") == [
        ["Key result", "Value", "Health", "As of"],
        ["calls", 1092, "Off track", "2026-11-21 10:15"],
        ["articles", 20, "At risk", "2026-11-21 10:15"],
    ]
    assert [row[:5] for row in grid(box, "History")] == [
        ["updated", "period", "key_result", "value", "progress"],
        ["2026-11-21 10:15:00", "2026-Q4", "calls", 1092, 0.18],
        ["2026-11-21 10:15:00", "2026-Q4", "articles", 20, 0.5],
    ]
    asked(box)
    numbers(okrs, 900, 20)
    later(okrs, 30)
    box.fault(Fault("sheets", "reset_after", method="POST", times=1))
    okrs.run("sync", check=0)
    assert grid(box, "Q4")[1][1:] == [900, "At risk", "2026-11-21 10:30"]
    assert [row[0] for row in grid(box, "History") if row[2] == "calls"] == [
        "2026-11-21 10:15:00",
        "2026-11-21 10:30:00",
    ]
    assert asked(box) == [*BOTH, BOTH[0]]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "columns", ["value: D", pytest.param("value: D, progress: E, health: F", marks=pytest.mark.nightly)]
)
@pytest.mark.parametrize("override", ["false", "true"])
def test_who_inserts_a_column_gets_no_number_into_it(okrs: Project, box: Sandbox, columns: str, override: str) -> None:
    entry = f"{{to: numbers, spreadsheet: {BOOK}, sheet: OKRs, key_column: A, columns: {{{columns}}}"
    publish(okrs, box, f"{entry}, override: {override}}}")
    okrs.run("sync", check=0)
    box.world.sheets.insert_column(BOOK, "OKRs", "Value", "Notes")
    before = grid(box)
    numbers(okrs, 1000, 20)
    said = "its value in D was written under 'Value', which is column E now; correct that in publish:"
    assert said in " ".join(okrs.run("plan", check=1).stderr.split())
    assert said in " ".join(okrs.run("sync", check=1).stderr.split())
    assert grid(box) == before
    correct = columns.replace("F", "G").replace("E", "F").replace("D", "E")
    publish(okrs, box, f"{entry.replace(columns, correct)}, override: {override}}}")
    okrs.run("sync", check=0)
    assert [row[4] for row in grid(box)[1:]] == [1000.0, 20.0]
    assert [row[3] for row in grid(box)[1:]] == [None, None]


def columns(value: str, progress: str, health: str) -> str:
    """The entry with these columns."""
    return ENTRY.replace("value: D, progress: E, health: F", f"value: {value}, progress: {progress}, health: {health}")


LETTERS, AFTER_AN_INSERTED, HEADERS = ("D", "E", "F"), ("E", "F", "G"), ("Value", "Progress", "Health")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "ways",
    [
        [LETTERS, AFTER_AN_INSERTED, LETTERS, AFTER_AN_INSERTED],
        [LETTERS, HEADERS, LETTERS],
        [LETTERS, AFTER_AN_INSERTED, HEADERS, LETTERS],
        [HEADERS, AFTER_AN_INSERTED, HEADERS],
    ],
)
def test_below_the_same_header_syncd_writes_over_its_own_numbers(
    okrs: Project, box: Sandbox, ways: list[tuple[str, str, str]]
) -> None:
    """However the columns are named, and wherever they move."""
    rows = box.world.sheets.spreadsheets[BOOK].sheet("OKRs").rows
    for number, way in enumerate(ways):
        inserted = grid(box)[0][3] == "Notes"
        if way == AFTER_AN_INSERTED and not inserted:
            box.world.sheets.insert_column(BOOK, "OKRs", "Value", "Notes")
        elif way == LETTERS and inserted:
            for row in rows:
                del row[3]
        publish(okrs, box, columns(*way))
        numbers(okrs, 1000 - number, 20 + number)
        okrs.run("sync", check=0)
        at = grid(box)[0].index("Value")
        assert [row[at] for row in grid(box)[1:]] == [1000 - number, 20 + number]


def renamed(project: Project) -> None:
    """Renames the key result `calls` in the mapping file."""
    project.edit("okrs.yaml", "- id: calls\n", "- id: rings\n        moved: {from: calls}\n")
    project.edit("okrs.yaml", "drives: calls", "drives: rings")


def replaced_after_a_renaming(project: Project) -> None:
    project.run("backup", "b.db", check=0)
    renamed(project)
    numbers(project, 900, 20)
    project.run("sync", check=0)
    project.run("restore", "b.db", check=0)


def replaced_with_its_files_after_a_renaming(project: Project) -> None:
    replaced_after_a_renaming(project)
    (project.folder / "okrs.yaml").write_text(MAPPING)


def replaced_twice(project: Project) -> None:
    project.run("backup", "b1.db", check=0)
    numbers(project, 900, 20)
    project.run("sync", check=0)
    project.run("backup", "b2.db", check=0)
    numbers(project, 800, 20)
    project.run("sync", check=0)
    for backup in ("b1.db", "b2.db"):
        project.run("restore", backup, check=0)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("story", [replaced_after_a_renaming, replaced_with_its_files_after_a_renaming, replaced_twice])
def test_after_a_restore_syncd_writes_over_its_own_numbers(
    okrs: Project, box: Sandbox, story: Callable[[Project], None]
) -> None:
    okrs.run("sync", check=0)
    story(okrs)
    numbers(okrs, 700, 20)
    for _ in range(2):
        okrs.run("sync", check=0)
        assert grid(box)[1][3] == 700


def test_after_a_restore_the_sheet_shows_what_the_ledger_has(okrs: Project, box: Sandbox) -> None:
    """The check-in is the one that the backup has delivered, but the sheet may show a later one."""
    publish(okrs, box, f"{ENTRY[:-1]}, log: History}}")
    okrs.run("sync", check=0)
    okrs.run("backup", "b.db", check=0)
    numbers(okrs, 700, 20)
    later(okrs, 30)
    okrs.run("sync", check=0)
    numbers(okrs, 1092, 20)
    okrs.run("restore", "b.db", check=0)
    later(okrs, 45)
    log = grid(box, "History")
    asked(box)
    okrs.run("sync", check=0)
    assert grid(box)[1][3] == 1092
    assert grid(box, "History") == log
    assert asked(box)
    okrs.run("sync", check=0)
    assert not asked(box), "once is enough"


def test_a_header_that_is_renamed_is_no_column_that_moved(okrs: Project, box: Sandbox) -> None:
    okrs.run("sync", check=0)
    box.world.sheets.rename_column(BOOK, "OKRs", "Value", "Calls a week")
    numbers(okrs, 1000, 20)
    okrs.run("sync", check=0)
    assert grid(box)[1][3] == 1000.0


def test_a_sheet_that_was_renamed_stops_nothing_else_and_says_what_to_do(okrs: Project, box: Sandbox) -> None:
    publish(okrs, box, ENTRY, "{to: local, file: out.json}")
    box.world.sheets.rename_sheet(BOOK, "OKRs", "OKRs 2026")
    failed = okrs.run("sync", check=1)
    said = "there is no sheet 'OKRs'; correct sheet in publish:, or set create: true (there are: OKRs 2026)"
    assert said in " ".join((failed.stdout + failed.stderr).split())
    assert json.loads((okrs.folder / "out.json").read_text())["period"]["id"] == "2026-Q4"
    okrs.run("sync")
    assert grid(box, "OKRs 2026") == TABLE

    box.world.sheets.rename_sheet(BOOK, "OKRs 2026", "OKRs")
    okrs.run("publish", "--retry", check=0)
    assert grid(box)[1][3:6] == [1092, 0.18, "Off track"]


def test_where_very_many_are_left_alone_a_few_are_named_and_json_has_them_all(okrs: Project, box: Sandbox) -> None:
    """A sheet that people filled in before syncd came to it."""
    ids = [f"calls-{number}" for number in range(40)]
    mapping = MAPPING.partition("      - id: calls")[0] + "".join(
        f"      - {{id: {name}, title: Calls fall, kind: outcome, baseline: 1200, target: 600,"
        " measure: {from: local, file: calls.csv, cell: A1}}\n"
        for name in ids
    )
    (okrs.folder / "okrs.yaml").write_text(mapping)
    rows = [[typed(cell) for cell in (name, None, None, float(number))] for number, name in enumerate(ids)]
    box.world.sheets.spreadsheets[BOOK].sheet("OKRs").rows[1:] = rows
    said = okrs.run("sync", check=0).stderr
    assert said.count("left alone") == 6
    assert "calls-5, calls-6, calls-7 and 32 more: left alone: each for a reason of its own" in " ".join(said.split())
    shown = okrs.run("status", check=0).stdout
    assert shown.count("left alone") == 6
    assert sum(len(one["key_results"]) for one in okrs.status()["unwritten"]) == 40
