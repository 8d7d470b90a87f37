"""Who entered an approval, beside the author, whom anybody can name."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    comment = "who ran the command or was logged in; none of early versions"
    op.add_column("approvals", sa.Column("entered_by", sa.Text(), comment=comment))
