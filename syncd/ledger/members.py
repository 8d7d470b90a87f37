"""The rows that streams hold: streams that held many rows and hold none now, and rows that become current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    column,
    exists,
    func,
    or_,
    select,
)

from syncd.ledger.batches import PARAMETERS, batches, given
from syncd.ledger.schema import readings, records, streams
from syncd.okr.measures import Leaf, ReadingMeasure, stream_keys
from syncd.okr.plausible import MANY


@dataclass(frozen=True, slots=True)
class Fallen:
    """A stream that holds no rows now and `held` some before, or the part of it that a measure reads."""

    stream: str
    held: int


class Members:
    """Counts streams' records, or the readings of a part, inside the window or not. It never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fallen(self, asked: Iterable[tuple[Leaf, int]]) -> Mapping[tuple[Leaf, int], Fallen]:
        """The first stream of each (measure, cycle) that held many rows at the end of the cycle and holds none now."""
        fallen: dict[tuple[Leaf, int], Fallen] = {}
        distinct = list(dict.fromkeys(asked))
        with self._engine.connect() as connection:
            for table, within in ((records, records.c.kind), (readings, readings.c.part)):
                rows = [
                    (index, leaf.connection, key, leaf.part if isinstance(leaf, ReadingMeasure) else leaf.kind, cycle)
                    for index, (leaf, cycle) in enumerate(distinct)
                    if isinstance(leaf, ReadingMeasure) == (table is readings)
                    for key in sorted(stream_keys(leaf))
                ]
                for batch in batches(rows, PARAMETERS // 5):
                    for row in connection.execute(_fallen(table, within, batch)):
                        fallen.setdefault(distinct[row.at], Fallen(row.key, row.held))
        return fallen

    def dated_within(self, after: datetime, until: datetime) -> set[tuple[str, str, str]]:
        """The parts with a row dated later than `after` and up to `until`: (connection, stream's key, part)."""
        query = (
            select(streams.c.connection, streams.c.key, readings.c.part)
            .join(streams, streams.c.id == readings.c.stream)
            .where(readings.c.until.is_(None), readings.c.at > after, readings.c.at <= until)
            .distinct()
        )
        with self._engine.connect() as connection:
            return {(row.connection, row.key, row.part) for row in connection.execute(query)}

    def done_within(self, after: datetime, until: datetime) -> set[tuple[str, str]]:
        """The streams with a record done later than `after` and up to `until`: (connection, stream's key)."""
        return self._streams_with(records.c.done_at > after, records.c.done_at <= until)

    def created_within(self, after: datetime, until: datetime) -> set[tuple[str, str]]:
        """The streams with an open record created later than `after` and up to `until`: (connection, stream's key)."""
        return self._streams_with(
            records.c.done_at.is_(None), records.c.created_at > after, records.c.created_at <= until
        )

    def _streams_with(self, *conditions: ColumnElement[bool]) -> set[tuple[str, str]]:
        there = exists().where(records.c.stream == streams.c.id, records.c.until.is_(None), *conditions)
        with self._engine.connect() as connection:
            rows = connection.execute(select(streams.c.connection, streams.c.key).where(there))
            return {(row.connection, row.key) for row in rows}


def _fallen(table: Table, within: Column[Any], rows: Sequence[tuple[Any, ...]]) -> Select[tuple[int, str, int]]:
    """Selects the rows of (at, connection, stream, part or kind, cycle) whose stream has fallen empty, with the earlier
    number of rows.

    A stream that holds nothing now has ended every row that it held at the end of the cycle.
    """
    asked = given(
        rows, column("at", Integer), column("connection", Text), column("key", Text), column("within", Text),
        column("cycle", Integer),
    )  # fmt: skip

    def members(of: FromClause) -> ColumnElement[bool]:
        matching = of.c[within.name] == asked.c.within
        return and_(
            of.c.stream == streams.c.id, or_(matching, asked.c.within.is_(None)) if within.nullable else matching
        )

    now = table.alias()
    return (
        select(asked.c.at, streams.c.key, func.count().label("held"))
        .join(streams, (streams.c.connection == asked.c.connection) & (streams.c.key == asked.c.key))
        .join(table, and_(members(table), table.c.cycle <= asked.c.cycle, table.c.until > asked.c.cycle))
        .where(~exists().where(members(now), now.c.until.is_(None)))
        .group_by(asked.c.at, streams.c.key)
        .having(func.count() >= MANY)
        .order_by(asked.c.at, streams.c.key)
    )
