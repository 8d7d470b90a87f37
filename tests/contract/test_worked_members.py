"""Where workers run the cycles, what happens at the pages makes a workspace due, and none of it is forgotten."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from syncd.config.deployment import read_deployment
from syncd.config.load import load_workspace
from syncd.config.worker_keys import WorkerKeys
from syncd.ledger import Databases, LedgerError, open_ledger
from syncd.sdk.quota import Credential
from syncd.service.due import Due
from syncd.service.job import CycleJob
from syncd.workspaces.control import Control, open_control
from syncd.workspaces.jobs import Jobs
from syncd.workspaces.queue import defer
from syncd.workspaces.worked_member import WorkedMember, WorkedReader
from syncd.workspaces.worker import Worker

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: trust, title: It is trusted, kind: outcome, baseline: 5, target: 9}
"""
SECRET = "a secret of webhooks"


@pytest.fixture
def control(new_postgres: Callable[[], str]) -> Iterator[Control]:
    with closing(open_control(new_postgres())) as control:
        control.register([("search", "ws_search")])
        control.defer_due(lambda *_: None)
        yield control


@pytest.fixture
def deployment(control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a deployment with one workspace, whose ledger was made."""
    url = control.engine.url.difference_update_query(["schema"]).render_as_string(hide_password=False)
    team = tmp_path / "teams" / "search"
    team.mkdir(parents=True)
    (team / "okrs.yaml").write_text(MAPPING)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("GITHUB", "a-token-of-acme")
    code = '{type: github, token: "${GITHUB}", webhook_secret: "${HOOK_SECRET}"}'
    (team / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  code: {code}\n")
    path = tmp_path / "syncd.yaml"
    path.write_text(f"workspaces: teams/*/syncd.yaml\nledger: {url}\nrunner: procrastinate\n")
    read = read_deployment(path)
    assert read is not None
    ledger = open_ledger(load_workspace(read, "search").ledger_url())
    assert ledger is not None
    ledger.close()
    return path


@pytest.fixture
def member(deployment: Path) -> Iterator[WorkedMember]:
    """The workspace, opened by its first turn."""
    read = read_deployment(deployment)
    assert read is not None
    with closing(Databases()) as databases:
        load = partial(load_workspace, read, "search")
        member = WorkedMember("search", lambda last: load(last=last), databases, lambda: None)
        member.turn()
        assert member.daemon is not None
        yield member
        member.close()


def run(control: Control, statement: str) -> None:
    with control.engine.begin() as connection:
        connection.execute(text(statement))


def wakes(control: Control) -> list[float]:
    """In how many seconds each of those makes the workspace due that no worker has seen yet."""
    with control.engine.connect() as connection:
        query = text("SELECT extract(epoch FROM due_at - now()) FROM wakes ORDER BY id")
        return [max(0.0, float(seconds)) for seconds in connection.scalars(query)]


def is_due(control: Control) -> bool:
    return control.defer_due(lambda *_: None) == 1


def send(member: WorkedMember, number: int) -> tuple[int, str]:
    body = b"%d" % number
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={signature}", "x-github-delivery": str(number)}
    assert isinstance(member.daemon, WorkedReader)
    return member.daemon.receive_webhook("code", headers, body)


def test_webhook_is_noted_only_with_what_makes_the_workspace_due(control: Control, member: WorkedMember) -> None:
    run(control, "REVOKE INSERT ON wakes FROM current_user")
    with pytest.raises(LedgerError):
        send(member, 1)
    run(control, "GRANT INSERT ON wakes TO current_user")
    assert isinstance(member.daemon, WorkedReader)
    member.daemon._hooks = None  # as of a process that was started anew
    assert send(member, 1) == (200, "a cycle starts")
    assert wakes(control) == [0]
    assert send(member, 1) == (200, "it came before")
    assert send(member, 2) == (200, "a cycle starts")
    first, second = wakes(control)
    assert first == 0 < second, "many webhooks start few cycles"
    assert is_due(control)
    assert wakes(control) == []


def test_workspace_is_made_due_again_and_again_until_the_database_has_it(
    control: Control, member: WorkedMember, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.workspaces.worked_member._BETWEEN_TRIES", 0.0)
    assert member.late() < 0
    run(control, "REVOKE INSERT ON wakes FROM current_user")
    member.wake()
    member.turn()
    assert member.late() >= 0
    run(control, "GRANT INSERT ON wakes TO current_user")
    member.turn()
    assert member.late() < 0
    assert is_due(control)


def test_reload_of_a_worker_is_remembered_until_the_database_has_it(control: Control, deployment: Path) -> None:
    worker = Worker(deployment)
    worker.reload()
    run(control, "REVOKE UPDATE ON workspaces FROM current_user")
    with pytest.raises(LedgerError):
        asyncio.run(worker._tick(control))
    run(control, "GRANT UPDATE ON workspaces TO current_user")
    asyncio.run(worker._tick(control))
    with control.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1


def test_worker_whose_jobs_all_hang_is_neither_ready_nor_healthy(deployment: Path) -> None:
    worker, ends = Worker(deployment), threading.Event()
    worker._problem = None
    worker._keys = WorkerKeys.model_construct(deadline=timedelta(), reclaim=timedelta(), concurrency=2)
    hanging: Any = SimpleNamespace(run=lambda *_: ends.wait() and "done")

    async def hang() -> None:
        first = asyncio.create_task(worker._run(hanging, "search", 1, None))
        await asyncio.sleep(0)
        assert worker.problem() is None, "another job can run"
        second = asyncio.create_task(worker._run(hanging, "support", 2, None))
        await asyncio.sleep(0)
        assert worker.problem() == "each of its jobs has run for longer than a job may; restart it"
        assert worker.standstill() is not None
        ends.set()
        await asyncio.gather(first, second)

    try:
        asyncio.run(hang())
    finally:
        ends.set()
    assert worker.problem() is None


def test_quotas_are_asked_for_by_the_present_connections(
    control: Control, deployment: Path, new_postgres: Callable[[], str]
) -> None:
    """After the database was away, a worker has new ones; here they lead elsewhere, which shows it."""
    jobs = Jobs(deployment, control, WorkerKeys(), threading.Event())
    with closing(open_control(new_postgres())) as present:
        jobs.use(present)
        jobs._quotas.for_user("search").of(Credential("github", "https://api.github.com")).begin(waited=False)
        with present.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM quotas")) == 1


def test_job_of_a_worker_waits_for_a_connection_as_no_later_cycle_can(
    control: Control, deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A schedule of minutes, and a source that needs longer for its only request."""
    seen: list[tuple[float, float]] = []

    def note(job: CycleJob) -> Due:
        job._be_patient()
        seen.append((job._background.silent, job._background.longest))
        return Due(datetime.now(UTC), datetime.now(UTC), time.monotonic())

    monkeypatch.setattr(CycleJob, "run", note)
    for deadline in (timedelta(hours=1), timedelta(minutes=2)):
        control.make_due(["search"])
        control.defer_due(defer)
        with control.engine.begin() as connection:
            query = "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = 'search' RETURNING id"
            number = connection.execute(text(query)).scalar_one()
        keys = WorkerKeys(deadline=deadline)
        assert Jobs(deployment, control, keys, threading.Event()).run("search", number, None) == "complete"
        run(control, "DELETE FROM procrastinate_jobs")
    assert seen == [(300, 1800), (60, 60)]
