"""The cycles of a ledger. Versions of rows are ordered by the numbers of the cycles that wrote them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple, cast

from sqlalchemy import Connection, Engine, and_, func, insert, select

from syncd.ledger.batches import batches
from syncd.ledger.schema import cycles

_SYNC = and_(cycles.c.pulls.is_not(None), cycles.c.dry_run.is_not(True))


class EndedCycle(NamedTuple):
    """A cycle that ended. `synced` is true if the cycle pulled and stored values. `only` is the key result to which the
    cycle was restricted, or None.
    """

    id: int
    ended_at: datetime
    synced: bool
    only: str | None


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle. `ended_at` is None if the cycle was killed."""

    id: int
    started_at: datetime
    ended_at: datetime | None


class Cycles:
    """Begins cycles, and reads their times."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, now: datetime) -> int:
        """Begins a cycle. Returns its number."""
        with self._engine.begin() as connection:
            key = connection.execute(insert(cycles).values(started_at=now)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def last(self, *, pulled: bool = False) -> Cycle | None:
        """The last cycle that ended; None if there is none.

        With `pulled`, the last cycle that was a sync. An approval or a check-in is not a sync, because it pulls
        nothing. A dry run is not a sync, because it stores no value.
        """
        query = select(cycles).where(cycles.c.ended_at.is_not(None)).order_by(cycles.c.id.desc()).limit(1)
        if pulled:
            query = query.where(_SYNC)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return Cycle(row.id, row.started_at, row.ended_at) if row else None

    def first_whole_sync(self, after: int) -> int | None:
        """The first cycle after `after` that ended, pulled all sources and stored values; None if there is none."""
        query = select(cycles.c.id).where(cycles.c.id > after, cycles.c.ended_at.is_not(None), _SYNC)
        whole = query.where(cycles.c.only.is_(None)).order_by(cycles.c.id).limit(1)
        with self._engine.connect() as connection:
            return connection.scalar(whole)

    def began_later(self, moment: datetime, before: int) -> bool:
        """Whether a cycle with a lower number than `before` began after a moment. This happens when the clock was set
        back.
        """
        query = select(cycles.c.id).where(cycles.c.started_at > moment, cycles.c.id < before).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def ended(self) -> Sequence[EndedCycle]:
        """Every cycle that ended, by number."""
        query = select(cycles.c.id, cycles.c.ended_at, _SYNC.label("synced"), cycles.c.only).where(
            cycles.c.ended_at.is_not(None)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(cycles.c.id))
            return [EndedCycle(cycle, at, sync, only["key_result"] if only else None) for cycle, at, sync, only in rows]

    def times(self, numbers: Collection[int]) -> dict[int, datetime]:
        """Maps the number of each of these cycles to the time at which it ended. A cycle that never ended is
        missing.
        """
        query = select(cycles.c.id, cycles.c.ended_at).where(cycles.c.ended_at.is_not(None))
        with self._engine.connect() as connection:
            return {
                row.id: row.ended_at
                for batch in batches(sorted(numbers))
                for row in connection.execute(query.where(cycles.c.id.in_(batch)))
            }

    def end_of(self, cycle: int) -> datetime:
        """The time at which a cycle ended; for a killed cycle, the time at which the next cycle ended. There must be
        such a next cycle.
        """
        query = select(func.min(cycles.c.id)).where(cycles.c.id >= cycle, cycles.c.ended_at.is_not(None))
        with self._engine.connect() as connection:
            ((ended_at,),) = connection.execute(select(cycles.c.ended_at).where(cycles.c.id == query.scalar_subquery()))
        return cast("datetime", ended_at)


def newest_by(moments: Iterable[datetime], times: Sequence[datetime]) -> Iterator[int | None]:
    """For each moment, the index of the newest version that existed at that moment; None if no version existed yet.

    `times` are the times of the versions, in the order of the versions, oldest first. The times need not ascend,
    because a clock may have been set back.
    """
    by_time = sorted((at, index) for index, at in enumerate(times))
    newest = list(accumulate((index for _, index in by_time), max))
    for moment in moments:
        count = bisect_right(by_time, moment, key=lambda version: version[0])
        yield newest[count - 1] if count else None


def own_cycle(connection: Connection, now: datetime) -> int:
    """Begins and ends a cycle for a person's value, without a pull. Returns its number."""
    key = connection.execute(insert(cycles).values(started_at=now, ended_at=now)).inserted_primary_key
    assert key is not None
    return int(key[0])
