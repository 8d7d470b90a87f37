"""Events: what is worth telling somebody, once; and what is known of each subject, so that it is told only when new.

An event is `known` where it is what things were when syncd first looked, `waiting` until its message is sent, `sending`
from the moment that a message may have left until its answer is kept, then `sent`, `unsure` or `dead`; `dropped` where
all was as before by the time that a message could go.
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
    """Something that is otherwise than it was; `old` is None for what was never looked at."""

    kind: str
    period: str
    subject: str
    owner: str | None
    heading: str
    old: str | None
    new: str
    sentence: str
    state: Literal["known", "waiting"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is kept. `recipient` is whom a message with it went to, by name, never by address."""

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
    """Reads events; each change of their states is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> Mapping[Subject, str]:
        """What is known of each subject: `new` of its last event."""
        last = select(func.max(events.c.id)).group_by(events.c.kind, events.c.period, events.c.subject)
        query = select(events.c.kind, events.c.period, events.c.subject, events.c.new).where(events.c.id.in_(last))
        with self._engine.connect() as connection:
            return {(row.kind, row.period, row.subject): row.new for row in connection.execute(query)}

    def in_state(self, states: Collection[EventState]) -> Sequence[Event]:
        """Every event in one of these states, in the order in which they came."""
        query = select(events).where(events.c.state.in_(states)).order_by(events.c.id)
        with self._engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def last_message(self, recipient: str) -> datetime | None:
        """When the last message went to somebody."""
        query = select(func.max(events.c.sent_at)).where(events.c.recipient == recipient)
        with self._engine.connect() as connection:
            found: datetime | None = connection.execute(query).scalar_one()
        return found

    def newest_messages(self) -> Sequence[Event]:
        """The newest event of each recipient that a message was to hold, and what came of it."""
        last = select(func.max(events.c.id)).where(events.c.recipient.is_not(None)).group_by(events.c.recipient)
        query = select(events).where(events.c.id.in_(last)).order_by(events.c.id)
        with self._engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def reopen(self, now: datetime) -> None:
        """What failed for good, or may have arrived, waits again, as if it were new."""
        with self._engine.begin() as connection:
            query = update(events).where(events.c.state.in_(("unsure", "dead")))
            connection.execute(query.values(state="waiting", reason=None, made_at=now))

    def end(self, ids: Collection[int], state: EventState, **more: Any) -> None:
        """Keeps what came of these: `reason`, `recipient`, `sent_at`."""
        if ids:
            with self._engine.begin() as connection:
                connection.execute(update(events).where(events.c.id.in_(ids)).values(state=state, **more))


def note(connection: Connection, cycle: int, now: datetime, new: Iterable[NewEvent]) -> None:
    """Keeps events with the values that they come of."""
    rows = [asdict(one) | {"cycle": cycle, "made_at": now} for one in new]
    if rows:
        connection.execute(insert(events), rows)
