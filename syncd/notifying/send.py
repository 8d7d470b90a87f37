"""Sends messages about the waiting events to each address, outside quiet hours and not too often. Each event is sent
once.

syncd cannot take back a message to a chat or a mailbox, or check whether it arrived. If a message may have arrived, its
events are `unsure` for this address, and syncd does not send them to this address again by itself. The result for an
event is stored for each address, because one address of a recipient may refuse a message that another address accepts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from syncd.config import Config
from syncd.config.notifying import EVERYBODY
from syncd.config.pages_address import pages_address
from syncd.ledger import Event, Ledger
from syncd.ledger.events import EventState, Message
from syncd.ledger.fence import check_epoch
from syncd.ledger.outbox import IN_DOUBT
from syncd.notifying.addresses import Address, NotSent, Text, addresses
from syncd.notifying.messages import body, settled, title

log = logging.getLogger("syncd.notifying")

GIVES_UP = timedelta(days=1)
"""How long syncd tries to send a message about an event. After this time, a failed message becomes `dead`."""

_WAITING: Sequence[EventState] = ("waiting",)
_DONE = frozenset({"sent", "unsure", "dead", "dropped"})
_WORST_FIRST: Sequence[EventState] = ("unsure", "dead", "sent")


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """The outcome of the messages to a recipient. `events` is the number of events; `problem` is None if the messages
    arrived.
    """

    recipient: str
    events: int
    problem: str | None = None


def send_messages(
    config: Config, ledger: Ledger, clock: Callable[[], datetime], *, stopping: threading.Event | None = None
) -> Sequence[MessageOutcome]:
    """Sends every message that may be sent now. The caller must hold the ledger's `delivery_lock`."""
    notify = config.settings.notify
    if notify is None:
        return ()
    ledger.events.end_interrupted(IN_DOUBT)
    waiting = ledger.events.in_state(_WAITING)
    if not waiting or notify.is_quiet(clock(), config.zone):
        return ()
    groups: dict[str, list[Event]] = {}
    for event in waiting:
        recipient = event.owner if event.owner in notify.owners else EVERYBODY
        groups.setdefault(recipient or EVERYBODY, []).append(event)
    outcomes: list[MessageOutcome] = []
    for recipient, events in groups.items():
        run = _Recipient(config, ledger, clock(), recipient, events, list(addresses(config, recipient)))
        outcomes += run.send(notify.at_most_every, stopping or threading.Event())
    return outcomes


def messages_wait(config: Config, ledger: Ledger) -> bool:
    """Whether any event waits for a message, even if messages must wait for the end of quiet hours."""
    return config.settings.notify is not None and bool(ledger.events.in_state(_WAITING))


@dataclass(slots=True)
class _Recipient:
    config: Config
    ledger: Ledger
    now: datetime
    recipient: str
    events: Sequence[Event]
    addresses: Sequence[Address]

    def send(self, at_most_every: timedelta, stopping: threading.Event) -> list[MessageOutcome]:
        """Sends a message about the waiting events to each address, and stores the result for every event and
        address.
        """
        messages = self.ledger.events.messages([event.id for event in self.events])
        reached: set[int] = set()
        failures: list[tuple[str, str]] = []
        for address in self.addresses:
            last = self.ledger.events.last_message(self.recipient, address.name)
            # The difference is negative if the clock was set back.
            if stopping.is_set() or (last is not None and timedelta() <= self.now - last < at_most_every):
                continue
            own = {event.id: messages.get((event.id, address.name)) for event in self.events}
            pending = [event for event in self.events if (kept := own[event.id]) is None or kept.state not in _DONE]
            if not (pending := self._without_undone(address, pending)):
                continue
            problem = self._send_to(address, pending, own)
            if problem is None:
                reached.update(event.id for event in pending)
            else:
                failures.append((address.name, problem))
        self._conclude()
        outcomes = [MessageOutcome(self.recipient, len(reached))] if reached else []
        if failures:
            each = failures if len(self.addresses) > 1 else [("", failures[0][1])]
            why = "; ".join(f"{name}: {problem}" if name else problem for name, problem in each)
            problem = _not_taken(len(failures), len(self.addresses), self.recipient, why)
            outcomes.append(MessageOutcome(self.recipient, len(self.events), problem))
        return outcomes

    def _without_undone(self, address: Address, pending: Sequence[Event]) -> list[Event]:
        _, undone = settled(pending)
        why = "the change was undone before a message could be sent"
        ids = [event.id for event in undone]
        self.ledger.events.note_messages(ids, address.name, self.recipient, "dropped", reason=why)
        return [event for event in pending if event not in undone]

    def _send_to(self, address: Address, events: Sequence[Event], kept: dict[int, Message | None]) -> str | None:
        ids = [event.id for event in events]
        note = partial(self.ledger.events.note_messages, address=address.name, recipient=self.recipient)
        note(ids, state="sending")
        lasting, _ = settled(events)
        check_epoch(self.ledger.engine)
        try:
            workspace = self.config.workspace.name if self.config.workspace is not None else None
            text = partial(body, lasting, pages_address(self.config), workspace=workspace)
            address.send(title(lasting), text)
        except NotSent as error:
            tried = [event for event in events if (message := kept[event.id]) is not None and message.reason]
            too_old = [event.id for event in tried if self.now - event.made_at >= GIVES_UP]
            note(ids, state="unsure" if error.doubt else "waiting", reason=str(error))
            if not error.doubt:
                note(too_old, state="dead", reason=f"{error}; it was tried for a day")
            extra = {"recipient": self.recipient, "address": address.name, "reason": str(error), "events": len(ids)}
            log.warning("not told", extra=extra)
            return str(error)
        note(ids, state="sent", sent_at=self.now)
        log.info("told", extra={"recipient": self.recipient, "address": address.name, "events": len(ids)})
        return None

    def _conclude(self) -> None:
        messages = self.ledger.events.messages([event.id for event in self.events])
        by_state: dict[EventState, list[int]] = {}
        for event in self.events:
            kept = [messages.get((event.id, address.name)) for address in self.addresses]
            states = {"waiting" if message is None else message.state for message in kept}
            if states <= _DONE:
                ended: EventState = next((state for state in _WORST_FIRST if state in states), "dropped")
                by_state.setdefault(ended, []).append(event.id)
        for state, ids in by_state.items():
            self.ledger.events.end(ids, state, recipient=self.recipient)


def send(config: Config, recipient: str, heading: str, text: Text) -> None:
    """Sends a message to all addresses of a recipient. Raises NotSent, whose message has the reasons but no address."""
    every = list(addresses(config, recipient))
    failures: list[NotSent] = []
    for address in every:
        try:
            address.send(heading, text)
        except NotSent as error:
            failures.append(error)
    if failures:
        why = "; ".join(map(str, failures))
        problem = _not_taken(len(failures), len(every), recipient, why)
        raise NotSent(problem, doubt=any(failure.doubt for failure in failures))


def _not_taken(failed: int, of: int, recipient: str, why: str) -> str:
    return f"{failed} of {of} addresses of {recipient} did not take it ({why})"
