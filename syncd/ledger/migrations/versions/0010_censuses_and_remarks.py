"""Adds the cycles of a stream's last two censuses, and remarks on records."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("streams", sa.Column("census_cycle", sa.Integer(), comment="the cycle of the last census"))
    op.add_column("streams", sa.Column("census_before", sa.Integer(), comment="the cycle of the census before that"))
    op.add_column("records", sa.Column("remark", sa.Text(), comment="what to know of a record although it counts"))
