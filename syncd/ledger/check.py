"""Whether a sync could use a ledger: it is there or can be created, of a version that fits, and writable."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, make_url, text

from syncd.ledger import migrate
from syncd.ledger.engine import engine_of
from syncd.ledger.identity import last_ledger_at
from syncd.ledger.ledger import gone, refuse_newer, unusable
from syncd.ledger.ledger_file import sqlite_file
from syncd.ledger.own_schema import own_schema, schema_exists
from syncd.ledger.wrong_cells import check_cells


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger that a sync can use. `exists` says whether it was created yet, `outdated` whether a sync migrates it."""

    exists: bool = True
    outdated: bool = False


def check_ledger(url: str) -> LedgerState:
    """What a sync would meet at this URL; changes nothing. LedgerError if the sync could not write there, or a cell
    holds what its column cannot.
    """
    with unusable(url):
        return _state(make_url(url))


def _state(url: URL) -> LedgerState:
    file = sqlite_file(url)
    last_ledger = last_ledger_at(file) if file else None
    if file and not file.exists():
        if last_ledger:
            raise gone(url, last_ledger)
        _check_folder(file.parent)
        return LedgerState(exists=False)
    engine = engine_of(url)
    try:
        with engine.connect() as connection:
            version = migrate.version(connection)
            if version is None:
                if last_ledger:
                    raise gone(url, last_ledger)
                _check_empty_database(connection)
                return LedgerState(exists=False)
            refuse_newer(connection, version)
            # Begins to write, and writes nothing.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num WHERE 1 = 0"))
            connection.rollback()
    finally:
        engine.dispose()
    if file:
        check_cells(file)
    return LedgerState(outdated=version < migrate.head())


def _check_folder(folder: Path) -> None:
    """OSError if no file can be created in a folder. A sync creates the folder too."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}; let this user write to the folder", str(folder)) from None


def _check_empty_database(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("CREATE TABLE syncd_doctor (a INTEGER)"))
        connection.rollback()
        return
    schema = own_schema(connection.engine.url)
    if schema is not None and not schema_exists(connection, schema):
        if not connection.execute(text("SELECT has_database_privilege(current_database(), 'CREATE')")).scalar():
            raise ValueError(f"this user may not create the schema {schema}; create it, and make this user its owner")
    elif not connection.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar():
        raise ValueError("this user may not create tables; grant it CREATE on its schema")
