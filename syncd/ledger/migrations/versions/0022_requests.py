"""Adds requests and their outcomes."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document, Moment

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "form", sa.String(), nullable=False, comment="the id of the form that was sent: the same form counts once"
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key_result", sa.String(), nullable=False, comment="empty where a delivery holds the whole period"),
        sa.Column("delivery", sa.Integer(), comment="the delivery to retry or to allow"),
        sa.Column("body", Document(), nullable=False, comment="what is asked for"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False, comment="who ran the command or was logged in"),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), comment="why it was refused"),
        sa.Column("ended_at", Moment(), comment="when it was applied or refused"),
        sa.Column("before", Document(), comment="what an applied one changed"),
        sa.Column("after", Document()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("entered_by", "form", name=op.f("uq_requests_entered_by_form")),
    )
    op.create_index("ix_requests_period_key_result", "requests", ["period", "key_result"])
    op.create_index("ix_requests_state", "requests", ["state"])
    op.create_index("ix_requests_delivery", "requests", ["delivery"])
