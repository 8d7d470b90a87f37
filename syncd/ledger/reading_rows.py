"""The rows of readings, by part: those that hold now, or that held after a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Text, case, column, or_, select

from syncd.ledger.batches import given
from syncd.ledger.schema import cycles, readings

_READING_COLUMNS = (
    *(readings.c[name] for name in ("stream", "part", "until", "position", "cell", "number", "raw", "at", "problem")),
    case((readings.c.at.is_(None), readings.c.seen_at)).label("seen_at"),  # reading a time is slow
)

Part = tuple[int, str]
"""(stream's number, part)."""


def reading_rows(connection: Connection, parts: Sequence[Part], cycle: int | None) -> dict[Part, list[Any]]:
    """The rows of each part: of a dated part, rows that hold now or held after `cycle`; of an undated part, all rows up
    to then.

    A dated series does not need its ended rows: in a long series that is edited daily, most rows have ended.
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

    by_then = () if cycle is None else (readings.c.cycle <= cycle,)
    held = readings.c.until.is_(None)
    rows = query_rows(parts, *by_then, held if cycle is None else or_(held, readings.c.until > cycle))
    undated = [part for part in parts if all(row.at is None for row in rows.get(part, ()))]
    return rows | (query_rows(undated, *by_then) if undated else {})
