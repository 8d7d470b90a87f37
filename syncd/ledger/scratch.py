"""A ledger in memory with the rows of a few streams. Rows that are pulled into this ledger are lost when the process
ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, or_, select, tuple_

from syncd.ledger.batches import batches
from syncd.ledger.engine import unhurried
from syncd.ledger.ledger import Ledger, open_ledger
from syncd.ledger.pulled import StreamId
from syncd.ledger.schema import cycles, layouts, readings, records, streams

_AT_ONCE = 2_000  # rows in memory at once, besides the copy


def scratch_ledger(ledger: Ledger | None, parts: Mapping[StreamId, Collection[str]], now: datetime) -> Ledger:
    """A copy in memory of these streams of a ledger: the current records, and the readings of the parts in `parts`.

    Values, check-ins and other rows are not copied. The streams count as reconciled at `now`, so that no census is due.
    Only the thread that makes the copy may use it.
    """
    scratch = open_ledger("sqlite:///:memory:")
    assert scratch is not None  # open_ledger creates it
    if ledger is None:
        return scratch
    with ledger.engine.connect() as source, scratch.engine.begin() as target:
        if source.dialect.name == "postgresql":
            source = source.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with unhurried(source):
            _copy_streams(source, target, parts, now)
    return scratch


def _copy_streams(
    source: Connection, target: Connection, parts: Mapping[StreamId, Collection[str]], now: datetime
) -> None:
    wanted = tuple_(streams.c.connection, streams.c.key).in_(list(parts))
    numbers: dict[int, StreamId] = {}
    for row in source.execute(select(streams).where(wanted)).mappings():
        numbers[row["id"]] = (row["connection"], row["key"])
        target.execute(insert(streams), {**row, "census_at": now})
    of_parts = [(number, part) for number, name in numbers.items() for part in parts[name]]
    is_wanted = tuple_(readings.c.stream, readings.c.part).in_(of_parts)
    ended = select(readings.c.until).where(is_wanted)
    newest = select(func.max(cycles.c.id)).scalar_subquery()
    # The next cycle must come after all cycles that the rows name, and ended readings take their times from cycles.
    at = select(cycles.c.id, cycles.c.started_at, cycles.c.ended_at)
    _copy(source, target, cycles, at.where(or_(cycles.c.id == newest, cycles.c.id.in_(ended))))
    _copy(source, target, records, select(records).where(records.c.stream.in_(numbers), records.c.until.is_(None)))
    _copy(source, target, readings, select(readings).where(is_wanted))
    in_layouts: ColumnElement[bool] = tuple_(layouts.c.stream, layouts.c.part).in_(of_parts)
    _copy(source, target, layouts, select(layouts).where(in_layouts))


def _copy(source: Connection, target: Connection, table: Any, query: Select[Any]) -> None:
    rows = source.execute(query.execution_options(yield_per=_AT_ONCE)).mappings()
    for batch in batches(rows, _AT_ONCE):
        target.execute(insert(table), [dict(row) for row in batch])
