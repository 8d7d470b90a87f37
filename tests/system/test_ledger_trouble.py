"""A ledger that cannot be written or read: one sentence, nothing lost, and the truth again once it is mended."""

from __future__ import annotations

import os
import re
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from forked import Forked
from postgres_server import start_again
from projects import Project, differences, write_project
from sqlalchemy import create_engine, make_url, text
from test_run import answers, running, value_of
from waiting import HANG, wait_for

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK

pytestmark = pytest.mark.unmeasured

GOES_ON = "what was stored stays, and the next sync goes on from there"


def failure(project: Project, command: str, code: int, room: int | None = None) -> str:
    """The single sentence that a command prints when it fails with this exit code."""
    done = project.run(command) if room is None else limited(project, command, room)
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("pulled ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def limited(project: Project, command: str, room: int) -> subprocess.CompletedProcess[str]:
    """Runs a command none of whose files may grow beyond so many bytes: a disk that is full for this process alone."""
    return subprocess.run(
        project.command(command),
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nobody may write the file, or create one in the folder; for root this takes an attribute, not the mode."""
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    root = os.geteuid() == 0
    try:
        if root and subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode:
            pytest.skip("root may write everything here, and chattr does not work")
        yield
    finally:
        if root:
            subprocess.run(["chattr", "-i", path], capture_output=True, check=False)
        path.chmod(mode)


@contextmanager
def locked(file: Path, how: str) -> Iterator[None]:
    """Another program writes the file while the block lasts."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"BEGIN {how}")
    try:
        yield
    finally:
        connection.close()


def test_a_disk_that_is_full_from_the_start_is_a_sentence(project: Project, box: Sandbox) -> None:
    message = failure(project, "sync", 2, room=0)
    assert re.fullmatch(
        r"syncd: the ledger sqlite:.*syncd\.db cannot be used: disk I/O error; see whether .* full.*", message
    )
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


@pytest.mark.parametrize("room", [300_000, pytest.param(350_000, marks=pytest.mark.nightly)])
def test_a_disk_that_fills_up_during_a_sync_loses_nothing(project: Project, box: Sandbox, room: int) -> None:
    message = failure(project, "sync", 1, room=room)
    assert re.fullmatch(rf"syncd: the ledger sqlite:.*syncd\.db failed: .*; see whether .* full.*; {GOES_ON}", message)
    assert {kr["value"] for kr in project.key_results().values()} == {None}
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


@pytest.mark.nightly
def test_a_full_file_system_loses_nothing(tmp_path: Path, box: Sandbox) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=384k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        project = write_project(tmp_path / "project", box, ledger=f"sqlite:///{disk}/syncd.db")
        message = failure(project, "sync", 1)
        assert re.fullmatch(rf"syncd: .*/disk/syncd\.db failed: .*; (make room|see whether) .*; {GOES_ON}", message)
        assert {kr["value"] for kr in project.key_results().values()} == {None}
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        project.run("sync", check=0)
        assert differences(project.status(), box) == []
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.synced
def test_a_read_only_ledger_can_be_read_and_a_sync_names_the_reason(project: Project, box: Sandbox) -> None:
    before = project.status()
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
    with read_only(project.folder / "syncd.db"):
        message = failure(project, "sync", 2)
        assert "syncd.db cannot be used: attempt to write a readonly database; let this user write the file" in message
        assert project.status() == before
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


@pytest.mark.nightly
def test_a_read_only_folder_takes_no_ledger(project: Project, box: Sandbox) -> None:
    with read_only(project.folder):
        message = failure(project, "sync", 2)
        assert (
            "syncd.db cannot be used: unable to open database file; let this user write the file and its fold"
            in message
        )
        assert {kr["reason"] for kr in project.key_results().values()} == {"not pulled yet"}
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


def test_a_lock_that_cannot_be_taken_is_a_sentence(project: Project) -> None:
    (project.folder / "syncd.db.lock").mkdir()
    message = failure(project, "sync", 2)
    assert re.search(r"syncd\.db cannot be used: .*syncd\.db\.lock: is a directory; let this user write its", message)


@pytest.mark.synced
def test_a_damaged_ledger_is_named(project: Project) -> None:
    with (project.folder / "syncd.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 65536)
    assert re.search(
        r"the ledger .*syncd\.db (failed|cannot be used): .*; put a backup in", failure(project, "status", 2)
    )


def test_a_locked_ledger_is_waited_for_and_then_named(project: Project, box: Sandbox) -> None:
    project.edit("syncd.yaml", "syncd.db", "syncd.db?timeout=0.2")
    project.run("sync", check=0)
    before = project.status()
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
    file = project.folder / "syncd.db"
    with locked(file, "IMMEDIATE"):
        message = failure(project, "sync", 1)
        assert re.search(rf"failed: database is locked; another program holds it; close that one.*; {GOES_ON}", message)
        assert project.status() == before  # a writer keeps no reader out
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


@pytest.mark.synced
def test_a_ledger_that_is_unlocked_in_time_is_no_failure(project: Project, box: Sandbox) -> None:
    with locked(project.folder / "syncd.db", "IMMEDIATE"):
        process = project.start("sync")
        wait_for(lambda: "syncd.db.lock" in opened(process) or process.poll() is not None)
    assert process.wait(timeout=HANG) == 0


@pytest.mark.nightly
def test_a_read_only_database_is_named_and_loses_nothing(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    url = new_postgres()
    project = write_project(tmp_path / "project", box, ledger=url)
    project.run("sync", check=0)
    before = project.status()
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
    name = make_url(url).database
    administer(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    message = failure(project, "sync", 2)
    assert "cannot be used: cannot execute INSERT in a read-only transaction; name the primary" in message
    assert project.status() == before
    administer(url, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


def administer(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def opened(process: Forked) -> set[str]:
    """The names of the files that a process has open."""
    return {Path(os.readlink(file)).name for file in Path(f"/proc/{process.pid}/fd").iterdir() if file.is_symlink()}


def test_a_database_server_that_stops_during_a_sync_loses_nothing(
    tmp_path: Path, box: Sandbox, mortal_postgres: tuple[Any, str]
) -> None:
    server, url = mortal_postgres
    project = write_project(tmp_path / "project", box, ledger=url)
    box.fault(Fault("github", "delay", seconds=0.3))
    process = project.start("sync", err=tmp_path / "stderr")
    wait_for(lambda: sum(request.service == "github" for request in box.requests) > 2)
    stop(server)
    code = process.wait(HANG)
    message = (tmp_path / "stderr").read_text()
    last = message.splitlines()[-1]
    assert code == 1, message
    assert "Traceback" not in message
    assert re.fullmatch(rf"syncd: the ledger postgresql.* failed: .*; see whether the server runs.*; {GOES_ON}", last)
    message = failure(project, "sync", 2)
    assert re.fullmatch(r"syncd: the ledger postgresql.* cannot be used: .*; see whether the server runs.*", message)
    assert "cannot be used" in failure(project, "status", 2)
    start_again(server)
    box.heal()
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


def stop(server: Any) -> None:
    """Stops the server at once, as a crash does."""
    number = server.get_pid()
    os.kill(number, signal.SIGQUIT)
    stat = Path(f"/proc/{number}/stat")
    wait_for(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


# -- the service


@pytest.mark.parametrize(
    "room",
    [pytest.param(16_384, id="for the log alone"), pytest.param(0, id="for nothing at all", marks=pytest.mark.nightly)],
)
def test_the_service_outlives_a_full_disk(project: Project, box: Sandbox, room: int) -> None:
    @contextmanager
    def full(process: Forked) -> Iterator[None]:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        yield
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    outlives(project, box, full, "disk I/O error; see whether its disk is full", logged=room > 0)


@pytest.mark.nightly
def test_the_service_outlives_a_locked_ledger(project: Project, box: Sandbox) -> None:
    project.edit("syncd.yaml", "syncd.db", "syncd.db?timeout=0.2")
    outlives(project, box, lambda _: locked(project.folder / "syncd.db", "IMMEDIATE"), "database is locked")


def test_the_service_outlives_its_database_server(
    tmp_path: Path, box: Sandbox, mortal_postgres: tuple[Any, str]
) -> None:
    server, url = mortal_postgres

    @contextmanager
    def stopped(_: Forked) -> Iterator[None]:
        stop(server)
        yield
        start_again(server)

    project = write_project(tmp_path / "project", box, ledger=url)
    outlives(project, box, stopped, "see whether the server runs", readable=False)


def outlives(
    project: Project,
    box: Sandbox,
    trouble: Callable[[Forked], Any],
    words: str,
    *,
    readable: bool = True,
    logged: bool = True,
) -> None:
    """The service keeps running, reports the trouble everywhere, and shows the truth afterwards."""
    with running(project) as (process, client):
        wait_for(lambda: answers(client, "/readyz"))
        with trouble(process):
            box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700.0)
            # It may lose its place as the service first, and then stands by: no cycle is tried until it has it again.
            wait_for(lambda: broken(client) >= 2 or words in client.get("/readyz").text)
            assert client.get("/healthz").status_code == 200
            ready = client.get("/readyz")
            assert (ready.status_code, words in ready.text) == (503, True), ready.text
            assert ('syncd_key_result_value{key_result="calls"' in client.get("/metrics").text) is readable
            page = client.get("/")
            assert page.status_code == (200 if readable else 503)
            assert words in page.text
        wait_for(lambda: value_of(client, "calls") == 700)
        wait_for(lambda: answers(client, "/readyz"))
        assert "The last cycle could not run" not in client.get("/").text
        assert differences(client.get("/api/status").json(), box) == []
    log = (project.folder / "run.log").read_text()
    assert words in log or not logged
    assert "Traceback" not in log


def broken(client: httpx.Client) -> float:
    match = re.search(r'^syncd_cycles_total\{outcome="broken"\} (.*)$', client.get("/metrics").text, re.MULTILINE)
    return float(match[1]) if match else 0
