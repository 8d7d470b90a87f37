"""Adds the name of the person who entered an approval. The author's name is not checked, and may be any name."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    comment = "who ran the command or was logged in; none of early versions"
    op.add_column("approvals", sa.Column("entered_by", sa.Text(), comment=comment))
