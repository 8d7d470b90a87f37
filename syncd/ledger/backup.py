"""Writes a ledger into a backup file or into the folder of a dump.

A backup of a SQLite ledger is a SQLite database. A backup of a PostgreSQL ledger is a packed dump (`.tar.gz`) of one
database snapshot. Either backup can be restored into SQLite and into PostgreSQL.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine, make_url

from syncd.ledger import migrate
from syncd.ledger.dump import write_csv, write_dump
from syncd.ledger.engine import engine_of
from syncd.ledger.failures import LedgerDamaged, LedgerError, shown
from syncd.ledger.identity import last_ledger_at
from syncd.ledger.ledger import gone, refuse_newer
from syncd.ledger.ledger_file import sqlite_file
from syncd.ledger.lock import LOCKS
from syncd.ledger.rebuild import (
    GZIP,
    JOURNALS,
    SQLITE,
    Counts,
    copy_file,
    holds_dump,
    holds_ledger,
    rebuild_and_check,
    sentences,
    settle,
)
from syncd.sdk.regular_files import open_regular

_HEADER = 20  # bytes, of which the last two say how SQLite writes (https://www.sqlite.org/fileformat.html, 1.3.3)
_NO_JOURNAL = b"\x01\x01"
"""The bytes in the header of a SQLite file without a write-ahead log. A backup has none; a ledger in use has one."""


def back_up(url: str, file: Path, address: Callable[[], str] | None = None) -> Counts | None:
    """Writes a backup, restores the backup into a temporary ledger to check it, and puts the backup at `file`. Returns
    None if there is no ledger yet.

    Cycles may run meanwhile, and an older syncd may have written the ledger. `address` returns the URL with the current
    password: passwords can change while a process runs. Raises LedgerError, and leaves `file` as it was, if the backup
    cannot be written or reads back different.
    """
    place = sqlite_file(make_url(url))
    if place is not None and file.resolve() in [Path(f"{place.resolve()}{end}") for end in ("", *JOURNALS, *LOCKS)]:
        raise LedgerError(f"{file} is the ledger itself; name another file")
    unfinished = file.with_name(f".{file.name}.unfinished")
    with sentences(f"the backup {file} cannot be written"):
        _refuse_other_content(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
            with _existing(url, address) as engine:
                if engine is None:
                    return None
                if place is None:
                    _pack(engine, unfinished)
                else:
                    copy_file(place, unfinished)
            with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
                written = rebuild_and_check(unfinished, Path(folder) / "ledger.db")
            settle(unfinished, file)
        except LedgerDamaged as error:
            raise LedgerDamaged(error.what, f"the ledger {shown(url)}") from None
        finally:
            unfinished.unlink(missing_ok=True)
    return written


def _refuse_other_content(file: Path) -> None:
    """Raises LedgerError if a file exists that is not a backup, such as a ledger: a new backup replaces only a
    backup.
    """
    if file.exists() and not _is_backup(file):
        raise LedgerError(f"{file} is there already, and is no backup; name another file")


def _is_backup(file: Path) -> bool:
    """Whether syncd wrote this file as a backup. An empty file counts as a backup, because it holds nothing.

    A ledger is no backup, even if it is a backup that somebody put in a ledger's place: a lock file is beside it.
    """
    with open_regular(file) as existing:
        start = existing.read(_HEADER)
    if start.startswith(SQLITE):
        is_used = not start.endswith(_NO_JOURNAL) or any(Path(f"{file}{ending}").exists() for ending in LOCKS)
        return not is_used and holds_ledger(file)
    return not start or (start.startswith(GZIP) and holds_dump(file))


def export(url: str, folder: Path) -> Counts | None:
    """Writes a dump of the ledger as of one moment into a new folder, and each table also as CSV. Returns None if there
    is no ledger yet.

    Cycles may run meanwhile, and an older syncd may have written the ledger. Only the folder's owner can read the
    folder.
    """
    with sentences(f"{folder} cannot be written"), _existing(url) as engine:
        if engine is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LedgerError(f"{folder} is not empty; name a new folder")
        folder.chmod(0o700)
        with snapshot_of(engine) as connection:
            write_csv(connection, folder)
            return write_dump(connection, folder)


@contextmanager
def _existing(url: str, address: Callable[[], str] | None = None) -> Iterator[Engine | None]:
    """The engine of a ledger of any version that this syncd can read; None if there never was a ledger. Raises
    LedgerError if the ledger was deleted.
    """
    place = make_url(url)
    file = sqlite_file(place)
    if file is not None and not file.exists():
        if (last_ledger := last_ledger_at(file)) is not None:
            raise gone(place, last_ledger)
        yield None
        return
    engine = engine_of(place, address)
    try:
        with engine.connect() as connection:
            version = migrate.version(connection)
            if version is not None:
                refuse_newer(connection, version)
        yield None if version is None else engine
    finally:
        engine.dispose()


def _pack(engine: Engine, file: Path) -> None:
    with TemporaryDirectory(dir=file.parent, prefix=f"{file.name}.") as folder:
        with snapshot_of(engine) as connection:
            write_dump(connection, Path(folder))
        with tarfile.open(file, "w:gz") as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.add(path, arcname=path.name)


@contextmanager
def snapshot_of(engine: Engine) -> Iterator[Connection]:
    """A connection whose statements all read the ledger as of one moment."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection
