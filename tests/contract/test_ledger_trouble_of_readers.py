"""Commands that only read: a damaged ledger is a sentence with what to do, and one that may only be read is read."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from csv_project import CsvProject

from syncd.cli import boundary

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
COMMANDS = (
    "status",
    "explain visits",
    "explain pages --at 2026-11-20",
    "history visits",
    "review",
    "export copy",
    "backup copy.db",
)
NOBODY = 65534
Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def synced() -> Iterator[Path]:
    """A project that was synced, in a folder that everybody may read."""
    with tempfile.TemporaryDirectory(prefix="syncd-readers-") as name:
        folder = Path(name)
        settings = "clock: 2026-11-21T10:00Z\n"
        project = CsvProject(folder, MAPPING, datetime(2026, 11, 20, 9, tzinfo=UTC), settings=settings)
        for day in (20, 21):
            rows = (f"2026-{1 + at % 12:02}-{1 + at % 28:02},{at}" for at in range(day * 60))
            project.write("a.csv", "Day,Visits", *rows)
            project.now = datetime(2026, 11, day, 9, tzinfo=UTC)
            project.cycle()
        project.ledger.close()
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for command in (*COMMANDS, "sync", "doctor"):  # as another user, Python's own modules may be out of reach
            run(folder, command)
        for path in folder.glob("syncd.db.*"):
            path.unlink()
        yield folder


@pytest.fixture
def project(synced: Path, tmp_path: Path) -> Path:
    return shutil.copytree(synced, tmp_path / "project")


def run(folder: Path, command: str) -> Answer:
    """Runs a command as the command line does; an error that is no sentence is raised."""
    out, err = io.StringIO(), io.StringIO()
    name, *options = command.split()
    options = [str(folder / option) if option.startswith("copy") else option for option in options]
    with redirect_stdout(out), redirect_stderr(err), ExitStack() as at_its_end, pytest.MonkeyPatch.context() as patch:
        patch.setattr("syncd.cli.opening.atexit", SimpleNamespace(register=at_its_end.callback))
        code = boundary._run([name, *options, "--config", str(folder / "syncd.yaml")])
    shutil.rmtree(folder / "copy", ignore_errors=True)
    return code, out.getvalue(), err.getvalue()


# -- damages


def garbage(page: int) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        with file.open("r+b") as ledger:
            ledger.seek(page * 4096)
            ledger.write(b"\xff" * 4096)

    return damage


def holding(column: str, literal: str) -> Callable[[Path], None]:
    table, name = column.split(".")

    def damage(file: Path) -> None:
        with closing(sqlite3.connect(file)) as ledger, ledger:
            ledger.execute(f"UPDATE {table} SET {name} = {literal}")

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "its beginning": garbage(0),
    "its list of tables": garbage(1),
    **{f"page {page}": garbage(page) for page in (5, 20, 40)},
    "its second half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "a time": holding("cycles.ended_at", "'yesterday'"),
    "a time that is a number": holding("cycles.ended_at", "7"),
    "a document": holding("definitions.body", "'{'"),
    "a text": holding("key_result_values.quality", "CAST(x'ff80' AS TEXT)"),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_ledger_is_a_sentence_that_names_restore(project: Path, damage: str) -> None:
    DAMAGES[damage](project / "syncd.db")
    answers = {command: run(project, command) for command in COMMANDS}
    refused = {command: err for command, (code, _, err) in answers.items() if code}
    assert {code for code, *_ in answers.values()} <= {0, 2}
    assert [err for err in refused.values() if "`syncd restore FILE`" not in err or len(err.splitlines()) > 1] == []
    assert refused


# -- a ledger that may only be read


def as_nobody(folder: Path, command: str) -> Answer:
    """Runs a command as a user who owns nothing."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            answer = run(folder, command)
        except BaseException as error:
            answer = -1, "", repr(error)
        os.write(writer, repr(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    answered: Answer = eval(text)
    return answered


@pytest.mark.sampled(1)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("in_use", [False, True])
def test_a_ledger_that_may_only_be_read_is_read(synced: Path, in_use: bool) -> None:
    writer = sqlite3.connect(synced / "syncd.db")
    try:
        if in_use:
            writer.execute("CREATE TABLE of_somebody (name TEXT)")
            writer.execute("DROP TABLE of_somebody")
            assert (synced / "syncd.db-wal").exists()
        before = (synced / "syncd.db").read_bytes()
        for command in COMMANDS[:-2]:
            assert as_nobody(synced, command) == run(synced, command)
        code, _, err = as_nobody(synced, "sync")
        assert code == 2
        assert "permission denied; let this user write its folder" in err
        assert (synced / "syncd.db").read_bytes() == before
        assert sorted(path.name for path in synced.glob("syncd.db?*")) == (["syncd.db-shm", "syncd.db-wal"] * in_use)
    finally:
        writer.close()
