"""The PostgreSQL schema of one ledger: `?schema=NAME` at the end of its address.

With schemas, many ledgers share a database, and none sees another's tables. A ledger whose address names no schema uses
the database's default: the first schema in its user's `search_path`.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from sqlalchemy import URL, Connection, text

KEY = "schema"
"""The part of an address that names the schema. libpq does not accept it, so it is removed before a connection."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")  # needs no quotes; PostgreSQL would silently cut a longer name


def own_schema(url: URL) -> str | None:
    """The schema that an address names; None if it names none. Raises ValueError if the name is not valid."""
    name = url.query.get(KEY) if url.get_backend_name() == "postgresql" else None
    if name is None or (isinstance(name, str) and _NAME.fullmatch(name)):
        return name
    raise ValueError(f"its schema is {name!r}; write lower-case letters, digits and '_', at most 63, such as ws_search")


def lock_key(base: int, url: URL) -> int:
    """The number of a ledger's advisory lock: `base` for a ledger without a schema, another number for each schema.

    PostgreSQL compares these numbers within a database. With different numbers, ledgers of one database do not wait for
    one another.
    """
    schema = own_schema(url)
    if schema is None:
        return base
    return int.from_bytes(blake2b(f"{base:x} {schema}".encode(), digest_size=8).digest()) >> 1  # bigint, positive


def enter_schema(connection: Connection) -> None:
    """Creates the schema that a connection's address names, if it is missing, and makes the transaction's statements
    use its tables.

    The schema is set for the transaction, so settings that a pooler changed in the session have no effect.
    """
    schema = own_schema(connection.engine.url)
    if schema is None:
        return
    if not schema_exists(connection, schema):  # CREATE … IF NOT EXISTS needs the right to create even if it exists
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    connection.execute(text(f"SET LOCAL search_path = {schema}"))


def schema_exists(connection: Connection, schema: str) -> bool:
    """Whether the database has this schema."""
    query = text("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :schema)")
    return bool(connection.execute(query, {"schema": schema}).scalar())
