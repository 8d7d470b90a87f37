"""The values of key results, and the definitions under which they were measured.

A new row is written only when a value or definition changes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    String,
    bindparam,
    column,
    func,
    select,
    tuple_,
    update,
)

from syncd.ledger.batches import PARAMETERS, batches, given
from syncd.ledger.cycles import Cycle
from syncd.ledger.definition_versions import define
from syncd.ledger.definitions import Definition
from syncd.ledger.events import NewEvent, note
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.outlines import Outline, keep_outlines
from syncd.ledger.schema import cycles, definitions, values
from syncd.ledger.versions import add_newest, held_at
from syncd.okr.goals import Health, Quality
from syncd.sdk import Json


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A value of a key result. `cycle` is the first cycle that measured the value; `confirmed` is the last cycle that
    measured the same value, if any.

    `at` is the time that the number describes, if its source gives a time. `since` is the day since which the key
    result is on pace. `measure` is the digest of its measure: values with different digests cannot be compared. In a
    held value, `candidate` is the number that waits for approval; the other fields are those of the last complete
    value.
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
        """Whether both values are equal, apart from their cycles."""
        return _CONTENT(self) == _CONTENT(other)


_CONTENT = attrgetter(*(field.name for field in fields(KeptValue) if field.name not in ("cycle", "confirmed")))
_OWN = [field.name for field in fields(KeptValue) if field.name != "measure"]
_OF_PERIOD = select(values, definitions.c.measure).join(definitions, definitions.c.id == values.c.definition)
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
    """Reads values and definitions; writes a cycle's values and definitions in one transaction."""

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
        outlines: Mapping[str, Mapping[str, Outline]] = MappingProxyType({}),
        only: Mapping[str, Json] | None = None,
        dry_run: bool = False,
    ) -> None:
        """Ends a cycle: stores its values by (period, key result), deliveries, events and pulls, in one transaction.

        `pulls` is None for a cycle that pulled nothing. A `dry_run` cycle pulled but stored no value; it does not count
        as a sync. `only` is the `{key_result, streams}` of a cycle that was restricted to a key result. `defined_alone`
        has the definitions of key results that have no value yet, because they wait for a check-in or for their period
        to begin. `outlines` are the outlines of each period, by subject. A value that equals the last value is not
        written again: only `confirmed` of the last value is updated.
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
                define(connection, period, cycle, definitions_of_period)
            for period, outlines_of_period in outlines.items():
                keep_outlines(connection, period, cycle, outlines_of_period)
            post(connection, cycle, now, due)
            note(connection, cycle, now, events)
            ended = {"ended_at": now, "pulls": pulls, "only": only, "dry_run": dry_run or None}
            connection.execute(update(cycles).where(cycles.c.id == cycle).values(ended))

    def last(self, period: str, cycle: int | None = None) -> Mapping[str, KeptValue]:
        """The newest value of each key result of a period, as of now or of the end of a cycle."""
        with self._engine.connect() as connection:
            return _last(connection, period, cycle)

    def at_cycles(
        self, period: str, numbers: Sequence[int], key_results: Collection[str] | None = None
    ) -> Sequence[Mapping[str, KeptValue]]:
        """For each of these cycles, the newest value of each key result at the end of the cycle. The cycles must be in
        ascending order.

        `key_results` restricts the key results. The changes of all cycles are read in one query.
        """
        changes = (
            select(values.c.cycle, values.c.key_result)
            .where(values.c.period == period, values.c.cycle <= max(numbers, default=0))
            .order_by(values.c.cycle)
        )
        if key_results is not None:
            changes = changes.where(values.c.key_result.in_(key_results))
        states: list[dict[str, int]] = []
        with self._engine.connect() as connection:
            rows = connection.execute(changes).all()
            read, state = 0, dict[str, int]()
            for reached in (bisect_right(rows, number, key=itemgetter(0)) for number in numbers):
                state.update({name: cycle for cycle, name in rows[read:reached]})
                read = reached
                states.append(dict(state))
            pairs = sorted({(cycle, name) for state in states for name, cycle in state.items()})
            kept = {(value.cycle, name): value for name, value in _of_pairs(connection, period, pairs)}
        return [{name: kept[cycle, name] for name, cycle in state.items()} for state in states]

    def first_and_last_under(self, period: str, key_result: str, measure: str, until: int) -> tuple[int, int] | None:
        """The first and last cycle that measured a key result by the measure with this digest; None if there is no such
        cycle.
        """
        query = (
            select(func.min(values.c.cycle), func.max(values.c.confirmed))
            .join(definitions, definitions.c.id == values.c.definition)
            .where(values.c.period == period, values.c.key_result == key_result, values.c.cycle <= until)
            .where(definitions.c.measure == measure, values.c.confirmed.is_not(None))
        )
        with self._engine.connect() as connection:
            ((first, last),) = connection.execute(query)
        return None if first is None else (first, last)

    def last_under(self, period: str, measures: Mapping[str, str]) -> Mapping[str, KeptValue]:
        """Maps each key result to its newest value under the measure whose digest is in `measures`. Later values may
        have another measure.
        """
        newest_cycles = (
            select(values.c.key_result, func.max(values.c.cycle))
            .join(definitions, definitions.c.id == values.c.definition)
            .where(values.c.period == period)
            .group_by(values.c.key_result)
        )
        with self._engine.connect() as connection:
            pairs = [
                (cycle, name)
                for batch in batches(measures.items(), PARAMETERS // 3)
                for name, cycle in connection.execute(
                    newest_cycles.where(
                        values.c.key_result.in_([name for name, _ in batch]),
                        tuple_(values.c.key_result, definitions.c.measure).in_(batch),
                    )
                )
            ]
            return dict(_of_pairs(connection, period, pairs))

    def history(self, period: str, key_result: str) -> Sequence[tuple[Cycle, KeptValue]]:
        """Every value of a key result, oldest first, with the cycle that measured it."""
        return self.histories(period, [key_result]).get(key_result, [])

    def histories(self, period: str, key_results: Collection[str]) -> Mapping[str, Sequence[tuple[Cycle, KeptValue]]]:
        """Maps each of these key results to its history. Key results that never had a value are missing."""
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


def keep(connection: Connection, period: str, cycle: int, results: Mapping[str, tuple[Definition, KeptValue]]) -> None:
    """Writes the values that key results have from a cycle on, and their new definitions."""
    numbers = define(connection, period, cycle, {name: definition for name, (definition, _) in results.items()})
    _write(connection, period, cycle, {name: (numbers[name], value) for name, (_, value) in results.items()})


def _keep_or_confirm(
    connection: Connection, period: str, cycle: int, results: Mapping[str, tuple[Definition, KeptValue]]
) -> None:
    last_values = _last(connection, period, None)
    numbers = define(connection, period, cycle, {name: definition for name, (definition, _) in results.items()})
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
    rows = [
        {name: getattr(value, name) for name in _OWN}
        | {"period": period, "key_result": key_result, "definition": number, "cycle": cycle}
        | {"since": value.since.isoformat() if value.since else None}
        for key_result, (number, value) in numbered.items()
    ]
    add_newest(connection, values, cycle, rows)


def _last(connection: Connection, period: str, cycle: int | None) -> Mapping[str, KeptValue]:
    query = _OF_PERIOD.where(values.c.period == period, held_at(values, cycle))
    return {row.key_result: _kept(row) for row in connection.execute(query)}


def _of_pairs(connection: Connection, period: str, pairs: Sequence[tuple[int, str]]) -> Iterator[tuple[str, KeptValue]]:
    if pairs:
        pair = given(pairs, column("cycle", Integer), column("key_result", String))
        of_pair = (pair.c.cycle == values.c.cycle) & (pair.c.key_result == values.c.key_result)
        for row in connection.execute(_OF_PERIOD.join(pair, of_pair).where(values.c.period == period)):
            yield row.key_result, _kept(row)


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
