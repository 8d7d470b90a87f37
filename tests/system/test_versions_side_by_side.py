"""A service of an earlier commit beside this version on one ledger: it goes on or stops, as the ledger says."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from projects import Project
from test_run import answers, free_port
from waiting import HANG, wait_for

pytestmark = [pytest.mark.nightly, pytest.mark.unmeasured]

ROOT = Path(__file__).parents[2]
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: visits, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B1}}
"""


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def wheel_from_before(migration: str, folder: Path) -> Path:
    """syncd as its wheel held it before a commit added a migration, unpacked."""
    return wheel_of_parent(folder, "--diff-filter=A", "--", f"syncd/ledger/migrations/versions/{migration}.py")


def wheel_of_parent(folder: Path, *search: str) -> Path:
    """syncd as its wheel was before the first commit that `git log` finds, unpacked."""
    try:
        (*_, first) = git("log", "--format=%H", *search).decode().split()
        source = git("archive", "--format=zip", f"{first}^")
    except (subprocess.CalledProcessError, ValueError):
        pytest.skip("the history of this repository is not here")
    folder.mkdir()
    (folder / "source.zip").write_bytes(source)
    with zipfile.ZipFile(folder / "source.zip") as archive:
        archive.extractall(folder / "source")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=folder / "source", capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@contextmanager
def old_service(installed: Path, folder: Path) -> Iterator[httpx.Client]:
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = [sys.executable, "-c", "import syncd; print(syncd.__file__)"]
    assert subprocess.check_output(where, cwd=folder, env=environment, text=True).startswith(str(installed))
    command = Project.command("run", "--listen", f"127.0.0.1:{port}")
    with (folder / "old.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG) as client:
            wait_for(lambda: answers(client, "/readyz") or process.poll() is not None)
            assert process.poll() is None, (folder / "old.log").read_text()
            yield client
    finally:
        process.kill()
        process.wait(HANG)


@pytest.mark.parametrize(("migration", "stops"), [("0016_newest_rows", True), ("0018_webhooks", False)])
def test_an_old_service_writes_on_only_where_the_ledger_lets_it(tmp_path: Path, migration: str, stops: bool) -> None:
    installed = wheel_from_before(migration, tmp_path / "old")
    project = Project(tmp_path / "project")
    project.folder.mkdir()
    (project.folder / "syncd.yaml").write_text(
        "mappings: okrs.yaml\nschedule: 1s\nclock: 2026-11-21T10:00Z\nconnections: {local: {type: files, root: .}}\n"
    )
    (project.folder / "okrs.yaml").write_text(MAPPING)
    (project.folder / "a.csv").write_text("x,7\n")

    def cycles() -> int:
        with closing(sqlite3.connect(project.folder / "syncd.db")) as ledger:
            return int(ledger.execute("SELECT max(id) FROM cycles").fetchone()[0])

    with old_service(installed, project.folder) as client:
        wait_for(lambda: project.run("sync").returncode == 0)  # the old one syncs every second
        (project.folder / "a.csv").write_text("x,8\n")
        log = project.folder / "old.log"
        if stops:
            wait_for(lambda: client.get("/readyz").status_code == 503)
            assert "a newer syncd has taken over the ledger" in client.get("/readyz").text
            wait_for(lambda: log.read_text().count("a newer syncd has taken over the ledger") >= 2)
            before, tries = cycles(), log.read_text().count("a newer syncd has taken over")
            wait_for(lambda: log.read_text().count("a newer syncd has taken over") > tries)
            assert cycles() == before
            assert project.key_results()["visits"]["value"] == 7
        else:
            wait_for(lambda: project.key_results()["visits"]["value"] == 8)
            assert client.get("/readyz").status_code == 200
    wait_for(lambda: project.run("sync").returncode == 0)
    assert project.key_results()["visits"]["value"] == 8
