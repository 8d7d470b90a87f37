"""Events: changes that somebody is notified about once, and each subject's last state, which shows the next change.

An event is
- `known` if it is the state in which syncd first saw its subject: nobody is notified;
- `waiting` until its message is sent;
- `sending` from the moment that the message may have left until the answer is kept;
- `sent`, `unsure` (it may have arrived) or `dead` (it failed for good) in the end;
- `dropped` if the change was undone before a message could be sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, func, insert, select, update

from syncd.ledger.schema import events

EventState = Literal["known", "waiting", "sending", "sent", "unsure", "dead", "dropped"]
Subject = tuple[str, str, str]
"""(kind, period, id)."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A change of a subject; `old` is None if the subject was never seen before.

    It is `sending` if a message about it may have been sent already, by a later state of the ledger that is lost.
    """

    kind: str
    period: str
    subject: str
    owner: str | None
    heading: str
    old: str | None
    new: str
    sentence: str
    state: Literal["known", "waiting", "sending"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is kept. `recipient` names who got its message; it is never an address."""

    id: int
    kind: str
    period: str
    subject: str
    owner: str | None
    heading: str
    old: str | None
    new: str
    sentence: str
    cycle: int
    made_at: datetime
    state: EventState
    reason: str | None
    recipient: str | None
    sent_at: datetime | None


class Events:
    """Reads events, and changes their states; each change has its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> Mapping[Subject, str]:
        """The last state of each subject: `new` of its last event."""
        last = select(func.max(events.c.id)).group_by(events.c.kind, events.c.period, events.c.subject)
        query = select(events.c.kind, events.c.period, events.c.subject, events.c.new).where(events.c.id.in_(last))
        with self._engine.connect() as connection:
            return {(row.kind, row.period, row.subject): row.new for row in connection.execute(query)}

    def in_state(self, states: Collection[EventState]) -> Sequence[Event]:
        """Every event in one of these states, oldest first."""
        query = select(events).where(events.c.state.in_(states)).order_by(events.c.id)
        with self._engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def last_message(self, recipient: str) -> datetime | None:
        """When a recipient was last sent a message."""
        query = select(func.max(events.c.sent_at)).where(events.c.recipient == recipient)
        with self._engine.connect() as connection:
            sent_at: datetime | None = connection.execute(query).scalar()
        return sent_at

    def newest_messages(self) -> Sequence[Event]:
        """For each recipient, the newest event that a message was made for, in its present state."""
        last = select(func.max(events.c.id)).where(events.c.recipient.is_not(None)).group_by(events.c.recipient)
        query = select(events).where(events.c.id.in_(last)).order_by(events.c.id)
        with self._engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def reopen(self, now: datetime) -> None:
        """Puts dead and unsure events back into `waiting`, as if they were new."""
        with self._engine.begin() as connection:
            query = update(events).where(events.c.state.in_(("unsure", "dead")))
            connection.execute(query.values(state="waiting", reason=None, made_at=now))

    def end(self, ids: Collection[int], state: EventState, **more: Any) -> None:
        """Sets the state of these events, and `reason`, `recipient` or `sent_at`."""
        if ids:
            with self._engine.begin() as connection:
                connection.execute(update(events).where(events.c.id.in_(ids)).values(state=state, **more))


def note(connection: Connection, cycle: int, now: datetime, new: Iterable[NewEvent]) -> None:
    """Keeps new events, in the transaction of the values that caused them."""
    rows = [asdict(event) | {"cycle": cycle, "made_at": now} for event in new]
    if rows:
        connection.execute(insert(events), rows)
