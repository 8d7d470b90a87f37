"""`kill -9` at any moment: the next sync ends as if nothing had happened.

A few kills, or as many as SYNCD_KILLS says (`make nightly`: 200); SYNCD_SEED tells a failure's story again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from changes import SEEN, SILENT
from examples import NIGHTLY
from projects import NOW, Project, differences, write_project
from sqlalchemy import select
from typer.testing import CliRunner
from waiting import HANG, wait_for

from syncd.cli.app import app
from syncd.ledger import open_ledger
from syncd.ledger.reading_rows import reading_rows
from syncd.ledger.schema import readings, records, streams, values
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.when import at

pytestmark = pytest.mark.unmeasured
nightly = pytest.mark.nightly

KILLS = int(os.environ.get("SYNCD_KILLS", "4"))
SEED = int(os.environ.get("SYNCD_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
KILLS_A_ROUND = 20  # then the ledger is compared, and the next round begins with none: kills land in a backfill too
LATER = NOW + timedelta(hours=2)  # the sandbox's clock ticks with each change, and must stay before the project's
ARCHIVED = 600 if NIGHTLY else 300
BACKFILL = """\
period: {start: 2026-07-01, end: 2026-12-31, id: backfill}
objectives:
  - id: archive
    title: The archive is complete
    key_results:
      - id: archive-merged
        title: Everything is merged
        kind: output
        target: 600
        measure: {from: code, repo: acme/archive, what: merged_pull_requests, where: {base: main}, take: count}
      - id: archive-closed
        title: Everything is closed
        kind: output
        target: 600
        measure: {from: code, repo: acme/archive, what: closed_issues, take: count}
      - id: archive-done
        title: Everything is done
        kind: output
        target: 600
        measure: {from: tickets, jql: "project = SUP AND type = Bug", take: count}
"""
"""Longer than the quarter, so that `status` shows the quarter unless asked for this."""


@pytest.mark.parametrize("number", range(-(-KILLS // KILLS_A_ROUND)))
def test_killed_anywhere_the_next_sync_ends_as_if_nothing_had_happened(
    tmp_path: Path, box: Sandbox, number: int
) -> None:
    add_an_archive(box, ARCHIVED)
    project, fresh = archive_project(tmp_path / "round", box), archive_project(tmp_path / "fresh", box)
    with told_on_failure(f"round {number}"):
        kills = min(KILLS_A_ROUND, KILLS - number * KILLS_A_ROUND)
        Round(project, fresh, box, random.Random(f"{SEED} {number}")).play(kills)


@pytest.mark.nightly
def test_the_same_on_postgresql(tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]) -> None:
    add_an_archive(box, ARCHIVED)
    project = archive_project(tmp_path / "project", box, ledger=new_postgres())
    fresh = archive_project(tmp_path / "fresh", box, ledger=new_postgres())
    with told_on_failure("postgresql"):
        Round(project, fresh, box, random.Random(f"{SEED} postgresql")).play(max(2, KILLS // 10))


class Round:
    """Kills a project's syncs while the world changes; then holds its ledger against one that was left in peace."""

    def __init__(self, project: Project, fresh: Project, box: Sandbox, dice: random.Random) -> None:
        self.project, self.fresh, self.box, self.dice = project, fresh, box, dice
        self.ever: dict[str, list[float]] = defaultdict(list)
        self.silent = False  # something left in silence since the last reconciliation: numbers may mix then and now
        self.story: list[str] = []
        self.length, self.requests, self.writes = 1.0, 60, 60  # of a sync that ends: kills are spread over all of it

    def play(self, kills: int) -> None:
        self.remember()
        while kills:
            kills -= self.disturbed()
            self.check()
            for _ in range(self.dice.randrange(4)):
                self.change()
        self.project.run("sync", "--reconcile", check=0)
        assert differences(self.project.status(), self.box) == [], self.story
        self.fresh.run("sync", check=0)
        assert kept(self.project) == kept(self.fresh), self.story

    def disturbed(self) -> bool:
        """One sync, killed by the clock, at a request or at a write; False where it ended before."""
        reconcile = ["--reconcile"] if self.silent or self.dice.random() < 0.3 else []
        kind = self.dice.choice(["clock", "request", "write"] if self.files() else ["clock", "request"])
        moment = {
            "clock": self.dice.uniform(0, self.length),
            "request": self.dice.randrange(self.requests),
            "write": self.dice.randrange(self.writes),
        }
        asked, began, wrote, files = len(self.box.requests), time.monotonic(), 0, self.files()
        output = self.project.folder / "stderr"
        process = self.project.start("sync", *reconcile, err=output)
        while process.poll() is None:
            wrote += files != (files := self.files())
            now = {"clock": time.monotonic() - began, "request": len(self.box.requests) - asked, "write": wrote}
            if now[kind] > moment[kind]:
                process.kill()
                break
            time.sleep(0.001)
        code = process.wait(HANG)
        if code == -signal.SIGKILL:
            self.story.append(f"killed by {kind} at {moment[kind]:g} {reconcile}")
            return True
        assert code == 0, (output.read_text(), self.story)
        self.story.append(f"ended {reconcile}")
        self.silent = self.silent and not reconcile
        self.length, self.requests, self.writes = time.monotonic() - began, len(self.box.requests) - asked, wrote or 1
        return False

    def check(self) -> None:
        """What a reader finds right after: a sound ledger, and no number that was never true."""
        for period in ("2026-Q4", "backfill"):
            arguments = ["status", "--json", "--period", period, "--config", str(self.project.folder / "syncd.yaml")]
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0, (done.output, done.exception, self.story)
            for objective in json.loads(done.stdout)["objectives"]:
                for kr in objective["key_results"]:
                    value, ever = kr["value"], self.ever[kr["id"]]
                    true = value is None or any(abs(value - other) < 1e-9 for other in ever)
                    assert true, f"{kr['id']} is {value} and was only ever {ever}: {self.story}"
        for file in self.files():
            if file.suffix == ".db":
                with sqlite3.connect(file) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                connection.close()

    def change(self) -> None:
        known = SEEN if self.dice.random() < 0.85 else SILENT
        name = self.dice.choice(list(known))
        known[name](self.box.world, self.dice.randrange(10_000))
        self.silent = self.silent or known is SILENT
        self.story.append(name)
        self.remember()

    def remember(self) -> None:
        """Adds what is true now to what was ever true."""
        for name, state in self.box.truth(at=LATER)["key_results"].items():
            if state["value"] is not None:
                self.ever[name].append(state["value"])
        for name in ("archive-merged", "archive-closed", "archive-done"):
            self.ever[name] = [ARCHIVED]

    def files(self) -> dict[Path, tuple[int, int]]:
        """The files of a SQLite ledger, each with what moves when it is written."""
        found = {}
        for path in (self.project.folder / "syncd.db", self.project.folder / "syncd.db-wal"):
            if path.exists():
                stat = path.stat()
                found[path] = (stat.st_size, stat.st_mtime_ns)
        return found


@contextmanager
def told_on_failure(which: str) -> Iterator[None]:
    try:
        yield
    except AssertionError:
        print(f"{which}: SYNCD_SEED={SEED} tells it again")
        raise


def archive_project(folder: Path, box: Sandbox, **options: str) -> Project:
    """The example's project, and three streams of several pages beside it."""
    project = write_project(folder, box, now=LATER.isoformat(), **options)
    (project.folder / "mappings" / "backfill.yaml").write_text(BACKFILL)
    return project


def add_an_archive(box: Sandbox, size: int) -> None:
    """Work enough for several pages: as many pulls, issues and tickets."""
    github, jira = box.world.github, box.world.jira
    repo = "acme/archive"
    github.add_repo(repo, at=at("01-05", "09:00"))
    for number in range(size):
        done = at("07-02", "09:00") + timedelta(hours=number * 5)
        pull = github.add_pull(repo, f"Change {number}", author="jo", at=done - timedelta(days=2))
        github.merge_pull(repo, pull.number, at=done)
        issue = github.add_issue(repo, f"Wish {number}", at=done - timedelta(days=1))
        github.close_issue(repo, issue.number, at=done)
        ticket = jira.create("SUP", "Bug", f"Complaint {number}", at=done - timedelta(days=1))
        jira.transition(ticket.key, "Done", at=done)


def kept(project: Project) -> dict[str, Any]:
    """What a ledger says now, without when it learnt it: records, readings, values.

    Records from before a stream's window are left out: which of them came along is a matter of where pages ended.
    """
    from syncd.config import load_config

    ledger = open_ledger(load_config(project.folder / "syncd.yaml").ledger_url(), create=False)
    assert ledger is not None
    key = (streams.c.connection, streams.c.key)
    of_records = (
        select(*key, records.c.id, records.c.digest)
        .join(streams, streams.c.id == records.c.stream)
        .where(records.c.until.is_(None), streams.c.since.is_(None) | (records.c.updated_at >= streams.c.since))
    )
    of_parts = select(*key, streams.c.id, readings.c.part).join(readings, readings.c.stream == streams.c.id).distinct()
    with ledger.engine.connect() as connection:
        parts = {(row.id, row.part): (row.connection, row.key) for row in connection.execute(of_parts)}
        rows = reading_rows(connection, list(parts), None, {})  # each where it stands, however it came there
        found = {
            "records": sorted(tuple(row) for row in connection.execute(of_records)),
            "readings": sorted(
                (
                    (*parts[part], row.part, row.position, row.at, row.cell, row.number, row.raw, row.problem)
                    for part, held in rows.items()
                    for row in held
                ),
                key=repr,
            ),
            "sound": connection.execute(select(values.c.key_result).limit(1)).scalar() is not None,
        }
    for period in ("2026-Q4", "backfill"):
        found[period] = {
            name: (value.number, value.health, value.quality, value.counted)
            for name, value in ledger.values.last(period).items()
        }
    ledger.close()
    return found


@pytest.mark.parametrize(
    ("key_result", "path", "pages", "size"),
    [
        pytest.param("archive-merged", "/acme/archive/pulls", 6, 100),
        pytest.param("archive-closed", "/acme/archive/issues", 13, 100, marks=nightly),  # pulls stand in the list too
        pytest.param("archive-done", "/search/jql", 15, 40, marks=nightly),
    ],
)
def test_killed_half_way_through_a_backfill_the_next_sync_asks_for_the_other_half(
    tmp_path: Path, box: Sandbox, key_result: str, path: str, pages: int, size: int
) -> None:
    add_an_archive(box, 600)
    project = archive_project(tmp_path / "project", box)

    def asked() -> int:
        return sum(path in request.path for request in box.requests)

    box.fault(Fault("jira" if "jql" in path else "github", "delay", path=path, seconds=0.2))
    others = set(threading.enumerate())
    process = project.start("sync", "--only", key_result)
    while asked() <= pages // 2 + 1:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait(HANG)
    box.heal()
    wait_for(lambda: not any("process_request" in thread.name for thread in {*threading.enumerate()} - others))
    box.requests.clear()
    rest = pages - len(kept(project)["records"]) / size
    assert 0 < rest < pages
    project.run("sync", "--only", key_result, check=0)
    # What came last is met again, or a list proves that it has not moved meanwhile.
    assert asked() <= rest + 2.5, f"{asked()} of {pages}, and {rest:.1f} were left"
    shown = project.status("--period", "backfill")["objectives"][0]["key_results"]
    assert {kr["id"]: kr["value"] for kr in shown}[key_result] == 600
