"""The control schema of workers: none that is paused, cut off or too late takes a workspace from another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from postgres_server import new_database
from psycopg import errors
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from waiting import wait_for

from syncd.config.ledger_address import OF_CONTROL, shard_of
from syncd.ledger import LedgerFailed, failures
from syncd.ledger.fence import Fence, Replaced, end_sessions
from syncd.workspaces.control import Control, Due, open_control
from syncd.workspaces.queue import defer, queue_of
from syncd.workspaces.reaper import reclaim_stalled

HERE = "SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(params=["one database", "shards"])
def control(request: pytest.FixtureRequest, new_postgres: Callable[[], str], postgres_server: Any) -> Iterator[Control]:
    """Of a deployment with a single database, and of one in which the ledger of `search` is in another."""
    url = new_postgres()
    if request.param == "shards":
        name = make_url(url).database
        new_database(postgres_server, f"{name}_{OF_CONTROL}")
        new_database(postgres_server, f"{name}_{shard_of('search')}")
        url = make_url(url).set(database=f"{name}_SHARD").render_as_string(hide_password=False)
    with closing(open_control(url.replace("SHARD", "{shard}"))) as control:
        control.register([("search", "ws_search"), ("support", "ws_support")])
        yield control


def asked(engine: Engine, statement: str, **values: Any) -> Any:
    with engine.begin() as connection:
        return connection.execute(text(statement), values).first()


def next_job(control: Control) -> int:
    """Defers what is due, as a tick does; returns the job of `search`, as a worker has fetched it."""
    control.make_due(["search"])
    control.defer_due(defer)
    query = "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = 'search' AND status = 'todo' RETURNING id"
    return int(asked(control.engine, query)[0])


def remove(control: Control, job: int) -> None:
    """A job has ended, or was taken from its worker."""
    asked(control.engine, "DELETE FROM procrastinate_jobs WHERE id = :job RETURNING id", job=job)


def row(control: Control) -> Any:
    return asked(control.engine, "SELECT job, ended_at, outcome, due_at FROM workspaces WHERE name = 'search'")


def session(database: str) -> tuple[Engine, Connection, int]:
    """A session of a job of `search`, and its process on the server."""
    engine = create_engine(database, connect_args={"application_name": Fence("search", 1).session})
    connection = engine.connect()
    return engine, connection, int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_sessions_of_another_database_of_the_server_stay(control: Control, new_postgres: Callable[[], str]) -> None:
    here = control.engine.url.difference_update_query(["schema"]).render_as_string(hide_password=False)
    own, another = (session(url) for url in (here, new_postgres()))
    with control.engine.begin() as connection:
        end_sessions(connection, "search", 1)
    assert [asked(control.engine, HERE, pid=pid)[0] for _, _, pid in (own, another)] == [0, 1]
    for engine, connection, _ in (own, another):
        connection.invalidate()
        engine.dispose()


def test_worker_that_reclaims_too_late_leaves_the_successor_alone(control: Control) -> None:
    first = next_job(control)
    control.take("search", first)
    control.reclaim("search", first)
    assert row(control).outcome == "reclaimed"
    remove(control, first)
    fence = control.take("search", second := next_job(control))
    control.reclaim("search", first)
    after = row(control)
    assert (after.job, after.ended_at) == (second, None)
    assert after.due_at is not None
    assert control.overdue(timedelta()) == {second}
    control.end(fence, "complete", None, None)


def test_successor_that_begins_while_a_worker_reclaims_keeps_its_epoch(control: Control) -> None:
    """The successor takes the workspace between the look at the running job and the end of its epoch."""
    first = next_job(control)
    control.take("search", first)
    remove(control, first)
    second = next_job(control)
    with control.engine.begin() as successor:  # as `take`, which has not committed yet
        with control._beside(successor, "search") as there:  # where that is another database, it is committed before
            there.execute(text("UPDATE epochs SET epoch = 2 WHERE workspace = 'search'"))
        successor.execute(
            text("UPDATE workspaces SET job = :job, ended_at = NULL WHERE name = 'search'"), {"job": second}
        )
        reclaims = threading.Thread(target=control.reclaim, args=("search", first))
        reclaims.start()
        wait_for(lambda: asked(control.engine, WAITS)[0])
    reclaims.join()
    after = row(control)
    assert (after.job, after.ended_at) == (second, None)
    assert after.due_at is not None
    with nullcontext() if control.shards is None else pytest.raises(Replaced):
        control.end(Fence("search", 2), "complete", None, None)


def test_job_that_was_taken_away_before_it_began_takes_no_epoch(control: Control) -> None:
    first = next_job(control)
    control.reclaim("search", first)
    remove(control, first)
    fence = control.take("search", second := next_job(control))
    with pytest.raises(Replaced):
        control.take("search", first)
    assert row(control).job == second
    control.end(fence, "complete", None, None)


def test_request_beside_a_ledger_makes_its_workspace_due_once(control: Control) -> None:
    control.defer_due(lambda *_: None)
    with control.engine.begin() as connection, control._beside(connection, "search") as there:
        there.execute(text("INSERT INTO wakes (schema) VALUES ('ws_search'), ('ws_search'), ('ws_of_nobody')"))
    control.collect_wakes()
    assert control.defer_due(lambda *_: None) == 1
    control.collect_wakes()
    assert control.defer_due(lambda *_: None) == 0
    with control.engine.begin() as connection, control._beside(connection, "search") as there:
        assert there.scalar(text("SELECT count(*) FROM wakes")) == 0


def test_job_that_runs_past_its_deadline_is_taken_from_a_worker_that_is_alive(control: Control) -> None:
    job = next_job(control)
    worker = asked(control.engine, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")[0]
    works = "UPDATE procrastinate_jobs SET worker_id = :worker WHERE id = :job RETURNING id"
    asked(control.engine, works, worker=worker, job=job)
    fence = control.take("search", job)
    database = control.engine.url.difference_update_query(["schema"]).render_as_string(hide_password=False)

    async def taken(deadline: timedelta) -> int:
        app = queue_of(lambda: database, timedelta(minutes=1), lambda *_: asyncio.sleep(0))
        async with app.open_async():
            return await reclaim_stalled(app, control, timedelta(hours=1), deadline)

    assert asyncio.run(taken(timedelta(hours=1))) == 0
    assert asyncio.run(taken(timedelta())) == 1
    assert row(control).outcome == "reclaimed"
    with control.engine.begin() as connection, pytest.raises(Replaced):
        fence.hold(connection)
    assert control.take("search", next_job(control)).epoch == fence.epoch + 2  # the reclaim took one, too


def test_workspace_whose_job_was_lost_is_due_again_and_one_without_files_is_not(control: Control) -> None:
    control.defer_due(lambda *_: None)  # what was noted stays, and the queue has no job
    control.note_gone("search")
    control.recover()
    due = "SELECT name FROM workspaces WHERE due_at <= now()"
    assert asked(control.engine, due)[0] == "support"
    control.defer_due(defer)
    control.recover()
    assert asked(control.engine, due) is None  # its job waits
    control.register([("search", "ws_search")])  # its files are there again
    assert asked(control.engine, due)[0] == "search"


@pytest.mark.parametrize(
    "held", ["SELECT FROM wakes FOR UPDATE", "SELECT FROM workspaces WHERE name = 'search' FOR UPDATE"]
)
def test_worker_that_is_paused_with_what_was_asked_for_stops_nobody(control: Control, held: str) -> None:
    control.defer_due(lambda *_: None)
    asked(control.engine, "INSERT INTO wakes (schema) VALUES ('ws_search') RETURNING id")
    with control.engine.begin() as paused:
        paused.execute(text(held))
        asked(control.engine, "INSERT INTO wakes (schema) VALUES ('ws_support'), ('ws_of_nobody') RETURNING id")
        due: list[str] = []

        def note(_: Connection, job: Due) -> None:
            due.append(job.workspace)

        control.defer_due(note)
        assert "support" in due
    control.defer_due(note)
    assert sorted(set(due)) == ["search", "support"]
    assert asked(control.engine, "SELECT count(*) FROM wakes")[0] == 0


def test_transaction_of_a_paused_worker_ends_and_its_next_statement_is_a_sentence(
    new_postgres: Callable[[], str],
) -> None:
    url = new_postgres()
    with closing(open_control(url, reclaim=timedelta(seconds=0.5))) as control:
        connection = control.engine.connect()
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with closing(open_control(url)) as looking:
            wait_for(lambda: asked(looking.engine, HERE, pid=pid)[0] == 0)
        with pytest.raises(LedgerFailed):
            connection.execute(text("SELECT 1"))
    advice = failures._advice(errors.IdleInTransactionSessionTimeout("too late"), lost=False)
    assert advice == (None, "sync again")
