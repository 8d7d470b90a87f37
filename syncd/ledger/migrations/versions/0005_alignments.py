"""Adds the verdict on each link, the day since which the verdict is valid, and the trend of the link's outcome."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "alignments",
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False, comment="the last cycle that found just this"),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column(
            "verdict_since",
            sa.String(),
            nullable=False,
            comment="first day of the run of this verdict, as YYYY-MM-DD",
        ),
        sa.Column("since", sa.String(), comment="first day of the output's run on pace; none while not on pace"),
        sa.Column("lag_days", sa.Float(), nullable=False),
        sa.Column("delivered", sa.Float(), comment="what the output gained since then"),
        sa.Column("trend", Document(), comment="where the outcome is heading; none where it never was looked at"),
        sa.PrimaryKeyConstraint("period", "output", "outcome", "cycle", name=op.f("pk_alignments")),
    )
