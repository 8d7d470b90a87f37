"""Finds streams that lost all or most of their rows, and streams with rows in a span of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
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
    intersect,
    or_,
    select,
)

from syncd.ledger.batches import given
from syncd.ledger.schema import readings, records, streams
from syncd.ledger.versions import held_at
from syncd.okr.measures import Leaf, ReadingMeasure, RecordMeasure, stream_keys
from syncd.okr.plausible import MANY

_FEWEST_LOST = 10  # losing fewer records is ordinary, whatever their share


@dataclass(frozen=True, slots=True)
class Loss:
    """A stream that had `before` rows and now has `now` rows. Both numbers count only the rows of the measure's part or
    kind.
    """

    stream: str
    before: int
    now: int = 0


class Members:
    """Counts the rows of streams, inside and outside a measure's window. It never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def held(self) -> Mapping[int, int]:
        """Maps the id of each stream to the number of rows that the stream has now. Empty streams are missing."""
        with self._engine.connect() as connection:
            counts: dict[int, int] = {}
            for table in (records, readings):
                query = select(table.c.stream, func.count()).where(table.c.until.is_(None)).group_by(table.c.stream)
                counts |= {row[0]: row[1] for row in connection.execute(query)}
        return counts

    def losses(self, asked: Iterable[tuple[Leaf, int]], shrink: Mapping[str, float]) -> Mapping[tuple[Leaf, int], Loss]:
        """Maps (measure, cycle) to the first stream of the measure that lost all or most of its rows since the end of
        the cycle.

        This is a stream that had many rows and now has none, or that lost at least ten records and a larger share than
        `shrink` allows for its connection. A stream is left out if two censuses in a row agree on the remaining
        records.
        """
        losses: dict[tuple[Leaf, int], Loss] = {}
        distinct = list(dict.fromkeys(asked))
        with self._engine.connect() as connection:
            for table, within in ((records, records.c.kind), (readings, readings.c.part)):
                rows = [
                    (index, leaf.connection, key, leaf.part if isinstance(leaf, ReadingMeasure) else leaf.kind, cycle)
                    for index, (leaf, cycle) in enumerate(distinct)
                    if isinstance(leaf, ReadingMeasure) == (table is readings)
                    for key in sorted(stream_keys(leaf))
                ]
                for row in connection.execute(_fallen(table, within, rows)) if rows else ():
                    losses.setdefault(distinct[row.at], Loss(row.key, row.held))
                for stream in connection.execute(_ended(rows)) if rows and table is records else ():
                    leaf, cycle = distinct[stream.at]
                    kind = leaf.kind if isinstance(leaf, RecordMeasure) else None
                    loss = _loss(connection, stream, kind, cycle)
                    lost = loss.before - loss.now
                    if loss.now and lost >= _FEWEST_LOST and lost > shrink[leaf.connection] * loss.before:
                        losses.setdefault((leaf, cycle), loss)
        return losses

    def dated_within(self, after: datetime, until: datetime) -> set[tuple[str, str, str]]:
        """The parts that have a row dated later than `after` and not later than `until`, as (connection, stream's key,
        part).
        """
        query = (
            select(streams.c.connection, streams.c.key, readings.c.part)
            .join(streams, streams.c.id == readings.c.stream)
            .where(readings.c.until.is_(None), readings.c.at > after, readings.c.at <= until)
            .distinct()
        )
        with self._engine.connect() as connection:
            return {(row.connection, row.key, row.part) for row in connection.execute(query)}

    def done_within(self, after: datetime, until: datetime) -> set[tuple[str, str]]:
        """The streams that have a record done later than `after` and not later than `until`, as (connection, stream's
        key).
        """
        return self._streams_with(records.c.done_at > after, records.c.done_at <= until)

    def created_within(self, after: datetime, until: datetime) -> set[tuple[str, str]]:
        """The streams that have a record created later than `after` and not later than `until`, as (connection,
        stream's key).

        Reads only records that were not done by `after`, because there are few of them.
        """
        not_done = or_(records.c.done_at.is_(None), records.c.done_at > after)
        return self._streams_with(not_done, records.c.created_at > after, records.c.created_at <= until)

    def _streams_with(self, *conditions: ColumnElement[bool]) -> set[tuple[str, str]]:
        there = exists().where(records.c.stream == streams.c.id, records.c.until.is_(None), *conditions)
        with self._engine.connect() as connection:
            rows = connection.execute(select(streams.c.connection, streams.c.key).where(there))
            return {(row.connection, row.key) for row in rows}


def _ended(rows: Sequence[tuple[Any, ...]]) -> Select[tuple[int, int, str, int | None]]:
    asked = _asked(rows)
    now = records.alias()
    kept = (now.c.stream == records.c.stream) & (now.c.id == records.c.id) & now.c.until.is_(None)
    return (
        select(asked.c.at, streams.c.id, streams.c.key, streams.c.census_before)
        .join(streams, (streams.c.connection == asked.c.connection) & (streams.c.key == asked.c.key))
        .join(records, records.c.stream == streams.c.id)
        .where(records.c.cycle <= asked.c.cycle, records.c.until > asked.c.cycle, ~exists().where(kept))
        .group_by(asked.c.at, streams.c.id, streams.c.key, streams.c.census_before)
        .having(func.count() >= _FEWEST_LOST)
        .order_by(asked.c.at, streams.c.key)
    )


def _loss(connection: Connection, stream: Any, kind: str | None, cycle: int) -> Loss:
    """The number of records of a kind that the stream had at the end of a cycle, and the number that it has now.

    If the last two censuses are later than the cycle and agree on the remaining records, both numbers are the present
    number: nothing counts as lost.
    """

    def ids(cycle: int | None) -> Select[tuple[str]]:
        of_kind = () if kind is None else (records.c.kind == kind,)
        return select(records.c.id).where(records.c.stream == stream.id, *of_kind, held_at(records, cycle))

    def count(query: CompoundSelect[tuple[str]] | Select[tuple[str]]) -> int:
        return connection.scalar(select(func.count()).select_from(query.subquery())) or 0

    before, now = count(ids(cycle)), count(ids(None))
    if stream.census_before is not None and stream.census_before > cycle:
        then = intersect(ids(cycle), ids(stream.census_before)).subquery()
        left = intersect(ids(cycle), ids(None)).subquery()
        both = intersect(select(then), select(left))
        if count(select(then)) == count(select(left)) == count(both):
            return Loss(stream.key, now, now)
    return Loss(stream.key, before, now)


def _asked(rows: Sequence[tuple[Any, ...]]) -> CTE:
    return given(
        rows, column("at", Integer), column("connection", Text), column("key", Text), column("within", Text),
        column("cycle", Integer),
    )  # fmt: skip


def _fallen(table: Table, within: Column[Any], rows: Sequence[tuple[Any, ...]]) -> Select[tuple[int, str, int]]:
    """Selects (at, stream's key, number of rows at the end of the cycle) for each given row whose stream is now empty.
    A given row is (at, connection, stream's key, part or kind, cycle).

    The rows of an empty stream at the end of the cycle are found by their end: all of them have ended since.
    """
    asked = _asked(rows)

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
