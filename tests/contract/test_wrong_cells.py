"""A cell of a SQLite ledger that holds what its column cannot is a sentence that names the table and the row."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from csv_project import CsvProject
from sandbox_project import SandboxProject
from standing_still import browser
from waiting import HANG

from syncd.cli.boundary import _run
from syncd.config import load_config
from syncd.ledger import engine, open_ledger
from syncd.ledger.failures import LedgerDamaged
from syncd.ledger.schema import metadata
from syncd.ledger.wrong_cells import check_cells, explained
from syncd.sandbox import Sandbox
from syncd.service import Service
from syncd.web.bounded import Bounded

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - id: visits
        title: 900 visits a day
        kind: outcome
        baseline: 0
        target: 900
        measure: {from: local, file: a.csv, series: {dates: Day, values: Visits}, take: latest}
      - id: pages
        title: 40 pages
        kind: output
        target: 40
        drives: visits
        measure: {from: local, file: a.csv, cell: B2}
"""
COMMANDS = ("status", "status --json", "explain visits", "history visits", "review", "plan", "sync")
WRONG = {
    "a ledger's id that is none": ("control.ledger", "CAST(x'ff80' AS TEXT)"),
    "a text as a number": ("key_result_values.number", "'abc'"),
    "a text as progress": ("key_result_values.progress", "'abc'"),
    "bytes as a number": ("readings.number", "x'ff00'"),
    "a health that is none": ("key_result_values.health", "'splendid'"),
    "a quality that is a number": ("key_result_values.quality", "7"),
    "a day that is none": ("alignments.verdict_since", "'soon'"),
    "half of a document": ("definitions.body", "'{'"),
    "a document of another kind": ("definitions.body", "'[7]'"),
    "a time that is a word": ("cycles.ended_at", "'yesterday'"),
    "a cycle that is a word": ("key_result_values.confirmed", "'first'"),
    "a text that is none": ("definitions.file", "CAST(x'ff80' AS TEXT)"),
    "nothing where something must be": ("readings.raw", "x''"),
}

IN_THE_GATE = {"a text as a number", "half of a document", "a time that is a word", "a text that is none"}


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synced")
    project = CsvProject(folder, MAPPING, NOW, settings=f"clock: {NOW.isoformat()}\n")
    project.write("a.csv", "Day,Visits", "2026-11-01,30", "2026-11-20,40")
    project.cycle()
    project.ledger.close()
    return folder


@pytest.fixture
def project(synced: Path, tmp_path: Path) -> Iterator[Path]:
    engine._engines.clear()  # of other tests
    yield shutil.copytree(synced, tmp_path / "project")
    engine._engines.clear()


def write(file: Path, column: str, literal: str) -> None:
    table, name = column.split(".")
    with closing(sqlite3.connect(file)) as ledger, ledger:
        ledger.execute(f"UPDATE {table} SET {name} = {literal} WHERE rowid = (SELECT max(rowid) FROM {table})")


@pytest.mark.parametrize(
    "wrong", [pytest.param(name, marks=[] if name in IN_THE_GATE else pytest.mark.nightly) for name in WRONG]
)
def test_wrong_cell_is_a_sentence_that_names_its_table_and_row(
    project: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table, name = WRONG[wrong][0].split(".")
    write(project / "syncd.db", *WRONG[wrong])
    for command in COMMANDS:
        code = _run([*command.split(), "--config", str(project / "syncd.yaml")])
        printed = capsys.readouterr()
        if code == 0:
            continue  # it does not look at that cell
        assert code == 2, command
        *pulled, line = printed.err.splitlines()
        assert all(other.startswith("pulled ") for other in pulled), printed.err
        assert f"{table} (" in line, line
        assert f" as {name}, where " in line, line
        assert "`syncd restore FILE`" in line
    code = _run(["doctor", "--config", str(project / "syncd.yaml")])
    assert (code, f"{table} (" in capsys.readouterr().out) == (
        (0, False) if wrong.startswith("a text that") else (1, True)
    )


def test_page_answers_503_with_the_sentence(project: Path) -> None:
    write(project / "syncd.db", "key_result_values.number", "'abc'")
    config = load_config(project / "syncd.yaml")
    with closing(open_ledger(config.ledger_url())) as ledger:  # type: ignore[type-var]
        client = browser(config, ledger, NOW)
        for page in ("/", "/api/status", "/key-results/visits"):
            answer = client.get(page)
            assert answer.status_code == 503, page
            assert "key_result_values (period '2026-Q4', key_result" in answer.text
            assert "has 'abc' as number, where a number should stand" in answer.text


def test_service_says_so_and_is_not_ready(project: Path) -> None:
    write(project / "syncd.db", "key_result_values.number", "'abc'")
    config = load_config(project / "syncd.yaml")
    with closing(open_ledger(config.ledger_url())) as ledger:  # type: ignore[type-var]
        assert ledger is not None
        service = Service(project / "syncd.yaml", config, lambda: NOW, ledger)
        service.job.run()
        assert "has 'abc' as number, where a number should stand" in (service.ledger_problem or "")
        assert service.cycle_problem == service.ledger_problem


def test_error_of_another_cause_stays_what_it_is(project: Path) -> None:
    with closing(open_ledger(load_config(project / "syncd.yaml").ledger_url())):  # type: ignore[type-var]
        error = TypeError("a bug")
        assert explained(error, [project / "syncd.db"]) is error


def test_every_column_has_cells_that_do_not_fit(project: Path) -> None:
    """Bytes fit in no column: a new one is looked at too."""
    with closing(sqlite3.connect(project / "syncd.db")) as ledger:
        for table in metadata.sorted_tables:
            columns = [row[1] for row in ledger.execute(f"PRAGMA table_info({table.name})")]
            ledger.execute(f"CREATE TABLE copied AS SELECT * FROM {table.name} WHERE 0")
            ledger.execute(f"DROP TABLE {table.name}")
            ledger.execute(f"ALTER TABLE copied RENAME TO {table.name}")
            for column in columns:
                cells = ", ".join("x'ff'" if name == column else "0" for name in columns)
                with ledger:
                    ledger.execute(f"DELETE FROM {table.name}")
                    ledger.execute(f"INSERT INTO {table.name} VALUES ({cells})")
                with pytest.raises(LedgerDamaged, match=rf"{table.name} \(.* where "):
                    check_cells(project / "syncd.db")
            with ledger:
                ledger.execute(f"DELETE FROM {table.name}")


def test_ledger_of_a_whole_project_has_no_wrong_cell(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = SandboxProject(box, tmp_path, monkeypatch)
    project.define("from: tickets, jql: project = KB, take: count")
    project.sync()
    check_cells(tmp_path / "syncd.db")


def test_error_of_one_workspace_shows_no_cell_of_another(project: Path, synced: Path, tmp_path: Path) -> None:
    """A process that serves both uses both ledgers: the damage of one explains no error of the other."""
    broken = shutil.copytree(synced, tmp_path / "broken")
    write(broken / "syncd.db", "key_result_values.number", "'abc'")
    config = load_config(project / "syncd.yaml")
    with (
        closing(open_ledger(config.ledger_url())) as ledger,  # type: ignore[type-var]
        closing(open_ledger(load_config(broken / "syncd.yaml").ledger_url())),  # type: ignore[type-var]
    ):
        assert ledger is not None
        error = TypeError("a bug")
        work = Bounded("page", threads=1, seconds=HANG, ledger=lambda: ledger)
        with pytest.raises(TypeError):
            asyncio.run(work.run(partial(_raise, error)))
        service = Service(project / "syncd.yaml", config, lambda: NOW, ledger)
        service.configuration.reload = partial(_raise, error)  # type: ignore[method-assign]
        service.job.run()
        assert service.cycle_problem == "internal error: TypeError (see the log)"


def _raise(error: Exception) -> None:
    raise error
