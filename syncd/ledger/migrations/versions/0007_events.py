"""Adds events: changes that somebody is notified about, and their states."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Moment

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False, comment="empty where it is of none"),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("heading", sa.Text(), nullable=False, comment="what a message puts it under"),
        sa.Column("old", sa.Text()),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("recipient", sa.Text(), comment="whom a message went to, by name"),
        sa.Column("sent_at", Moment()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_kind_period_subject", "events", ["kind", "period", "subject"])
    op.create_index("ix_events_state", "events", ["state"])
    op.create_index("ix_events_recipient", "events", ["recipient"])
