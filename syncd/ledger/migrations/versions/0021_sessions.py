"""Adds the sessions of the people who logged in to the pages."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document, Moment

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(), nullable=False, comment="of the secret that the browser or the program keeps"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("also", Document(), nullable=False, comment="[name] by which the same person is listed too"),
        sa.Column("groups", Document(), nullable=False, comment="[group]"),
        sa.Column(
            "login",
            sa.Text(),
            nullable=False,
            comment="how they logged in; where that is possible no more, it is over",
        ),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), comment="none of a program on the machine of the service"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
