"""The types of columns that SQLite and PostgreSQL keep each in its own way: times and JSON documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, TypeDecorator
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from syncd.ledger.failures import LedgerDamaged


class _TextThatSorts(sqlite.DATETIME):
    """A time in SQLite, as the text that `Moment` makes: SQLAlchemy's own conversion is slow for a million times."""

    def bind_processor(self, dialect: Dialect) -> None:
        """None: the value is a text already."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """None: the value stays a text."""


class Moment(TypeDecorator[datetime]):
    """An aware time, kept in UTC: as PostgreSQL's own type, in SQLite as a text that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        return dialect.type_descriptor(_TextThatSorts() if dialect.name == "sqlite" else self.impl)  # type: ignore[no-untyped-call]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """The time in UTC; SQLite gets a text without a zone."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None).isoformat(" ", "microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """The time, aware, in UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except (TypeError, ValueError):
            raise LedgerDamaged(f"{str(value)[:40]!r} stands where a time should") from None


class Document(TypeDecorator[Any]):
    """A JSON document. PostgreSQL's dialect is imported on use only, because its import is slow."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Binary JSON on PostgreSQL."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(self.impl_instance)
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))
