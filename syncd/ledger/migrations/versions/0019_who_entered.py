"""Adds the name of the person who entered a check-in or withdrawal. The author's name is not checked, and may be any
name.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    for table in ("checkins", "withdrawals"):
        comment = "who ran the command or was logged in; none of early versions"
        op.add_column(table, sa.Column("entered_by", sa.Text(), comment=comment))
