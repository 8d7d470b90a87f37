"""Finds a cell of a SQLite ledger whose value does not fit its column. SQLite lets anybody write a text into a number
column.

Checking every cell in each cycle would cost too much, because the ledger only grows. A ledger is therefore checked only
after an unexpected failure, and by `syncd doctor`. PostgreSQL refuses to store such cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import URL, Boolean, Column, Connection, Float, Integer, Table, make_url

from syncd.ledger.column_types import Document, Moment
from syncd.ledger.engine import engine_of
from syncd.ledger.failures import LedgerDamaged, LedgerError, shown
from syncd.ledger.schema import alignments, layouts, metadata, remarks, requests, sessions, streams, values
from syncd.okr.alignment import Verdict
from syncd.okr.goals import Health, Quality
from syncd.sdk import SyncdError

_LISTS = {streams.c.needs, layouts.c.places, remarks.c.notes, sessions.c.also, sessions.c.groups}
_OF_ANY_KIND = {streams.c.cursor, streams.c.memory, requests.c.before, requests.c.after}
_DAYS = {values.c.since, alignments.c.since, alignments.c.verdict_since}
_WORDS: dict[Column[Any], Collection[str]] = {
    values.c.health: get_args(Health),
    values.c.quality: get_args(Quality),
    streams.c.quality: get_args(Quality),
    alignments.c.verdict: get_args(Verdict),
}
_LARGEST = "1.7976931348623157e308"
_LONGEST = 40  # characters of a cell in a message


def explained(error: Exception, files: Iterable[Path]) -> Exception:
    """The error, or LedgerDamaged in its place if one of these ledgers has a wrong cell that explains the error.

    Pass only ledgers whose data may be shown to everybody who sees the error, because the message quotes the cell.
    """
    if isinstance(error, SyncdError) and not isinstance(error, LedgerDamaged):
        return error
    for file in files:
        try:
            check_cells(file, texts=isinstance(error, LedgerDamaged))
        except LedgerDamaged as damage:
            damage.__cause__ = error
            return damage
        except LedgerError:  # deleted or in use: it cannot be checked
            continue
    return error


def files_at(url: str | URL | None) -> Sequence[Path]:
    """A list with the file of a SQLite ledger at an address; empty for another database."""
    address = make_url(url) if url is not None else None
    return [Path(address.database)] if address and address.drivername == "sqlite" and address.database else []


def check_cells(file: Path, *, texts: bool = False) -> None:
    """Raises LedgerDamaged if a cell has a value that does not fit its column. The message names the table, row and
    column.

    With `texts`, each text is decoded too, which takes longer.
    """
    if not file.exists():
        return
    url = URL.create("sqlite", database=str(file))
    engine = engine_of(url)
    try:
        with closing(engine.connect()) as connection:
            for table in metadata.sorted_tables:
                if (wrong := _wrong_cell(connection, table, texts=texts)) is not None:
                    raise LedgerDamaged(wrong, f"the ledger {shown(url.render_as_string())}")
    finally:
        engine.dispose()


def _wrong_cell(connection: Connection, table: Table, *, texts: bool) -> str | None:
    there = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table.name})")}
    for column in table.columns if there else ():
        condition, fitting = _holds(column)
        row = _first(connection, table, column, f"NOT ({condition})") if column.name in there else None
        if row is None and texts and fitting == "a text":
            row = _first_undecodable(connection, table, column)
        if row is not None:
            *key, cell = row
            names = (part.name for part in table.primary_key)
            place = ", ".join(f"{name} {_text(part)}" for name, part in zip(names, key, strict=True))
            return (
                f"{table.name} ({place}) has {_text(cell) or 'nothing'} as {column.name}, where {fitting} should stand"
            )
    return None


def _first(connection: Connection, table: Table, column: Column[Any], condition: str) -> Sequence[str] | None:
    return connection.exec_driver_sql(f"{_rows(table, column)} WHERE {condition} LIMIT 1").first()


def _first_undecodable(connection: Connection, table: Table, column: Column[Any]) -> Sequence[str] | None:
    for row in connection.exec_driver_sql(_rows(table, column)):
        try:
            bytes.fromhex(row[-1]).decode()
        except UnicodeDecodeError:
            return row
    return None


def _rows(table: Table, column: Column[Any]) -> str:
    cells = ", ".join(f"hex({_quoted(part.name)})" for part in (*table.primary_key, column))
    return f'SELECT {cells} FROM "{table.name}"'  # noqa: S608 - it names tables and columns of ours alone


def _text(digits: str) -> str:
    text = bytes.fromhex(digits).decode("utf-8", "replace")
    return repr(text[:_LONGEST]) if text else ""


def _holds(column: Column[Any]) -> tuple[str, str]:
    """The condition that every cell of a column must meet, as SQL whose result is never NULL. And the column's content
    in words, such as "a day".
    """
    cell = _quoted(column.name)
    if column in _WORDS:
        words = _WORDS[column]
        condition, fitting = f"{cell} IN ({', '.join(map(repr, words))})", f"one of {', '.join(words)}"
    elif column in _DAYS:
        condition, fitting = f"typeof({cell}) = 'text' AND date({cell}) IS {cell}", "a day"
    elif isinstance(column.type, Document):
        kind, fitting = ("array", "a list") if column in _LISTS else ("object", "a document")
        of_kind = "1" if column in _OF_ANY_KIND else f"json_type({cell}) = '{kind}'"
        # With AND, json_type might still see a text that is no JSON.
        condition = f"CASE WHEN typeof({cell}) = 'text' AND json_valid({cell}) THEN {of_kind} ELSE 0 END"
    elif isinstance(column.type, Moment):
        condition, fitting = f"typeof({cell}) = 'text' AND datetime({cell}) IS NOT NULL", "a time"
    elif isinstance(column.type, Boolean):
        condition, fitting = f"typeof({cell}) = 'integer' AND {cell} IN (0, 1)", "yes or no"
    elif isinstance(column.type, Integer):
        condition, fitting = f"typeof({cell}) = 'integer'", "a whole number"
    elif isinstance(column.type, Float):
        condition, fitting = f"typeof({cell}) IN ('real', 'integer') AND abs({cell}) <= {_LARGEST}", "a number"
    else:
        condition, fitting = f"typeof({cell}) = 'text'", "a text"
    return f"{cell} IS NULL OR ({condition})" if column.nullable else f"{cell} IS NOT NULL AND ({condition})", fitting


def _quoted(name: str) -> str:
    return f'"{name}"'
