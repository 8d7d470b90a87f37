"""Adds the ledger's id, and the versions of syncd that may write to the ledger."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    control = op.create_table(
        "control",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ledger", sa.String(), nullable=False, comment="its own id; backups and copies keep it"),
        sa.Column(
            "writes_from", sa.String(), nullable=False, comment="the oldest migration whose syncd may still write"
        ),
        sa.Column("restored_in", sa.Integer(), comment="the newest cycle when it was put back to an earlier state"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control")),
    )
    op.bulk_insert(control, [{"id": 1, "ledger": uuid4().hex, "writes_from": "0015", "restored_in": None}])
