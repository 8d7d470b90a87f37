"""Moves the history of key results and periods that got a new id to this id. Each move is stored with its date.

A move changes only ids. Values, definitions, check-ins, approvals, verdicts and deliveries stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, insert, select, update

from syncd.ledger.batches import batches
from syncd.ledger.outbox import Marks, Place, merged
from syncd.ledger.schema import (
    alignments,
    approvals,
    checkins,
    definitions,
    deliveries,
    events,
    metadata,
    moves,
    outlines,
    requests,
    values,
    written,
)
from syncd.ledger.versions import follow_on
from syncd.okr.goals import guard_id, is_guard
from syncd.sdk import Json

_BY_KEY_RESULT = (definitions, values, approvals, checkins, deliveries, requests)
_BY_PERIOD = tuple(table for table in metadata.sorted_tables if "period" in table.c)


@dataclass(frozen=True, slots=True)
class Move:
    """A change of an id from `old` to `new`, in the cycle that ended at `at`. If `key_result` is empty, the id is a
    period's; otherwise, a key result's.

    `period` and `key_result` are the present ids, which may differ from `new` after another move.
    """

    period: str
    key_result: str
    old: str
    new: str
    file: str
    cycle: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The first and last cycle from which the ledger has a definition or value of a key result."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Held:
    """The numbers of values, check-ins and approvals that the ledger has of a key result."""

    values: int
    checkins: int
    approvals: int


@dataclass(frozen=True, slots=True)
class Republished:
    """The changes that moves make to deliveries. `statements` has the new digest and statement of each delivery.
    `marks` and `targets` have, by place, the values that syncd wrote there and the new target.
    """

    marks: Mapping[Place, Marks] = field(default_factory=dict)
    targets: Mapping[Place, str] = field(default_factory=dict)
    statements: Mapping[int, tuple[str, Mapping[str, Json]]] = field(default_factory=dict)


class Moves:
    """Reads moves; stores a move together with the changes of ids that it makes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_period(self, period: str) -> Sequence[Move]:
        """Every move of a period and of its key results, oldest first."""
        query = select(moves).where(moves.c.period == period).order_by(moves.c.id)
        with self._engine.connect() as connection:
            return [_move(row) for row in connection.execute(query)]

    def periods(self) -> frozenset[str]:
        """The periods that have at least one definition in the ledger."""
        with self._engine.connect() as connection:
            return frozenset(connection.execute(select(definitions.c.period).distinct()).scalars())

    def has_any(self, period: str, key_results: Collection[str]) -> bool:
        """Whether the ledger has a definition or a check-in of one of these key results."""
        with self._engine.connect() as connection:
            for batch in batches(key_results):
                for table in (definitions, checkins):
                    of_them = (table.c.period == period) & table.c.key_result.in_(batch)
                    if connection.execute(select(table.c.id).where(of_them).limit(1)).first() is not None:
                        return True
        return False

    def lifetimes(self, period: str) -> Mapping[str, Lifetime]:
        """Maps each key result of a period to its lifetime. Guards, and key results without a definition or check-in,
        are missing.

        A key result that has a check-in but no definition gets the lifetime from cycle 0 to cycle 0.
        """
        defined = (
            select(definitions.c.key_result, func.min(definitions.c.cycle), func.max(definitions.c.cycle))
            .where(definitions.c.period == period)
            .group_by(definitions.c.key_result)
        )
        measured = (
            select(values.c.key_result, func.max(values.c.cycle), func.max(values.c.confirmed))
            .where(values.c.period == period)
            .group_by(values.c.key_result)
        )
        checked_in = select(checkins.c.key_result).where(checkins.c.period == period).distinct()
        with self._engine.connect() as connection:
            alive = {name: Lifetime(0, 0) for name in connection.execute(checked_in).scalars()}
            alive |= {name: Lifetime(first, last) for name, first, last in connection.execute(defined)}
            for name, kept, confirmed in connection.execute(measured):
                alive[name] = Lifetime(alive[name].first, max(alive[name].last, kept, confirmed or 0))
        return {name: lifetime for name, lifetime in alive.items() if not is_guard(name)}

    def held(self, period: str, key_result: str) -> Held:
        """The numbers of rows that a move of this key result would change."""
        with self._engine.connect() as connection:
            counts = [
                connection.execute(
                    select(func.count()).where(table.c.period == period, table.c.key_result == key_result)
                ).scalar_one()
                for table in (values, checkins, approvals)
            ]
        return Held(*counts)

    def carry_over(self, made: Sequence[Move], republished: Republished) -> None:
        """Moves the history of key results and periods to their new ids, in one transaction.

        The caller must hold the ledger's lock.
        """
        with self._engine.begin() as connection:
            for move in made:
                if move.key_result:
                    _move_key_result(connection, move.period, move.old, move.new)
                else:
                    _move_period(connection, move.old, move.new)
                connection.execute(insert(moves), [asdict(move)])
            for (name, target), marks in republished.marks.items():
                of_place = (written.c.connection == name) & (written.c.target == target)
                connection.execute(update(written).where(of_place).values(marks=marks))
            for (name, target), new in republished.targets.items():
                _merge_marks(connection, name, target, new)
                for table in (deliveries, written):
                    of_place = (table.c.connection == name) & (table.c.target == target)
                    connection.execute(update(table).where(of_place).values(target=new))
            for delivery, (digest, statement) in republished.statements.items():
                of_it = deliveries.c.id == delivery
                connection.execute(update(deliveries).where(of_it).values(digest=digest, statement=statement))


def _move(row: Any) -> Move:
    return Move(row.period, row.key_result, row.old, row.new, row.file, row.cycle, row.at)


def _merge_marks(connection: Connection, name: str, old: str, new: str) -> None:
    """If there are marks of the new target already, merges the marks of the old target into them. A restore leaves such
    marks if the ledger that it replaced had made the same move.
    """
    of_place = written.c.connection == name
    query = select(written.c.target, written.c.marks).where(of_place & written.c.target.in_([old, new]))
    marks = {row.target: row.marks for row in connection.execute(query)}
    if len(marks) > 1:
        connection.execute(delete(written).where(of_place & (written.c.target == new)))
        both = merged(marks[old], marks[new])
        connection.execute(update(written).where(of_place & (written.c.target == old)).values(marks=both))


def _move_period(connection: Connection, old: str, new: str) -> None:
    for table in _BY_PERIOD:
        connection.execute(update(table).where(table.c.period == old).values(period=new))
    for table in (definitions, outlines):  # of shorter periods: outputs drive its outcomes, objectives support its own
        _rename_within(connection, table, table.c.period != new, _Names(period=old, new_period=new))


def _move_key_result(connection: Connection, period: str, old: str, new: str) -> None:
    names = {old: new, guard_id(old): guard_id(new)}
    for before, after in names.items():
        for table in _BY_KEY_RESULT:
            of_it = (table.c.period == period) & (table.c.key_result == before)
            connection.execute(update(table).where(of_it).values(key_result=after))
        for side in (alignments.c.output, alignments.c.outcome):
            of_side = (alignments.c.period == period) & (side == before)
            connection.execute(update(alignments).where(of_side).values({side.name: after}))
    connection.execute(update(moves).where(moves.c.period == period, moves.c.key_result == old).values(key_result=new))
    subjects = connection.execute(select(events.c.subject).where(events.c.period == period).distinct()).scalars().all()
    for subject in subjects:
        renamed = " → ".join(names.get(part, part) for part in subject.split(" → "))
        if renamed != subject:
            of_subject = (events.c.period == period) & (events.c.subject == subject)
            connection.execute(update(events).where(of_subject).values(subject=renamed))
    for table in (values, alignments, events):  # the new id may have rows of its own
        follow_on(connection, table, table.c.period == period)
    for table in (definitions, outlines):
        _rename_within(connection, table, table.c.period == period, _Names(names))
    # Outputs of shorter periods may drive this key result.
    with_that_id = select(definitions.c.period).where(definitions.c.key_result == old)
    others = (alignments.c.period != period) & alignments.c.period.not_in(with_that_id)
    connection.execute(update(alignments).where(others & (alignments.c.outcome == old)).values(outcome=new))
    follow_on(connection, alignments, others & (alignments.c.outcome == new))
    _rename_within(connection, definitions, definitions.c.period != period, _Names({old: new}, period, period))


@dataclass(frozen=True, slots=True)
class _Names:
    """The ids to replace in the bodies of definitions and outlines. `key_results` maps each old id to the new id.

    If `period` is set, only links to outcomes in the period `period` change; they now name the period `new_period`.
    """

    key_results: Mapping[str, str] = field(default_factory=dict)
    period: str | None = None
    new_period: str | None = None

    def in_link(self, link: Mapping[str, Any]) -> dict[str, Any]:
        """The link with the new ids."""
        if link.get("period") != self.period:
            return dict(link)
        renamed = {**link, "outcome": self.key_results.get(link["outcome"], link["outcome"])}
        return renamed if self.period is None else {**renamed, "period": self.new_period}


def _rename_within(connection: Connection, table: Table, where: ColumnElement[bool], names: _Names) -> None:
    for number, body in connection.execute(select(table.c.id, table.c.body).where(where)).all():
        if body is not None and (renamed := dict(_renamed(body, names))) != body:
            connection.execute(update(table).where(table.c.id == number).values(body=renamed))


def _renamed(body: Mapping[str, Any], names: _Names) -> Iterator[tuple[str, Any]]:
    own = names.key_results if names.period is None else {}
    for key, value in body.items():
        if key == "id":
            yield key, own.get(value, value)
        elif key == "key_results":
            yield key, [own.get(name, name) for name in value]
        elif key in ("KeyResult", "guard") and isinstance(value, dict):
            yield key, dict(_renamed(value, names))
        elif key == "supports_in" and value == names.period:
            yield key, names.new_period
        elif key == "drives":
            yield key, [{"Link": names.in_link(link["Link"])} for link in value]
        else:
            yield key, value
