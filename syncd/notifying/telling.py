"""Sends what waits to be told: one message to each recipient, not in quiet hours, not too often, each event once.

A message can only be appended to a chat or a mailbox: where an answer leaves doubt its events are `unsure`, and are
not told again.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

from syncd.config import Config
from syncd.config.messages import nearest
from syncd.ledger import Event, Ledger
from syncd.ledger.events import EventState
from syncd.notifying.messages import body, settled, title
from syncd.sdk import ConfigError

log = logging.getLogger("syncd.notifying")

EVERYBODY = "to"
"""The recipient that `to:` names; others are called by the owner whose they are."""

GIVES_UP = timedelta(days=1)
"""How long it is tried to tell something: what is older is no news."""

_TIMEOUT = 30.0
_LOST: tuple[EventState, ...] = ("sending",)
_WAITING: tuple[EventState, ...] = ("waiting",)
_NOT_TAKEN = re.compile(
    r"error=(?:[1-4]\d\d|503)\b"  # another 5xx may come from behind what took it
    r"|NewConnectionError|NameResolutionError|Connection refused|getaddrinfo|Name or service"
)
_ARRIVED = " - INFO - Sent "  # of a service with several targets, one of them
_SHORTEST = 3  # characters of a part of an address that is worth hiding


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a message: `problem` is None where it arrived."""

    recipient: str
    events: int
    problem: str | None = None


class NotSent(Exception):
    """A message did not arrive; with `doubt`, it may have."""

    def __init__(self, why: str, *, doubt: bool) -> None:
        super().__init__(why)
        self.doubt = doubt


def tell(
    config: Config, ledger: Ledger, clock: Callable[[], datetime], *, stopping: threading.Event | None = None
) -> Sequence[Told]:
    """Sends every message that may go out now; what came of each. The caller holds the ledger's lock."""
    notify = config.settings.notify
    if notify is None:
        return ()
    lost = ledger.events.in_state(_LOST)
    ledger.events.end([event.id for event in lost], "unsure", reason="syncd was stopped while it was sent")
    waiting = ledger.events.in_state(_WAITING)
    if not waiting or notify.is_quiet(clock(), config.zone):
        return ()
    groups: dict[str, list[Event]] = {}
    for event in waiting:
        recipient = event.owner if event.owner in notify.owners else EVERYBODY
        groups.setdefault(recipient or EVERYBODY, []).append(event)
    told: list[Told] = []
    for recipient, events in groups.items():
        last = ledger.events.last_message(recipient)
        lately = last is not None and timedelta() <= clock() - last < notify.at_most_every  # not by a clock gone back
        if (stopping and stopping.is_set()) or lately:
            continue
        told += _tell(config, ledger, clock(), recipient, events)
    return told


def _tell(config: Config, ledger: Ledger, now: datetime, recipient: str, events: Sequence[Event]) -> list[Told]:
    news, over = settled(events)
    ledger.events.end([event.id for event in over], "dropped", reason="it was as before when it could be told")
    ids = [event.id for event in events if event not in over]
    if not ids:
        return []
    ledger.events.end(ids, "sending", recipient=recipient)
    try:
        send(config, recipient, title(news), body(news, config.settings.address))
    except NotSent as error:
        tried = [event for event in events if event.id in ids and event.reason is not None]
        too_old = [event.id for event in tried if now - event.made_at >= GIVES_UP]
        ledger.events.end(ids, "unsure" if error.doubt else "waiting", reason=str(error))
        if not error.doubt:
            ledger.events.end(too_old, "dead", reason=f"{error}; it was tried for a day")
        log.warning("not told", extra={"recipient": recipient, "reason": str(error), "events": len(ids)})
        return [Told(recipient, len(ids), str(error))]
    ledger.events.end(ids, "sent", sent_at=now, reason=None)
    log.info("told", extra={"recipient": recipient, "events": len(ids)})
    return [Told(recipient, len(ids))]


def send(config: Config, recipient: str, heading: str, text: str) -> None:
    """Sends a message to all addresses of a recipient; NotSent says why not, and never an address."""
    import apprise

    logging.getLogger("apprise").propagate = False  # it names addresses
    try:
        addresses = config.notify_addresses()[recipient]
    except ConfigError as error:
        raise NotSent("; ".join(problem.message for problem in error.problems) or str(error), doubt=False) from None
    service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="syncd", app_desc="syncd", secure_logging=True))
    for address in addresses:
        if not service.add(address):
            raise NotSent(f"an address of {recipient} is none that apprise knows", doubt=False)
    with apprise.LogCapture(level=logging.DEBUG) as captured:
        result = service.notify(title=heading, body=text, body_format=apprise.NotifyFormat.TEXT, timeout=_TIMEOUT)
        said = captured.getvalue()
    if not result:
        services = [one for one in result if not one]
        not_taken = sum(bool(_NOT_TAKEN.search(line)) for line in said.splitlines())
        doubt = len(services) < len(addresses) or not_taken < len(services) or _ARRIVED in said
        why = f"{len(services)} of {len(addresses)} addresses of {recipient} did not take it"
        raise NotSent(f"{why} ({_without(addresses, _reason(said))})", doubt=doubt)


def check(config: Config) -> Sequence[str]:
    """What is wrong with the addresses of `notify:`, and with their owners, for `doctor`; nothing is sent."""
    import apprise

    logging.getLogger("apprise").propagate = False
    try:
        known = config.notify_addresses()
    except ConfigError as error:
        return [problem.message for problem in error.problems]
    strange = [
        f"an address of {recipient!r} is none that apprise knows"
        for recipient, addresses in known.items()
        if not all(apprise.Apprise.instantiate(address, suppress_exceptions=True) for address in addresses)
    ]
    owners = {objective.owner for plan in config.plans for objective in plan.objectives if objective.owner}
    nobody = sorted(set(known) - owners - {EVERYBODY})
    return strange + [f"no objective has the owner {name!r}{nearest(name, owners)}" for name in nobody]


def _without(addresses: Sequence[str], text: str) -> str:
    """A text without any part of these addresses: a host, a topic, a room may be all that keeps others out."""
    parts = {part for one in addresses for part in re.split(r"[^\w.~-]+", unquote(one.partition("://")[2]))}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***") if len(part) >= _SHORTEST else text
    return text


def _reason(said: str) -> str:
    """The first thing that apprise complained of, without its time."""
    for line in said.splitlines():
        if " - WARNING - " in line or " - ERROR - " in line:
            return line.partition(" - ")[2].partition(" - ")[2][:160]
    return "no reason was given"
