"""What the ledger held of a measure's past and holds no longer: a version that ended, and what took its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, select

from syncd.ledger.answers import record_of
from syncd.ledger.schema import readings, records, streams
from syncd.ledger.selection import listed
from syncd.okr.measures import ReadingMeasure, RecordMeasure, stream_keys
from syncd.sdk import Reading, Record


@dataclass(frozen=True, slots=True)
class Revised:
    """A record as it stood before a cycle and as it stands since; None where it was not there."""

    cycle: int
    old: Record | None
    new: Record | None


@dataclass(frozen=True, slots=True)
class Reread:
    """A dated reading as it stood before a cycle and as it stands since; None where its date has no row any more."""

    cycle: int
    at: datetime
    old: Reading
    new: Reading | None


class Revisions:
    """Compares versions; reads only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_records(self, measure: RecordMeasure, after: int, until: int) -> Iterator[Revised]:
        """Each record of a measure that changed after one cycle and not after another, in the order of cycles."""
        with self._engine.connect() as connection:
            ids = self._streams(measure)
            changed = {
                (getattr(row, column.name), row.id)
                for column in (records.c.until, records.c.cycle)
                for row in connection.execute(
                    select(column, records.c.id).where(listed(measure, ids), column > after, column <= until)
                )
            }
            for cycle, name in sorted(changed):
                # A record may stand in two streams of one measure: it counts once, and leaves with the last of them.
                query = select(records).where(listed(measure, ids), records.c.id == name).order_by(records.c.stream)
                old = new = None
                for row in connection.execute(query):
                    if row.cycle < cycle and (row.until is None or row.until >= cycle):
                        old = record_of(row)
                    if row.cycle <= cycle and (row.until is None or row.until > cycle):
                        new = record_of(row)
                yield Revised(cycle, old, new)

    def of_readings(self, measure: ReadingMeasure, after: int, until: int) -> Iterator[Reread]:
        """Each dated reading of a measure whose row changed or went; rows that only moved are the same readings."""
        ended = self._dated(measure, readings.c.until, after, until)
        begun = {(cycle, at): reading for cycle, at, reading in self._dated(measure, readings.c.cycle, after, until)}
        for cycle, at, old in ended:
            new = begun.get((cycle, at))
            if new is None or (new.number, new.problem) != (old.number, old.problem):
                yield Reread(cycle, at, old, new)

    def latest(self) -> dict[tuple[str, str], int]:
        """The last cycle in which rows of each stream came, changed or went, by (connection, stream's key)."""
        found: dict[tuple[str, str], int] = {}
        with self._engine.connect() as connection:
            for table in (records, readings):
                query = (
                    select(streams.c.connection, streams.c.key, func.max(table.c.cycle), func.max(table.c.until))
                    .join(table, table.c.stream == streams.c.id)
                    .group_by(streams.c.connection, streams.c.key)
                )
                for name, key, came, went in connection.execute(query):
                    found[(name, key)] = max(found.get((name, key), 0), came, went or 0)
        return found

    def _dated(
        self, measure: ReadingMeasure, column: Any, after: int, until: int
    ) -> list[tuple[int, datetime, Reading]]:
        query = (
            select(readings)
            .where(
                readings.c.stream.in_(self._streams(measure)),
                readings.c.part == measure.part,
                readings.c.at.is_not(None),
                column > after,
                column <= until,
            )
            .order_by(column, readings.c.at)
        )
        with self._engine.connect() as connection:
            return [
                (getattr(row, column.name), row.at, Reading(row.number, row.cell, row.raw, row.at, row.problem))
                for row in connection.execute(query)
            ]

    def _streams(self, measure: RecordMeasure | ReadingMeasure) -> list[int]:
        query = select(streams.c.id).where(
            streams.c.connection == measure.connection, streams.c.key.in_(stream_keys(measure))
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())
