"""The rows of readings, by part: those that hold now, or that held after a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Text, case, column, func, or_, select

from syncd.ledger.batches import given
from syncd.ledger.schema import cycles, readings
from syncd.ledger.versions import held_at

_READING_COLUMNS = (
    *(readings.c[name] for name in ("stream", "part", "until", "position", "cell", "number", "raw", "at", "problem")),
    case((readings.c.at.is_(None), readings.c.seen_at)).label("seen_at"),  # reading a time is slow
)

Part = tuple[int, str]
"""(stream's number, part)."""


def reading_rows(
    connection: Connection, parts: Sequence[Part], cycle: int | None, past: Mapping[Part, datetime]
) -> dict[Part, list[Any]]:
    """The rows of each part that hold now, or that held after `cycle`; of an undated part in `past` also the rows that
    ended later than its time there.

    A dated series needs no ended rows: in a long series that is edited daily, most rows have ended.
    """

    def query_rows(wanted: Sequence[Part], *conditions: ColumnElement[bool]) -> dict[Part, list[Any]]:
        of = given(wanted, column("stream", Integer), column("part", Text))
        query = (
            select(*_READING_COLUMNS, cycles.c.started_at.label("ended_at"))
            .join(of, (of.c.stream == readings.c.stream) & (of.c.part == readings.c.part))
            .outerjoin(cycles, cycles.c.id == readings.c.until)
            .where(*conditions)
            .order_by(readings.c.cycle, readings.c.position)
        )
        by_part: dict[Part, list[Any]] = {}
        for row in connection.execute(query):
            by_part.setdefault((row.stream, row.part), []).append(row)
        return by_part

    rows = query_rows(parts, held_at(readings, cycle))
    undated = [part for part in parts if part in past and all(row.at is None for row in rows.get(part, ()))]
    if undated:
        # The sum stops SQLite from reading all cycles from the first on.
        began = select(func.min(cycles.c.id + 0)).where(cycles.c.started_at > min(past[part] for part in undated))
        first = connection.scalar(began)
        held = readings.c.until.is_(None)
        ended_since = held if first is None else or_(held, readings.c.until >= first)
        rows |= query_rows(undated, ended_since, *(() if cycle is None else (readings.c.cycle <= cycle,)))
    return rows
