"""The outbox: what is to be written where, what came of it, and what syncd knows to have written there itself.

A delivery is
- `waiting` from the transaction that computed it on, until it is tried, and after a failure that may pass;
- `sending` from the moment that a request may have left until its answer is kept;
- `delivered`, `refused` (something that somebody else wrote stands at some place of it), `absent` (there is no such
  target), `dead` (it failed for good) or `unsure` (it may have arrived, and cannot be looked up) in the end;
- `superseded` where a newer one for the same target came before it was delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, tuple_, update

from syncd.ledger.schema import deliveries, written
from syncd.sdk import Json, Scalar

State = Literal["waiting", "sending", "delivered", "refused", "absent", "dead", "unsure", "superseded"]
OPEN: tuple[State, ...] = ("waiting", "sending")
STUCK: tuple[State, ...] = ("refused", "absent", "dead", "unsure")
"""What stays until a newer statement comes or a person says so."""

Place = tuple[str, str]
"""(connection, target)."""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One that is due: what is stated, as JSON, and a digest of it and of how it is written."""

    connection: str
    target: str
    period: str
    key_result: str
    digest: str
    statement: Mapping[str, Json]

    @property
    def place(self) -> Place:
        """Where it goes."""
        return self.connection, self.target


@dataclass(frozen=True, slots=True)
class Delivery:
    """One that was due, and what came of it so far. `left_alone` is what stands where somebody else wrote.

    `was` is, of a superseded one, the state and the reason that it had until then.
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
        """Where it goes."""
        return self.connection, self.target


class Outbox:
    """Reads deliveries; each change of them is a transaction of its own. One thread writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> Mapping[Place, Delivery]:
        """The newest delivery of each target, whatever came of it."""
        last = select(func.max(deliveries.c.id)).group_by(deliveries.c.connection, deliveries.c.target)
        return {one.place: one for one in self._of(select(deliveries).where(deliveries.c.id.in_(last)))}

    def in_state(self, states: Collection[State]) -> Sequence[Delivery]:
        """Every delivery in one of these states, in the order in which they were made."""
        return self._of(select(deliveries).where(deliveries.c.state.in_(states)))

    def of(self, period: str, key_result: str) -> Sequence[Delivery]:
        """Every delivery of a key result, in the order in which they were made."""
        query = select(deliveries).where(deliveries.c.period == period, deliveries.c.key_result == key_result)
        return self._of(query)

    def _of(self, query: Any) -> Sequence[Delivery]:
        with self._engine.connect() as connection:
            return [Delivery(**row) for row in connection.execute(query.order_by(deliveries.c.id)).mappings()]

    def begin(self, ids: Collection[int], now: datetime) -> None:
        """These are being sent: whether they arrived is open until their end is kept."""
        statement = update(deliveries).where(deliveries.c.id == bindparam("of"))
        values = {"state": "sending", "tried_at": now, "tries": deliveries.c.tries + 1}
        self._each(statement.values(values), ids)

    def end(
        self,
        ids: Collection[int],
        state: State,
        reason: str | None = None,
        *,
        retry_at: datetime | None = None,
        left_alone: Mapping[str, Scalar] | None = None,
    ) -> None:
        """Keeps what came of these."""
        if state == "superseded":
            with self._engine.begin() as connection:
                _supersede(connection, [row for row in connection.execute(_UNDELIVERED) if row.id in ids])
        values = {"state": state, "reason": reason, "retry_at": retry_at, "left_alone": left_alone}
        self._each(update(deliveries).where(deliveries.c.id == bindparam("of")).values(values), ids)

    def reopen(self, states: Collection[State], now: datetime, key_result: str | None = None) -> None:
        """All that is in one of these states, or of one key result alone, waits again, as if it were new."""
        found = [one.id for one in self.in_state(states) if key_result in (None, one.key_result)]
        self.again(found, now)

    def again(self, ids: Collection[int], now: datetime, reason: str | None = None) -> None:
        """These wait again, as if they were new."""
        values = {"state": "waiting", "reason": reason, "retry_at": None, "left_alone": None, "made_at": now}
        self._each(update(deliveries).where(deliveries.c.id == bindparam("of")).values(values), ids)

    def _each(self, statement: Any, ids: Collection[int]) -> None:
        if ids:
            with self._engine.begin() as connection:
                connection.execute(statement, [{"of": one} for one in ids])

    def marks(self, places: Collection[Place]) -> Mapping[Place, Mapping[str, Sequence[Scalar]]]:
        """What syncd may have written at each place of these targets."""
        wanted = set(places)
        names = {connection for connection, _ in wanted}
        query = select(written).where(written.c.connection.in_(names))
        if len(wanted) == 1:
            query = query.where(tuple_(written.c.connection, written.c.target).in_(list(wanted)))
        with self._engine.connect() as connection:
            found = {(row.connection, row.target): row.marks for row in connection.execute(query)}
        return {place: marks for place, marks in found.items() if place in wanted}

    def note(self, marks: Mapping[Place, Mapping[str, Sequence[Scalar]]]) -> None:
        """From now on this is what syncd may have written there."""
        if not marks:
            return
        rows = [
            {"connection": place[0], "target": place[1], "marks": {name: list(one) for name, one in kept.items()}}
            for place, kept in marks.items()
        ]
        is_it = (written.c.connection == bindparam("of_connection")) & (written.c.target == bindparam("of_target"))
        with self._engine.begin() as connection:
            connection.execute(
                delete(written).where(is_it), [{"of_connection": one[0], "of_target": one[1]} for one in marks]
            )
            connection.execute(insert(written), rows)


_UNDELIVERED = select(*(deliveries.c[name] for name in ("id", "connection", "target", "state", "reason"))).where(
    deliveries.c.state.in_((*OPEN, *STUCK))
)


def _supersede(connection: Connection, rows: Iterable[Any]) -> None:
    """Something newer came, or nobody waits for these any more. What they had come to by then stays known."""
    older = [{"of": row.id, "it_was": {"state": row.state, "reason": row.reason}} for row in rows]
    if older:
        statement = update(deliveries).where(deliveries.c.id == bindparam("of"))
        connection.execute(statement.values(state="superseded", was=bindparam("it_was")), older)


def post(connection: Connection, cycle: int, now: datetime, due: Iterable[NewDelivery]) -> None:
    """Puts what is due into the outbox; what was not delivered to the same targets is superseded.

    Of a target that holds a whole period the newest delivery alone is kept: each holds all of it, and they are large.
    """
    rows = [
        {field.name: getattr(one, field.name) for field in fields(one)}
        | {"cycle": cycle, "made_at": now, "state": "waiting", "tries": 0}
        for one in due
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
        )
        connection.execute(delete(deliveries).where(*of_whole), wholes)
    connection.execute(insert(deliveries), rows)
