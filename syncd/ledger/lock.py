"""The locks of a ledger: one cycle at a time, one delivery, one service. A second process gets the name of the holder.

Each is a file lock beside a SQLite ledger, and an advisory lock in PostgreSQL. It ends with the process that holds it,
however the process ends.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from syncd.ledger.failures import LedgerError, shown
from syncd.ledger.fence import fence_of
from syncd.ledger.identity import memory
from syncd.ledger.own_schema import lock_key, own_schema

_CYCLE_KEY = 0x73796E6364  # "syncd"
_SERVICE_KEY = _CYCLE_KEY + 1
_DELIVERY_KEY = _CYCLE_KEY + 3  # the one between is that of migrations
_HOLDER = text(
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND classid = CAST(:high AS bigint)::oid AND objid = CAST(:low AS bigint)::oid"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class LedgerBusy(Exception):
    """Another process runs a cycle; the message names it."""


class Delivering(LedgerBusy):
    """Another process delivers what the outbox holds; the message names it."""


class ServiceRuns(LedgerBusy):
    """Another process is the service of this ledger; the message names it."""


@contextmanager
def cycle_lock(engine: Engine) -> Iterator[None]:
    """Held while a cycle runs, or anything else writes. Raises LedgerBusy at once, or LedgerError if it cannot lock."""
    with _lock(engine, ".lock", _CYCLE_KEY, LedgerBusy, "another syncd is syncing into"):
        yield


@contextmanager
def service_lock(engine: Engine) -> Iterator[Callable[[], None]]:
    """Held by `syncd run` as long as it runs, between its cycles too. Raises ServiceRuns, or LedgerError.

    Gives a function that raises LedgerError if the lock is lost: PostgreSQL ends it with the session.
    """
    with _lock(engine, ".service.lock", _SERVICE_KEY, ServiceRuns, "`syncd run` serves") as session:
        yield partial(_check_session, session)


def _check_session(session: Connection | None) -> None:
    if session is not None:
        try:
            session.execute(text("SELECT 1"))
        finally:
            session.rollback()


@contextmanager
def delivery_lock(engine: Engine) -> Iterator[None]:
    """Held while check-ins or messages are on their way, beside the cycles. Raises Delivering, or LedgerError."""
    with _lock(engine, ".delivery.lock", _DELIVERY_KEY, Delivering, "another syncd delivers from"):
        yield


@contextmanager
def _lock(engine: Engine, ending: str, key: int, busy: type[LedgerBusy], held_by: str) -> Iterator[Connection | None]:
    """Gives the session that holds the lock; None for a file, whose lock lasts as long as it is open."""
    database = engine.url.database
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            number = lock_key(key, engine.url)
            _lock_database(connection, number, busy, held_by)
            try:
                yield connection
            finally:
                with suppress(LedgerError):  # a lost session has lost its lock, and its failure is raised already
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": number})
                    connection.commit()
    elif not database or database == ":memory:":
        yield None
    else:
        with _lock_file(engine, f"{database}{ending}") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder, *_ = file.read().splitlines() or ["it has just begun"]
                raise busy(f"{held_by} {database} ({holder})") from None
            file.seek(0)
            _, *lines = file.read().splitlines() or [""]
            try:
                lines = _write(file, engine if key == _CYCLE_KEY else None, lines)
                yield None
            finally:
                _write(file, engine if key == _CYCLE_KEY else None, lines)


def _write(file: TextIO, engine: Engine | None, remembered: list[str]) -> list[str]:
    """Writes who holds the lock, and which ledger stands here; returns the lines about the ledger."""
    if engine is not None and Path(engine.url.database or "").exists():  # to look for it would create it
        with suppress(LedgerError, SQLAlchemyError):  # it cannot be read: what was remembered stays
            remembered = [memory(engine)]
    with suppress(OSError):  # a full disk: the lock holds without our name in the file
        text = "".join(f"{line}\n" for line in (_who(), *remembered)).encode()
        os.truncate(file.fileno(), 0)
        os.write(file.fileno(), text)
    return remembered


def _lock_file(engine: Engine, path: str) -> TextIO:
    try:
        return open(path, "a+", opener=partial(os.open, mode=0o600))  # for its owner alone, as the ledger is
    except OSError as error:
        name, reason = shown(engine.url.render_as_string()), (error.strerror or "unusable").lower()
        raise LedgerError(
            f"the ledger {name} cannot be used: {error.filename}: {reason}; let this user write its folder"
        ) from None


def _lock_database(connection: Connection, key: int, busy: type[LedgerBusy], held_by: str) -> None:
    if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar():
        halves = {"high": key >> 32, "low": key & 0xFFFFFFFF}
        holder = connection.execute(_HOLDER, halves).scalar()
        schema = own_schema(connection.engine.url)
        place = "this database" if schema is None else f"schema {schema} of this database"
        raise busy(f"{held_by} {place} ({(holder or 'has just ended').removeprefix('syncd: ')})")
    if fence_of(connection.engine) is None:  # else the session has the name of its job already
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": f"syncd: {_who()}"})
    connection.commit()


def _who() -> str:
    """The name of this process, for the message that people read."""
    return f"process {os.getpid()} on {platform.node()}"
