"""The values of key results, and the definitions they were measured under. A new row is written only for a change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, func, insert, select, tuple_, update

from syncd.ledger.batches import PARAMETERS, batches
from syncd.ledger.cycles import Cycle
from syncd.ledger.events import NewEvent, note
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.schema import cycles, definitions, values
from syncd.okr.goals import Health, Quality
from syncd.sdk import Json


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition of a key result. `digest` is a digest of all of it, `measure` of how it is measured."""

    file: str
    body: Mapping[str, Any]
    measure: str
    digest: str


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A value of a key result. `cycle` measured it first; `confirmed` is the last cycle that measured the same, if any.

    `at` is the time of the number, if its source gives one; `since` is the first day of its run on pace. `measure` is
    the digest of how it was measured: values with different digests cannot be compared. In a held value, `candidate`
    is the number that waits for approval, and everything else is that of the last complete value.
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
        """Whether the two are equal except for their cycles."""
        return replace(self, cycle=other.cycle, confirmed=other.confirmed) == other


@dataclass(frozen=True, slots=True)
class _StoredDefinition:
    """The number and the digest of a definition in the ledger."""

    id: int
    digest: str


_OWN = [field.name for field in fields(KeptValue) if field.name != "measure"]
_NEWEST = select(values.c.key_result, func.max(values.c.cycle).label("cycle")).group_by(values.c.key_result)
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
    """Reads values and definitions; writes those of a cycle in one transaction."""

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
        """Ends a cycle: keeps its values by (period, key result), deliveries, events and pulls, in one transaction.

        `pulls` is None for a cycle that asked no source. A `dry_run` asked the sources and kept no value; it does not
        count as the last sync. `only` is `{key_result, streams}` of a cycle that was restricted to a key result.
        Definitions in `defined_alone` have no value yet: their key results wait for a check-in. A value that equals the
        last value is not written again; only `confirmed` of the last value moves.
        """
        results_by_period: dict[str, dict[str, tuple[Definition, KeptValue]]] = {}
        for (period, key_result), result in results.items():
            results_by_period.setdefault(period, {})[key_result] = result
        waiting: dict[str, dict[str, Definition]] = {}
        for (period, key_result), definition in defined_alone.items():
            waiting.setdefault(period, {})[key_result] = definition
        with self._engine.begin() as connection:
            for period, results_of_period in results_by_period.items():
                _keep_or_confirm(connection, period, cycle, results_of_period)
            for period, definitions_of_period in waiting.items():
                _define(connection, period, cycle, definitions_of_period)
            post(connection, cycle, now, due)
            note(connection, cycle, now, events)
            ended = {"ended_at": now, "pulls": pulls, "only": only, "dry_run": dry_run or None}
            connection.execute(update(cycles).where(cycles.c.id == cycle).values(ended))

    def last(self, period: str, cycle: int | None = None) -> Mapping[str, KeptValue]:
        """The newest value of each key result of a period by its id, as of now or of the end of a cycle."""
        with self._engine.connect() as connection:
            return _last(connection, period, cycle)

    def last_under(self, period: str, measures: Mapping[str, str]) -> Mapping[str, KeptValue]:
        """The newest value of each key result under the digest of its measure, whatever values came after it."""
        newest_values: dict[str, KeptValue] = {}
        with self._engine.connect() as connection:
            for batch in batches(measures.items(), PARAMETERS // 3):
                newest = (
                    _NEWEST.join(definitions, definitions.c.id == values.c.definition)
                    .where(values.c.period == period, values.c.key_result.in_([name for name, _ in batch]))
                    .where(tuple_(values.c.key_result, definitions.c.measure).in_(batch))
                )
                newest_values.update(_of_cycles(connection, period, newest))
        return newest_values

    def history(self, period: str, key_result: str) -> Sequence[tuple[Cycle, KeptValue]]:
        """Every value of a key result, oldest first, with the cycle that measured it."""
        return self.histories(period, [key_result]).get(key_result, [])

    def histories(self, period: str, key_results: Collection[str]) -> Mapping[str, Sequence[tuple[Cycle, KeptValue]]]:
        """The history of each of these key results; a key result that never had a value is missing."""
        query = (
            select(values, definitions.c.measure, cycles.c.started_at, cycles.c.ended_at)
            .join(definitions, definitions.c.id == values.c.definition)
            .join(cycles, cycles.c.id == values.c.cycle)
            .where(values.c.period == period)
            .order_by(values.c.cycle)
        )
        histories: dict[str, list[tuple[Cycle, KeptValue]]] = {}
        with self._engine.connect() as connection:
            for batch in batches(key_results):
                for row in connection.execute(query.where(values.c.key_result.in_(batch))):
                    cycle = Cycle(row.cycle, row.started_at, row.ended_at)
                    histories.setdefault(row.key_result, []).append((cycle, _kept(row)))
        return histories

    def digests(self, period: str) -> Mapping[str, str]:
        """The digest of each key result's newest definition, by its id."""
        with self._engine.connect() as connection:
            return {name: stored.digest for name, stored in _stored_definitions(connection, period).items()}

    def in_force(self, period: str, cycle: int) -> Mapping[str, Mapping[str, Any]]:
        """The newest definition of each key result of a period up to a cycle, by its id, in the order of the ledger."""
        newest = (
            select(func.max(definitions.c.id))
            .where(definitions.c.period == period, definitions.c.cycle <= cycle)
            .group_by(definitions.c.key_result)
        )
        query = select(definitions).where(definitions.c.id.in_(newest.scalar_subquery())).order_by(definitions.c.id)
        with self._engine.connect() as connection:
            return {row["key_result"]: dict(row) for row in connection.execute(query).mappings()}

    def definitions(self, period: str, key_result: str, cycle: int | None = None) -> Sequence[Mapping[str, Any]]:
        """Every definition of a key result up to a cycle, oldest first, with the end of the cycle that kept it."""
        with self._engine.connect() as connection:
            rows = _definitions(connection, period, [key_result]).get(key_result, [])
        return [row for row in rows if cycle is None or row["cycle"] <= cycle]

    def redefined(self, period: str, digests: Mapping[str, str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Every definition of each key result that ever had another digest than the present one, given in `digests`."""
        every = select(definitions.c.key_result, definitions.c.digest).where(definitions.c.period == period)
        with self._engine.connect() as connection:
            edited = {name for name, digest in connection.execute(every) if digests.get(name, digest) != digest}
            return _definitions(connection, period, sorted(edited))


def _definitions(
    connection: Connection, period: str, key_results: Sequence[str]
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    query = (
        select(definitions, cycles.c.ended_at)
        .join(cycles, cycles.c.id == definitions.c.cycle)
        .where(definitions.c.period == period)
        .order_by(definitions.c.id)
    )
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for batch in batches(key_results):
        for row in connection.execute(query.where(definitions.c.key_result.in_(batch))).mappings():
            rows.setdefault(row["key_result"], []).append(dict(row))
    return rows


def keep(connection: Connection, period: str, cycle: int, results: Mapping[str, tuple[Definition, KeptValue]]) -> None:
    """Writes the values that key results have from a cycle on, and their definitions if they are new."""
    numbers = _define(connection, period, cycle, {name: definition for name, (definition, _) in results.items()})
    _write(connection, period, cycle, {name: (numbers[name], value) for name, (_, value) in results.items()})


def _keep_or_confirm(
    connection: Connection, period: str, cycle: int, results: Mapping[str, tuple[Definition, KeptValue]]
) -> None:
    """Writes the values that differ from the last ones, and moves `confirmed` of the last ones for the others."""
    last_values = _last(connection, period, None)
    numbers = _define(connection, period, cycle, {name: definition for name, (definition, _) in results.items()})
    new: dict[str, tuple[int, KeptValue]] = {}
    confirmed: list[dict[str, Any]] = []
    for name, (_, value) in results.items():
        last = last_values.get(name)
        if last is None or not last.says_what(value):
            new[name] = numbers[name], value
        elif value.confirmed is not None and value.confirmed != last.confirmed:
            confirmed.append({"of_period": period, "of": name, "of_cycle": last.cycle, "by": value.confirmed})
    _write(connection, period, cycle, new)
    if confirmed:
        connection.execute(_CONFIRM, confirmed)


def _write(connection: Connection, period: str, cycle: int, numbered: Mapping[str, tuple[int, KeptValue]]) -> None:
    """Writes values by key result, each with the number of its definition."""
    rows = [
        {name: getattr(value, name) for name in _OWN}
        | {"period": period, "key_result": key_result, "definition": number, "cycle": cycle}
        | {"since": value.since.isoformat() if value.since else None}
        for key_result, (number, value) in numbered.items()
    ]
    if rows:
        connection.execute(insert(values), rows)


def _last(connection: Connection, period: str, cycle: int | None) -> Mapping[str, KeptValue]:
    newest = _NEWEST.where(values.c.period == period)
    return _of_cycles(connection, period, newest if cycle is None else newest.where(values.c.cycle <= cycle))


def _of_cycles(connection: Connection, period: str, newest: Select[tuple[str, int]]) -> Mapping[str, KeptValue]:
    """The value of each key result of a period in the cycle that `newest` selects for it."""
    latest = newest.subquery()
    query = (
        select(values, definitions.c.measure)
        .join(latest, (latest.c.key_result == values.c.key_result) & (latest.c.cycle == values.c.cycle))
        .join(definitions, definitions.c.id == values.c.definition)
        .where(values.c.period == period)
    )
    return {row.key_result: _kept(row) for row in connection.execute(query)}


def _stored_definitions(connection: Connection, period: str) -> Mapping[str, _StoredDefinition]:
    """The newest stored definition of each key result of a period by its id."""
    newest = select(func.max(definitions.c.id)).where(definitions.c.period == period).group_by(definitions.c.key_result)
    query = select(definitions.c.key_result, definitions.c.id, definitions.c.digest).where(
        definitions.c.id.in_(newest.scalar_subquery())
    )
    return {row.key_result: _StoredDefinition(row.id, row.digest) for row in connection.execute(query)}


def _define(connection: Connection, period: str, cycle: int, defined: Mapping[str, Definition]) -> Mapping[str, int]:
    """The number of each definition by key result. New and edited definitions are written."""
    stored = _stored_definitions(connection, period)
    rows = [
        {"period": period, "key_result": name, "cycle": cycle, "file": definition.file, "body": definition.body}
        | {"measure": definition.measure, "digest": definition.digest}
        for name, definition in defined.items()
        if name not in stored or stored[name].digest != definition.digest
    ]
    if rows:
        connection.execute(insert(definitions), rows)
        stored = _stored_definitions(connection, period)
    return {name: stored[name].id for name in defined}


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
