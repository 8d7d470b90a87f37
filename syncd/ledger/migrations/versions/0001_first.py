"""Creates the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from syncd.ledger.column_types import Moment

revision = "0001"
down_revision = None

DOCUMENT = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment()),
        sa.Column(
            "pulls", DOCUMENT, comment="{stream id: {quality, reason, changed}} of the streams that changed or failed"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycles")),
    )
    op.create_table(
        "definitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key_result", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("body", DOCUMENT, nullable=False),
        sa.Column(
            "measure",
            sa.String(),
            nullable=False,
            comment="digest of how it is measured: values under another do not compare",
        ),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definitions")),
    )
    op.create_index("ix_definitions_period_key_result", "definitions", ["period", "key_result"])
    op.create_table(
        "streams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("cursor", DOCUMENT, comment="the connector's own; true for the rows stored with it"),
        sa.Column("needs", DOCUMENT, comment="the fields or parts that the rows cover"),
        sa.Column("since", Moment(), comment="the time from which on the rows are complete"),
        sa.Column("parts", DOCUMENT, comment="{part: {problem, notes}} of the last snapshots"),
        sa.Column("quality", sa.String()),
        sa.Column("reason", sa.Text()),
        sa.Column("tried_at", Moment()),
        sa.Column("completed_cycle", sa.Integer()),
        sa.Column("completed_at", Moment()),
        sa.Column("census_at", Moment()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_streams")),
        sa.UniqueConstraint("connection", "key", name=op.f("uq_streams_connection_key")),
    )
    op.create_table(
        "key_result_values",
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key_result", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), comment="the last cycle that measured just this; none where none did"),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("number", sa.Float()),
        sa.Column("progress", sa.Float()),
        sa.Column("score", sa.Float()),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("quality", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", Moment(), comment="the time that the number is of, where its source says it"),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("lacking", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(), comment="first day of the run on pace, as YYYY-MM-DD; none while not on pace"),
        sa.ForeignKeyConstraint(["definition"], ["definitions.id"], name=op.f("fk_key_result_values_definition")),
        sa.PrimaryKeyConstraint("period", "key_result", "cycle", name=op.f("pk_key_result_values")),
    )
    op.create_table(
        "readings",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer()),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("at", Moment()),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("number", sa.Float()),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name=op.f("fk_readings_stream")),
        sa.PrimaryKeyConstraint("stream", "part", "position", "cycle", name=op.f("pk_readings")),
    )
    op.create_table(
        "records",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer()),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.Column("created_at", Moment()),
        sa.Column("done_at", Moment()),
        sa.Column("not_done", sa.Text()),
        sa.Column("fields", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name=op.f("fk_records_stream")),
        sa.PrimaryKeyConstraint("stream", "id", "cycle", name=op.f("pk_records")),
    )
    op.create_index("ix_records_stream_until_done_at", "records", ["stream", "until", "done_at"])
