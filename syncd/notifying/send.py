"""Sends the waiting events: a message to each recipient, outside quiet hours, not too often, each event once.

Nobody can take back a message to a chat or a mailbox, or check whether it arrived. If a message may have arrived, its
events are `unsure`, and syncd does not send them again by itself.
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
from syncd.ledger.outbox import IN_DOUBT
from syncd.notifying.messages import body, settled, title
from syncd.sdk import ConfigError

log = logging.getLogger("syncd.notifying")

EVERYBODY = "to"
"""The recipient that `to:` names. The other recipients have the names of owners."""

GIVES_UP = timedelta(days=1)
"""How long syncd tries to send an event. Older notifications are dropped."""

_TIMEOUT = 30.0
_LOST: tuple[EventState, ...] = ("sending",)
_WAITING: tuple[EventState, ...] = ("waiting",)
_NOT_TAKEN = re.compile(
    r"error=(?:[1-4]\d\d|503)\b"  # any other 5xx may come from a server behind the one that accepted the message
    r"|NewConnectionError|NameResolutionError|Connection refused|getaddrinfo|Name or service"
)
_ARRIVED = " - INFO - Sent "  # apprise logs this for each target of a service that has several
_SHORTEST = 3  # characters: a shorter part of an address is not hidden


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """The outcome of a message about this many `events`: `problem` is None if it arrived."""

    recipient: str
    events: int
    problem: str | None = None


class NotSent(Exception):
    """A message did not arrive. With `doubt`, it may have arrived."""

    def __init__(self, why: str, *, doubt: bool) -> None:
        super().__init__(why)
        self.doubt = doubt


def send_messages(
    config: Config, ledger: Ledger, clock: Callable[[], datetime], *, stopping: threading.Event | None = None
) -> Sequence[MessageOutcome]:
    """Sends every message that may go out now. The caller holds the ledger's lock."""
    notify = config.settings.notify
    if notify is None:
        return ()
    lost = ledger.events.in_state(_LOST)
    ledger.events.end([event.id for event in lost], "unsure", reason=IN_DOUBT)
    waiting = ledger.events.in_state(_WAITING)
    if not waiting or notify.is_quiet(clock(), config.zone):
        return ()
    groups: dict[str, list[Event]] = {}
    for event in waiting:
        recipient = event.owner if event.owner in notify.owners else EVERYBODY
        groups.setdefault(recipient or EVERYBODY, []).append(event)
    outcomes: list[MessageOutcome] = []
    for recipient, events in groups.items():
        last = ledger.events.last_message(recipient)
        # The difference is negative if the clock was set back.
        sent_lately = last is not None and timedelta() <= clock() - last < notify.at_most_every
        if (stopping and stopping.is_set()) or sent_lately:
            continue
        outcomes += _send_events(config, ledger, clock(), recipient, events)
    return outcomes


def _send_events(
    config: Config, ledger: Ledger, now: datetime, recipient: str, events: Sequence[Event]
) -> list[MessageOutcome]:
    lasting, undone = settled(events)
    ledger.events.end(
        [event.id for event in undone], "dropped", reason="the change was undone before a message could be sent"
    )
    ids = [event.id for event in events if event not in undone]
    if not ids:
        return []
    ledger.events.end(ids, "sending", recipient=recipient)
    try:
        send(config, recipient, title(lasting), body(lasting, config.settings.address))
    except NotSent as error:
        tried = [event for event in events if event.id in ids and event.reason is not None]
        too_old = [event.id for event in tried if now - event.made_at >= GIVES_UP]
        ledger.events.end(ids, "unsure" if error.doubt else "waiting", reason=str(error))
        if not error.doubt:
            ledger.events.end(too_old, "dead", reason=f"{error}; it was tried for a day")
        log.warning("not told", extra={"recipient": recipient, "reason": str(error), "events": len(ids)})
        return [MessageOutcome(recipient, len(ids), str(error))]
    ledger.events.end(ids, "sent", sent_at=now, reason=None)
    log.info("told", extra={"recipient": recipient, "events": len(ids)})
    return [MessageOutcome(recipient, len(ids))]


def send(config: Config, recipient: str, heading: str, text: str) -> None:
    """Sends a message to all addresses of a recipient. Raises NotSent with the reason, but without any address."""
    import apprise

    logging.getLogger("apprise").propagate = False  # it names addresses
    try:
        addresses = config.notify_addresses()[recipient]
    except ConfigError as error:
        raise NotSent("; ".join(problem.message for problem in error.problems) or str(error), doubt=False) from None
    service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="syncd", app_desc="syncd", secure_logging=True))
    for address in addresses:
        if not service.add(address):
            raise NotSent(f"apprise does not know an address of {recipient}", doubt=False)
    with apprise.LogCapture(level=logging.DEBUG) as captured:
        result = service.notify(title=heading, body=text, body_format=apprise.NotifyFormat.TEXT, timeout=_TIMEOUT)
        output = captured.getvalue()
    if not result:
        failed = [service_result for service_result in result if not service_result]
        not_taken = sum(bool(_NOT_TAKEN.search(line)) for line in output.splitlines())
        doubt = len(failed) < len(addresses) or not_taken < len(failed) or _ARRIVED in output
        why = f"{len(failed)} of {len(addresses)} addresses of {recipient} did not take it"
        raise NotSent(f"{why} ({_without(addresses, _reason(output))})", doubt=doubt)


def check(config: Config) -> Sequence[str]:
    """What is wrong with the addresses and owners of `notify:`, for `syncd doctor`. Sends nothing."""
    import apprise

    logging.getLogger("apprise").propagate = False
    try:
        recipients = config.notify_addresses()
    except ConfigError as error:
        return [problem.message for problem in error.problems]
    strange = [
        f"apprise does not know an address of {recipient!r}"
        for recipient, addresses in recipients.items()
        if not all(apprise.Apprise.instantiate(address, suppress_exceptions=True) for address in addresses)
    ]
    owners = {objective.owner for okrs in config.periods for objective in okrs.objectives if objective.owner}
    nobody = sorted(set(recipients) - owners - {EVERYBODY})
    return strange + [f"no objective has the owner {name!r}{nearest(name, owners)}" for name in nobody]


def _without(addresses: Sequence[str], text: str) -> str:
    """The text without any part of these addresses: even a host, a topic or a room may be the secret."""
    parts = {part for address in addresses for part in re.split(r"[^\w.~-]+", unquote(address.partition("://")[2]))}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***") if len(part) >= _SHORTEST else text
    return text


def _reason(output: str) -> str:
    """The first warning or error that apprise logged, without its time."""
    for line in output.splitlines():
        if " - WARNING - " in line or " - ERROR - " in line:
            return line.partition(" - ")[2].partition(" - ")[2][:160]
    return "no reason was given"
