"""The column types that SQLite and PostgreSQL store differently: times and JSON documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, TypeDecorator
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from syncd.ledger.failures import LedgerDamaged

_ZONE = len("+00:00")


class _TextThatSorts(sqlite.DATETIME):
    """A time in SQLite, stored as the text that `Moment` makes. SQLAlchemy's own conversion is too slow for a million
    rows.
    """

    def bind_processor(self, dialect: Dialect) -> None:
        """Returns None (no conversion), because the value is a text already."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Returns None (no conversion): the value stays a text."""


class Moment(TypeDecorator[datetime]):
    """A timezone-aware time, stored in UTC. PostgreSQL stores it in its own type, SQLite as a text that sorts by
    time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type for the database."""
        return dialect.type_descriptor(_TextThatSorts() if dialect.name == "sqlite" else self.impl)  # type: ignore[no-untyped-call]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The time in UTC; SQLite gets a text without a zone."""
        if value is None:
            return None
        return _as_text(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Any:
        """For SQLite, `_as_text` without SQLAlchemy's wrapper, which would cost more than the conversion."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """For SQLite, `_of_text` without SQLAlchemy's wrapper."""
        return _of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The stored time as a timezone-aware datetime in UTC; None for a null."""
        return _of_text(value) if isinstance(value, str | None) else value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    """A time as SQLite stores it: in UTC, without a zone."""
    return None if value is None else value.astimezone(UTC).isoformat(" ", "microseconds")[:-_ZONE]


def _of_text(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(f"{text}+00:00")
    except ValueError:
        raise LedgerDamaged(f"{str(text)[:40]!r} stands where a time should") from None


class Document(TypeDecorator[Any]):
    """A JSON document. SQLAlchemy's PostgreSQL dialect is imported only when it is used, because its import is slow."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column type for the database: binary JSON on PostgreSQL."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(self.impl_instance)
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))
