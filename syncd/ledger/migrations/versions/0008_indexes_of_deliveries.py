"""Indexes that find the newest delivery of each target, and those of a key result, without reading every row."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index("ix_deliveries_connection_target_id", "deliveries", ["connection", "target", "id"])
    op.drop_index("ix_deliveries_connection_target", "deliveries")
    op.create_index("ix_deliveries_period_key_result", "deliveries", ["period", "key_result"])
