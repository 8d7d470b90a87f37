"""Backup, restore, export and import as commands: what people see of a ledger is the same afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project
from test_run import answers, running
from waiting import wait_for

pytestmark = pytest.mark.unmeasured

SHOWN = (
    ("status", "--json"),
    ("history", "calls", "--json"),
    ("history", "articles", "--json", "--backfill"),
    ("explain", "calls", "--json"),
    ("explain", "articles", "--json"),
    ("explain", "search-shipped", "--json", "--at", "2026-11-20"),
    ("review", "--json"),
)


def seen(project: Project) -> list[str]:
    return [project.run(*command, check=0).stdout for command in SHOWN]


@pytest.mark.nightly
@pytest.mark.synced
def test_a_ledger_looks_the_same_wherever_it_was_moved_to(project: Project, new_postgres: Callable[[], str]) -> None:
    project.run("checkin", "calls", "--value", "1100", "--note", "=SUM(A1)", "--author", "ana", check=0)
    before, ledger = seen(project), project.folder / "syncd.db"
    mapping = project.folder / "mappings" / "support.yaml"
    valid = mapping.read_text(encoding="utf-8")
    mapping.write_text("no: mapping\n", encoding="utf-8")  # a typo must not stop the nightly backup
    assert "read back and checked" in project.run("backup", "backups/today.db", check=0).stdout
    project.run("export", "everything", check=0)
    mapping.write_text(valid, encoding="utf-8")

    other = new_postgres()
    assert "every row compared" in project.run("copy-ledger", other, check=0).stdout
    project.edit("syncd.yaml", "sqlite:///syncd.db", other)
    assert seen(project) == before
    project.edit("syncd.yaml", other, "sqlite:///syncd.db")

    ledger.unlink()
    assert "1 check-in" in project.run("import", "everything", check=0).stdout
    assert seen(project) == before

    ledger.write_bytes(b"gone bad" * 1000)
    assert "put a backup in its place" in project.run("status", check=2).stderr
    project.run("restore", "backups/today.db", check=0)
    assert seen(project) == before


@pytest.mark.nightly
@pytest.mark.synced
def test_restore_refuses_while_the_service_runs_and_a_second_service_stands_by(project: Project) -> None:
    project.run("backup", "today.db", check=0)
    second = Project(project.folder, project.env)
    with running(project) as (_, first_client):
        wait_for(lambda: answers(first_client, "/readyz"))
        refused = project.run("restore", "today.db", check=2).stderr
        assert "`syncd run` serves" in refused
        assert "stop it first" in refused
        with running(second) as (_, client):
            wait_for(lambda: "standing by" in client.get("/readyz").text)
            assert "`syncd run` serves" in client.get("/readyz").text
            assert client.get("/").status_code == 200
            assert "\nsyncd_standing_by 1.0\n" in client.get("/metrics").text
        assert "\nsyncd_standing_by 0.0\n" in first_client.get("/metrics").text
    project.run("restore", "today.db", check=0)


def test_a_missing_ledger_or_backup_is_a_sentence(project: Project, tmp_path: Path) -> None:
    for command in (["backup", "b.db"], ["export", "e"], ["copy-ledger", "sqlite:///new.db"]):
        assert "there is no ledger yet; `syncd sync` makes it" in project.run(*command, check=2).stderr
    assert "there is no b.db" in project.run("restore", "b.db", check=2).stderr
    assert "there is no folder e" in project.run("import", "e", check=2).stderr
    assert "is a folder; name a file in it" in project.run("backup", ".", check=2).stderr
    shutil.copy(project.folder / "syncd.yaml", project.folder / "text")
    assert "is no backup" in project.run("restore", "text", check=2).stderr
    assert not (project.folder / "syncd.db").exists()


@pytest.mark.synced
def test_the_service_stops_writing_into_a_ledger_that_is_gone_and_no_empty_one_takes_its_place(
    project: Project,
) -> None:
    ledger = project.folder / "syncd.db"
    project.edit("syncd.yaml", "schedule: 1s", "schedule: 1h")  # no cycle notices it before the probe does
    with running(project) as (_, client):
        log = project.folder / "run.log"
        wait_for(lambda: "cycle ended" in log.read_text(encoding="utf-8"))  # since then its lock file remembers it
        for ending in ("", "-wal", "-shm"):
            (project.folder / f"syncd.db{ending}").unlink(missing_ok=True)
        wait_for(lambda: "was deleted or replaced while it was in use" in client.get("/readyz").text)
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200
    for command in (["status"], ["sync"], ["run"]):
        assert "is gone: syncd.db.lock remembers" in project.run(*command, check=2).stderr.replace(
            f"{project.folder}/", ""
        )
    assert not ledger.exists()
    project.run("sync", "--new-ledger", check=0)
    assert project.key_results()["calls"]["value"] == 1092
