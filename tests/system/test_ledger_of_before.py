"""A ledger that an earlier version wrote is read with the same figures, and goes on: tests/fixtures/ledger-of-0.1.0."""

from __future__ import annotations

import json
import math
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from projects import Project
from sqlalchemy import create_engine, delete, insert, select
from stories import syncd

from syncd.ledger import open_ledger
from syncd.ledger.schema import metadata

KEPT = Path(__file__).parents[1] / "fixtures/ledger-of-0.1.0"
DOCUMENTS: dict[str, Any] = json.loads((KEPT / "documents.json").read_text(encoding="utf-8"))
SENTENCES = {"text", "advice"}
"""Keys of a review whose sentences may change in words."""

SECRETS = dict.fromkeys(("GITHUB_TOKEN", "JIRA_TOKEN", "GOOGLE_TOKEN"), "of no use")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's folder, with the ledger restored and brought up to date, as the next sync would."""
    folder = tmp_path_factory.mktemp("before") / "project"
    shutil.copytree(KEPT, folder)
    ledger = sqlite3.connect(folder / "syncd.db")
    ledger.executescript((KEPT / "ledger.sql").read_text(encoding="utf-8"))
    ledger.close()
    migrated = open_ledger(f"sqlite:///{folder / 'syncd.db'}")
    assert migrated is not None
    migrated.close()
    return folder


@pytest.fixture(scope="module")
def before_in_postgres(before: Path, tmp_path_factory: pytest.TempPathFactory, new_postgres: Callable[[], str]) -> Path:
    """The same project, with every row in PostgreSQL."""
    folder, url = tmp_path_factory.mktemp("before") / "project", new_postgres()
    shutil.copytree(KEPT, folder)
    with (folder / "syncd.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"ledger: {url}\n")
    ledger = open_ledger(url)
    assert ledger is not None
    engine = create_engine(f"sqlite:///{before / 'syncd.db'}")
    with engine.connect() as old, ledger.engine.begin() as new:
        for table in metadata.sorted_tables:
            if rows := [dict(row) for row in old.execute(select(table)).mappings()]:
                new.execute(delete(table))
                new.execute(insert(table), rows)
    engine.dispose()
    ledger.close()
    return folder


def without_noise(value: Any) -> Any:
    """A text with 12 digits of each long number in it: 0.1.0 printed 66.66666666666666 %."""
    return re.sub(r"\d+\.\d{9,}", lambda number: f"{float(number[0]):.12g}", value) if isinstance(value, str) else value


def differences(kept: Any, printed: Any, where: str = "") -> Iterator[str]:
    """Where two documents differ. Numbers are equal within a share of 1e-9, as shares of what is expected are."""
    if isinstance(kept, dict) and isinstance(printed, dict):
        for key in (kept | printed).keys() - SENTENCES:
            yield from differences(kept.get(key, "no such key"), printed.get(key, "no such key"), f"{where}.{key}")
    elif isinstance(kept, list) and isinstance(printed, list) and len(kept) == len(printed):
        for number, (mine, theirs) in enumerate(zip(kept, printed, strict=True)):
            yield from differences(mine, theirs, f"{where}[{number}]")
    elif isinstance(kept, float) and isinstance(printed, float):
        if not math.isclose(kept, printed, rel_tol=1e-9):
            yield f"{where}: {kept} was right, it is {printed}"
    elif without_noise(kept) != without_noise(printed):
        yield f"{where}: {kept!r} was right, it is {printed!r}"


def problems(folder: Path, question: str) -> list[str]:
    printed = syncd(folder, *question.split(), "--json")
    assert printed.code == 0, printed
    return list(differences(DOCUMENTS[question], json.loads(printed.out)))


@pytest.mark.parametrize("question", DOCUMENTS)
def test_a_ledger_of_before_is_read_with_the_same_figures(before: Path, question: str) -> None:
    assert problems(before, question) == []


@pytest.mark.unmeasured
def test_a_ledger_of_before_is_read_with_the_same_figures_from_postgres(before_in_postgres: Path) -> None:
    of_now = [question for question in DOCUMENTS if "--at" not in question]
    assert {question: wrong for question in of_now if (wrong := problems(before_in_postgres, question))} == {}


def test_a_ledger_of_before_goes_on_and_sees_no_edit_where_there_is_none(before: Path, tmp_path: Path) -> None:
    shutil.copytree(before, tmp_path / "project")
    project = Project(tmp_path / "project", SECRETS)
    assert "0 changed" in project.run("sync", "--only", "contracts", check=0).stdout
    history = json.loads(project.run("history", "contracts", "--json", check=0).stdout)
    assert history["events"] == DOCUMENTS["history contracts"]["events"]
    (project.folder / "data/contracts.csv").open("a").write("2026-11-16,50\n")
    assert "44.5 → 94.5" in project.run("sync", "--only", "contracts", check=0).stdout
    project.run("checkin", "trust", "--value", "7", "--author", "Dana", check=0)
    assert project.key_results()["trust"]["value"] == 7
