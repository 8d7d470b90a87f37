"""The values of key results and the definitions they were found under: a row wherever one changed, none where not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from syncd.ledger.cycles import Cycle
from syncd.ledger.events import NewEvent, note
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.schema import cycles, definitions, values
from syncd.okr.goals import Health, Quality
from syncd.sdk import Json


@dataclass(frozen=True, slots=True)
class Definition:
    """A key result as its file says it. `measure` digests how it is measured, `digest` all of it."""

    file: str
    body: Mapping[str, Any]
    measure: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A key result's value. `cycle` found it first, `confirmed` is the last that measured just this, if any did.

    `at` is the time that the number is of, where its source says it; `since` the first day of its run on pace.
    `measure` is the digest of how it was measured: values under different ones do not compare. `candidate` is, of a
    held value, the number that waits for approval; all the rest is then that of the last complete value.
    """

    number: float | None
    progress: float | None
    score: float | None
    health: Health
    quality: Quality
    reason: str | None
    at: datetime | None
    counted: int
    lacking: int
    since: date | None
    measure: str
    cycle: int
    confirmed: int | None
    candidate: float | None = None

    def says_what(self, other: KeptValue) -> bool:
        """Whether the two differ in nothing but the cycles that found them."""
        return replace(self, cycle=other.cycle, confirmed=other.confirmed) == other


@dataclass(frozen=True, slots=True)
class _Defined:
    """A definition that is written down: its number, and the digest of all of it."""

    id: int
    digest: str


_CONFIRM = (
    update(values)
    .where(
        values.c.period == bindparam("of_period"),
        values.c.key_result == bindparam("of"),
        values.c.cycle == bindparam("of_cycle"),
    )
    .values(confirmed=bindparam("by"))
)


class Values:
    """Reads values; writes those of a cycle in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def commit(
        self,
        cycle: int,
        now: datetime,
        pulls: Mapping[str, Json] | None,
        results: Mapping[tuple[str, str], tuple[Definition, KeptValue]],
        due: Iterable[NewDelivery] = (),
        events: Iterable[NewEvent] = (),
        *,
        defined_alone: Mapping[tuple[str, str], Definition] = MappingProxyType({}),
        only: Mapping[str, Json] | None = None,
        dry_run: bool = False,
    ) -> None:
        """Ends a cycle: its values by (period, key result), what is to be delivered or told of them, and its pulls.

        All in one transaction.

        `pulls` is None for one that asked no source; one that asked and kept no value was a `dry_run`: nobody is to
        take it for the last sync. `only` says what was asked for by one that was narrowed: `{key_result, streams}`.
        What is `defined_alone` has no value yet: it waits for a check-in.
        A value that says what the last one said is not written again: the last one's confirmation moves.
        """
        with self._engine.begin() as connection:
            kept: dict[str, Mapping[str, KeptValue]] = {}
            known: dict[str, Mapping[str, _Defined]] = {}
            confirmed: list[dict[str, Any]] = []
            for (period, key_result), (definition, value) in results.items():
                if period not in kept:
                    kept[period], known[period] = _last(connection, period, None), defined(connection, period)
                last = kept[period].get(key_result)
                if last is None or not last.says_what(value):
                    keep(connection, period, key_result, cycle, definition, known[period].get(key_result), value)
                    continue
                _define(connection, period, key_result, cycle, definition, known[period].get(key_result))
                if value.confirmed is not None and value.confirmed != last.confirmed:
                    confirmed.append(
                        {"of_period": period, "of": key_result, "of_cycle": last.cycle, "by": value.confirmed}
                    )
            if confirmed:
                connection.execute(_CONFIRM, confirmed)
            for (period, key_result), definition in defined_alone.items():
                if period not in known:
                    known[period] = defined(connection, period)
                _define(connection, period, key_result, cycle, definition, known[period].get(key_result))
            post(connection, cycle, now, due)
            note(connection, cycle, now, events)
            ended = {"ended_at": now, "pulls": pulls, "only": only, "dry_run": dry_run or None}
            connection.execute(update(cycles).where(cycles.c.id == cycle).values(ended))

    def last(self, period: str, cycle: int | None = None) -> Mapping[str, KeptValue]:
        """The newest value of each key result of a period, by its id, as of now or of a cycle."""
        with self._engine.connect() as connection:
            return _last(connection, period, cycle)

    def last_under(self, period: str, key_result: str, measure: str) -> KeptValue | None:
        """The newest value that was measured in one way, whatever came after it."""
        query = (
            select(values, definitions.c.measure)
            .join(definitions, definitions.c.id == values.c.definition)
            .where(values.c.period == period, values.c.key_result == key_result, definitions.c.measure == measure)
            .order_by(values.c.cycle.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return _kept(row) if row else None

    def history(self, period: str, key_result: str) -> Sequence[tuple[Cycle, KeptValue]]:
        """Every value that a key result had, oldest first, with the cycle that found it."""
        query = (
            select(values, definitions.c.measure, cycles.c.started_at, cycles.c.ended_at)
            .join(definitions, definitions.c.id == values.c.definition)
            .join(cycles, cycles.c.id == values.c.cycle)
            .where(values.c.period == period, values.c.key_result == key_result)
            .order_by(values.c.cycle)
        )
        with self._engine.connect() as connection:
            return [(Cycle(row.cycle, row.started_at, row.ended_at), _kept(row)) for row in connection.execute(query)]

    def digests(self, period: str) -> Mapping[str, str]:
        """The digest of each key result's newest definition, by its id."""
        with self._engine.connect() as connection:
            return {name: known.digest for name, known in defined(connection, period).items()}

    def in_force(self, period: str, cycle: int) -> Mapping[str, Mapping[str, Any]]:
        """The newest definition up to a cycle of each key result of a period, by its id, in the order of the ledger."""
        newest = (
            select(func.max(definitions.c.id))
            .where(definitions.c.period == period, definitions.c.cycle <= cycle)
            .group_by(definitions.c.key_result)
        )
        query = select(definitions).where(definitions.c.id.in_(newest.scalar_subquery())).order_by(definitions.c.id)
        with self._engine.connect() as connection:
            return {row["key_result"]: dict(row) for row in connection.execute(query).mappings()}

    def definitions(self, period: str, key_result: str, cycle: int | None = None) -> Sequence[Mapping[str, Any]]:
        """Every definition that a key result had up to a cycle, oldest first, and when the cycle that met it ended."""
        query = (
            select(definitions, cycles.c.ended_at)
            .join(cycles, cycles.c.id == definitions.c.cycle)
            .where(definitions.c.period == period, definitions.c.key_result == key_result)
            .order_by(definitions.c.id)
        )
        if cycle is not None:
            query = query.where(definitions.c.cycle <= cycle)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def keep(
    connection: Connection,
    period: str,
    key_result: str,
    cycle: int,
    definition: Definition,
    known: _Defined | None,
    value: KeptValue,
) -> None:
    """Writes the value that a key result has from a cycle on, and the definition where that is not the one known."""
    row = {field.name: getattr(value, field.name) for field in fields(value) if field.name != "measure"}
    row |= {"cycle": cycle, "since": value.since.isoformat() if value.since else None}
    number = _define(connection, period, key_result, cycle, definition, known)
    connection.execute(insert(values).values(period=period, key_result=key_result, definition=number, **row))


def _last(connection: Connection, period: str, cycle: int | None) -> Mapping[str, KeptValue]:
    newest = select(values.c.key_result, func.max(values.c.cycle).label("cycle")).where(values.c.period == period)
    if cycle is not None:
        newest = newest.where(values.c.cycle <= cycle)
    latest = newest.group_by(values.c.key_result).subquery()
    query = (
        select(values, definitions.c.measure)
        .join(latest, (latest.c.key_result == values.c.key_result) & (latest.c.cycle == values.c.cycle))
        .join(definitions, definitions.c.id == values.c.definition)
        .where(values.c.period == period)
    )
    return {row.key_result: _kept(row) for row in connection.execute(query)}


def defined(connection: Connection, period: str) -> Mapping[str, _Defined]:
    """The newest definition of each key result of a period, by its id."""
    newest = select(func.max(definitions.c.id)).where(definitions.c.period == period).group_by(definitions.c.key_result)
    query = select(definitions.c.key_result, definitions.c.id, definitions.c.digest).where(
        definitions.c.id.in_(newest.scalar_subquery())
    )
    return {row.key_result: _Defined(row.id, row.digest) for row in connection.execute(query)}


def _define(
    connection: Connection,
    period: str,
    key_result: str,
    cycle: int,
    definition: Definition,
    known: _Defined | None,
) -> int:
    """The number of a definition, written down where it is new or was edited."""
    if known is not None and known.digest == definition.digest:
        return known.id
    added = connection.execute(
        insert(definitions).values(
            period=period,
            key_result=key_result,
            cycle=cycle,
            file=definition.file,
            body=definition.body,
            measure=definition.measure,
            digest=definition.digest,
        )
    )
    assert added.inserted_primary_key is not None
    return int(added.inserted_primary_key[0])


def _kept(row: Any) -> KeptValue:
    return KeptValue(
        row.number,
        row.progress,
        row.score,
        row.health,
        row.quality,
        row.reason,
        row.at,
        row.counted,
        row.lacking,
        date.fromisoformat(row.since) if row.since else None,
        row.measure,
        row.cycle,
        row.confirmed,
        row.candidate,
    )
