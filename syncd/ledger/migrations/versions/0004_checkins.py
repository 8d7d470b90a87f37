"""Adds check-ins: statements of people about key results."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Moment

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "checkins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key_result", sa.String(), nullable=False),
        sa.Column("value", sa.Float()),
        sa.Column("note", sa.Text()),
        sa.Column("confidence", sa.Float(), comment="0 to 1"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkins")),
    )
    op.create_index("ix_checkins_period_key_result", "checkins", ["period", "key_result"])
