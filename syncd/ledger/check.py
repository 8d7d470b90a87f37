"""Checks whether a sync could use a ledger: the ledger exists or can be created, its version fits, and it is
writable.
"""

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
    """A ledger that a sync can use. `exists` is true if the ledger was created already. `outdated` is true if the next
    sync will migrate the ledger.
    """

    exists: bool = True
    outdated: bool = False


def check_ledger(url: str) -> LedgerState:
    """Checks the ledger at this URL as a sync would find it, and changes nothing.

    Raises LedgerError if a sync could not write to the ledger, or if a cell has a value that does not fit its column.
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
            # Starts a write without changing a row.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num WHERE 1 = 0"))
            connection.rollback()
    finally:
        engine.dispose()
    if file:
        check_cells(file)
    return LedgerState(outdated=version < migrate.head())


def _check_folder(folder: Path) -> None:
    """Raises OSError if no file can be created in a folder. A missing folder is no error: a sync creates missing
    folders.
    """
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
