"""What all tables share: the names of their keys and indexes, and the index of the rows that hold now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def index_of_newest(name: str, until: Column[int], *columns: Column[Any]) -> None:
    """An index of the rows that hold now: to read them costs the same however many came before them."""
    # PostgreSQL's condition is added where a ledger is made: here, each start would import that whole dialect for it.
    Index(name, *columns, sqlite_where=until.is_(None))
