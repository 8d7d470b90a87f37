"""Decides whether syncd retries after a database error, and describes the error without the query.

PostgreSQL identifies its errors by SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html), MySQL and MariaDB by
number (mariadb.com/kb/en/mariadb-error-codes).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from syncd.sdk import RetryLater, SourceBroken, SourceError, single_line

_LONGEST = 300
_LOGIN = re.compile(
    r"authentication failed|no password supplied|no pg_hba.conf entry|role .* (does not exist|is not permitted)"
    r"|access denied|login failed|incorrect username or password|password is (expired|incorrect)",
    re.IGNORECASE,
)
_NO_DATABASE = re.compile(r"database .* does not exist|unknown database", re.IGNORECASE)
_TIMED_OUT = ("57014", 1969, 3024, "interrupted")  # PostgreSQL, MariaDB, MySQL, SQLite
_TOO_LONG = re.compile(r"max_statement_time exceeded|maximum statement execution time exceeded", re.IGNORECASE)
_PASSING_CLASSES = ("08", "40", "53", "57")  # in PostgreSQL: connection, rollback, resources, intervention
_PASSING = frozenset({
    0, 1040, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1927, 2002, 2003, 2006, 2013, 2055, 4031,
    20002, 20003, 20006, 20009,
})  # fmt: skip
_OF_LOGINS = frozenset({1044, 1045, 1049, 1698, 18456})
_QUOTED = re.compile(r"(syntax) to use near '.*' at line|near \".*\": ", re.DOTALL)


def failure(error: Exception, server: str, timeout: float, hide: Callable[[str], str], *, ended: bool) -> SourceError:
    """The error to raise for an error of a driver, or for an error of SQLAlchemy that wraps it.

    `ended` says that syncd itself ended the wait for a response. The message never contains the statement, unlike
    SQLAlchemy's message.
    """
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, SourceError):
        return cause
    if ended:
        return RetryLater(f"{server} did not answer within {timeout:g} s")
    message, code = _message(cause, hide), _code(cause)
    if code in _TIMED_OUT or _TOO_LONG.search(message):
        return SourceBroken(
            f"the query takes longer than {timeout:g} s; make it faster, or raise 'timeout' of the connection"
        )
    if _LOGIN.search(message) or code in _OF_LOGINS or (isinstance(code, str) and code.startswith("28")):
        refused = SourceBroken(f"{server} refuses the login: {message}")
        refused.status = 401
        return refused
    if _NO_DATABASE.search(message):
        return SourceBroken(f"{server} refuses the login: {message}")
    if _passes(cause, code, message):
        return RetryLater(f"{server}: {message}")
    return SourceBroken(f"{server} refuses the query: {message}")


def _passes(cause: Exception, code: str | int | None, message: str) -> bool:
    if isinstance(code, int):
        return code in _PASSING
    if code is not None and re.fullmatch(r"[0-9A-Z]{5}", code):
        return code.startswith(_PASSING_CLASSES)
    if code in ("locked", "busy"):
        return True
    lasting = re.search(r"no such|syntax|not authorized|prohibited|malformed|not a database|misuse", message)
    names = {each.__name__ for each in type(cause).__mro__}
    return not names.isdisjoint(("OperationalError", "InterfaceError", "OSError")) and lasting is None


def _code(cause: Exception) -> str | int | None:
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return state
    first = cause.args[0] if cause.args else None
    if isinstance(first, int):
        return first
    if isinstance(first, str) and type(cause).__module__ == "sqlite3":
        return "locked" if "locked" in first else "busy" if "busy" in first else first
    return None


def _message(cause: Exception, hide: Callable[[str], str]) -> str:
    message = getattr(getattr(cause, "diag", None), "message_primary", None)
    if message is None:
        texts = [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in cause.args]
        message = texts[-1] if texts else type(cause).__name__
    message = _QUOTED.sub(lambda match: "syntax near line" if match[1] else "", str(message))
    return single_line(message, _LONGEST, hide).rstrip(".") or type(cause).__name__
