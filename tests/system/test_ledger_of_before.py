"""A ledger that an earlier version wrote is read with the same figures, and goes on: tests/fixtures/ledger-of-0.1.0."""

from __future__ import annotations

import json
import math
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from projects import Project
from sqlalchemy import create_engine, delete, insert, select
from stories import syncd

from syncd.ledger import open_ledger
from syncd.ledger.schema import metadata

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests/fixtures/ledger-of-0.1.0"
DOCUMENTS: dict[str, Any] = json.loads((KEPT / "documents.json").read_text(encoding="utf-8"))
SENTENCES = {"text", "advice"}
"""Keys of a review whose sentences may change in words."""

ADDED = {"work"}
"""Keys of what 0.1.0 did not tell."""

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
        added = {key for key in printed.keys() - kept.keys() if printed[key] == []}  # a list of what 0.1.0 did not show
        for key in (kept | printed).keys() - SENTENCES - ADDED - added:
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
    document = json.loads(printed.out)
    if question.startswith("history "):  # 0.1.0 listed no check-in there but those of a past day
        document["events"] = [event for event in document["events"] if event["event"] != "checked_in"]
    return list(differences(DOCUMENTS[question], document))


@pytest.mark.sampled(6)
@pytest.mark.parametrize("question", DOCUMENTS)
def test_a_ledger_of_before_is_read_with_the_same_figures(before: Path, question: str) -> None:
    assert problems(before, question) == []


@pytest.mark.unmeasured
@pytest.mark.nightly
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


# -- the pages for operators: upgrade, growth, backups


def commands_of(page: str) -> list[list[str]]:
    """The commands of syncd that a page shows, with its folder and date as they are here; all but those that need a
    database server.
    """
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)).splitlines()
    own = [line.strip().replace("$(date +%F)", "2026-11-28").replace("/backups/", "copies/") for line in lines]
    return [line.split()[1:] for line in own if line.startswith("syncd ") and "postgresql" not in line]


def test_the_pages_commands_work_on_a_project_of_before(tmp_path: Path) -> None:
    shutil.copytree(KEPT, tmp_path / "project")
    project = Project(tmp_path / "project", SECRETS)
    with closing(sqlite3.connect(project.folder / "syncd.db")) as ledger:
        ledger.executescript((KEPT / "ledger.sql").read_text(encoding="utf-8"))
    settings = project.folder / "syncd.yaml"
    settings.write_text(f"address: https://okrs.acme.example\n{settings.read_text(encoding='utf-8')}")
    page = (ROOT / "docs/upgrade.md").read_text(encoding="utf-8")
    run = []
    for command in (*commands_of("upgrade"), *commands_of("growth"), *commands_of("backups")):
        if command == ["validate"]:
            (line,) = project.run("validate", check=2).stderr.splitlines()
            sentence = line.partition(": ")[2]
            assert sentence in page
            was, written = "address: https://okrs.acme.example", sentence.partition("; write ")[2]
            project.edit("syncd.yaml", was, written)
        options = ["--only", "contracts"] if command == ["sync"] else []  # the other sources are gone
        project.run(*command, *options, check=0)
        run.append(command[0])
    assert run == [
        *("validate", "backup", "sync", "status", "export", "restore"),
        *("prune", "prune", "backup", "restore"),
    ]  # fmt: skip
    assert json.loads(project.run("explain", "calls", "--json", check=0).stdout)["key_result"] == "calls"
