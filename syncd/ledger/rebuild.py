"""Builds a SQLite ledger from a backup or a dump, and checks the new ledger. No ledger in use is changed."""

from __future__ import annotations

import os
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.util.exc import CommandError
from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from syncd.ledger import migrate
from syncd.ledger.dump import MANIFEST, DumpedRows, read_manifest
from syncd.ledger.engine import engine_of, read_only_address
from syncd.ledger.failures import LedgerDamaged, LedgerError, LedgerFailed
from syncd.ledger.identity import Remembered, present
from syncd.ledger.transfer import counts, replace_rows
from syncd.sdk.regular_files import open_regular

Counts = Mapping[str, int]
"""How many rows each table has."""

SQLITE, GZIP = b"SQLite format 3\0", b"\x1f\x8b"
JOURNALS = ("-wal", "-shm", "-journal")
"""The endings of the files that SQLite keeps beside a database."""

_OF_EVERY_LEDGER = {"alembic_version", "cycles", "key_result_values"}  # since the first version of syncd


def rebuild(backup: Path, ledger: Path, former: Remembered | None = None) -> Counts:
    """Builds a SQLite ledger in one file from a backup or a dump's folder; migrates the ledger to this version and
    checks it.

    Raises LedgerError if `backup` is not a backup or dump, is damaged, or was written by a newer syncd; also if it is
    of another ledger than `former`, unless `former` was never synced.
    """
    with sentences(f"{backup} cannot be restored"):
        try:
            return rebuild_and_check(backup, ledger, former)
        except LedgerDamaged as error:
            raise LedgerError(f"{backup} is damaged ({error.what}); take an older one") from None


def rebuild_and_check(backup: Path, ledger: Path, former: Remembered | None = None) -> Counts:
    """Does the work of `rebuild`, for a backup that was just written. Raises LedgerDamaged if the backup is damaged."""
    if backup.is_dir():
        _load(DumpedRows(backup), ledger)
    else:
        _unpack(backup, ledger)
    with engine_at(ledger) as engine:
        with engine.begin() as connection:
            if migrate.version(connection) is None:
                raise LedgerError(f"{backup} is a SQLite database, and no ledger of syncd")
            _refuse_newer(backup, migrate.version(connection))
            _refuse_other(backup, present(connection), former)  # a migration would give an id to a ledger without one
            migrate.upgrade(connection)
        with engine.connect() as connection:
            for check in ("integrity_check", "foreign_key_check"):
                problem = connection.exec_driver_sql(f"PRAGMA {check}").first()
                if problem is not None and problem[0] != "ok":
                    raise LedgerDamaged(str(problem[0]))
            written = counts(connection)
    with closing(sqlite3.connect(ledger)) as file:
        file.execute("PRAGMA journal_mode=DELETE")  # everything in one file
    return written


def _unpack(backup: Path, ledger: Path) -> None:
    try:
        with open_regular(backup) as file:
            start = file.read(len(SQLITE))
    except OSError as error:
        raise LedgerError(f"{backup} cannot be read: {(error.strerror or 'unusable').lower()}") from None
    if start == SQLITE:
        copy_file(backup, ledger)
    elif start.startswith(GZIP):
        with TemporaryDirectory(dir=ledger.parent, prefix=".syncd-") as folder:
            with tarfile.open(backup, "r:gz") as archive:
                archive.extractall(folder, filter="data")
            _load(DumpedRows(Path(folder)), ledger)
    else:
        raise LedgerError(f"{backup} is no backup; name a file that `syncd backup` wrote")


def _load(rows: DumpedRows, ledger: Path) -> None:
    _refuse_newer(rows.folder, rows.version)
    with engine_at(ledger) as engine, engine.begin() as connection:
        migrate.upgrade(connection, rows.version)
        replace_rows(connection, rows)


def holds_ledger(file: Path) -> bool:
    """Whether a SQLite file has the tables of a ledger. Programs other than syncd also have a table of migrations."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return tables.issuperset(_OF_EVERY_LEDGER)
    return False


def holds_dump(archive: Path) -> bool:
    """Whether a packed archive has the `ledger.json` of a dump."""
    with (
        suppress(tarfile.TarError, EOFError, zlib.error, OSError, LedgerError),
        tarfile.open(archive, "r|gz") as packed,
    ):
        for member in packed:
            if member.name == MANIFEST and (content := packed.extractfile(member)) is not None:
                return bool(read_manifest(content.read(), archive / MANIFEST))
    return False


def _refuse_newer(backup: Path, version: str | None) -> None:
    if version is not None and version > migrate.head():
        raise LedgerError(f"{backup} was written by a newer syncd ({version}); restore it with that version")


def _refuse_other(backup: Path, restored: Remembered | None, former: Remembered | None) -> None:
    if restored is None or former is None or former.cycle == 0 or former.id == restored.id:
        return
    former_id, own_id = former.id[:8], restored.id[:8]
    message = (
        f"{backup} is of the ledger {own_id}, and not of the ledger {former_id} in whose place it would be; name a "
    )
    raise LedgerError(f"{message}backup of {former_id}, or write --new-ledger to replace it by {own_id}")


# -- files


def copy_file(source: Path, target: Path) -> None:
    """Copies a SQLite database as of one moment, with the changes that are still in its journal."""
    address = read_only_address(source) or f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # everything in one file


@contextmanager
def engine_at(ledger: Path) -> Iterator[Engine]:
    """The engine of a SQLite ledger, until the block ends."""
    engine = engine_of(URL.create("sqlite", database=str(ledger)))
    try:
        yield engine
    finally:
        engine.dispose()


def settle(finished: Path, place: Path) -> None:
    """Moves a finished file to its place in one step. After a power loss, the move is either complete or was not
    made.
    """
    finished.chmod(0o600)
    _sync(finished)
    finished.replace(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


@contextmanager
def sentences(what: str) -> Iterator[None]:
    """Turns a failure of files or of an archive into a LedgerError whose message begins with `what`."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise LedgerError(f"{what}: {where}{(error.strerror or str(error)).lower()}") from None
    except LedgerFailed as error:  # the copy failed, not the ledger in use
        raise LedgerError(f"{what}: {error}") from None
    except (sqlite3.Error, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise LedgerError(f"{what}: {error}") from None
    except (SQLAlchemyError, CommandError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise LedgerError(f"{what}: {reason}") from None
