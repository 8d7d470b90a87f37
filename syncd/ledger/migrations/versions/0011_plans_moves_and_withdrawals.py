"""Adds objectives and settings as dated facts, moves, withdrawals, and check-ins for a past day."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document, Moment

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "outlines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column(
            "subject",
            sa.String(),
            nullable=False,
            comment="an objective; empty for the settings that judge the period",
        ),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("body", Document(), comment="none where no file has the objective any more"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlines")),
    )
    op.create_index("ix_outlines_period_subject", "outlines", ["period", "subject"])
    op.create_table(
        "moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False, comment="its present id"),
        sa.Column(
            "key_result",
            sa.String(),
            nullable=False,
            comment="its present id; empty where the period was renamed",
        ),
        sa.Column("old", sa.String(), nullable=False),
        sa.Column("new", sa.String(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
    )
    op.create_index("ix_moves_period", "moves", ["period"])
    op.add_column(
        "checkins", sa.Column("as_of", Moment(), comment="the time that it describes; none where that is `at`")
    )
    op.create_table(
        "withdrawals",
        sa.Column("checkin", sa.Integer(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.ForeignKeyConstraint(["checkin"], ["checkins.id"], name=op.f("fk_withdrawals_checkin_checkins")),
        sa.PrimaryKeyConstraint("checkin", name=op.f("pk_withdrawals")),
    )
