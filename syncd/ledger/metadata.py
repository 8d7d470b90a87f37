"""What all tables share: the names of keys and indexes, and the index of the current rows."""

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
    """Adds an index of the current rows. With this index, reading current rows takes equally long however many old rows
    there are.
    """
    # PostgreSQL's condition is added when a ledger is made: adding it here would import the PostgreSQL dialect at each
    # start.
    Index(name, *columns, sqlite_where=until.is_(None))
