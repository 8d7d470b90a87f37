"""Reads the rows of queries from a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from connectors.sql.databases import CALLED, parameters
from connectors.sql.keys import SqlReadings, SqlRecords
from connectors.sql.rights import check_rights
from connectors.sql.rows import check_fields, records_of, snapshot_of
from connectors.sql.session import Result, Session
from connectors.sql.settings import SqlSettings
from connectors.sql.statement import check
from connectors.sql.tokens import WINDOW, Refused, Statement
from syncd.sdk import Check, Context, Json, Page, Snapshot, SourceBroken, SourceError, Stream
from syncd.sdk.cells import Reader


class SqlSource:
    """An opened database. Each pull reads the complete result of its query, because databases do not show which rows
    have changed.
    """

    def __init__(self, settings: SqlSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._session = Session(settings, context)
        self._read: dict[str, Result] = {}  # by stream: results that `verify` or `census` read, for the next pull

    def verify(self, stream: Stream) -> None:
        """Raises UnknownField if the query of a stream of records lacks a column that a measure names."""
        if stream.kind == "records" and stream.needs:
            keys = SqlRecords.of_stream(stream.key)
            check_fields(self._result(stream, keys.query, keep=True), keys, stream.needs)

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """All rows of the query, in one page, once the last row has arrived."""
        if stream.kind == "records":
            keys = SqlRecords.of_stream(stream.key)
            result = self._result(stream, keys.query)
            records = records_of(result, keys, stream.needs, Reader(self._context.zone))
            yield Page(records, present=frozenset(record.id for record in records))
            return
        parts = {part: SqlReadings.of_part(part) for part in sorted(stream.needs)}
        if stream.days is not None and (why := stream.days.none_yet) and not all(keys.many for keys in parts.values()):
            yield Page(readings={part: Snapshot(notes=[why]) for part in parts})  # unknown, not 0: no day counts yet
            return
        query = next(iter(parts.values())).query
        result, is_ordered = self._result(stream, query), self._checked(query).is_ordered
        yield Page(
            readings={
                part: snapshot_of(result, keys, Reader(self._context.zone, keys.as_), is_ordered=is_ordered)
                for part, keys in parts.items()
            }
        )

    def census(self, stream: Stream) -> Iterator[Page]:
        """The ids of all rows. The next pull uses the rows that the census read."""
        keys = SqlRecords.of_stream(stream.key)
        result = self._result(stream, keys.query, keep=True)
        records = records_of(result, keys, (), Reader(self._context.zone))
        yield Page(present=frozenset(record.id for record in records))

    def check(self) -> Iterator[Check]:
        """Checks whether the server answers and accepts the login, and whether the role may write."""
        of_file = self._session.database == "sqlite"  # simpler queries do not read the file
        self._session.ask("SELECT count(*) FROM sqlite_master" if of_file else "SELECT 1")
        yield Check("reachable", True, f"{CALLED[self._session.database]} at {self._session.server}")
        if self._session.user:
            yield Check("authenticated", True, f"as {self._session.user}")
        try:
            yield from check_rights(self._session)
        except SourceError as error:
            yield Check("rights", False, f"they cannot be read: {error}")

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()

    @cached_property
    def _functions(self) -> frozenset[str]:
        return frozenset(self._settings.functions)

    def _checked(self, query: str) -> Statement:
        try:
            return check(query, self._settings.database, self._functions)
        except Refused as error:  # the configuration refuses it too; this is the last check before it runs
            raise SourceBroken(f"the query {error}") from None

    def _result(self, stream: Stream, query: str, *, keep: bool = False) -> Result:
        """The rows of a stream's query. If `verify` or `census` stored the rows, the query does not run again."""
        result = self._read.pop(stream.key, None)
        if result is None:
            zone = self._context.zone
            today = self._context.now().astimezone(zone).date()
            statement = self._checked(query)
            if statement.has_parameters and stream.days is None:  # otherwise the window would be only today
                raise SourceBroken(f"the query names parameters that were not seen in it; {WINDOW}, without spaces")
            values = parameters(self._settings.database, stream.days, zone, today)
            result = self._session.ask(statement, values)
        if keep:
            self._read[stream.key] = result
        return result
