"""A ledger as one file or one folder, and a ledger made of it again.

A backup of SQLite is a SQLite database. A backup of PostgreSQL is the dump of one snapshot, packed (`.tar.gz`). Each
can be restored into either database: syncd first makes a SQLite ledger of it, brings that up to date and checks it.
Until then, nothing in use has been touched.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Connection, Engine, make_url

from syncd.ledger import migrate
from syncd.ledger.dump import DumpedRows, write_csv, write_dump
from syncd.ledger.failures import LedgerError, shown
from syncd.ledger.identity import note_put_back
from syncd.ledger.ledger import Ledger, engine_of, open_ledger
from syncd.ledger.lock import cycle_lock, service_lock
from syncd.ledger.transfer import StoredRows, counts, is_empty, replace_rows

Counts = Mapping[str, int]
"""How many rows each table has."""

_SQLITE, _GZIP = b"SQLite format 3\0", b"\x1f\x8b"
_JOURNALS = ("-wal", "-shm", "-journal")


# -- from a ledger


def back_up(ledger: Ledger, file: Path) -> Counts:
    """Writes a backup, makes a ledger of it to check it, and puts it at `file`. Cycles may go on meanwhile.

    Raises LedgerError if the file cannot be written or does not hold what was written; `file` is then as it was.
    """
    unfinished = file.with_name(f".{file.name}.unfinished")
    with _sentences(f"the backup {file} cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
            if ledger.engine.dialect.name == "postgresql":
                _pack(ledger, unfinished)
            else:
                _copy(Path(ledger.engine.url.database or ""), unfinished)
            with TemporaryDirectory(dir=file.parent, prefix=".syncd-") as folder:
                written = rebuild(unfinished, Path(folder) / "ledger.db")
            _settle(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)
    return written


def export(ledger: Ledger, folder: Path) -> Counts:
    """Writes a dump of one moment, and its tables as CSV, into a new folder. Cycles may go on meanwhile."""
    with _sentences(f"{folder} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LedgerError(f"{folder} is not empty; name a new folder")
        with _snapshot(ledger.engine) as connection:
            write_csv(connection, folder)
            return write_dump(connection, folder)


def _pack(ledger: Ledger, file: Path) -> None:
    with TemporaryDirectory(dir=file.parent, prefix=".syncd-") as folder:
        with _snapshot(ledger.engine) as connection:
            write_dump(connection, Path(folder))
        with tarfile.open(file, "w:gz") as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.add(path, arcname=path.name)


def _copy(source: Path, target: Path) -> None:
    """Copies a SQLite database as of one moment, with what still stands in its journal."""
    address = f"{source.absolute().as_uri()}?mode=ro"
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
    """Makes a SQLite ledger, in one file, of a backup or of a dump's folder; brings it up to date and checks it.

    Raises LedgerError if that is no backup, is damaged, or is of a newer syncd.
    """
    with _sentences(f"{backup} cannot be restored"):
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
                        raise LedgerError(f"{backup} is damaged ({problem[0]}); take an older one")
                written = counts(connection)
        with closing(sqlite3.connect(ledger)) as file:
            file.execute("PRAGMA journal_mode=DELETE")  # everything in one file
    return written


def _unpack(backup: Path, ledger: Path) -> None:
    with backup.open("rb") as file:
        start = file.read(len(_SQLITE))
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
    """Puts a backup, or a dump, in the place of the ledger at a URL; returns the rows of each table.

    A SQLite ledger that stood there is kept beside it, as `NAME.before-restore`, with its journal. Raises LedgerBusy
    while a service or a cycle uses the ledger, and LedgerError if the backup cannot be restored.
    """
    address = make_url(url)
    place = Path(address.database or "") if address.get_backend_name() == "sqlite" else None
    with _sentences(f"{backup} cannot be restored into {shown(url)}"):
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        engine = engine_of(address)  # opens nothing by itself: the ledger that stands there may be damaged
        scratch = TemporaryDirectory(dir=place.parent if place else None, prefix=".syncd-")
        with service_lock(engine), cycle_lock(engine), scratch as folder:
            rebuilt = Path(folder) / "ledger.db"
            written = rebuild(backup, rebuilt)
            with _engine(rebuilt) as restored, restored.begin() as connection:
                note_put_back(connection)
            if place is None:
                _replace_rows(url, rebuilt)
            else:
                _replace_file(place, rebuilt)
    return written


def _replace_file(place: Path, rebuilt: Path) -> None:
    """Keeps what stands there under another name, with its journal: SQLite would apply that to the new file."""
    for ending in ("", *_JOURNALS):
        old = place.with_name(place.name + ending)
        if old.exists():
            old.replace(f"{place}.before-restore{ending}")
    _settle(rebuilt, place)


def import_dump(url: str, folder: Path) -> Counts:
    """Fills an empty ledger with a dump; returns the rows of each table. Raises LedgerError if it holds rows."""
    with _sentences(f"{folder} cannot be imported into {shown(url)}"), TemporaryDirectory(prefix=".syncd-") as scratch:
        rebuilt = Path(scratch) / "ledger.db"
        rebuild(folder, rebuilt)
        with _engine(rebuilt) as engine:
            return _fill_empty(url, engine)


def copy(ledger: Ledger, url: str) -> Counts:
    """Copies a ledger as of one moment into an empty one at another URL, and compares every row."""
    with _sentences(f"the ledger cannot be copied to {shown(url)}"):
        return _fill_empty(url, ledger.engine)


def _fill_empty(url: str, source: Engine) -> Counts:
    target = open_ledger(url, new=True)
    assert target is not None  # open_ledger creates it
    with closing(target), cycle_lock(target.engine), _snapshot(source) as rows, target.engine.begin() as connection:
        if not is_empty(connection):
            raise LedgerError(f"the ledger {shown(url)} holds rows already; name an empty one")
        replace_rows(connection, StoredRows(rows))
        return counts(connection)


def _replace_rows(url: str, rebuilt: Path) -> None:
    target = open_ledger(url, new=True)
    assert target is not None  # open_ledger creates it
    with closing(target), _engine(rebuilt) as source, source.connect() as rows, target.engine.begin() as connection:
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
    """Moves a finished file to its place in one step, which a loss of power leaves done or undone."""
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
    """Makes a failure of files or of an archive a LedgerError that begins with `what`."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise LedgerError(f"{what}: {where}{(error.strerror or str(error)).lower()}") from None
    except (sqlite3.Error, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise LedgerError(f"{what}: {error}") from None
