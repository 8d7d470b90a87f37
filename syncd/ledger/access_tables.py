"""The table that stores the sessions of people and programs that logged in."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from syncd.ledger.column_types import Document, Moment
from syncd.ledger.metadata import metadata

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String, primary_key=True, comment="of the secret that the browser or the program keeps"),
    Column("name", Text, nullable=False),
    Column("also", Document, nullable=False, comment="[name] by which the same person is listed too"),
    Column("groups", Document, nullable=False, comment="[group]"),
    Column("login", Text, nullable=False, comment="how they logged in; where that is possible no more, it is over"),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, comment="none of a program on the machine of the service"),
    Index("ix_sessions_expires_at", "expires_at"),
)
