"""Opens each database, makes its transactions read-only if possible, and sets its limits and its time zone.

| database | read-only | time limit of a query |
|---|---|---|
| PostgreSQL | `SET TRANSACTION READ ONLY` | `statement_timeout` |
| MySQL | `START TRANSACTION READ ONLY` | `max_execution_time` |
| MariaDB | `START TRANSACTION READ ONLY` | `max_statement_time` |
| SQLite | the file is opened by `mode=ro`, and an authorizer allows only reading | a progress handler |
| SQL Server, Snowflake, BigQuery | none: the role must not be able to write | the driver's |
"""

from __future__ import annotations

import math
import os
import re
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connectors.sql.drivers import DRIVERS
from connectors.sql.settings import SqlSettings
from syncd.sdk import ConfigError, Days, SourceBroken
from syncd.sdk.regular_files import refuse_irregular

if TYPE_CHECKING:
    from sqlalchemy import URL

LARGEST_RESULT = 64_000_000
"""The most characters of all texts of a result. In SQLite, also the most bytes of a single cell."""

_PROGRESS = 10_000  # SQLite's instructions between two checks of the time
_MAY = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
_NO_ZONE = 1298  # ER_UNKNOWN_TIME_ZONE
_CUT = (1260, 1931)  # ER_CUT_VALUE_GROUP_CONCAT, ER_QUERY_EXCEEDED_ROWS_EXAMINED_LIMIT


_READ_ANEW = (
    "ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL",  # each of these includes ANSI_QUOTES
    "NO_BACKSLASH_ESCAPES",
)  # fmt: skip
"""The SQL modes of MySQL and MariaDB in which the database interprets the text of a query differently than the
parser.
"""

READ_ONLY = frozenset({"postgresql", "mysql", "mariadb", "sqlite"})
"""The databases that have read-only transactions."""

CALLED = {
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "sqlite": "SQLite",
    "mssql": "SQL Server",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
}


def address_of(settings: SqlSettings, folder: str) -> URL:
    """The address with its driver and its password. For a SQLite file, the path is relative to the folder of
    syncd.yaml.

    Raises ConfigError if the setting is not an address, or if its driver is not installed.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(settings.url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "url is no SQLAlchemy address; write such as postgresql://syncd@db.example:5432/shop"
        ) from None
    driver = DRIVERS[settings.database]
    url = url.set(drivername=driver.name)
    if not _is_installed(driver.module):
        how = f"pip install 'syncd[{driver.extra}]'" if driver.extra else f"pip install {driver.module}"
        raise ConfigError(f"{CALLED[settings.database]} needs a driver that is not installed: {how}")
    if settings.database != "sqlite" and "@" in f"{url.host}{url.database}":
        # The text after the first @ may be the rest of a password, so no message and no name of a server may contain
        # it.
        raise ConfigError("url has an @ after the one before the host; write the password apart, as password: ${NAME}")
    if settings.password is not None:
        url = url.set(password=settings.password.get_secret_value())
    if settings.database == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ConfigError("url names no file; write such as sqlite:///shop.db, or sqlite:////data/shop.db")
        # Computed from the text only, because `init` writes paths from a folder that does not exist yet.
        url = url.set(database=os.path.abspath(Path(folder, str(url.database))), query={})
    return url


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def connect_arguments(database: str, timeout: float) -> Mapping[str, Any]:
    """The driver's arguments that limit its wait for a connection to `timeout` seconds."""
    whole = max(1, math.ceil(timeout))
    match database:
        case "postgresql":
            return {"connect_timeout": max(2, whole), "application_name": "syncd"}
        case "mysql" | "mariadb":
            return {"connect_timeout": whole, "read_timeout": whole + 1, "write_timeout": whole, "local_infile": False}
        case "mssql":
            return {"login_timeout": whole, "timeout": whole}
        case "snowflake":
            return {"login_timeout": whole, "network_timeout": whole}
    return {}


def open_sqlite(path: str, timeout: float) -> sqlite3.Connection:
    """Opens a SQLite file read-only. Raises SourceBroken if there is no such file."""
    try:
        refuse_irregular(path, os.stat(path).st_mode)
    except OSError as error:
        raise SourceBroken(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    uri = f"{Path(path).as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=min(timeout, 5), check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_RESULT)
    return connection


def begin(database: str, connection: Any, timeout: float, zone: ZoneInfo) -> None:
    """Begins a transaction, read-only and with limits if the database supports this. `connection` is the driver's
    own.
    """
    if database == "sqlite":
        _begin_sqlite(connection, timeout)
        return
    cursor = connection.cursor()
    try:
        for statement in _beginning(database, cursor, timeout, zone):
            cursor.execute(statement)
    finally:
        cursor.close()


def _begin_sqlite(connection: sqlite3.Connection, timeout: float) -> None:
    connection.set_authorizer(None)
    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _MAY else sqlite3.SQLITE_DENY)
    ends = time.monotonic() + timeout
    connection.set_progress_handler(lambda: int(time.monotonic() > ends), _PROGRESS)


def _beginning(database: str, cursor: Any, timeout: float, zone: ZoneInfo) -> Iterator[str]:
    milliseconds, name = math.ceil(timeout * 1000), zone.key
    match database:
        case "postgresql":
            yield "SET TRANSACTION READ ONLY"
            yield f"SET LOCAL statement_timeout = {milliseconds}"
            yield f"SET LOCAL TimeZone = '{name}'"
            yield "SET LOCAL standard_conforming_strings = on"
        case "mysql" | "mariadb":
            cursor.execute("SELECT VERSION(), @@sql_mode")
            ((version, modes),) = cursor.fetchall()
            kept = [mode for mode in str(modes).split(",") if mode not in _READ_ANEW]
            yield f"SET SESSION sql_mode = '{','.join(kept)}'"
            is_mariadb = "mariadb" in str(version).lower()
            yield (
                f"SET SESSION max_statement_time = {timeout:.3f}"
                if is_mariadb
                else f"SET SESSION max_execution_time = {milliseconds}"
            )
            _set_zone(cursor, name)
            yield "SET SESSION TRANSACTION READ ONLY"  # for statements that commit before they run, such as DROP TABLE
            yield "START TRANSACTION READ ONLY"
        case "mssql":
            yield f"SET LOCK_TIMEOUT {milliseconds}"
        case "snowflake":
            yield f"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {math.ceil(timeout)}, TIMEZONE = '{name}'"


def not_whole(database: str, connection: Any) -> str | None:
    """The database's warning that the last query returned an incomplete result; None if there is no such warning.

    MariaDB ends a recursive query after `max_recursive_iterations`. MySQL and MariaDB cut long results of GROUP_CONCAT.
    """
    if database not in ("mysql", "mariadb"):
        return None
    with connection.cursor() as cursor:
        cursor.execute("SHOW WARNINGS")
        return next((str(message) for _, code, message in cursor.fetchall() if code in _CUT), None)


def _set_zone(cursor: Any, name: str) -> None:
    """Sets the time zone of a session, in which MySQL returns times. A server without tables of time zones accepts only
    offsets.
    """
    if name in ("UTC", "Etc/UTC"):
        cursor.execute("SET SESSION time_zone = '+00:00'")
        return
    try:
        cursor.execute(f"SET SESSION time_zone = '{name}'")
    except Exception as error:
        if getattr(error, "args", (None,))[0] != _NO_ZONE:
            raise
        raise SourceBroken(
            f"the server does not know the time zone {name}, in which days are cut; load its time zones: "
            "mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql (mysql_tzinfo_to_sql for MySQL)"
        ) from None


def parameters(database: str, days: Days | None, zone: ZoneInfo, today: date) -> Mapping[str, Any]:
    """The values of `:start`, `:end` and `:today`.

    For databases whose times have a zone, the values are instants. For MySQL and SQL Server, the values are local
    times, in the zone of the session. SQLite stores times as texts. For SQLite the values are days, which compare
    correctly with days and with local times.
    """
    first, last = (today, today) if days is None else (days.first, days.last)
    after = date.fromordinal(last.toordinal() + 1)
    now = today if days is None else days.today
    if database == "sqlite":
        return {"start": first.isoformat(), "end": after.isoformat(), "today": now.isoformat()}
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, after))
    if database in ("mysql", "mariadb", "mssql"):
        return {"start": start.replace(tzinfo=None), "end": end.replace(tzinfo=None), "today": now}
    return {"start": start.astimezone(UTC), "end": end.astimezone(UTC), "today": now}


def breaker(database: str, connection: Any) -> Callable[[], None]:
    """Returns a function that another thread calls to end a driver's wait. `connection` is the driver's own."""

    def shut(descriptor: int) -> None:
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
            duplicate.shutdown(socket.SHUT_RDWR)

    def break_off() -> None:
        with suppress(Exception):  # the connection may be closed already
            if database == "postgresql":
                shut(connection.pgconn.socket)
            elif database in ("mysql", "mariadb"):
                shut(connection._sock.fileno())
            elif database == "sqlite":
                connection.interrupt()
            else:
                connection.close()

    return break_off


def host_of(url: URL) -> str:
    """The name of the server in messages: its host and port, or its file."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"{url.host}{port}" if url.host else re.sub(r"\W", "", url.get_backend_name())
