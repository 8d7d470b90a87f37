"""The outbox: each delivery with its target and state, and the values that syncd itself wrote to each target.

A delivery is
- `waiting` from the transaction that computed it until the first try, and after a failure that may be temporary;
- `sending` from just before the request until the response is stored;
- in the end `delivered`, `refused` (the target has content that syncd did not write), `absent` (the target does not
  exist), `dead` (the delivery failed for good) or `unsure` (the delivery may have arrived, and syncd cannot find out);
- `superseded` if a newer delivery replaced it before it was delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, delete, func, insert, or_, select, tuple_, update

from syncd.ledger.schema import deliveries, written
from syncd.ledger.versions import add_newest
from syncd.sdk import Json, Scalar

State = Literal["waiting", "sending", "delivered", "refused", "absent", "dead", "unsure", "superseded"]
OPEN: tuple[State, ...] = ("waiting", "sending")
STUCK: tuple[State, ...] = ("refused", "absent", "dead", "unsure")
"""The states of deliveries that syncd does not try again by itself. A newer delivery or a person ends such a state."""

IN_DOUBT = "syncd was stopped while it was sent, or its ledger was put back to an earlier state since"
"""The reason stored with a delivery or message that changes from `sending` to `unsure`."""

Place = tuple[str, str]
"""A place that check-ins are written to: (connection, target)."""

Marks = Mapping[str, Sequence[Scalar]]
"""Maps each place of a target to the content that syncd may overwrite, because syncd may have written it or a person
approved it. The newest content comes last.
"""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery that is due. `statement` is the check-in as JSON; `digest` is a digest of the statement and of how a
    publisher writes it.

    The state is `sending` if syncd may have sent the delivery already. After a restore, the ledger may lack the
    deliveries that were sent.
    """

    connection: str
    target: str
    period: str
    key_result: str
    digest: str
    statement: Mapping[str, Json]
    state: Literal["waiting", "sending"] = "waiting"

    @property
    def place(self) -> Place:
        """The connection and target of the delivery."""
        return self.connection, self.target


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery and its state. `left_alone` holds the values that somebody else wrote, by place.

    `was` has the former state and reason of a superseded delivery.
    """

    id: int
    connection: str
    target: str
    period: str
    key_result: str
    cycle: int
    made_at: datetime
    digest: str
    statement: Mapping[str, Json]
    state: State
    reason: str | None
    left_alone: Mapping[str, Scalar] | None
    tries: int
    tried_at: datetime | None
    retry_at: datetime | None
    was: Mapping[str, Any] | None = None

    @property
    def place(self) -> Place:
        """The connection and target of the delivery."""
        return self.connection, self.target

    @property
    def shown(self) -> Delivery:
        """The delivery as people see it: `waiting` as long as it is open.

        Whether a `sending` delivery has arrived is decided with the next run. After an import, all open deliveries are
        `sending`, and people must see the same as before the export.
        """
        return replace(self, state="waiting") if self.state == "sending" else self


_DELIVERIES = select(*(deliveries.c[field.name] for field in fields(Delivery)))


class Outbox:
    """Reads deliveries and changes them, each change in its own transaction.

    A cycle and the publishers' threads change deliveries at the same time. Each method therefore changes only
    deliveries that are in certain states.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> Mapping[Place, Delivery]:
        """The newest delivery of each target, whatever its state."""
        newest = self._of(_DELIVERIES.where(deliveries.c.until.is_(None)))
        return {delivery.place: delivery for delivery in newest}

    def in_state(self, states: Collection[State]) -> Sequence[Delivery]:
        """Every delivery in one of these states, oldest first."""
        return self._of(_DELIVERIES.where(deliveries.c.state.in_(states)))

    def of(self, period: str, key_result: str) -> Sequence[Delivery]:
        """Every delivery of a key result, oldest first."""
        return self._of(_DELIVERIES.where(deliveries.c.period == period, deliveries.c.key_result == key_result))

    def get(self, delivery: int) -> Delivery | None:
        """A delivery by its id."""
        return next(iter(self._of(_DELIVERIES.where(deliveries.c.id == delivery))), None)

    def newest_of(self, place: Place) -> Delivery | None:
        """The newest delivery of a target; None if the target never had a delivery."""
        of_place = (deliveries.c.connection == place[0]) & (deliveries.c.target == place[1])
        return next(iter(self._of(_DELIVERIES.where(of_place, deliveries.c.until.is_(None)))), None)

    def first_retry(self, now: datetime) -> datetime | None:
        """The earliest time after `now` at which a delivery will be tried again because its target named this time;
        None if there is none.
        """
        put_off = deliveries.c.state.in_(OPEN) & (deliveries.c.retry_at > now)
        with self._engine.connect() as connection:
            first: datetime | None = connection.scalar(select(func.min(deliveries.c.retry_at)).where(put_off))
        return first

    def _of(self, query: Any) -> Sequence[Delivery]:
        with self._engine.connect() as connection:
            rows = [Delivery(**row) for row in connection.execute(query).mappings()]
        return sorted(rows, key=attrgetter("id"))  # with ORDER BY, SQLite would read all deliveries by id

    def begin(self, ids: Collection[int], now: datetime) -> Collection[int]:
        """Sets deliveries to `sending`. Returns the ids of the deliveries that may be sent; a delivery that a cycle
        superseded meanwhile may not.
        """
        statement = update(deliveries).where(deliveries.c.id == bindparam("of"), deliveries.c.state != "superseded")
        values = {"state": "sending", "tried_at": now, "tries": deliveries.c.tries + 1}
        self._each(statement.values(values), ids)
        with self._engine.connect() as connection:
            sending = select(deliveries.c.id).where(deliveries.c.state == "sending")
            return set(ids).intersection(connection.execute(sending).scalars())

    def end(
        self,
        ids: Collection[int],
        state: State,
        reason: str | None = None,
        *,
        retry_at: datetime | None = None,
        left_alone: Mapping[str, Scalar] | None = None,
        before: Collection[State] = (*OPEN, *STUCK),
    ) -> None:
        """Stores the outcome of these deliveries, but only of those whose state is in `before`.

        A delivery in any other state was changed meanwhile, such as by a cycle that superseded it.
        """
        if state == "superseded":
            superseded = set(ids)
            with self._engine.begin() as connection:
                _supersede(connection, [row for row in connection.execute(_UNDELIVERED) if row.id in superseded])
        values = {"state": state, "reason": reason, "retry_at": retry_at, "left_alone": left_alone}
        statement = update(deliveries).where(deliveries.c.id == bindparam("of"), _is_in(before))
        self._each(statement.values(values), ids)

    def again(self, ids: Collection[int], now: datetime, reason: str | None = None) -> None:
        """Sets deliveries back to `waiting`, as if they were new. Deliveries that are `sending`, `delivered` or
        `superseded` stay.
        """
        values = {"state": "waiting", "reason": reason, "retry_at": None, "left_alone": None, "made_at": now}
        statement = update(deliveries).where(deliveries.c.id == bindparam("of"), _is_in(("waiting", *STUCK)))
        self._each(statement.values(values), ids)

    def _each(self, statement: Any, ids: Collection[int]) -> None:
        if ids:
            with self._engine.begin() as connection:
                connection.execute(statement, [{"of": id_} for id_ in ids])

    def marks(self, places: Collection[Place]) -> Mapping[Place, Marks]:
        """Maps each target to the values that syncd may have written to it, by their place in the target."""
        wanted = set(places)
        names = {connection for connection, _ in wanted}
        query = select(written).where(written.c.connection.in_(names))
        if len(wanted) == 1:
            query = query.where(tuple_(written.c.connection, written.c.target).in_(list(wanted)))
        with self._engine.connect() as connection:
            marks = {(row.connection, row.target): row.marks for row in connection.execute(query)}
        return {place: written_there for place, written_there in marks.items() if place in wanted}

    def note(self, marks: Mapping[Place, Marks]) -> None:
        """Replaces the stored values that syncd may have written to these targets. `marks` has the values by target and
        by their place in the target.
        """
        if not marks:
            return
        rows = [
            {
                "connection": connection_name,
                "target": target,
                "marks": {name: list(texts) for name, texts in by_name.items()},
            }
            for (connection_name, target), by_name in marks.items()
        ]
        of_place = (written.c.connection == bindparam("of_connection")) & (written.c.target == bindparam("of_target"))
        places = [{"of_connection": connection_name, "of_target": target} for connection_name, target in marks]
        with self._engine.begin() as connection:
            connection.execute(delete(written).where(of_place), places)
            connection.execute(insert(written), rows)


def merged(older: Marks, newer: Marks) -> dict[str, Sequence[Scalar]]:
    """The marks of both. At each place, the content in `newer` comes last."""
    added = {place: [*(old for old in older.get(place, ()) if old not in new), *new] for place, new in newer.items()}
    return {**older, **added}


_UNDELIVERED = select(*(deliveries.c[name] for name in ("id", "connection", "target", "state", "reason"))).where(
    deliveries.c.state.in_((*OPEN, *STUCK))
)


def _is_in(states: Iterable[State]) -> ColumnElement[bool]:
    """The condition that a delivery is in one of these states, for a statement that is executed for many rows."""
    return or_(*(deliveries.c.state == state for state in states))


def _supersede(connection: Connection, rows: Iterable[Any]) -> None:
    superseded = [{"of": row.id, "it_was": {"state": row.state, "reason": row.reason}} for row in rows]
    if superseded:
        statement = update(deliveries).where(deliveries.c.id == bindparam("of"), _is_in((*OPEN, *STUCK)))
        connection.execute(statement.values(state="superseded", was=bindparam("it_was")), superseded)


def post(connection: Connection, cycle: int, now: datetime, due: Iterable[NewDelivery]) -> None:
    """Puts deliveries into the outbox. A new delivery supersedes the undelivered deliveries of the same target.

    If a target gets a whole period, the ledger keeps only the newest delivery, because each delivery is large and
    complete.
    """
    rows = [
        {field.name: getattr(delivery, field.name) for field in fields(delivery)}
        | {"cycle": cycle, "made_at": now, "tries": 0}
        for delivery in due
    ]
    if not rows:
        return
    places = {(row["connection"], row["target"]) for row in rows}
    _supersede(connection, [row for row in connection.execute(_UNDELIVERED) if (row.connection, row.target) in places])
    wholes = [{"of_connection": row["connection"], "of_target": row["target"]} for row in rows if not row["key_result"]]
    if wholes:
        of_whole = (
            deliveries.c.connection == bindparam("of_connection"),
            deliveries.c.target == bindparam("of_target"),
            deliveries.c.key_result == "",
            deliveries.c.until.is_not(None),
        )
    add_newest(connection, deliveries, cycle, rows)
    if wholes:  # last, or SQLite would reuse the id of a deleted delivery for another target
        connection.execute(delete(deliveries).where(*of_whole), wholes)
