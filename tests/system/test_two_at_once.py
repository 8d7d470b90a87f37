"""Two syncs into one ledger: the second is told who runs the first, and a killed one leaves no lock behind."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from forked import Forked
from projects import Project, differences, write_project
from waiting import HANG, wait_for

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK

pytestmark = pytest.mark.unmeasured


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def shared(request: pytest.FixtureRequest, tmp_path: Path, box: Sandbox) -> Project:
    """A project whose ledger two processes share."""
    if request.param == "sqlite":
        return write_project(tmp_path / "project", box)
    return write_project(tmp_path / "project", box, ledger=request.getfixturevalue("new_postgres")())


@contextmanager
def syncing(project: Project, box: Sandbox) -> Iterator[Forked]:
    """A sync that is in the middle of its pulls until the block ends."""
    box.requests.clear()
    box.fault(Fault("github", "hang"))
    process = project.start("sync")
    try:
        wait_for(lambda: any(request.service == "github" for request in box.requests))
        yield process
    finally:
        process.kill()
        process.wait(HANG)
        box.heal()


def test_the_second_is_told_who_runs_the_first(shared: Project, box: Sandbox) -> None:
    with syncing(shared, box) as first:
        done = shared.run("sync", check=2)
        assert f"(process {first.pid} on {platform.node()}); try again when it has ended" in done.stderr
        assert done.stderr.startswith("syncd: another syncd is syncing into ")
        shared.run("status", check=0)


def test_a_killed_holder_leaves_no_lock_behind(shared: Project, box: Sandbox) -> None:
    with syncing(shared, box):
        shared.run("sync", check=2)
    shared.run("sync", check=0)
    assert differences(shared.status(), box) == []


def test_the_lock_is_gone_with_the_sync_that_held_it(shared: Project, box: Sandbox) -> None:
    shared.run("sync", check=0)
    with syncing(shared, box) as second:
        said = shared.run("sync", check=2).stderr
        assert f"process {second.pid} on " in said  # and not the one that was there before


def test_people_decide_while_a_cycle_runs(shared: Project, box: Sandbox) -> None:
    shared.edit("mappings/support.yaml", "stale_after: 10d\n", "stale_after: 10d\n        plausible: {jump: 100}\n")
    shared.run("sync", check=0)
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 1950)
    shared.run("sync", check=0)
    with syncing(shared, box) as running:
        for command in (["approve", "calls", "--author", "Dana"], ["checkin", "calls", "--note", "a strike"]):
            done = " ".join(shared.run(*command, check=0).stdout.split())
            assert "is stored and counts from the next cycle: another syncd is syncing into " in done
            assert f"(process {running.pid} on " in done
        assert shared.key_results()["calls"]["quality"] == "held"
    shared.run("sync", check=0)
    calls = shared.key_results()["calls"]
    assert (calls["value"], calls["quality"], calls["checkin"]["note"]) == (1950, "complete", "a strike")
