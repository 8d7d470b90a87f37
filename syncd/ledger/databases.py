"""The databases of many ledgers in one process: their connections are shared, so that few are open."""

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
_MOST = 40  # of the 100 that a PostgreSQL server takes unless it is set up for more
_POOL: Mapping[str, Any] = {
    "pool_size": _KEPT,
    "max_overflow": _MOST - _KEPT,
    "pool_timeout": 20,
    "pool_use_lifo": True,
}
"""Of a database: idle connections beyond a few are closed, and who gets none waits some seconds for it."""

_POOL_OF_FILE: Mapping[str, Any] = {"pool_size": 1}  # of each file that nobody uses, one connection stays open


class Databases:
    """Makes the engines of ledgers. All ledgers of a PostgreSQL database share the connections to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[URL, tuple[TakingTurns, LockSession]] = {}
        """By the URL without its password: a ledger that is opened after a rotation shares what is there."""
        self._addresses: dict[URL, Callable[[], str]] = {}
        """What gives the URL with the password for the next connection: of the ledger that was opened last."""

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
    """The engine of a ledger that shares its connections with others; `locks` holds the locks of them all.

    A connection is led to the ledger's schema, and no other, whenever it is taken from those of all.
    """

    def __init__(self, pool: Pool, dialect: Dialect, url: URL, locks: LockSession) -> None:
        super().__init__(pool, dialect, url)
        self.locks = locks
        self._schema = own_schema(url)

    def raw_connection(self) -> PoolProxiedConnection:
        """A connection whose statements mean the tables of this ledger."""
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
        """Does nothing: others use the connections, and `Databases.close` closes them."""
