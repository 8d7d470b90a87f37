"""Ledgers of many workspaces in one process: they share the connections to a database, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial

import psycopg
import pytest
from opened import create_ledger, url_of
from sqlalchemy import create_engine, func, make_url, select, text

from syncd.ledger import (
    Databases,
    Ledger,
    LedgerBusy,
    LedgerError,
    LedgerFailed,
    ServiceRuns,
    cycle_lock,
    databases,
    open_ledger,
    service_lock,
)
from syncd.ledger.engine import engine_of
from syncd.ledger.fence import Fence
from syncd.ledger.fenced import FencedDatabases
from syncd.ledger.impatient import ImpatientConnection
from syncd.ledger.schema import cycles

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
OTHERS = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"


@pytest.fixture
def database(new_postgres: Callable[[], str]) -> str:
    return new_postgres()


@pytest.fixture
def ledgers(database: str) -> Iterator[list[Ledger]]:
    """Of four workspaces in schemas of one database."""
    with closing(Databases()) as shared:
        opened = [open_ledger(of_schema(database, f"ws_{number}"), databases=shared) for number in range(4)]
        yield [ledger for ledger in opened if ledger is not None]


def of_schema(database: str, schema: str) -> str:
    return make_url(database).update_query_dict({"schema": schema}).render_as_string(hide_password=False)


def asked(database: str, statement: str) -> int:
    engine = create_engine(database)
    with engine.begin() as connection:
        answer: int = connection.execute(text(statement)).scalar_one()
    engine.dispose()
    return answer


def count(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(cycles)).scalar_one())


def test_each_statement_means_the_tables_of_its_ledger(ledgers: list[Ledger], database: str) -> None:
    for times, ledger in enumerate(ledgers):
        for _ in range(times):
            ledger.cycles.begin(NOW)
    assert [count(ledger) for ledger in ledgers] == [0, 1, 2, 3]
    with ledgers[1].engine.connect() as before, ledgers[2].engine.connect() as after:
        assert [before.execute(text("SHOW search_path")).scalar() for _ in range(2)] == ["ws_1", "ws_1"]
        assert after.execute(text("SHOW search_path")).scalar() == "ws_2"
    with closing(create_ledger(of_schema(database, "ws_3"))) as alone:
        assert count(alone) == 3


def test_all_hold_their_locks_on_one_connection_and_an_idle_ledger_keeps_none(
    ledgers: list[Ledger], database: str
) -> None:
    with ExitStack() as held:
        for ledger in ledgers:
            held.enter_context(service_lock(ledger.engine))()
            held.enter_context(cycle_lock(ledger.engine))
        assert asked(database, f"SELECT count(*) {OTHERS}") <= 2  # the locks', and one that all of them used
        assert asked(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 8


def test_a_lock_keeps_out_this_process_and_every_other(ledgers: list[Ledger]) -> None:
    with closing(create_ledger(url_of(ledgers[0]))) as elsewhere:
        with service_lock(ledgers[0].engine), cycle_lock(ledgers[0].engine):
            for engine in (ledgers[0].engine, elsewhere.engine):
                with pytest.raises(ServiceRuns, match=r"schema ws_0 of this database \(process "), service_lock(engine):
                    pass
                with pytest.raises(LedgerBusy), cycle_lock(engine):
                    pass
        with service_lock(elsewhere.engine), pytest.raises(ServiceRuns), service_lock(ledgers[0].engine):
            pass


def test_a_lock_of_a_worker_names_its_job(ledgers: list[Ledger]) -> None:
    worker = FencedDatabases(Fence("search", 5)).engine_of(ledgers[0].engine.url)
    expected = r"a worker runs a job of schema ws_0 of this database \(job \w+\.5, process "
    with service_lock(worker), pytest.raises(LedgerBusy, match=expected) as caught, service_lock(ledgers[0].engine):
        pass
    worker.dispose()
    assert not isinstance(caught.value, ServiceRuns)  # of which the advice is to stop it


def test_a_lost_session_is_noticed_by_each_that_had_a_lock_in_it(ledgers: list[Ledger], database: str) -> None:
    with ExitStack() as held:
        checks = [held.enter_context(service_lock(ledger.engine)) for ledger in ledgers[:2]]
        asked(database, f"SELECT count(pg_terminate_backend(pid)) {OTHERS}")
        for check in (*checks, *checks):
            with pytest.raises(LedgerError):
                check()
        with service_lock(ledgers[0].engine) as check:
            check()
    assert count(ledgers[0]) == 0


def test_a_failure_names_the_ledger_that_it_is_of(ledgers: list[Ledger]) -> None:
    with ledgers[1].engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 1"))
        with pytest.raises(LedgerFailed, match="schema=ws_1 failed") as failed:
            connection.execute(text("SELECT pg_sleep(1)"))
    assert "ws_3" not in str(failed.value)


@pytest.mark.parametrize("anew", [True, False])
def test_ledgers_share_their_connections_after_the_password_was_rotated(
    anew: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords: list[object] = []

    def connect(*_: object, **keywords: object) -> object:
        passwords.append(keywords["password"])
        raise psycopg.OperationalError("nobody listens")

    def url(password: str, schema: str) -> str:
        return f"postgresql+psycopg://okrs:{password}@127.0.0.1:9/okrs?schema={schema}"

    monkeypatch.setattr(ImpatientConnection, "connect", connect)
    with closing(Databases()) as shared:
        old, new = (
            shared.engine_of(make_url(url(password, schema)), partial(url, password, schema) if anew else None)
            for password, schema in (("old", "ws_a"), ("new", "ws_b"))
        )
        assert old.pool is new.pool
        other = shared.engine_of(make_url(url("new", "ws_b").replace("okrs:", "another:")))
        assert other.pool is not new.pool
        for engine in (old, new):
            with pytest.raises(LedgerError):
                engine.connect()
    assert set(passwords) == {"new"}


def test_who_gets_no_connection_is_not_left_waiting(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {**databases._POOL, "pool_size": 1, "max_overflow": 0, "pool_timeout": 0.1}
    monkeypatch.setattr(databases, "_POOL", few)
    with closing(Databases()) as shared:
        ledger = open_ledger(of_schema(database, "ws_a"), databases=shared)
        assert ledger is not None
        with ledger.engine.connect(), pytest.raises(LedgerFailed, match="are in use; try again later"):
            ledger.engine.connect()
    alone = engine_of(make_url(database), None, few)  # as that of the control schema
    with alone.connect(), pytest.raises(LedgerFailed, match="are in use; try again later"):
        alone.connect()
    alone.dispose()
