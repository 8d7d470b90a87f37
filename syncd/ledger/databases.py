"""The database connections of many ledgers in one process. The ledgers share connections, so that few connections are
open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import URL, Dialect, PoolProxiedConnection
from sqlalchemy.pool import Pool

from syncd.ledger.engine import TakingTurns, engine_of
from syncd.ledger.lock_session import LockSession
from syncd.ledger.own_schema import KEY, own_schema

_KEPT = 4
_MOST = 40  # a PostgreSQL server accepts 100 connections by default
_POOL: Mapping[str, Any] = {
    "pool_size": _KEPT,
    "max_overflow": _MOST - _KEPT,
    "pool_timeout": 20,
    "pool_use_lifo": True,
}
"""The settings of a database's connection pool. Only a few idle connections stay open. A caller that finds no free
connection waits up to 20 seconds.
"""

_POOL_OF_FILE: Mapping[str, Any] = {"pool_size": 1}  # one connection stays open to each idle file


class Databases:
    """Makes the engines of ledgers. All ledgers of a PostgreSQL database share the connections to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[URL, tuple[TakingTurns, LockSession]] = {}
        """The shared engines, by URL without password. A ledger opened after a password rotation thus shares the
        existing connections.
        """
        self._addresses: dict[URL, Callable[[], str]] = {}
        """Maps a URL without password to the `address` of the ledger that was opened last. This function returns the
        current URL.
        """

    def engine_of(self, url: URL, address: Callable[[], str] | None = None) -> TakingTurns:
        """The engine of a ledger: see `syncd.ledger.engine.engine_of`."""
        if url.get_backend_name() == "sqlite":
            return engine_of(url, address, _POOL_OF_FILE)
        address_of_server = url.difference_update_query([KEY])
        server = address_of_server.set(password="")
        with self._lock:
            self._addresses[server] = address or partial(url.render_as_string, hide_password=False)
            if server not in self._shared:
                engine = engine_of(address_of_server, lambda: self._addresses[server](), _POOL)
                self._shared[server] = engine, LockSession(engine)
            shared, locks = self._shared[server]
        return SharingEngine(shared.pool, shared.dialect, url, locks)

    def close(self) -> None:
        """Closes all connections that are not in use."""
        with self._lock:
            for engine, _ in self._shared.values():
                engine.dispose()
            self._shared.clear()


class SharingEngine(TakingTurns):
    """The engine of a ledger that shares its connections with other ledgers. `locks` holds the locks of all these
    ledgers.

    A connection taken from the pool is set to this ledger's schema.
    """

    def __init__(self, pool: Pool, dialect: Dialect, url: URL, locks: LockSession) -> None:
        super().__init__(pool, dialect, url)
        self.locks = locks
        self._schema = own_schema(url)

    def raw_connection(self) -> PoolProxiedConnection:
        """A connection whose statements use the tables of this ledger."""
        connection = super().raw_connection()
        if connection.info.get(KEY) != self._schema:
            try:
                connection.info.pop(KEY, None)
                driver: Any = connection.driver_connection
                driver.execute(f"SET search_path = {self._schema}" if self._schema else "RESET search_path")
                driver.commit()
            except BaseException:
                connection.invalidate()
                raise
            connection.info[KEY] = self._schema
        return connection

    def dispose(self, close: bool = True) -> None:
        """Does nothing, because other ledgers use the connections. `Databases.close` closes them."""
