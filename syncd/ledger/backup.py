"""Writes a ledger into a backup file or a dump's folder, and restores a ledger from them.

A backup of SQLite is a SQLite database. A backup of PostgreSQL is the dump of one snapshot, packed (`.tar.gz`). Each
backup can be restored into either database. A restore first builds a SQLite ledger from the backup, migrates it and
checks it. Until this copy is checked, the restore touches nothing that is in use.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from glob import escape
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from syncd.ledger import migrate
from syncd.ledger.dump import DumpedRows, write_csv, write_dump
from syncd.ledger.engine import engine_of, read_only_address
from syncd.ledger.failures import LedgerDamaged, LedgerError, LedgerFailed, shown
from syncd.ledger.identity import last_ledger_at, note_put_back
from syncd.ledger.ledger import gone, open_ledger, refuse_newer
from syncd.ledger.ledger_file import sqlite_file
from syncd.ledger.lock import cycle_lock, service_lock
from syncd.ledger.transfer import StoredRows, counts, is_empty, replace_rows
from syncd.sdk.regular_files import open_regular

Counts = Mapping[str, int]
"""How many rows each table has."""

_SQLITE, _GZIP = b"SQLite format 3\0", b"\x1f\x8b"
_JOURNALS = ("-wal", "-shm", "-journal")


# -- from a ledger


def back_up(url: str, file: Path, address: Callable[[], str] | None = None) -> Counts | None:
    """Writes a backup, restores it to check it, and puts it at `file`. Returns None if there is no ledger yet.

    Cycles may run meanwhile, and an older syncd may have written the ledger. `address` returns the current URL, for
    processes that outlive a password. Raises LedgerError, and leaves `file` as it was, if the backup cannot be written
    or reads back different.
    """
    place = sqlite_file(make_url(url))
    if place is not None and file.absolute() in [Path(f"{place.absolute()}{end}") for end in ("", *_JOURNALS, ".lock")]:
        raise LedgerError(f"{file} is the ledger itself; name another file")
    unfinished = file.with_name(f".{file.name}.unfinished")
    with _sentences(f"the backup {file} cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
            with _existing(url, address) as engine:
                if engine is None:
                    return None
                if place is None:
                    _pack(engine, unfinished)
                else:
                    _copy(place, unfinished)
            with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
                written = _rebuild(unfinished, Path(folder) / "ledger.db")
            _settle(unfinished, file)
        except LedgerDamaged as error:
            raise LedgerDamaged(error.what, f"the ledger {shown(url)}") from None
        finally:
            unfinished.unlink(missing_ok=True)
    return written


def export(url: str, folder: Path) -> Counts | None:
    """Writes a dump of one moment, and its tables as CSV, into a new folder. Returns None if there is no ledger yet.

    Cycles may run meanwhile, and an older syncd may have written the ledger. Only its owner can read the folder.
    """
    with _sentences(f"{folder} cannot be written"), _existing(url) as engine:
        if engine is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LedgerError(f"{folder} is not empty; name a new folder")
        folder.chmod(0o700)
        with _snapshot(engine) as connection:
            write_csv(connection, folder)
            return write_dump(connection, folder)


@contextmanager
def _existing(url: str, address: Callable[[], str] | None = None) -> Iterator[Engine | None]:
    """The engine of a ledger of any version that this syncd can read. None if there never was a ledger; LedgerError if
    it was deleted.
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
        with _snapshot(engine) as connection:
            write_dump(connection, Path(folder))
        with tarfile.open(file, "w:gz") as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.add(path, arcname=path.name)


def _copy(source: Path, target: Path) -> None:
    """Copies a SQLite database as of one moment, with the changes that are still in its journal."""
    address = read_only_address(source) or f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # everything in one file


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the ledger as of one moment."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


# -- into a ledger


def rebuild(backup: Path, ledger: Path) -> Counts:
    """Builds a SQLite ledger, in one file, from a backup or a dump's folder; migrates it to this version and checks it.

    Raises LedgerError if `backup` is no backup, is damaged, or was written by a newer syncd.
    """
    with _sentences(f"{backup} cannot be restored"):
        try:
            return _rebuild(backup, ledger)
        except LedgerDamaged as error:
            raise LedgerError(f"{backup} is damaged ({error.what}); take an older one") from None


def _rebuild(backup: Path, ledger: Path) -> Counts:
    if backup.is_dir():
        _load(DumpedRows(backup), ledger)
    else:
        _unpack(backup, ledger)
    with _engine(ledger) as engine:
        with engine.begin() as connection:
            if migrate.version(connection) is None:
                raise LedgerError(f"{backup} is a SQLite database, and no ledger of syncd")
            _refuse_newer(backup, migrate.version(connection))
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
            start = file.read(len(_SQLITE))
    except OSError as error:
        raise LedgerError(f"{backup} cannot be read: {(error.strerror or 'unusable').lower()}") from None
    if start == _SQLITE:
        _copy(backup, ledger)
    elif start.startswith(_GZIP):
        with TemporaryDirectory(dir=ledger.parent, prefix=".syncd-") as folder:
            with tarfile.open(backup, "r:gz") as archive:
                archive.extractall(folder, filter="data")
            _load(DumpedRows(Path(folder)), ledger)
    else:
        raise LedgerError(f"{backup} is no backup; name a file that `syncd backup` wrote")


def _load(rows: DumpedRows, ledger: Path) -> None:
    """Makes a ledger with the tables of the version that wrote the rows, and fills it."""
    _refuse_newer(rows.folder, rows.version)
    with _engine(ledger) as engine, engine.begin() as connection:
        migrate.upgrade(connection, rows.version)
        replace_rows(connection, rows)


def _refuse_newer(backup: Path, version: str | None) -> None:
    if version is not None and version > migrate.head():
        raise LedgerError(f"{backup} was written by a newer syncd ({version}); restore it with that version")


def restore(url: str, backup: Path) -> Counts:
    """Replaces the ledger at a URL by a backup or a dump; returns how many rows each table has.

    The SQLite ledger that it replaces stays beside it as `NAME.before-restore`, with its journal. Raises LedgerBusy
    while a service or a cycle uses the ledger, and LedgerError if the backup cannot be restored.
    """
    address = make_url(url)
    place = sqlite_file(address)
    with _sentences(f"{backup} cannot be restored into {shown(url)}"):
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        engine = engine_of(address)  # connects to nothing yet: the old ledger may be damaged
        with service_lock(engine), cycle_lock(engine), _scratch(place) as folder:
            rebuilt = folder / "ledger.db"
            written = rebuild(backup, rebuilt)
            with _engine(rebuilt) as restored, restored.begin() as connection:
                note_put_back(connection)
            if place is None:
                _replace_all(engine, rebuilt)
            else:
                engine.dispose()  # it has the old file open
                _replace_file(place, rebuilt)
    return written


@contextmanager
def _scratch(place: Path | None) -> Iterator[Path]:
    """A folder to rebuild a ledger in. The folder for a SQLite ledger is beside it, because a rename works only within
    one disk.

    Removes the folders that killed restores left: while this restore holds its locks, no other restore runs.
    """
    prefix = ".syncd-" if place is None else f".{place.name}.restoring-"
    for left in place.parent.glob(f"{escape(prefix)}*") if place else ():
        shutil.rmtree(left)
    with TemporaryDirectory(dir=place.parent if place else None, prefix=prefix) as folder:
        yield Path(folder)


def _replace_file(place: Path, rebuilt: Path) -> None:
    """Renames the old ledger together with its journal, which SQLite would apply to the new file."""
    names = chain([f"{place}.before-restore"], (f"{place}.before-restore-{number}" for number in count(2)))
    kept = next(name for name in names if not any(Path(name + ending).exists() for ending in ("", *_JOURNALS)))
    for ending in ("", *_JOURNALS):
        old = place.with_name(place.name + ending)
        if old.exists():
            old.replace(kept + ending)
    _settle(rebuilt, place)


def import_dump(url: str, folder: Path) -> Counts:
    """Fills an empty ledger with a dump; returns how many rows each table has. Raises LedgerError if the ledger holds
    rows.

    The new ledger counts as put back to an earlier state, because the ledger of the dump may have run more cycles
    since.
    """
    with _sentences(f"{folder} cannot be imported into {shown(url)}"), TemporaryDirectory(prefix=".syncd-") as scratch:
        rebuilt = Path(scratch) / "ledger.db"
        rebuild(folder, rebuilt)
        with _engine(rebuilt) as engine:
            with engine.begin() as connection:
                note_put_back(connection)
            return _fill_empty(url, engine)


def copy(source: str, target: str) -> Counts | None:
    """Copies a ledger as of one moment into an empty ledger, and compares every row. Both are given by URL.

    Returns None if there is no ledger yet. Raises LedgerError for a ledger of an older syncd, because its rows would
    have to be migrated.
    """
    with _sentences(f"the ledger cannot be copied to {shown(target)}"):
        ledger = open_ledger(source, create=False)
        if ledger is None:
            return None
        with closing(ledger):
            return _fill_empty(target, ledger.engine)


def _fill_empty(url: str, source: Engine) -> Counts:
    target = open_ledger(url, new=True)
    assert target is not None  # open_ledger creates it
    with closing(target), cycle_lock(target.engine), _snapshot(source) as rows, target.engine.begin() as connection:
        if not is_empty(connection):
            raise LedgerError(f"the ledger {shown(url)} holds rows already; name an empty one")
        replace_rows(connection, StoredRows(rows))
        return counts(connection)


def _replace_all(target: Engine, rebuilt: Path) -> None:
    """Replaces all rows of a database, which may hold an incomplete ledger."""
    with _engine(rebuilt) as source, source.connect() as rows, target.begin() as connection:
        migrate.upgrade(connection)
        replace_rows(connection, StoredRows(rows))


# -- files


@contextmanager
def _engine(ledger: Path) -> Iterator[Engine]:
    engine = engine_of(URL.create("sqlite", database=str(ledger)))
    try:
        yield engine
    finally:
        engine.dispose()


def _settle(finished: Path, place: Path) -> None:
    """Moves a finished file to its place in one step: after a power loss, the move is either done or not done."""
    finished.chmod(0o600)
    _sync(finished)
    finished.replace(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


@contextmanager
def _sentences(what: str) -> Iterator[None]:
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
