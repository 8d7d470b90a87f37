"""Failures of the database, and what a person can do about each."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from syncd.sdk import SyncdError
from syncd.sdk.redactor import without_any_secret

_ROOM = "make room on its disk"
_RIGHTS = "let this user write the file and its folder"
_IN_USE = "another program holds it; close that one, or wait until it has ended"
BACKUP = "put a backup in its place with `syncd restore FILE`"
"""The advice for a damaged ledger."""

_SQLITE_UNUSABLE: Mapping[int, str] = {
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_READONLY: _RIGHTS,
    sqlite3.SQLITE_CANTOPEN: _RIGHTS,
    sqlite3.SQLITE_AUTH: _RIGHTS,
    sqlite3.SQLITE_NOTADB: f"name another file, or {BACKUP}",
}
_SQLITE_FAILED: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: _ROOM,
    sqlite3.SQLITE_IOERR: "see whether its disk is full, over a quota or broken",
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_PROTOCOL: _IN_USE,
}
_POSTGRESQL_UNUSABLE: Mapping[str, str] = {  # by SQLSTATE, or by the two characters of its class
    "25006": "name the primary, because this server takes no writes",
    "42501": "grant this user what it lacks",
}
_POSTGRESQL_FAILED: Mapping[str, str] = {
    "08": "see whether the server runs and lets this user in",
    "25P03": "sync again",  # a transaction of a process that was paused for too long
    "40": "sync again",
    "53": "give the server more of what it lacks",
    "55": _IN_USE,
    "57": "see whether the server runs",
    "57014": "see what keeps the server so busy",
    "58": "look at the server's log",
    "XX": f"look at the server's log, or {BACKUP}",
}


class LedgerError(SyncdError):
    """The ledger cannot be used; nothing was changed. The message names the ledger, the reason and what to do."""


class LedgerDamaged(LedgerError):
    """The ledger has data that cannot be read; `what` describes the damage."""

    def __init__(self, what: str, ledger: str = "the ledger") -> None:
        super().__init__(f"{ledger} cannot be used: {what}; {BACKUP}")
        self.what = what


class NewerLedger(LedgerError):
    """Raised if a newer syncd has written the ledger: this older version must not write to it."""


class LedgerFailed(LedgerError):
    """The ledger failed while it was in use. Committed transactions stay; the current transaction is lost."""


def shown(url: str) -> str:
    """A URL without the passwords before its host and in its query."""
    url = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)
    return re.sub(r"([?&][^=&]*password=)[^&]*", r"\1***", url)


def raise_ledger_errors(engine: Engine) -> None:
    """Turns each failure of the database into a LedgerError, in this engine and every engine that shares its
    connections. Other errors stay unchanged.
    """

    @event.listens_for(engine, "handle_error")
    def _ledger_error(context: ExceptionContext) -> LedgerError | None:
        if context.is_pre_ping:  # SQLAlchemy itself replaces a stale connection of the pool
            return None
        error = context.original_exception
        name = shown((context.engine or engine).url.render_as_string())
        # A server may repeat the password that it received, and pages and probes show this sentence.
        words = without_any_secret((str(error).strip() or type(error).__name__).splitlines()[0])
        if _is_damage(error):
            return LedgerDamaged(words, f"the ledger {name}")
        unusable, failed = _advice(error, context.is_disconnect)
        if unusable is not None:
            return LedgerError(f"the ledger {name} cannot be used: {words}; {unusable}")
        if failed is not None:
            return LedgerFailed(f"the ledger {name} failed: {words}; {failed}")
        return None


def _is_damage(error: BaseException) -> bool:
    if not isinstance(error, sqlite3.Error):
        return False
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return "Could not decode" in str(error)  # Python's message about bytes that are not a text
    return code & 0xFF == sqlite3.SQLITE_CORRUPT


def _advice(error: BaseException, lost: bool) -> tuple[str | None, str | None]:
    """The advice for a ledger that cannot be used, and the advice for a ledger that failed in use. Each advice is None
    if it does not fit the error.
    """
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # an extended code keeps its kind in the low byte
        return _SQLITE_UNUSABLE.get(code), _SQLITE_FAILED.get(code)
    state = getattr(error, "sqlstate", None) or ""
    if not state and (lost or type(error).__name__ in ("OperationalError", "ConnectionTimeout")):
        state = "08"  # psycopg gives no state without a connection
    return _POSTGRESQL_UNUSABLE.get(state), _POSTGRESQL_FAILED.get(state, _POSTGRESQL_FAILED.get(state[:2]))
