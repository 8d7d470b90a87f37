"""Whether a sync could use a ledger: it is there or can be created, of a version that fits, and writable."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, make_url, text

from syncd.ledger import migrate
from syncd.ledger.failures import LedgerError, LedgerFailed, shown
from syncd.ledger.ledger import engine_of, open_ledger


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger that a sync can use. `exists` says whether it was created yet, `outdated` whether a sync migrates it."""

    exists: bool = True
    outdated: bool = False


def check_ledger(url: str) -> LedgerState:
    """What a sync would meet at this URL; changes nothing. LedgerError if the sync could not write there."""
    address = make_url(url)
    file = address.database if address.get_backend_name() == "sqlite" else None
    if file is not None and file != ":memory:" and not Path(file).exists():
        _check_folder(Path(file).parent, url)
        return LedgerState(exists=False)
    engine = engine_of(address)
    try:
        with engine.connect() as connection:
            version = migrate.version(connection)
            if version is None:
                _check_empty_database(connection, url)
                return LedgerState(exists=False)
            # Begins to write, and writes nothing.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num WHERE 1 = 0"))
            connection.rollback()
    except LedgerFailed as error:
        raise LedgerError(str(error).replace(" failed: ", " cannot be used: ", 1)) from None
    finally:
        engine.dispose()
    if version < migrate.head():
        return LedgerState(outdated=True)
    ledger = open_ledger(url, create=False)  # refuses a ledger of a newer version
    if ledger is not None:
        ledger.close()
    return LedgerState()


def _check_folder(folder: Path, url: str) -> None:
    """LedgerError if no file can be created in a folder; a sync creates the folder too."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise LedgerError(
            f"the ledger {shown(url)} cannot be created: {folder}: {why}; let this user write to the folder"
        ) from None


def _check_empty_database(connection: Connection, url: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("CREATE TABLE syncd_doctor (a INTEGER)"))
        connection.rollback()
    elif not connection.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar():
        raise LedgerError(f"the ledger {shown(url)} cannot be created: grant this user CREATE on its schema")
