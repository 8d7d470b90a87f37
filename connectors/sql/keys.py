"""The YAML keys of measures that read readings or records from a database."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Annotated

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from connectors.sql.settings import SqlSettings
from connectors.sql.statement import check, names_days
from connectors.sql.tokens import Refused
from syncd.sdk import ConnectionSettings, ReadingKeys, RecordKeys
from syncd.sdk.key_rules import text

_WRITING = ("insert", "update", "delete", "merge", "replace", "create", "alter", "drop", "truncate", "grant", "revoke")
_SELECT = rf"^\s*(?!({'|'.join(''.join(f'[{c}{c.upper()}]' for c in word) for word in _WRITING)})\b)"
_QUERY = "A single SELECT. `:start` and `:end` stand for the start and the end of the window, `:today` for today."

Query = Annotated[str, WithJsonSchema(text(_SELECT, "write a single SELECT", minLength=1))]
Column = Annotated[
    str,
    WithJsonSchema(text(r"^(?![\s\S]*[\r\n])", "has a line break; rename the column by AS in the query", minLength=1)),
]


def _text(value: str) -> str:
    return "\n".join(line.rstrip() for line in value.strip().splitlines())


def refusal_of(query: str, settings: ConnectionSettings) -> tuple[str, str] | None:
    """The key `query`, and the reason why the query may not run through a connection; None if it may."""
    assert isinstance(settings, SqlSettings)
    try:
        check(query, settings.database, frozenset(settings.functions))
    except Refused as error:
        return "query", str(error)
    return None


def _named(*parts: str) -> str:
    """The short name of a query for places that do not show its text, such as logs."""
    return f"query {blake2b(chr(0).join(parts).encode(), digest_size=4).hexdigest()}"


class SqlReadings(ReadingKeys):
    """The keys that a database connection adds to a measure of readings: of a number, or of a series."""

    query: Query = Field(min_length=1, description=_QUERY)
    value: str = Field(min_length=1, description="The column with the number.")
    date: str | None = Field(
        None,
        min_length=1,
        description="The column with the date of each number. Without this key, the query returns a single row.",
    )

    @field_validator("query")
    @classmethod
    def _without_margins(cls, value: str) -> str:
        return _text(value)

    @property
    def many(self) -> bool:
        """Whether the rows have dates."""
        return self.date is not None

    @property
    def asks_days(self) -> bool:
        """Whether the query has parameters of the window."""
        return names_days(self.query)

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream, which is the query, whichever columns are read."""
        return [_named(self.query)]

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The key `query` and the reason why the query may not run; None if it may."""
        return refusal_of(self.query, settings)


class SqlRecords(RecordKeys):
    """The keys that a database adds to a measure of records: each row has an id and the time at which it counts."""

    query: Query = Field(min_length=1, description=_QUERY)
    id: Column = Field(min_length=1, description="The column that identifies a row even if its other columns change.")
    at: Column = Field(
        min_length=1, description="The column with the time at which a row counts; NULL if the row does not count yet."
    )

    @field_validator("query")
    @classmethod
    def _without_margins(cls, value: str) -> str:
        return _text(value)

    @model_validator(mode="after")
    def _single_lines(self) -> SqlRecords:
        if re.search(r"[\r\n]", self.id + self.at):
            raise ValueError("has a column whose name has a line break; rename it by AS in the query")
        return self

    @property
    def asks_days(self) -> bool:
        """Whether the query has parameters of the window."""
        return names_days(self.query)

    def fields(self) -> None:
        """None, because only the database has the list of columns."""

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream: the query with the columns `id` and `at`. The first line of the stream's key is its name."""
        return [f"{_named(self.query, self.id, self.at)}\n{self.id}\n{self.at}\n{self.query}"]

    def is_work(self) -> bool:
        """Always False, because only issues and pull requests count as work, and a query may select any rows."""
        return False

    @classmethod
    def of_stream(cls, key: str) -> SqlRecords:
        """The measure's keys, read back from a stream's key."""
        _, id_, at, query = key.split("\n", 3)
        return cls.model_construct(id=id_, at=at, query=query)

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The key `query` and the reason why the query may not run; None if it may."""
        return refusal_of(self.query, settings)
