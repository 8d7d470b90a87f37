"""One cycle at a time: a second one is told who runs the first.

The lock falls with the process that holds it, however it ends: a file lock beside a SQLite ledger, an advisory lock in
PostgreSQL.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

_ADVISORY_KEY = 0x73796E6364  # "syncd"


class LedgerBusy(Exception):
    """Another cycle is running; the text says whose."""


@contextmanager
def cycle_lock(engine: Engine) -> Iterator[None]:
    """Holds the ledger's lock, or raises LedgerBusy at once."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            got = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY}).scalar()
            connection.commit()
            if not got:
                raise LedgerBusy("another syncd is syncing into this database")
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_KEY})
                connection.commit()
        return
    database = engine.url.database
    if not database or database == ":memory:":
        yield
        return
    path = Path(f"{database}.lock")
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            raise LedgerBusy(f"another syncd is syncing into {database} ({holder})") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield
