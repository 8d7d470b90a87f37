"""Adds the table of the webhooks that arrived in the last days."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Moment

revision = "0018"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False, comment="the system's own id of it"),
        sa.Column("body", sa.String(), comment="digest of what was signed; none where the system sends no body"),
        sa.Column("received_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index("ix_webhooks_connection", "webhooks", ["connection"])
    op.create_index("ix_webhooks_received_at", "webhooks", ["received_at"])
