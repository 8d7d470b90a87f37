"""The tables of the control schema, which the workers of a deployment share, and the scripts that make them.

A later version of syncd appends a script. It never changes a script that was published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from syncd.ledger.fence import CONTROL

_metadata = MetaData(schema=CONTROL)

workspaces = Table(
    "workspaces",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("schema", Text, nullable=False),  # of its ledger
    Column("due_at", DateTime(timezone=True)),  # null from the time a job is deferred until it has ended
    Column("digest", Text),  # of the configuration in use; null until a worker has read it
    Column("digest_at", DateTime(timezone=True)),
    Column("handed_back_since", DateTime(timezone=True)),  # null once a worker with these files runs it
    Column("job", BigInteger),  # the job that runs, or ran last
    Column("began_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),  # null while the job runs
    Column("outcome", Text),
    Column("problem", Text),
)
"""A row for each workspace that a worker has ever seen in the deployment's files."""

epochs = Table("epochs", _metadata, Column("workspace", Text, primary_key=True), Column("epoch", BigInteger))
"""The epoch of each workspace. The epoch is not a column of `workspaces`, because each transaction of a job locks the
row of its epoch.
"""

wakes = Table(
    "wakes",
    _metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("schema", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
)
"""A row for each request of a person and each webhook. A worker makes the workspaces with these schemas due, and
removes the rows.
"""

quotas = Table(
    "quotas",
    _metadata,
    Column("credential", Text, primary_key=True),  # an HMAC under the key of the deployment
    Column("left", Double),  # null until a server has sent it, like `limit`
    Column("limit", Double),
    Column("reset_at", DateTime(timezone=True)),  # null from the end of a window to the first answer in the next
    Column("open", Integer, nullable=False),  # requests that no answer has counted yet
    Column("uses", JSONB, nullable=False),  # by workspace: [requests in this window, need, refused]
)
"""The requests that each credential has left, according to the last response headers, and the workspaces that use the
credential.
"""

keys = Table("keys", _metadata, Column("name", Text, primary_key=True), Column("key", LargeBinary, nullable=False))
"""Random keys of the deployment, each with its purpose as its name."""

scripts = Table("scripts", _metadata, Column("name", Text, primary_key=True))
"""The scripts that have run in this database."""

_WORKSPACES = f"""
CREATE TABLE {CONTROL}.workspaces (
    name text PRIMARY KEY,
    schema text NOT NULL,
    due_at timestamptz,
    digest text,
    digest_at timestamptz,
    handed_back_since timestamptz,
    job bigint,
    began_at timestamptz,
    ended_at timestamptz,
    outcome text,
    problem text
);
CREATE INDEX workspaces_due_at ON {CONTROL}.workspaces (due_at);
CREATE TABLE {CONTROL}.epochs (workspace text PRIMARY KEY, epoch bigint NOT NULL);
CREATE TABLE {CONTROL}.wakes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, schema text NOT NULL)
"""

_QUOTAS = f"""
CREATE TABLE {CONTROL}.quotas (
    credential text PRIMARY KEY,
    "left" double precision,
    "limit" double precision,
    reset_at timestamptz,
    open integer NOT NULL,
    uses jsonb NOT NULL
);
CREATE TABLE {CONTROL}.keys (name text PRIMARY KEY, key bytea NOT NULL)
"""

_LATER = f"ALTER TABLE {CONTROL}.wakes ADD COLUMN due_at timestamptz NOT NULL DEFAULT now()"


def _procrastinate() -> str:
    from procrastinate.schema import SchemaManager

    return SchemaManager.get_schema()


SCRIPTS: Mapping[str, Callable[[], str]] = {
    "procrastinate 3.10.0": _procrastinate,
    "workspaces 1": lambda: _WORKSPACES,
    "quotas 1": lambda: _QUOTAS,
    "wakes 2": lambda: _LATER,
}
"""The scripts by name, in the order in which they run. Each runs only once."""
