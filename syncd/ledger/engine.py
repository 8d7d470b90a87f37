"""The engine that reads and writes a ledger: its time limits, and the settings of each database."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import orjson
from sqlalchemy import URL, Connection, Dialect, Engine, PoolProxiedConnection, create_engine, event, make_url, text
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import Pool
from sqlalchemy.util import LRUCache

from syncd.ledger.failures import LedgerDamaged, LedgerFailed, raise_ledger_errors, shown
from syncd.ledger.own_schema import KEY, own_schema
from syncd.sdk import ConfigError

NETWORK = {  # of libpq, in seconds and milliseconds: a server that vanishes is noticed within a minute
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_STATEMENT = 30  # seconds: PostgreSQL's limit for a statement, unless the URL has `options`
_LONG = 3600.0  # seconds that a server may stay silent during a statement without a limit
_LOCK = 20  # seconds that PostgreSQL may wait for a lock
_PATIENCE = 30  # seconds to wait for a locked SQLite file, unless the URL has `?timeout=`
_WRITING = "journal_mode=WAL", "synchronous=NORMAL"
"""With `WAL`, other processes can read while a cycle writes. With `NORMAL`, a commit survives a crash of the
process.
"""

_CACHE = "cache_size=-8000"  # 8,000 kB keep a stream's pages in memory while several measures read them


class _Statements(LRUCache[Any, Any]):
    """A cache of compiled statements by the kind of database. SQLAlchemy's own key contains the dialect object, which
    differs for each engine.

    A worker opens a ledger for each job. Without this cache, compiling statements would take a quarter of a short job's
    time.
    """

    def get(self, key: tuple[object, ...], default: Any = None) -> Any:
        """The compiled statement from any engine for the same kind of database, or the default."""
        return super().get(_of_kind(key), default)

    def __setitem__(self, key: tuple[object, ...], statement: Any) -> None:
        super().__setitem__(_of_kind(key), statement)


def _of_kind(key: tuple[object, ...]) -> tuple[object, ...]:
    return tuple((part.name, part.driver) if isinstance(part, Dialect) else part for part in key)


_statements = _Statements(1_000)


class TakingTurns(Engine):
    """An engine whose `begin` waits for other writers before the transaction reads. Otherwise, a write in SQLite would
    fail if another process wrote after this transaction's first read.
    """

    def __init__(self, pool: Pool, dialect: Dialect, url: URL) -> None:
        super().__init__(pool, dialect, url, execution_options={"compiled_cache": _statements})

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Begins a transaction that writes."""
        with self.connect() as connection, connection.execution_options(**WRITES).begin():
            yield connection

    def raw_connection(self) -> PoolProxiedConnection:
        """A connection from the pool. Raises LedgerFailed if all connections stay in use for long."""
        try:
            return super().raw_connection()
        except PoolExhausted:
            name = shown(self.url.render_as_string())
            raise LedgerFailed(
                f"the ledger {name} failed: all connections to its database are in use; try again later"
            ) from None


_engines: WeakSet[Engine] = WeakSet()
_lock = threading.Lock()

WRITES = {"syncd_writes": True}
"""The options of a connection whose next transaction writes."""


def engine_of(url: URL, address: Callable[[], str] | None = None, pool: Mapping[str, Any] | None = None) -> TakingTurns:
    """The engine that reads and writes a ledger. The engine raises failures as LedgerError, and limits every wait for a
    response.

    `address` returns the current URL. Each new connection takes its password from this URL, because passwords are
    rotated. `pool` has SQLAlchemy's settings of the connection pool.
    """
    sqlite = url.get_backend_name() == "sqlite"
    network = {} if sqlite else {name: value for name, value in NETWORK.items() if name not in url.query}
    address_of_server = url.difference_update_query([KEY]) if own_schema(url) else url
    made = create_engine(
        address_of_server,
        pool_pre_ping=not sqlite,
        json_serializer=_json,
        json_deserializer=_parsed,
        connect_args=network,
        **(pool or {}),
    )
    engine = TakingTurns(made.pool, made.dialect, url)
    raise_ledger_errors(engine)
    if sqlite:
        with _lock:
            _engines.add(engine)
        _prepare_sqlite(engine)
    else:
        _limit_postgresql(engine, address)
    return engine


def files_in_use() -> set[Path]:
    """The files of the SQLite ledgers that this process has open."""
    with _lock:
        return {Path(engine.url.database) for engine in _engines if engine.url.database}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _parsed(text: Any) -> Any:
    try:
        return orjson.loads(text)
    except (TypeError, ValueError):
        raise LedgerDamaged(f"{str(text)[:40]!r} stands where a document should") from None


def read_only_address(file: Path) -> str | None:
    """The address at which to open a SQLite file that this user may only read; None if the user may write the file, or
    if there is no file.

    To read a file with a journal, SQLite needs an index of the journal, and only a writer can create the index. A file
    without a journal is opened as immutable, because nobody writes to it.
    """
    if not file.is_file() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return None
    journal, index = (Path(f"{file}{ending}") for ending in ("-wal", "-shm"))
    in_use = journal.exists() and (index.exists() or journal.stat().st_size > 0)
    return f"{file.absolute().as_uri()}?mode=ro{'' if in_use else '&immutable=1'}"


def _prepare_sqlite(engine: Engine) -> None:
    file = Path(engine.url.database or ":memory:")

    @event.listens_for(engine, "do_connect")
    def _connect(_: Any, __: Any, arguments: list[Any], keywords: dict[str, Any]) -> None:
        if (address := read_only_address(file)) is not None:
            arguments[0], keywords["uri"] = address, True

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # sqlite3 would commit before each CREATE TABLE of a migration
        if "timeout" not in engine.url.query:
            connection.execute(f"PRAGMA busy_timeout={_PATIENCE * 1000}")
        for pragma in (*(() if read_only_address(file) else _WRITING), "foreign_keys=ON", _CACHE):
            _execute_patiently(connection, f"PRAGMA {pragma}", float(str(engine.url.query.get("timeout", _PATIENCE))))

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("syncd_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _execute_patiently(connection: Any, statement: str, seconds: float) -> None:
    """Retries a statement while the file is locked. Needed because SQLite does not wait when several processes set the
    journal mode of a new file.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= end:
                raise
            time.sleep(0.05)
        else:
            return


def _limit_postgresql(engine: Engine, address: Callable[[], str] | None) -> None:
    @event.listens_for(engine, "do_connect")
    def _connect(_: Any, __: Any, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        from syncd.ledger.impatient import ImpatientConnection

        with suppress(ConfigError):  # while a secret is being replaced, the old password stays
            if address is not None and (password := make_url(address()).password) is not None:
                keywords["password"] = password
        return ImpatientConnection.connect(*arguments, **keywords)

    settings = [f"search_path = {schema}"] if (schema := own_schema(engine.url)) else []
    if "options" not in engine.url.query:
        settings += [f"statement_timeout = '{_STATEMENT}s'", f"lock_timeout = '{_LOCK}s'"]

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        for setting in settings:
            connection.execute(f"SET {setting}")
        connection.commit()


@contextmanager
def unhurried(connection: Connection) -> Iterator[None]:
    """Extends the time limit of a transaction's statements to one hour, for example for a migration."""
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    for setting in ("statement_timeout", "lock_timeout"):
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    patience, driver.patience = getattr(driver, "patience", None), _LONG  # a plain connection has no limit
    try:
        yield
    finally:
        driver.patience = patience
