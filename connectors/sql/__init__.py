"""Connects databases. `statement` checks that a query only reads; then `source` reads a number, a series or records by
it.

`databases` handles the differences between databases. `session` opens the connection, `rows` makes readings and records
from rows, and `rights` checks for `doctor` whether the role may write. A process that only reads mappings imports
sqlglot only if a measure has a query.
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
        """Opens a source. Makes no connection to the database yet."""
        from connectors.sql.source import SqlSource

        return SqlSource(settings, context)
