"""Reads every row of a ledger from a database, table by table; writes the rows into another database and compares them.

All tables of a SQLite file belong to the ledger, including tables of an older syncd. A PostgreSQL database may also
have tables of other programs; these are never read or written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Protocol

from sqlalchemy import JSON, Column, Connection, DateTime, MetaData, Table, func, insert, select, text
from sqlalchemy.types import String, TypeEngine

from syncd.ledger import migrate
from syncd.ledger.batches import batches
from syncd.ledger.column_types import Document, Moment
from syncd.ledger.schema import control, metadata

Row = Mapping[str, Any]
_AT_ONCE = 2_000  # rows in memory at once


class Rows(Protocol):
    """The rows of a complete ledger, and the migration that made its tables."""

    @property
    def version(self) -> str:
        """The number of the ledger's last migration."""
        ...

    def of(self, table: Table) -> Iterator[Row]:
        """The rows of a table, in the order of its primary key. Texts are ordered by code points."""
        ...


class StoredRows:
    """The rows of a ledger, as the connection's transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def version(self) -> str:
        """The number of the ledger's last migration."""
        number = migrate.version(self._connection)
        assert number is not None  # the caller opened it as a ledger
        return number

    def of(self, table: Table) -> Iterator[Row]:
        """The rows of a table, in the order of its primary key."""
        by_code_point = self._connection.dialect.name == "postgresql"  # SQLite's own order
        order = [
            column.collate("C") if by_code_point and isinstance(column.type, String) else column
            for column in table.primary_key
        ]
        query = select(table).order_by(*order).execution_options(yield_per=_AT_ONCE)
        names = [str(name) for name in table.columns.keys()]  # noqa: SIM118 - SQLAlchemy's own kind of texts
        return (dict(zip(names, row, strict=True)) for row in self._connection.execute(query))


def tables_of(connection: Connection) -> Sequence[Table]:
    """The tables of a ledger. A table comes after the tables that it refers to."""
    reflected = MetaData()
    is_own_file = connection.dialect.name == "sqlite"
    reflected.reflect(connection, only=lambda name, _: is_own_file or name in metadata.tables)
    tables = [table for table in reflected.sorted_tables if table.name != "alembic_version"]
    for table in tables:
        for column in table.columns:
            column.type = _type(column)
    return tables


def _type(column: Column[Any]) -> TypeEngine[Any]:
    if isinstance(column.type, DateTime):
        return Moment()
    return Document() if isinstance(column.type, JSON) else column.type


def is_empty(connection: Connection) -> bool:
    """Whether the ledger has no rows but its identity, which every new ledger has."""
    tables = (table for table in tables_of(connection) if table.name != control.name)
    return not any(connection.execute(select(table).limit(1)).first() for table in tables)


def replace_rows(connection: Connection, rows: Rows) -> None:
    """Deletes every row of a ledger, writes `rows` instead, and compares the stored rows with `rows`.

    Raises ValueError if a stored row differs.
    """
    tables = tables_of(connection)
    for table in reversed(tables):
        connection.execute(table.delete())
    for table in tables:
        for batch in batches(rows.of(table), _AT_ONCE):
            connection.execute(insert(table), batch)
        if connection.dialect.name == "postgresql":
            _go_on_counting(connection, table)
    difference = first_difference(connection, rows)
    if difference is not None:
        raise ValueError(difference)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Sets a table's sequence in PostgreSQL to the highest copied number, so that the next row gets a new number."""
    for column in table.primary_key:
        name = {"table": table.name, "column": column.name}
        sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), name).scalar()
        newest = connection.execute(select(func.max(column))).scalar()
        if sequence is not None and newest is not None:
            connection.execute(text("SELECT setval(:sequence, :newest)"), {"sequence": sequence, "newest": newest})


def first_difference(connection: Connection, rows: Rows) -> str | None:
    """Describes the first row of a database that differs from `rows`, by its table and number; None if all rows are
    equal.
    """
    stored = StoredRows(connection)
    for table in tables_of(connection):
        for number, (ours, theirs) in enumerate(zip_longest(stored.of(table), rows.of(table)), start=1):
            if ours != theirs:
                return f"row {number:,} of table {table.name} is not what was written"
    return None


def counts(connection: Connection) -> Mapping[str, int]:
    """Maps each table to its number of rows."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables_of(connection)
    }
