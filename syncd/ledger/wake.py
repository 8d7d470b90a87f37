"""Makes a workspace due for its workers after a request, so that a worker carries out the request soon."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, text

from syncd.ledger.fence import CONTROL
from syncd.ledger.own_schema import own_schema

_HAS_CONTROL = text(f"SELECT to_regclass('{CONTROL}.wakes') IS NOT NULL")
_WAKE = text(f"INSERT INTO {CONTROL}.wakes (schema) VALUES (:schema)")  # noqa: S608 - a constant
_WAKE_LATER = text(f"INSERT INTO {CONTROL}.wakes (schema, due_at) VALUES (:schema, now() + :later)")  # noqa: S608


def wake_worker(connection: Connection, later: timedelta = timedelta()) -> None:
    """Makes the workspace of a ledger due when the transaction is committed. Does nothing if no workers run the
    ledger's cycles.

    The workspace is due at once, or after the time `later`. The function only adds a row: it does not wait for a job or
    for another request.
    """
    schema = own_schema(connection.engine.url)
    if schema is not None and connection.scalar(_HAS_CONTROL):
        if later:
            connection.execute(_WAKE_LATER, {"schema": schema, "later": later})
        else:
            connection.execute(_WAKE, {"schema": schema})
