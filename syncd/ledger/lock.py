"""The locks of a ledger, so that only one cycle, one delivery and one service run at a time. The error in a second
process names the process that has the lock.

For a SQLite ledger, each lock is a file lock beside the ledger. For PostgreSQL, each lock is an advisory lock. The lock
ends when the process that holds it ends, even if the process was killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from syncd.ledger.databases import SharingEngine
from syncd.ledger.failures import LedgerError, shown
from syncd.ledger.identity import memory
from syncd.ledger.lock_session import Held, LockSession, who
from syncd.ledger.own_schema import lock_key, own_schema

_CYCLE_KEY = 0x73796E6364  # "syncd"
_SERVICE_KEY = _CYCLE_KEY + 1
_DELIVERY_KEY = _CYCLE_KEY + 3  # the key in between is the lock of migrations
_CYCLE, _SERVICE, _DELIVERY = LOCKS = (".lock", ".service.lock", ".delivery.lock")
"""The endings of the lock files beside a SQLite ledger."""


class LedgerBusy(Exception):
    """Raised if another process runs a cycle. The message names the process."""


class Delivering(LedgerBusy):
    """Raised if another process delivers from the outbox. The message names the process."""


class ServiceRuns(LedgerBusy):
    """Raised if another process runs the service of this ledger. The message names the process."""


@contextmanager
def cycle_lock(engine: Engine) -> Iterator[None]:
    """Holds the lock for a cycle or another writer while the block runs. Raises LedgerBusy at once if another process
    has the lock, or LedgerError if locking fails.
    """
    with _lock(engine, _CYCLE, _CYCLE_KEY, LedgerBusy, "another syncd is syncing into"):
        yield


@contextmanager
def service_lock(engine: Engine) -> Iterator[Callable[[], None]]:
    """Holds the lock for `syncd run`, also between its cycles, or for a job of a worker. Raises ServiceRuns if another
    process has the lock, LedgerBusy if a worker's job has it, or LedgerError if locking fails.

    The block gets a function that raises LedgerError if the lock is lost. In PostgreSQL, a lock is lost when its
    session ends.
    """
    with _lock(engine, _SERVICE, _SERVICE_KEY, ServiceRuns, "`syncd run` serves") as check:
        yield check


@contextmanager
def delivery_lock(engine: Engine) -> Iterator[None]:
    """Holds the lock for sending check-ins or messages, also during a cycle. Raises Delivering if another process has
    the lock, or LedgerError if locking fails.
    """
    with _lock(engine, _DELIVERY, _DELIVERY_KEY, Delivering, "another syncd delivers from"):
        yield


@contextmanager
def _lock(engine: Engine, ending: str, key: int, busy: type[LedgerBusy], held_by: str) -> Iterator[Callable[[], None]]:
    """Holds a lock while the block runs. The block gets a function that raises LedgerError if the lock is lost.

    A lock in PostgreSQL ends with its session. A file lock lasts as long as the file is open.
    """
    database = engine.url.database
    if engine.dialect.name == "postgresql":
        locks = engine.locks if isinstance(engine, SharingEngine) else LockSession(engine)
        with ExitStack() as stack:
            try:
                check = stack.enter_context(locks.holding(lock_key(key, engine.url)))
            except Held as error:
                schema = own_schema(engine.url)
                place = "this database" if schema is None else f"schema {schema} of this database"
                if error.is_job and busy is ServiceRuns:  # not a service: the lock ends with the job
                    raise LedgerBusy(f"a worker runs a job of {place} ({error.holder})") from None
                raise busy(f"{held_by} {place} ({error.holder})") from None
            yield check
    elif not database or database == ":memory:":
        yield _is_kept
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
                yield _is_kept
            finally:
                _write(file, engine if key == _CYCLE_KEY else None, lines)


def _is_kept() -> None:
    """Does nothing, because a file lock is never lost."""


def _write(file: TextIO, engine: Engine | None, remembered: list[str]) -> list[str]:
    """Writes which process holds the lock, and the id and newest cycle of the ledger. Returns the lines about the
    ledger.
    """
    if engine is not None and Path(engine.url.database or "").exists():  # connecting would create it
        with suppress(LedgerError, SQLAlchemyError):  # an unreadable ledger: the old lines stay
            remembered = [memory(engine)]
    with suppress(OSError):  # a full disk: the lock works without our name in the file
        text = "".join(f"{line}\n" for line in (who(), *remembered)).encode()
        os.truncate(file.fileno(), 0)
        os.write(file.fileno(), text)
    return remembered


def _lock_file(engine: Engine, path: str) -> TextIO:
    try:
        return open(path, "a+", opener=partial(os.open, mode=0o600))  # readable by its owner only, like the ledger
    except OSError as error:
        name, reason = shown(engine.url.render_as_string()), (error.strerror or "unusable").lower()
        raise LedgerError(
            f"the ledger {name} cannot be used: {error.filename}: {reason}; let this user write its folder"
        ) from None
