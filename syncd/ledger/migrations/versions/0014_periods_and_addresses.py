"""Adds the period to the values that syncd wrote at each place, and the state of each message by address."""

import sqlalchemy as sa
from alembic import op

from syncd.ledger.column_types import Document, Moment

revision = "0014"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False, comment="by the names of its references; never the address"),
        sa.Column("recipient", sa.Text(), nullable=False, comment="whose address it is, by name"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("sent_at", Moment()),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name=op.f("fk_messages_event_events")),
        sa.PrimaryKeyConstraint("event", "address", name=op.f("pk_messages")),
    )
    op.create_index("ix_messages_recipient_address", "messages", ["recipient", "address"])
    op.create_index("ix_messages_state", "messages", ["state"])
    _end_interrupted_events()
    _keep_periods()


def _end_interrupted_events() -> None:
    """Removes the state `sending` from events: messages to addresses have this state instead."""
    events = sa.table("events", sa.column("state"), sa.column("reason"))
    interrupted = sa.update(events).where(events.c.state == "sending")
    op.get_bind().execute(interrupted.values(state="unsure", reason="syncd was stopped while it was sent"))


def _keep_periods() -> None:
    """Sets the period of each place to the period of its target's newest delivered or refused delivery."""
    written = sa.table("written", sa.column("connection"), sa.column("target"), sa.column("marks", Document()))
    deliveries = sa.table(
        "deliveries", *(sa.column(name) for name in ("id", "connection", "target", "period", "state"))
    )
    bind = op.get_bind()
    arrived = sa.select(deliveries).where(deliveries.c.state.in_(("delivered", "refused"))).order_by(deliveries.c.id)
    periods = {(row.connection, row.target): row.period for row in bind.execute(arrived)}
    for row in bind.execute(sa.select(written)).all():
        period = periods.get((row.connection, row.target))
        if period is None:
            continue
        places = [place for place in row.marks if not place.startswith("header of ")]
        marks = row.marks | {f"period of {place}": [period] for place in places}
        of_row = (written.c.connection == row.connection) & (written.c.target == row.target)
        bind.execute(sa.update(written).where(of_row).values(marks=marks))
