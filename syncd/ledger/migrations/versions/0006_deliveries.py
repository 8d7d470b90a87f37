"""Adds the outbox: each delivery with its target and state, and the values that syncd has written to each target."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document, Moment

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, comment="where it is written to, by the connector's own words"),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key_result", sa.String(), nullable=False, comment="empty where the target holds the whole period"),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column(
            "digest", sa.String(), nullable=False, comment="of what is stated and how: the same is not sent again"
        ),
        sa.Column("statement", Document(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column(
            "left_alone", Document(), comment="{place: what stands there} of the places that somebody else wrote"
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", Moment()),
        sa.Column("retry_at", Moment(), comment="the target asked not to be asked again before"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_connection_target_id", "deliveries", ["connection", "target", "id"])
    op.create_index("ix_deliveries_period_key_result", "deliveries", ["period", "key_result"])
    op.create_index("ix_deliveries_state", "deliveries", ["state"])
    op.create_table(
        "written",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("marks", Document(), nullable=False, comment="{place: what syncd may have written there}"),
        sa.PrimaryKeyConstraint("connection", "target", name=op.f("pk_written")),
    )
