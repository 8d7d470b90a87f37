"""Removes old rows that are not needed for a number, explanation, history or review of a past day.

Values, definitions, check-ins, approvals and the versions of pulled rows stay for ever. Other old rows are removed,
except
- a delivery that is the newest of its target and key result, or was the newest at the end of a day: `explain` shows it;
- an event that waits, is the newest about its subject, or has the newest message to an address;
- a cycle that changed something or failed, or ran just before or after such a cycle: syncd reads the times of these
  cycles.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    union,
)

from syncd.ledger.batches import batches
from syncd.ledger.cycles import Cycles, newest_by
from syncd.ledger.engine import WRITES, unhurried
from syncd.ledger.lock import cycle_lock
from syncd.ledger.schema import cycles, deliveries, events, messages, metadata
from syncd.okr.spans import midnight

_FINAL = ("superseded", "delivered")
_OVER = and_(events.c.state != "waiting", events.c.until.is_not(None))
_OPEN_MESSAGES = ("waiting", "sending")
_REFERENCES = frozenset(
    {"cycle", "until", "confirmed", "completed_cycle", "census_cycle", "census_before", "restored_in"}
)
"""The columns that name a cycle whose times are needed. The columns of deliveries and events are not among them."""


class _Rows(NamedTuple):
    """Rows of a table, found by the column `id`. A row is removed only if the condition `still` is met at that moment,
    because somebody may have retried it.
    """

    table: Table
    id: Column[Any]
    still: ColumnElement[bool]


_DELIVERIES = _Rows(deliveries, deliveries.c.id, and_(deliveries.c.state.in_(_FINAL), deliveries.c.until.is_not(None)))
_MESSAGES = _Rows(messages, messages.c.event, exists().where(events.c.id == messages.c.event, _OVER))
_EVENTS = _Rows(events, events.c.id, _OVER)
_CYCLES = _Rows(cycles, cycles.c.id, true())
_INSTANT = timedelta(microseconds=1)
_FREE = 4  # SQLite's file shrinks when one page in this many is free


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows a table had, and how many were removed or, after a dry run, would be removed."""

    rows: int
    removed: int


def prune(
    engine: Engine,
    before: Mapping[str, datetime],
    zone: ZoneInfo,
    *,
    dry_run: bool = False,
    stopping: Callable[[], bool] = lambda: False,
) -> Mapping[str, Pruned]:
    """Removes old rows that are no longer needed, in short transactions; returns the counts by table.

    `before` has, for `deliveries`, `events` and `cycles`, the time before which a row counts as old. Days begin and end
    in `zone`. Cycles may run meanwhile. Once `stopping` returns true, the remaining rows are left for the next time. A
    dry run only counts.
    """
    with engine.connect() as connection, unhurried(connection):
        kinds = (
            (_deliveries(connection, before["deliveries"], _ends_of_days(engine, zone)), (_DELIVERIES,)),
            (_events(connection, before["events"]), (_MESSAGES, _EVENTS)),
            (_cycles(connection, before["cycles"], zone), (_CYCLES,)),
        )
        tables = [rows.table for _, parts in kinds for rows in parts]
        counts = {table: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    removed = dict.fromkeys(tables, 0)
    for ids, parts in kinds:
        for batch in batches(ids):
            if stopping():
                break
            with engine.connect() as connection:
                connection.execution_options(**WRITES)
                for rows in parts:
                    query = delete(rows.table).where(rows.id.in_(batch), rows.still)
                    removed[rows.table] += connection.execute(query).rowcount
                if not dry_run:
                    connection.commit()
    return {table.name: Pruned(counts[table], removed[table]) for table in tables}


# -- the ids of the rows that may be removed


def _deliveries(connection: Connection, before: datetime, ends: Sequence[int]) -> list[int]:
    """The ids of deliveries that a later delivery of the same target and key result replaced before the day ended.

    Superseded deliveries come first. `ends` are the last cycles of days.
    """
    columns = (deliveries.c[name] for name in ("id", "cycle", "made_at", "state"))
    groups = (deliveries.c[name] for name in ("connection", "target", "period", "key_result"))
    newest: dict[Any, Any] = {}
    superseded, delivered = list[int](), list[int]()
    for row in connection.execution_options(yield_per=1_000).execute(
        select(*columns, *groups).order_by(deliveries.c.id)
    ):
        group = row[4:]
        last, newest[group] = newest.get(group), row
        if last is None or last.made_at >= before or last.state not in _FINAL:
            continue
        end = bisect_left(ends, last.cycle)
        if end == len(ends) or ends[end] >= row.cycle:
            (superseded if last.state == "superseded" else delivered).append(last.id)
    return superseded + delivered


def _ends_of_days(engine: Engine, zone: ZoneInfo) -> Sequence[int]:
    """For each day, the last cycle that had ended by the end of the day, in ascending order. A past day is shown as of
    its last cycle.
    """
    ended = Cycles(engine).ended()
    if not ended:
        return []
    days = sorted({cycle.ended_at.astimezone(zone).date() for cycle in ended})
    moments = [midnight(day + timedelta(days=1), zone) - _INSTANT for day in days]
    newest = newest_by(moments, [cycle.ended_at for cycle in ended])
    return sorted({ended[index].id for index in newest if index is not None})


def _events(connection: Connection, before: datetime) -> list[int]:
    address = (messages.c.recipient, messages.c.address)
    newest_message = select(*address, func.max(messages.c.event)).group_by(*address)
    last_sent = select(*address, func.max(messages.c.sent_at)).group_by(*address)
    needed = select(messages.c.event).where(
        or_(
            messages.c.state.in_(_OPEN_MESSAGES),
            tuple_(*address, messages.c.event).in_(newest_message),
            tuple_(*address, messages.c.sent_at).in_(last_sent),
        )
    )
    query = select(events.c.id).where(_OVER, events.c.made_at < before, events.c.id.not_in(needed))
    return list(connection.execute(query.order_by(events.c.id)).scalars())


def _cycles(connection: Connection, before: datetime, zone: ZoneInfo) -> list[int]:
    query = union(
        *(
            select(column).where(column.is_not(None))
            for table in metadata.sorted_tables
            for column in table.columns
            if table not in (deliveries, events) and column.name in _REFERENCES
        )
    )
    referenced = set(connection.execute(query).scalars())
    rows = connection.execute(select(cycles).order_by(cycles.c.id).execution_options(yield_per=1_000))

    def idle_day(row: Any) -> object:
        """The day of a cycle that changed nothing. For any other cycle, a value that differs from all other values."""
        idle = row.ended_at and row.pulls == {} and row.only is None and not row.dry_run and row.id not in referenced
        return row.ended_at.astimezone(zone).date() if idle else object()

    days = ((row.id, row.ended_at, idle_day(row)) for row in rows)
    return [
        middle
        for ((_, _, first_day), (middle, ended_at, day)), (_, (_, _, last_day)) in pairwise(pairwise(days))
        if first_day == day == last_day and ended_at < before
    ]


# -- space


def give_space_back(engine: Engine) -> None:
    """Shrinks a SQLite file with much free space. Raises LedgerBusy if a cycle runs. PostgreSQL does this itself."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        pages, free = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "freelist_count")
        )
        if free * _FREE < pages:
            return
        with cycle_lock(engine):
            connection.exec_driver_sql("ROLLBACK")  # VACUUM opens its own transaction
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def size(engine: Engine) -> int:
    """The size of a ledger in bytes, including free space."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return int(
                connection.exec_driver_sql(
                    "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
                ).scalar_one()
            )
        sizes = (select(func.pg_total_relation_size(table.name)) for table in metadata.sorted_tables)
        return sum(int(connection.execute(query).scalar_one()) for query in sizes)
