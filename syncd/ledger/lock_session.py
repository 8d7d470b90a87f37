"""A PostgreSQL session that holds the advisory locks of one ledger, or of all ledgers of a database that a process
serves.

A lock ends with its session. Code that holds a lock for long must therefore check from time to time that the session is
still open.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from sqlalchemy import Connection, Engine, text

from syncd.ledger.failures import LedgerError, LedgerFailed, shown
from syncd.ledger.fence import JOB, fence_of

_HOLDER = text(
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND classid = CAST(:high AS bigint)::oid AND objid = CAST(:low AS bigint)::oid"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Held(Exception):
    """Raised if another session holds the lock; `holder` is its name."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder

    @property
    def is_job(self) -> bool:
        """Whether a worker holds the lock, for one of its jobs."""
        return self.holder.startswith(JOB)


class LockSession:
    """The locks that this process holds in a database. All locks share one connection, which is open while there are
    locks.

    Threads may take and release locks at the same time.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` makes the connection for the locks."""
        self._engine = engine
        self._mutex = threading.Lock()
        self._session: _Session | None = None

    @contextmanager
    def holding(self, key: int) -> Iterator[Callable[[], None]]:
        """Holds the lock with this number while the block runs. Raises Held at once if another session has the lock, or
        LedgerError if the database fails.

        Yields a function that raises LedgerError if the lock is lost.
        """
        with self._mutex:
            session = self._opened()
            try:
                session.lock(key)
            except BaseException:
                self._leave(session)
                raise
        try:
            yield partial(self._check, session)
        finally:
            with self._mutex:
                with suppress(LedgerError):  # the session is lost, and the error was raised already
                    session.unlock(key)
                self._leave(session)

    def _opened(self) -> _Session:
        if self._session is None or self._session.lost:
            self._session = _Session(self._engine.connect())
        return self._session

    def _leave(self, session: _Session) -> None:
        if not session.keys:
            session.connection.close()
            if self._session is session:
                self._session = None

    def _check(self, session: _Session) -> None:
        with self._mutex:
            session.check()


class _Session:
    """A connection, and the numbers of the locks that the connection holds. When the connection is lost, its locks are
    lost too.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.keys: set[int] = set()
        self.lost = False
        if fence_of(connection.engine) is None:  # a session with a fence has the name of its job
            self._execute("SELECT set_config('application_name', :name, false)", name=f"syncd: {who()}")

    def lock(self, key: int) -> None:
        """Takes a lock. Raises Held if any session, including this one, holds the lock already."""
        if key in self.keys:  # PostgreSQL would grant a session its own lock again
            raise Held(who())
        if not self._execute("SELECT pg_try_advisory_lock(:key)", key=key):
            holder = self.connection.execute(_HOLDER, {"high": key >> 32, "low": key & 0xFFFFFFFF}).scalar()
            self.connection.rollback()
            raise Held((holder or "has just ended").removeprefix("syncd: "))
        self.keys.add(key)

    def unlock(self, key: int) -> None:
        self.keys.discard(key)
        self._execute("SELECT pg_advisory_unlock(:key)", key=key)

    def check(self) -> None:
        self._execute("SELECT 1")

    def _execute(self, statement: str, **values: str | int) -> object:
        """Executes a statement; returns the first value of its result. A failed connection is never reopened, because
        its locks are lost.
        """
        if self.lost:
            raise LedgerFailed(
                f"the ledger {shown(self.connection.engine.url.render_as_string())} failed: its locks were lost with"
                " their session; see whether the server runs"
            )
        try:
            value: object = self.connection.execute(text(statement), values).scalar()
            self.connection.commit()
        except BaseException:
            self.lost = True
            self.connection.invalidate()
            raise
        return value


def who() -> str:
    """The name of this process, for messages."""
    return f"process {os.getpid()} on {platform.node()}"
