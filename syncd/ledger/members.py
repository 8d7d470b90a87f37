"""What streams hold: those that had many members and have none now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Table, and_, exists, func, or_, select

from syncd.ledger.schema import readings, records, streams
from syncd.okr.measures import Leaf, ReadingMeasure, stream_keys
from syncd.okr.plausible import MANY


@dataclass(frozen=True, slots=True)
class Fallen:
    """A stream, or the part of one that a measure reads, that holds nothing now, and how much it held before."""

    stream: str
    held: int


class Members:
    """Counts records, or a part's readings, whether they are in a window or not; reads only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fallen(self, measure: Leaf, cycle: int) -> Fallen | None:
        """The first stream of a measure that held many members after a cycle and holds none now, if any did."""
        table, within = _members(measure)
        empty = (
            select(streams.c.id, streams.c.key)
            .where(streams.c.connection == measure.connection, streams.c.key.in_(stream_keys(measure)))
            .where(~exists().where(table.c.stream == streams.c.id, table.c.until.is_(None), *within))
            .order_by(streams.c.key)
        )
        with self._engine.connect() as connection:
            for row in connection.execute(empty).all():
                then = (table.c.stream == row.id, _held_after(table, cycle), *within)
                held = connection.scalar(select(func.count()).select_from(table).where(*then)) or 0
                if held >= MANY:
                    return Fallen(row.key, held)
        return None

    def dated_within(self, after: datetime, until: datetime) -> set[tuple[str, str, str]]:
        """The parts with a row dated after one moment and not after another: (connection, stream's key, part)."""
        query = (
            select(streams.c.connection, streams.c.key, readings.c.part)
            .join(streams, streams.c.id == readings.c.stream)
            .where(readings.c.until.is_(None), readings.c.at > after, readings.c.at <= until)
            .distinct()
        )
        with self._engine.connect() as connection:
            return {(row.connection, row.key, row.part) for row in connection.execute(query)}


def _members(measure: Leaf) -> tuple[Table, tuple[ColumnElement[bool], ...]]:
    if isinstance(measure, ReadingMeasure):
        return readings, (readings.c.part == measure.part,)
    return records, () if measure.kind is None else (records.c.kind == measure.kind,)


def _held_after(table: Table, cycle: int) -> ColumnElement[bool]:
    return and_(table.c.cycle <= cycle, or_(table.c.until.is_(None), table.c.until > cycle))
