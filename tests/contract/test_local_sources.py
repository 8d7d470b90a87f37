"""`validate` looks at local files: the file, its sheet, and the columns that a measure names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from csv_project import CsvProject
from openpyxl.workbook.defined_name import DefinedName

from syncd.cli import validate
from syncd.config import load_config
from syncd.config.local_sources import missing_in_sources


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/calls.csv").write_text("Week,Calls\n2026-10-05,1100\n")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Support"
    for row in (["All calls"], [], ["Week", "Calls"], ["2026-10-05", 1100]):
        sheet.append(row)
    book.defined_names["AllCalls"] = DefinedName("AllCalls", attr_text="Support!$B$4:$B$9")
    book.save(tmp_path / "data/book.xlsx")
    return tmp_path


def write(folder: Path, measure: str, connections: str = "local: {type: files, root: data/}") -> Path:
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  {connections}\n")
    (folder / "okrs.yaml").write_text(
        "period: 2026-Q4\nobjectives:\n  - id: service\n    title: Customers find answers\n    owner: support\n"
        "    key_results:\n      - id: calls\n        title: Calls fall\n        kind: outcome\n        unit: calls\n"
        f"        baseline: 1200\n        target: 600\n        measure: {measure}\n"
    )
    return folder / "syncd.yaml"


def missing(folder: Path, measure: str) -> list[str]:
    config = load_config(write(folder, measure))
    return [str(problem).removeprefix(f"{folder}/") for problem in missing_in_sources(config)]


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (
            "{from: local, file: calls.csv, series: {dates: Weeks, values: Calls}}",
            "calls.csv has no column 'Weeks'; the nearest is 'Week'; the first row has: Week, Calls",
        ),
        (
            "{from: local, file: calls.csv, series: {dates: Week, values: Price}}",
            "calls.csv has no column 'Price'; the first row has: Week, Calls",
        ),
        (
            "{from: local, file: calls.csv, lookup: {table: 'A1:B', row: {week: 2026-10-05}, column: Calls}}",
            "A1:B has no column 'week'; the nearest is 'Week'; the first row has: Week, Calls",
        ),
        ("{from: local, file: call.csv, cell: B2}", "there is no file 'call.csv'; the nearest is 'calls.csv'"),
        ("{from: local, file: calls.csv, cell: Support!B2}", "calls.csv is CSV and has no sheet 'Support'"),
        (
            "{from: local, file: book.xlsx, cell: Suport!B4}",
            "book.xlsx has no sheet 'Suport'; the nearest is 'Support'; it has: Support",
        ),
        (
            "{from: local, file: book.xlsx, header: 3, series: {dates: Week, values: Cals}}",
            "Support has no column 'Cals'; the nearest is 'Calls'; row 3 has: Week, Calls",
        ),
        (
            "{from: local, file: book.xlsx, series: {dates: Support!A4:A, values: Calls}}",
            "Support has no column 'Calls'; the nearest is 'All calls'; the first row has: All calls",
        ),
        (
            "{formula: a * 2, parts: {a: {from: local, file: calls.csv, series: {dates: Week, values: Call}}}}",
            "calls.csv has no column 'Call'; the nearest is 'Calls'",
        ),
    ],
)
def test_what_a_measure_names_and_is_not_there_is_said_with_the_nearest_name(
    folder: Path, measure: str, message: str
) -> None:
    (problem,) = missing(folder, measure)
    assert problem.startswith(f"okrs.yaml:13: calls: local: {message}")


@pytest.mark.parametrize(
    "measure",
    [
        "{from: local, file: calls.csv, series: {dates: Week, values: Calls}}",
        "{from: local, file: calls.csv, series: {dates: 'A2:A', values: 'B2:B'}}",
        "{from: local, file: calls.csv, lookup: {table: 'A1:B', row: {Week: 2026-10-05}, column: Calls}}",
        "{from: local, file: book.xlsx, cell: Support!B4}",
        "{from: local, file: book.xlsx, header: 3, series: {dates: Week, values: Calls}}",
        "{from: local, file: book.xlsx, series: {dates: 'A4:A9', values: AllCalls}}",
    ],
)
def test_measure_whose_names_are_there_has_no_warning(folder: Path, measure: str) -> None:
    assert missing(folder, measure) == []


def test_damaged_file_is_said(folder: Path) -> None:
    (folder / "data/book.xlsx").write_bytes(b"no workbook")
    (problem,) = missing(folder, "{from: local, file: book.xlsx, cell: B4}")
    assert "book.xlsx" in problem


@pytest.mark.parametrize(
    "connections", ["local: {type: files, root: elsewhere/}", 'local: {type: files, root: "${NOT_SET}"}']
)
def test_folder_that_is_not_there_or_not_known_is_passed_over(folder: Path, connections: str) -> None:
    path = write(folder, "{from: local, file: call.csv, cell: B2}", connections)
    assert list(missing_in_sources(load_config(path))) == []


def test_validate_prints_a_warning_that_strict_fails_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, "{from: local, file: calls.csv, series: {dates: Weeks, values: Calls}}")

    def printed(**options: Any) -> str:
        validate.run(path, **{"strict": False, "as_json": False, **options})
        captured = capsys.readouterr()
        return captured.err + captured.out

    assert "has no column 'Weeks'; the nearest is 'Week'; the first row has: Week, Calls [not-there]" in printed()
    warnings = json.loads(printed(as_json=True))["warnings"]
    assert [warning["line"] for warning in warnings if warning["rule"] == "not-there"] == [13]
    with pytest.raises(typer.Exit) as caught:
        printed(strict=True)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(("numbers", "warned"), [("4.000|5.500", True), ("4000|5500", False)])
def test_validate_warns_of_progress_of_thousands_of_percent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], numbers: str, warned: bool
) -> None:
    baseline, target = numbers.split("|")
    mapping = (
        "period: 2026-Q4\nobjectives:\n  - id: growth\n    title: More people use it\n    owner: us\n    key_results:\n"
        "      - id: members\n        title: Members rise from 4.000 to 5.500\n        kind: outcome\n"
        f"        unit: people\n        baseline: {baseline}\n        target: {target}\n"
        "        measure: {from: local, file: a.csv, cell: A2}\n"
    )
    project = CsvProject(tmp_path, mapping, datetime(2026, 11, 28, 12, tzinfo=UTC))
    project.write("a.csv", "Members", "4200")
    project.cycle()
    line = project.report().line("members")
    project.ledger.close()
    assert line is not None
    assert (line.value, line.reason is not None) == (4200, warned)
    validate.run(tmp_path / "syncd.yaml", strict=False, as_json=True)
    rules = {warning["rule"] for warning in json.loads(capsys.readouterr().out)["warnings"]}
    assert rules & {"out-of-scale", "thousands-point"} == ({"out-of-scale", "thousands-point"} if warned else set())
