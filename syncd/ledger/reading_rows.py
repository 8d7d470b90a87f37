"""Reads the rows of readings that are valid now, or were valid after a cycle, by part. Each row has the place that it
had at that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Text, case, column, func, select

from syncd.ledger.batches import given
from syncd.ledger.layouts import Part, order_of, read_layouts
from syncd.ledger.schema import cycles, readings
from syncd.ledger.versions import held_at


class ReadingRow(NamedTuple):
    """A version of a reading. `seen_at` is None if the reading is dated. `ended_at` is the start of the cycle that
    ended the reading.
    """

    stream: int
    part: str
    position: int
    cycle: int
    until: int | None
    at: datetime | None
    cell: str
    number: float | None
    raw: str
    problem: str | None
    seen_at: datetime | None
    ended_at: datetime | None


_ROWS = (
    select(
        *(readings.c[name] for name in ReadingRow._fields[:-2]),
        case((readings.c.at.is_(None), readings.c.seen_at)).label("seen_at"),  # converting a time is slow
        cycles.c.started_at.label("ended_at"),
    )
    .outerjoin(cycles, cycles.c.id == readings.c.until)
    .order_by(readings.c.cycle, readings.c.position)
)


def reading_rows(
    connection: Connection, parts: Sequence[Part], cycle: int | None, past: Mapping[Part, datetime]
) -> Mapping[Part, Sequence[ReadingRow]]:
    """The rows of each part that are valid now, or were valid after `cycle`.

    For an undated part that has a time in `past`, the result also has the rows that ended after this time. The ended
    rows of a dated part are never read, because they are not needed and can be many.
    """
    if not parts:
        return {}
    rows = _read(connection, parts, held_at(readings, cycle))
    for part, places in read_layouts(connection, parts, cycle).items():
        dated = sorted((row for row in rows.get(part, ()) if row.at is not None), key=order_of)
        moved = [row._replace(position=at, cell=cell) for row, (at, cell) in zip(dated, places, strict=True)]
        rows[part] = moved + [row for row in rows.get(part, ()) if row.at is None]
    undated = [part for part in parts if part in past and all(row.at is None for row in rows.get(part, ()))]
    if undated and (first := _first_cycle_after(connection, min(past[part] for part in undated))) is not None:
        by_then = () if cycle is None else (readings.c.until <= cycle,)
        for part, ended in _read(connection, undated, readings.c.until >= first, *by_then).items():
            rows[part] = sorted([*ended, *rows.get(part, ())], key=lambda row: (row.cycle, row.position))
    return rows


def _read(
    connection: Connection, parts: Sequence[Part], *conditions: ColumnElement[bool]
) -> dict[Part, list[ReadingRow]]:
    of = given(parts, column("stream", Integer), column("part", Text))
    query = _ROWS.join(of, (of.c.stream == readings.c.stream) & (of.c.part == readings.c.part)).where(*conditions)
    by_part: dict[Part, list[ReadingRow]] = {}
    for row in connection.execute(query):
        by_part.setdefault((row.stream, row.part), []).append(ReadingRow._make(row))
    return by_part


def _first_cycle_after(connection: Connection, moment: datetime) -> int | None:
    # The sum stops SQLite from reading all cycles, from the first on.
    first: int | None = connection.scalar(select(func.min(cycles.c.id + 0)).where(cycles.c.started_at > moment))
    return first
