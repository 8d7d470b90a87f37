"""The PostgreSQL schema of one ledger: `?schema=NAME` at the end of its address.

With schemas, many ledgers share a database, each with its own tables. A ledger whose address names no schema uses the
first schema in its user's `search_path`.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from sqlalchemy import URL, Connection, text

KEY = "schema"
"""The query key of an address that names the schema. It is removed before connecting, because libpq does not accept
it.
"""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")  # needs no quotes; PostgreSQL would silently cut a longer name


def own_schema(url: URL) -> str | None:
    """The schema that an address names; None if the address names no schema. Raises ValueError if the name is not
    valid.
    """
    name = url.query.get(KEY) if url.get_backend_name() == "postgresql" else None
    if name is None or (isinstance(name, str) and _NAME.fullmatch(name)):
        return name
    raise ValueError(f"its schema is {name!r}; write lower-case letters, digits and '_', at most 63, such as ws_search")


def lock_key(base: int, url: URL) -> int:
    """The number of a ledger's advisory lock: `base` for a ledger without a schema, and a different number for each
    schema.

    With different numbers, ledgers in the same database do not wait for one another.
    """
    schema = own_schema(url)
    if schema is None:
        return base
    return int.from_bytes(blake2b(f"{base:x} {schema}".encode(), digest_size=8).digest()) >> 1  # bigint, positive


def enter_schema(connection: Connection) -> None:
    """Makes the transaction's statements use the schema that the connection's address names. Creates the schema if it
    is missing.

    The schema is set for the transaction only. Settings that a connection pooler changed in the session thus have no
    effect.
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
