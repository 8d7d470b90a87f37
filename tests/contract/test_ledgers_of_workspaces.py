"""Ledgers of two workspaces, in files or in schemas of one PostgreSQL database: neither sees or touches the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from opened import create_ledger, url_of
from sqlalchemy import create_engine, inspect, make_url, text

from syncd.ledger import Ledger, LedgerBusy, LedgerError, ServiceRuns, cycle_lock, migrate, open_ledger, service_lock
from syncd.ledger.backup import back_up, export
from syncd.ledger.check import LedgerState, check_ledger
from syncd.ledger.engine import engine_of
from syncd.ledger.own_schema import lock_key
from syncd.ledger.prune import prune, size
from syncd.ledger.restore import copy, restore
from syncd.ledger.schema import metadata
from syncd.ledger.transfer import counts

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The addresses of the ledgers of two workspaces that are not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'search.db'}", f"sqlite:///{tmp_path / 'support.db'}"
    database: str = request.getfixturevalue("new_postgres")()
    return in_schema(database, "ws_search"), in_schema(database, "ws_support")


@pytest.fixture
def ledgers(urls: tuple[str, str]) -> Iterator[tuple[Ledger, Ledger]]:
    with closing(create_ledger(urls[0])) as search, closing(create_ledger(urls[1])) as support:
        yield search, support


def in_schema(database: str, schema: str) -> str:
    return make_url(database).update_query_dict({"schema": schema}).render_as_string(hide_password=False)


def rows(ledger: Ledger) -> dict[str, int]:
    with ledger.engine.connect() as connection:
        return dict(counts(connection))


def cycles(ledger: Ledger, number: int, now: datetime = NOW) -> None:
    for _ in range(number):
        ledger.cycles.begin(now)


def test_ledgers_have_ids_and_cycles_of_their_own(ledgers: tuple[Ledger, Ledger]) -> None:
    search, support = ledgers
    assert search.identity.id != support.identity.id
    cycles(search, 3)
    assert rows(search)["cycles"] == 3
    assert rows(support)["cycles"] == 0
    assert support.cycles.begin(NOW) == 1


def test_a_ledger_that_is_not_there_yet_is_none_beside_one_that_is(urls: tuple[str, str]) -> None:
    create_ledger(urls[0]).close()
    assert open_ledger(urls[1], create=False) is None
    assert check_ledger(urls[0]) == LedgerState()
    assert check_ledger(urls[1]) == LedgerState(exists=False)


def test_cycles_and_services_of_two_workspaces_run_at_the_same_time(ledgers: tuple[Ledger, Ledger]) -> None:
    search, support = ledgers
    with ExitStack() as held:
        for ledger in (search, support):
            held.enter_context(cycle_lock(ledger.engine))
            held.enter_context(service_lock(ledger.engine))()
        with pytest.raises(LedgerBusy, match="another syncd is syncing into"), cycle_lock(search.engine):
            pass
        with pytest.raises(ServiceRuns, match="process"), service_lock(support.engine):
            pass


@pytest.mark.sampled(1)
def test_a_copy_of_a_ledger_leaves_the_other_as_it_is(
    ledgers: tuple[Ledger, Ledger], urls: tuple[str, str], tmp_path: Path
) -> None:
    search, support = ledgers
    cycles(search, 3)
    cycles(support, 5)
    before = rows(support)
    written = back_up(urls[0], tmp_path / "search.backup")
    assert written is not None
    assert written["cycles"] == 3
    exported = export(urls[0], tmp_path / "search")
    assert exported is not None
    assert exported["cycles"] == 3
    assert len((tmp_path / "search" / "cycles.jsonl").read_bytes().splitlines()) == 3
    cycles(search, 4)
    restore(urls[0], tmp_path / "search.backup")
    with closing(create_ledger(urls[0])) as restored:
        assert rows(restored)["cycles"] == 3
        assert restored.cycles.begin(NOW) == 4  # goes on numbering in its own schema
    assert rows(support) == before


@pytest.mark.sampled(1)
def test_a_backup_is_restored_where_no_ledger_was(
    ledgers: tuple[Ledger, Ledger], urls: tuple[str, str], new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    cycles(ledgers[0], 3)
    back_up(urls[0], tmp_path / "search.backup")
    place = in_schema(new_postgres(), "ws_search")
    restore(place, tmp_path / "search.backup")
    with closing(create_ledger(place)) as restored:
        assert rows(restored)["cycles"] == 3


def test_a_ledger_whose_schema_is_dropped_in_use_is_missed(new_postgres: Callable[[], str]) -> None:
    database = new_postgres()
    with closing(create_ledger(in_schema(database, "ws_search"))) as ledger:
        create_ledger(database).close()  # the tables of the database's own ledger are no stand-in
        engine = create_engine(database)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA ws_search CASCADE"))
        engine.dispose()
        with pytest.raises(LedgerError, match="was emptied while it was in use"):
            ledger.check_in_place()


def test_a_role_that_may_create_no_schema_uses_its_own(new_postgres: Callable[[], str], postgres_server: Any) -> None:
    database = new_postgres()
    name = make_url(database).database
    url = in_schema(database, "ws_search")
    postgres_server.psql(f"ALTER DATABASE {name} OWNER TO postgres; GRANT CONNECT ON DATABASE {name} TO syncd")
    with pytest.raises(LedgerError, match="this user may not create the schema ws_search; create it, and make this us"):
        check_ledger(url)
    with pytest.raises(LedgerError, match="permission denied"):
        open_ledger(url)
    admin = make_url(database).set(username="postgres", password=None)
    engine = create_engine(admin)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA ws_search AUTHORIZATION syncd"))
    engine.dispose()
    assert check_ledger(url) == LedgerState(exists=False)
    create_ledger(url).close()
    assert check_ledger(url) == LedgerState()


@pytest.mark.nightly_with("postgresql")
def test_pruning_a_ledger_leaves_the_other_as_it_is(ledgers: tuple[Ledger, Ledger]) -> None:
    search, support = ledgers
    for ledger in ledgers:
        cycles(ledger, 50, NOW - timedelta(days=900))
        with ledger.engine.begin() as connection:
            connection.execute(text("UPDATE cycles SET ended_at = started_at, pulls = '{}'"))
        cycles(ledger, 1)
    before, bytes_before = rows(support), size(support.engine)
    times = dict.fromkeys(("deliveries", "events", "cycles"), NOW - timedelta(days=400))
    pruned = prune(search.engine, times, ZoneInfo("UTC"))
    assert pruned["cycles"].removed > 0
    assert rows(search)["cycles"] < 51
    assert (rows(support), size(support.engine)) == (before, bytes_before)


@pytest.mark.sampled(1)
def test_a_team_moves_into_a_schema_with_its_whole_history(ledger: Ledger, new_postgres: Callable[[], str]) -> None:
    cycles(ledger, 7)
    target = in_schema(new_postgres(), "ws_search")
    copy(url_of(ledger), target)
    with closing(create_ledger(target)) as moved:
        assert rows(moved) == rows(ledger)
        assert moved.identity.id == ledger.identity.id
        assert moved.cycles.begin(NOW) == 8


def test_a_renamed_workspace_keeps_its_ledger_if_the_schema_is_renamed(new_postgres: Callable[[], str]) -> None:
    database = new_postgres()
    with closing(create_ledger(in_schema(database, "ws_support"))) as ledger:
        cycles(ledger, 3)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("ALTER SCHEMA ws_support RENAME TO ws_help"))
    engine.dispose()
    with closing(create_ledger(in_schema(database, "ws_help"))) as renamed:
        assert renamed.identity == ledger.identity
        assert renamed.cycles.begin(NOW) == 4


def test_a_renamed_workspace_keeps_its_ledger_if_the_files_are_renamed(tmp_path: Path) -> None:
    with closing(create_ledger(f"sqlite:///{tmp_path / 'support.db'}")) as ledger, cycle_lock(ledger.engine):
        cycles(ledger, 3)
    for file in list(tmp_path.glob("support.db*")):
        file.rename(tmp_path / file.name.replace("support", "help"))
    with closing(create_ledger(f"sqlite:///{tmp_path / 'help.db'}")) as renamed:
        assert renamed.identity == ledger.identity  # and counts as no older state, in which check-ins are in doubt
        assert renamed.cycles.begin(NOW) == 4


def test_a_schema_has_every_table_and_the_database_none(new_postgres: Callable[[], str]) -> None:
    database = new_postgres()
    create_ledger(in_schema(database, "ws_search")).close()
    engine = create_engine(database)
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|^inf'"))
        expected = {("ws_search", name) for name in [*metadata.tables, "alembic_version"]}
        assert {tuple(row) for row in tables} == expected
    engine.dispose()


def test_an_old_schema_is_migrated_when_its_ledger_is_opened_and_no_other_is(new_postgres: Callable[[], str]) -> None:
    database = new_postgres()
    old, other = in_schema(database, "ws_search"), in_schema(database, "ws_support")
    for url in (old, other):
        create_ledger(url).close()
    engine = create_engine(database)
    with engine.begin() as connection:  # as the migration before the newest left it
        connection.execute(text("DROP TABLE ws_search.requests"))
        connection.execute(text("UPDATE ws_search.alembic_version SET version_num = '0021'"))
        connection.execute(text("UPDATE ws_support.alembic_version SET version_num = '0021'"))
    with pytest.raises(LedgerError, match=r"schema=ws_search is of an older syncd; `syncd sync` brings it up to date"):
        open_ledger(old, create=False)
    create_ledger(old).close()
    with engine.connect() as connection:
        versions = [
            connection.execute(text(f"SELECT version_num FROM {schema}.alembic_version")).scalar_one()
            for schema in ("ws_search", "ws_support")
        ]
        assert versions == [migrate.head(), "0021"]
        assert connection.execute(text("SELECT count(*) FROM ws_search.requests")).scalar_one() == 0
    engine.dispose()


def test_processes_that_start_at_once_make_a_schema_once(new_postgres: Callable[[], str]) -> None:
    url = in_schema(new_postgres(), "ws_search")
    identities: list[str] = []

    def begin() -> None:
        with closing(create_ledger(url)) as ledger:
            identities.append(ledger.identity.id)

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(identities) == 3
    assert len(set(identities)) == 1


def test_a_database_without_schemas_keeps_the_key_of_its_locks() -> None:
    """Two versions of syncd over one ledger must exclude each other."""
    plain = make_url("postgresql+psycopg://user@host/okrs")
    assert lock_key(0x73796E6364, plain) == 0x73796E6364
    numbers = {
        lock_key(base, plain.update_query_dict({"schema": schema}))
        for schema in ("ws_a", "ws_b")
        for base in (0x73796E6364, 0x73796E6365)
    }
    assert len(numbers) == 4
    assert all(0 < number < 2**63 for number in numbers)


@pytest.mark.parametrize("schema", ["Team", "a;b", "x" * 64])
def test_a_schema_that_is_no_name_is_a_sentence(schema: str) -> None:
    with pytest.raises(LedgerError, match=f"its schema is '{schema}'; write lower-case letters, digits and '_'"):
        open_ledger(f"postgresql+psycopg://user@host/okrs?schema={schema}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ledgers_that_are_migrated_at_once_in_a_process_do_not_cross(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """As after an upgrade, when the first jobs of a worker migrate the ledgers of their workspaces."""
    if kind == "sqlite":
        urls = [f"sqlite:///{tmp_path / f'{number}.db'}" for number in range(4)]
    else:
        database: str = request.getfixturevalue("new_postgres")()
        urls = [in_schema(database, f"ws_{number}") for number in range(4)]
    for url in urls:
        with engine_of(make_url(url)).begin() as connection:
            migrate.upgrade(connection, "0016")
    with ThreadPoolExecutor(len(urls)) as threads:
        opened = list(threads.map(lambda url: open_ledger(url), urls))
    for ledger in opened:
        assert ledger is not None
        with closing(ledger), ledger.engine.connect() as connection:
            assert migrate.version(connection) == migrate.head()
            assert set(inspect(connection).get_table_names()) >= {table.name for table in metadata.sorted_tables}
