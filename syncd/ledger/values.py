"""The values of key results and the definitions they were found under: a row wherever one changed, none where not."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Select,
    String,
    bindparam,
    column,
    func,
    insert,
    select,
    tuple_,
    update,
)

from syncd.ledger.batches import PARAMETERS, batches, given
from syncd.ledger.cycles import Cycle
from syncd.ledger.definitions import Definition, DefinitionVersion
from syncd.ledger.events import NewEvent, note
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.schema import cycles, definitions, values
from syncd.okr.goals import Health, Quality
from syncd.sdk import Json


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
        by_period: dict[str, dict[str, tuple[Definition, KeptValue]]] = {}
        for (period, key_result), found in results.items():
            by_period.setdefault(period, {})[key_result] = found
        waiting: dict[str, dict[str, Definition]] = {}
        for (period, key_result), definition in defined_alone.items():
            waiting.setdefault(period, {})[key_result] = definition
        with self._engine.begin() as connection:
            for period, mine in by_period.items():
                _keep_or_confirm(connection, period, cycle, mine)
            for period, alone in waiting.items():
                _define(connection, period, cycle, alone)
            post(connection, cycle, now, due)
            note(connection, cycle, now, events)
            ended = {"ended_at": now, "pulls": pulls, "only": only, "dry_run": dry_run or None}
            connection.execute(update(cycles).where(cycles.c.id == cycle).values(ended))

    def last(self, period: str, cycle: int | None = None) -> Mapping[str, KeptValue]:
        """The newest value of each key result of a period, by its id, as of now or of a cycle."""
        with self._engine.connect() as connection:
            return _last(connection, period, cycle)

    def at_cycles(
        self, period: str, numbers: Sequence[int], key_results: Collection[str] | None = None
    ) -> Sequence[Mapping[str, KeptValue]]:
        """The newest value of each key result as of each of these cycles, which ascend; of `key_results`, or of all.

        Read in one pass: what a series of days costs depends on the days, not on how often a number changed.
        """
        found_by = (
            select(values.c.key_result, values.c.cycle)
            .where(values.c.period == period, values.c.cycle <= max(numbers, default=0))
            .order_by(values.c.cycle)
        )
        if key_results is not None:
            found_by = found_by.where(values.c.key_result.in_(key_results))
        newest: list[dict[str, int]] = []
        with self._engine.connect() as connection:
            changes = deque((cycle, name) for name, cycle in connection.execute(found_by))
            state: dict[str, int] = {}
            for number in numbers:
                while changes and changes[0][0] <= number:
                    cycle, name = changes.popleft()
                    state[name] = cycle
                newest.append(dict(state))
            pairs = sorted({(cycle, name) for state in newest for name, cycle in state.items()})
            kept = {(value.cycle, name): value for name, value in _of_pairs(connection, period, pairs)}
        return [{name: kept[cycle, name] for name, cycle in state.items()} for state in newest]

    def last_under(self, period: str, measures: Mapping[str, str]) -> Mapping[str, KeptValue]:
        """Of each of these key results the newest value that was measured in its way, whatever came after it."""
        found: dict[str, KeptValue] = {}
        with self._engine.connect() as connection:
            for some in batches(measures.items(), PARAMETERS // 3):
                newest = (
                    _NEWEST.join(definitions, definitions.c.id == values.c.definition)
                    .where(values.c.period == period, values.c.key_result.in_([name for name, _ in some]))
                    .where(tuple_(values.c.key_result, definitions.c.measure).in_(some))
                )
                found.update(_of_cycles(connection, period, newest))
        return found

    def history(self, period: str, key_result: str) -> Sequence[tuple[Cycle, KeptValue]]:
        """Every value that a key result had, oldest first, with the cycle that found it."""
        return self.histories(period, [key_result]).get(key_result, [])

    def histories(self, period: str, key_results: Collection[str]) -> Mapping[str, Sequence[tuple[Cycle, KeptValue]]]:
        """The history of each of these key results; one that never had a value is missing."""
        query = (
            select(values, definitions.c.measure, cycles.c.started_at, cycles.c.ended_at)
            .join(definitions, definitions.c.id == values.c.definition)
            .join(cycles, cycles.c.id == values.c.cycle)
            .where(values.c.period == period)
            .order_by(values.c.cycle)
        )
        found: dict[str, list[tuple[Cycle, KeptValue]]] = {}
        with self._engine.connect() as connection:
            for some in batches(key_results):
                for row in connection.execute(query.where(values.c.key_result.in_(some))):
                    one = Cycle(row.cycle, row.started_at, row.ended_at), _kept(row)
                    found.setdefault(row.key_result, []).append(one)
        return found

    def digests(self, period: str) -> Mapping[str, str]:
        """The digest of each key result's newest definition, by its id."""
        with self._engine.connect() as connection:
            return {name: known.digest for name, known in _defined(connection, period).items()}

    def definitions(self, period: str, key_result: str, cycle: int | None = None) -> Sequence[DefinitionVersion]:
        """Every definition that a key result had up to a cycle, oldest first."""
        with self._engine.connect() as connection:
            versions = _versions(connection, period, [key_result])
        return [version for version in versions if cycle is None or version.cycle <= cycle]

    def all_definitions(self, period: str) -> Sequence[DefinitionVersion]:
        """Every definition that any key result of a period had, in the order in which the ledger met them."""
        with self._engine.connect() as connection:
            return _versions(connection, period)

    def redefined(self, period: str, digests: Mapping[str, str]) -> Mapping[str, Sequence[DefinitionVersion]]:
        """Every definition of each key result that ever had one that differs from the digest given, oldest first."""
        every = select(definitions.c.key_result, definitions.c.digest).where(definitions.c.period == period)
        by_key_result: dict[str, list[DefinitionVersion]] = {}
        with self._engine.connect() as connection:
            edited = {name for name, digest in connection.execute(every) if digests.get(name, digest) != digest}
            for version in _versions(connection, period, sorted(edited)):
                by_key_result.setdefault(version.key_result, []).append(version)
        return by_key_result


def _versions(
    connection: Connection, period: str, key_results: Sequence[str] | None = None
) -> Sequence[DefinitionVersion]:
    """The definitions of a period, or of some of its key results, oldest first."""
    query = (
        select(definitions, cycles.c.ended_at)
        .join(cycles, cycles.c.id == definitions.c.cycle)
        .where(definitions.c.period == period)
        .order_by(definitions.c.id)
    )
    queries = (
        [query]
        if key_results is None
        else [query.where(definitions.c.key_result.in_(some)) for some in batches(key_results)]
    )
    return [
        DefinitionVersion(row.key_result, row.cycle, row.ended_at, _definition(row))
        for query in queries
        for row in connection.execute(query)
    ]


def _definition(row: Any) -> Definition:
    return Definition(row.file, row.body, row.measure, row.digest)


def keep(connection: Connection, period: str, cycle: int, found: Mapping[str, tuple[Definition, KeptValue]]) -> None:
    """Writes the values that key results have from a cycle on, and their definitions where those are not known."""
    numbers = _define(connection, period, cycle, {name: one for name, (one, _) in found.items()})
    _write(connection, period, cycle, {name: (numbers[name], value) for name, (_, value) in found.items()})


def _keep_or_confirm(
    connection: Connection, period: str, cycle: int, found: Mapping[str, tuple[Definition, KeptValue]]
) -> None:
    """Writes what says something else than the last value did; the confirmation of any other moves."""
    last = _last(connection, period, None)
    numbers = _define(connection, period, cycle, {name: one for name, (one, _) in found.items()})
    new: dict[str, tuple[int, KeptValue]] = {}
    confirmed: list[dict[str, Any]] = []
    for name, (_, value) in found.items():
        was = last.get(name)
        if was is None or not was.says_what(value):
            new[name] = numbers[name], value
        elif value.confirmed is not None and value.confirmed != was.confirmed:
            confirmed.append({"of_period": period, "of": name, "of_cycle": was.cycle, "by": value.confirmed})
    _write(connection, period, cycle, new)
    if confirmed:
        connection.execute(_CONFIRM, confirmed)


def _write(connection: Connection, period: str, cycle: int, found: Mapping[str, tuple[int, KeptValue]]) -> None:
    rows = [
        {name: getattr(value, name) for name in _OWN}
        | {"period": period, "key_result": key_result, "definition": number, "cycle": cycle}
        | {"since": value.since.isoformat() if value.since else None}
        for key_result, (number, value) in found.items()
    ]
    if rows:
        connection.execute(insert(values), rows)


def _last(connection: Connection, period: str, cycle: int | None) -> Mapping[str, KeptValue]:
    newest = _NEWEST.where(values.c.period == period)
    return _of_cycles(connection, period, newest if cycle is None else newest.where(values.c.cycle <= cycle))


def _of_cycles(connection: Connection, period: str, newest: Select[tuple[str, int]]) -> Mapping[str, KeptValue]:
    """The value of each key result of a period that was found in the cycle asked for."""
    latest = newest.subquery()
    query = (
        select(values, definitions.c.measure)
        .join(latest, (latest.c.key_result == values.c.key_result) & (latest.c.cycle == values.c.cycle))
        .join(definitions, definitions.c.id == values.c.definition)
        .where(values.c.period == period)
    )
    return {row.key_result: _kept(row) for row in connection.execute(query)}


def _of_pairs(connection: Connection, period: str, pairs: Sequence[tuple[int, str]]) -> Iterator[tuple[str, KeptValue]]:
    """The values that these cycles found of these key results."""
    for some in batches(pairs, PARAMETERS // 2):
        pair = given(some, column("cycle", Integer), column("key_result", String))
        query = (
            select(values, definitions.c.measure)
            .join(pair, (pair.c.cycle == values.c.cycle) & (pair.c.key_result == values.c.key_result))
            .join(definitions, definitions.c.id == values.c.definition)
            .where(values.c.period == period)
        )
        for row in connection.execute(query):
            yield row.key_result, _kept(row)


def _defined(connection: Connection, period: str) -> Mapping[str, _Defined]:
    """The newest definition of each key result of a period, by its id."""
    newest = select(func.max(definitions.c.id)).where(definitions.c.period == period).group_by(definitions.c.key_result)
    query = select(definitions.c.key_result, definitions.c.id, definitions.c.digest).where(
        definitions.c.id.in_(newest.scalar_subquery())
    )
    return {row.key_result: _Defined(row.id, row.digest) for row in connection.execute(query)}


def _define(connection: Connection, period: str, cycle: int, found: Mapping[str, Definition]) -> Mapping[str, int]:
    """The number of each definition, written down where it is new or was edited."""
    known = _defined(connection, period)
    rows = [
        {"period": period, "key_result": name, "cycle": cycle, "file": one.file, "body": one.body}
        | {"measure": one.measure, "digest": one.digest}
        for name, one in found.items()
        if name not in known or known[name].digest != one.digest
    ]
    if rows:
        connection.execute(insert(definitions), rows)
        known = _defined(connection, period)
    return {name: known[name].id for name in found}


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
