"""A session with a database. The session runs checked queries one at a time, each in a transaction that is always
rolled back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from connectors.sql.databases import (
    LARGEST_RESULT,
    address_of,
    begin,
    breaker,
    connect_arguments,
    host_of,
    not_whole,
    open_sqlite,
)
from connectors.sql.failures import failure
from connectors.sql.settings import SqlSettings
from connectors.sql.tokens import Statement
from syncd.sdk import Context, SourceBroken, SourceError, single_line

_GRACE = 5.0  # seconds after a query's time limit until syncd ends the connection
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Session:
    """A connection to a database. After an error, the next query opens a new connection."""

    def __init__(self, settings: SqlSettings, context: Context) -> None:
        """Makes no connection yet. Raises ConfigError if the address cannot be used."""
        from sqlalchemy import create_engine, event
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        self.database = settings.database
        self._settings = settings
        self._context = context
        self._connection: Any = None
        self._own: Any = None  # the driver's own connection
        self._late = threading.Event()
        url = address_of(settings, context.folder)
        self.server = host_of(url)
        try:
            if self.database == "sqlite":
                path = str(url.database)
                made: dict[str, Any] = {"creator": lambda: self._connected(open_sqlite(path, settings.timeout))}
            else:
                made = {"connect_args": dict(connect_arguments(self.database, settings.timeout))}
            style = "named" if self.database == "sqlite" else "pyformat"
            self._engine = create_engine(url, poolclass=NullPool, hide_parameters=True, paramstyle=style, **made)
        except (SQLAlchemyError, ImportError) as error:
            raise failure(error, self.server, settings.timeout, context.hide, ended=False) from None
        event.listen(
            self._engine, "do_connect", lambda made, _, given, named: self._connected(made.connect(*given, **named))
        )
        self.user = url.username

    def ask(self, statement: Statement | str, values: Mapping[str, Any] | None = None) -> Result:
        """Runs a query, with retries, and returns its rows. Raises SourceError."""
        return self._context.retry.call(lambda: self._ask(statement, values or {}))

    def close(self) -> None:
        """Closes the connection."""
        self._drop()
        self._engine.dispose()

    def _ask(self, statement: Statement | str, values: Mapping[str, Any]) -> Result:
        self._late = threading.Event()
        try:
            with self._transaction() as connection:
                style = self._engine.dialect.paramstyle
                text = statement if isinstance(statement, str) else statement.text(style)
                return self._rows(connection.exec_driver_sql(text, dict(values) if values else None), connection)
        except SourceError:
            self._drop()
            raise
        except Exception as error:
            self._drop()
            raise failure(
                error, self.server, self._settings.timeout, self._context.hide, ended=self._late.is_set()
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """A connection in a transaction that is rolled back at the end.

        If the block takes too long, ends the connection.
        """
        if self._connection is None:
            with self._in_time():  # drivers limit only the connection, not SQLAlchemy's first queries
                opened = self._engine.connect()
            self._connection = opened.execution_options(stream_results=True, max_row_buffer=_AT_ONCE)
        connection = self._connection
        with self._in_time(), connection.begin():
            begin(self.database, self._own, self._settings.timeout, self._context.zone)
            yield connection
            connection.get_transaction().rollback()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        timer = threading.Timer(self._settings.timeout + _GRACE, self._break_off, [self._late])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _break_off(self, late: threading.Event) -> None:
        late.set()
        if self._own is not None:
            breaker(self.database, self._own)()

    def _connected(self, own: Any) -> Any:
        """Stores the driver's own connection. If the time had already run out, ends the connection at once."""
        self._own = own
        if self._late.is_set():
            breaker(self.database, own)()
        return own

    def _rows(self, cursor: Any, connection: Any) -> Result:
        rows: list[Sequence[Any]] = []
        columns, size = list(cursor.keys()), 0
        most = self._settings.max_rows
        while part := cursor.fetchmany(min(_AT_ONCE, most + 1 - len(rows))):
            rows += map(tuple, part)
            if len(rows) > most:
                raise SourceBroken(
                    f"the query gives more than {most:,} rows; let it count or group them, or raise 'max_rows'"
                )
            size += sum(len(cell) for row in part for cell in row if isinstance(cell, str | bytes))
            if size > LARGEST_RESULT:
                raise SourceBroken(f"the query gives more than {LARGEST_RESULT / 1e6:,.0f} MB; select fewer columns")
        cursor.close()
        if (why := not_whole(self.database, connection.connection.dbapi_connection)) is not None:
            raise SourceBroken(f"the query's result is not whole: {single_line(why, hide=self._context.hide)}")
        return Result(columns, rows)

    def _drop(self) -> None:
        """Drops a connection without reading the rest of its result, which could take any time. If SQLAlchemy has
        dropped the connection already, does not request the driver's own connection from SQLAlchemy, which would
        connect again.
        """
        connection, own, self._connection, self._own = self._connection, self._own, None, None
        if connection is None:
            return
        if not connection.invalidated:
            with suppress(Exception):
                breaker(self.database, own)()
            with suppress(Exception):
                connection.invalidate()
        with suppress(Exception):
            connection.close()
