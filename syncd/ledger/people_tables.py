"""The tables of people's actions: requests, check-ins, withdrawals and approvals."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from syncd.ledger.column_types import Document, Moment
from syncd.ledger.metadata import metadata

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("period", String, nullable=False),
    Column("key_result", String, nullable=False),
    Column("cycle", Integer, nullable=False, comment="the cycle that made the candidate the value"),
    Column("number", Float),
    Column("reason", Text, nullable=False, comment="why it was held"),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("entered_by", Text, comment="who ran the command or was logged in; none of early versions"),
    Index("ix_approvals_period_key_result", "period", "key_result"),
)

checkins = Table(
    "checkins",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("period", String, nullable=False),
    Column("key_result", String, nullable=False),
    Column("value", Float),
    Column("note", Text),
    Column("confidence", Float, comment="0 to 1"),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("as_of", Moment, comment="the time that it describes; none where that is `at`"),
    Column("entered_by", Text, comment="who ran the command or was logged in; none of early versions"),
    Index("ix_checkins_period_key_result", "period", "key_result"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("checkin", Integer, ForeignKey("checkins.id", name="fk_withdrawals_checkin_checkins"), primary_key=True),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("note", Text),
    Column("entered_by", Text, comment="who ran the command or was logged in; none of early versions"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("form", String, nullable=False, comment="the id of the form that was sent: the same form counts once"),
    Column("kind", String, nullable=False),
    Column("period", String, nullable=False),
    Column("key_result", String, nullable=False, comment="empty where a delivery holds the whole period"),
    Column("delivery", Integer, comment="the delivery to retry or to allow"),
    Column("body", Document, nullable=False, comment="what is asked for"),
    Column("author", Text, nullable=False),
    Column("entered_by", Text, nullable=False, comment="who ran the command or was logged in"),
    Column("at", Moment, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text, comment="why it was refused"),
    Column("ended_at", Moment, comment="when it was applied or refused"),
    Column("before", Document, comment="what an applied one changed"),
    Column("after", Document),
    UniqueConstraint("entered_by", "form"),
    Index("ix_requests_period_key_result", "period", "key_result"),
    Index("ix_requests_state", "state"),
    Index("ix_requests_delivery", "delivery"),
)
