"""Adds the streams that each cycle pulled, remarks on parts, and the previous state of a delivery."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column(
        "cycles",
        sa.Column(
            "only", Document(), comment="{key_result, streams: [id]} of one that asked for no more; none of a whole one"
        ),
    )
    op.add_column("cycles", sa.Column("dry_run", sa.Boolean(), comment="true of one that kept rows and no value"))
    op.add_column("deliveries", sa.Column("was", Document(), comment="{state, reason} of a superseded one until then"))
    op.create_table(
        "remarks",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("notes", Document(), nullable=False, comment="what was passed over; none from here on where empty"),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name=op.f("fk_remarks_stream_streams")),
        sa.PrimaryKeyConstraint("stream", "part", "cycle", name=op.f("pk_remarks")),
    )
    _keep_remarks()


def _keep_remarks() -> None:
    """Stores the present remarks with the cycle of the last complete pull. Earlier remarks are unknown."""
    streams = sa.table(
        "streams", sa.column("id"), sa.column("parts", Document()), sa.column("completed_cycle", sa.Integer())
    )
    remarks = sa.table(
        "remarks", sa.column("stream"), sa.column("part"), sa.column("cycle"), sa.column("notes", Document())
    )
    bind = op.get_bind()
    rows = [
        {"stream": row.id, "part": part, "cycle": row.completed_cycle or 0, "notes": state["notes"]}
        for row in bind.execute(sa.select(streams)).all()
        for part, state in (row.parts or {}).items()
        if state.get("notes")
    ]
    if rows:
        bind.execute(sa.insert(remarks), rows)
