"""Adds the kinds of records, the time of a stream's next pull, held values and their approvals."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Moment

revision = "0002"
down_revision = "0001"

# Until this version a stream held records of one kind; its key begins with the kind.
_KINDS = {"pulls of %": "pull request", "issues of %": "issue", "releases of %": "release"}


def upgrade() -> None:
    op.add_column("streams", sa.Column("retry_at", Moment(), comment="the source asked not to be asked again before"))
    op.add_column(
        "records",
        sa.Column("kind", sa.String(), comment="what it is, where a stream holds several"),
    )
    op.add_column(
        "key_result_values",
        sa.Column(
            "candidate", sa.Float(), comment="of a held value: the number that waits for approval, if there is one"
        ),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("key_result", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False, comment="the cycle that made the candidate the value"),
        sa.Column("number", sa.Float()),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it was held"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_period_key_result", "approvals", ["period", "key_result"])
    for like, kind in _KINDS.items():
        op.execute(
            sa.text(
                "UPDATE records SET kind = :kind WHERE stream IN (SELECT id FROM streams WHERE key LIKE :like)"
            ).bindparams(kind=kind, like=like)
        )
    # The issues of a repository now include its pull requests: those streams are pulled completely once more.
    op.execute(sa.text("UPDATE streams SET cursor = NULL WHERE key LIKE 'issues of %'"))
