"""The tables of the control schema, which the workers of a deployment share, and the scripts that make them.

A later version appends a script; it never changes one that was published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text

from syncd.ledger.fence import CONTROL

_metadata = MetaData(schema=CONTROL)

workspaces = Table(
    "workspaces",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("schema", Text, nullable=False),  # of its ledger
    Column("due_at", DateTime(timezone=True)),  # null from the job that is deferred until that has ended
    Column("digest", Text),  # of the configuration in force; null until a worker has read it
    Column("digest_at", DateTime(timezone=True)),
    Column("handed_back_since", DateTime(timezone=True)),  # null once a worker with this configuration has taken it
    Column("job", BigInteger),  # that runs, or ran last
    Column("began_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),  # null while the job runs
    Column("outcome", Text),
    Column("problem", Text),
)
"""A row for each workspace that a worker has ever seen in the deployment's files."""

epochs = Table("epochs", _metadata, Column("workspace", Text, primary_key=True), Column("epoch", BigInteger))
"""The epoch of each workspace: apart from its other columns, because each transaction of a job holds it."""

wakes = Table("wakes", _metadata, Column("id", BigInteger, Identity(), primary_key=True), Column("schema", Text))
"""A row for each request of a person; a worker makes the workspaces of these ledgers due, and removes the rows."""

scripts = Table("scripts", _metadata, Column("name", Text, primary_key=True))
"""The scripts that have run here."""

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


def _procrastinate() -> str:
    from procrastinate.schema import SchemaManager

    return SchemaManager.get_schema()


SCRIPTS: Mapping[str, Callable[[], str]] = {
    "procrastinate 3.10.0": _procrastinate,
    "workspaces 1": lambda: _WORKSPACES,
}
"""By name, in the order in which they run; each runs once."""
