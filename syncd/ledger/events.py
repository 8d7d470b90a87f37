"""Events: changes that somebody is notified about once. The last event of a subject has its last state, with which the
next state is compared.

An event is
- `known` if it is the first state that syncd saw of its subject: nobody is notified;
- `waiting` while an address waits for a message about it;
- in the end `sent`, `unsure` (a message may have arrived) or `dead` (a message failed for good): the worst state of its
  messages;
- `dropped` if the subject changed back before a message could be sent.

Each address of a recipient gets its own message. A message has the states of an event except `known`, and also the
state `sending`: from just before the request until the response is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, func, insert, select, tuple_, update

from syncd.ledger.schema import events, messages
from syncd.ledger.versions import add_newest

EventState = Literal["known", "waiting", "sent", "unsure", "dead", "dropped"]
MessageState = Literal["waiting", "sending", "sent", "unsure", "dead", "dropped"]
Subject = tuple[str, str, str]
"""What an event is about: (kind, period, id)."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A change of a subject. `old` is None if syncd sees the subject for the first time.

    The state is `unsure` if syncd may have sent a message about the change already. After a restore, the ledger may
    lack the messages that were sent.
    """

    kind: str
    period: str
    subject: str
    owner: str | None
    heading: str
    old: str | None
    new: str
    sentence: str
    state: Literal["known", "waiting", "unsure"]


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event. `recipient` is the name of the recipient of its message, never an address."""

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


@dataclass(frozen=True, slots=True)
class Message:
    """The message about an event to one address of a recipient. `address` is the name of the address in the
    configuration, not the address itself.
    """

    event: int
    address: str
    recipient: str
    state: MessageState
    reason: str | None
    sent_at: datetime | None


class Events:
    """Reads events and changes their states, each change in its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> Mapping[Subject, tuple[str, int]]:
        """The last state of each subject, which is `new` of its last event, and the cycle of this event."""
        subject = (events.c.kind, events.c.period, events.c.subject)
        query = select(*subject, events.c.new, events.c.cycle).where(events.c.until.is_(None))
        with self._engine.connect() as connection:
            return {(row.kind, row.period, row.subject): (row.new, row.cycle) for row in connection.execute(query)}

    def in_state(self, states: Collection[EventState]) -> Sequence[Event]:
        """Every event in one of these states, oldest first."""
        columns = (events.c[field.name] for field in fields(Event))
        query = select(*columns).where(events.c.state.in_(states)).order_by(events.c.id)
        with self._engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def last_message(self, recipient: str, address: str) -> datetime | None:
        """The time of the last message to an address of a recipient."""
        of_address = (messages.c.recipient == recipient) & (messages.c.address == address)
        query = select(func.max(messages.c.sent_at)).where(of_address)
        with self._engine.connect() as connection:
            sent_at: datetime | None = connection.execute(query).scalar()
        return sent_at

    def messages(self, ids: Collection[int]) -> Mapping[tuple[int, str], Message]:
        """The messages about these events, by event and address."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(messages).where(messages.c.event.in_(ids))).mappings()
            return {(row["event"], row["address"]): Message(**row) for row in rows}

    def newest_messages(self) -> Sequence[Message]:
        """The newest message to each address of each recipient."""
        last = select(func.max(messages.c.event), messages.c.recipient, messages.c.address).group_by(
            messages.c.recipient, messages.c.address
        )
        query = select(messages).where(tuple_(messages.c.event, messages.c.recipient, messages.c.address).in_(last))
        with self._engine.connect() as connection:
            return [Message(**row) for row in connection.execute(query.order_by(messages.c.event)).mappings()]

    def note_messages(
        self,
        ids: Collection[int],
        address: str,
        recipient: str,
        state: MessageState,
        *,
        reason: str | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        """Replaces the state of the messages about these events to an address of a recipient."""
        if not ids:
            return
        values = {"address": address, "recipient": recipient, "state": state, "reason": reason, "sent_at": sent_at}
        with self._engine.begin() as connection:
            connection.execute(delete(messages).where(messages.c.event.in_(ids), messages.c.address == address))
            connection.execute(insert(messages), [{"event": id_, **values} for id_ in ids])

    def end_interrupted(self, reason: str) -> None:
        """Sets messages from `sending` to `unsure`: syncd was stopped while it sent them."""
        with self._engine.begin() as connection:
            query = update(messages).where(messages.c.state == "sending")
            connection.execute(query.values(state="unsure", reason=reason))

    def reopen(self, now: datetime) -> None:
        """Sets events that are dead or unsure, or have such messages, back to `waiting`, as if the events were new.
        Messages that were `sent` are not sent again.
        """
        failed = ("unsure", "dead")
        with self._engine.begin() as connection:
            ids = connection.execute(select(messages.c.event).where(messages.c.state.in_(failed))).scalars().all()
            of_failed = events.c.state.in_(failed) | events.c.id.in_(ids)
            connection.execute(update(events).where(of_failed).values(state="waiting", reason=None, made_at=now))
            connection.execute(delete(messages).where(messages.c.state.in_(failed)))

    def end(self, ids: Collection[int], state: EventState, **more: Any) -> None:
        """Sets the state of these events, and the columns in `more`: `reason`, `recipient` or `sent_at`."""
        if ids:
            with self._engine.begin() as connection:
                connection.execute(update(events).where(events.c.id.in_(ids)).values(state=state, **more))


def note(connection: Connection, cycle: int, now: datetime, new: Iterable[NewEvent]) -> None:
    """Stores new events, in the transaction of the values that caused them."""
    add_newest(connection, events, cycle, [asdict(event) | {"cycle": cycle, "made_at": now} for event in new])
