"""Databases: `source` reads a number, a series or records by a query, which `statement` has found to only read.

`databases` has what differs from database to database, `session` holds the connection, `rows` makes facts of rows, and
`rights` is what `doctor` finds. A process that only reads mappings imports sqlglot, and only if a measure has a query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connectors.sql.keys import SqlReadings, SqlRecords
from connectors.sql.settings import SqlSettings
from syncd.sdk import Context

if TYPE_CHECKING:
    from connectors.sql.source import SqlSource


class Sql:
    """The connector."""

    summary: ClassVar[str] = "numbers, series and records out of a database, by a SELECT"
    Settings = SqlSettings
    Measure = SqlReadings
    Records = SqlRecords

    @staticmethod
    def open(settings: SqlSettings, context: Context) -> SqlSource:
        """A source; makes no connection yet."""
        from connectors.sql.source import SqlSource

        return SqlSource(settings, context)
