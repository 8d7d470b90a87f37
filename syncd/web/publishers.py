"""The publishers on the page of the sources: their last writes, unwritten check-ins, and decisions about these
check-ins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from syncd.cycle.stuck import Decision
from syncd.ledger import Delivery, Ledger
from syncd.ledger.outbox import OPEN, STUCK, State
from syncd.ledger.requests import Request
from syncd.sdk.language import marked
from syncd.status.document_types import Time
from syncd.web.view import View
from syncd.web.visitors import Role

_SHOWN_DECISIONS = 10
STATE_WORDS: Mapping[State, str] = {
    "waiting": marked("not written yet"),
    "unsure": marked("perhaps written"),
    "refused": marked("left alone"),
    "absent": marked("nowhere to write"),
    "dead": marked("not written"),
}
NEXT_STEPS: Mapping[State, str] = {
    "waiting": marked("It is tried again with the next cycle."),
    "unsure": marked("Look there first: another try may write it a second time."),
    "refused": marked("Somebody else wrote there. Allow syncd to write over it, or clear it and retry."),
    "absent": marked("Make the target, or correct its name, and retry."),
    "dead": marked("Once that is mended, retry."),
}
"""What to do about a delivery that is not written."""


class UnwrittenDocument(TypedDict):
    """A delivery that is not written. The addresses `/api/deliveries/ID/retry` and `…/ID/allow` take its `id` as ID."""

    id: int
    target: str
    period: str
    key_result: str | None
    """The id of the key result; null if the delivery is for a whole period."""
    state: State
    reason: str | None
    tries: int
    tried_at: Time | None
    retry_at: Time | None


class PublisherDocument(TypedDict):
    """A publisher, the time of its last write, and its deliveries that are not written."""

    name: str
    type: str
    last_written: Time | None
    deliveries: list[UnwrittenDocument]


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A delivery that is not written, and the decisions that the visitor may make about it. `asked` is an earlier
    decision that waits for the next cycle.

    `seen` is the text that the buttons of the delivery send: see `seen_of`.
    """

    delivery: Delivery
    seen: str
    decisions: Sequence[Decision]
    asked: Request | None


@dataclass(frozen=True, slots=True)
class Publisher:
    """A connection that check-ins are written through."""

    name: str
    kind: str
    last_written: datetime | None
    unwritten: Sequence[Unwritten]

    @property
    def retried(self) -> Sequence[str]:
        """The deliveries that one button of the visitor retries together."""
        return [each.seen for each in self.unwritten if "retry" in each.decisions]


def publishers_of(view: View) -> Iterator[Publisher]:
    """The publishers of the configuration, in its order."""
    ledger = view.daemon.ledger
    kinds = {each.connection.name: each.connection.kind for each in view.daemon.config.publications}
    newest = ledger.outbox.newest().values() if ledger else ()
    stuck = ledger.outbox.in_state((*OPEN, *STUCK)) if ledger else ()
    asked: dict[int | None, list[Request]] = {}
    for request in ledger.requests.of_deliveries([each.id for each in stuck]) if ledger else ():
        asked.setdefault(request.delivery, []).append(request)
    for name, kind in kinds.items():
        written = [each.tried_at for each in newest if each.connection == name and each.state == "delivered"]
        yield Publisher(
            name,
            kind,
            max((at for at in written if at is not None), default=None),
            [_unwritten(view, each, asked.get(each.id, ())) for each in stuck if each.connection == name],
        )


def seen_of(delivery: Delivery, asked: Sequence[Request]) -> str:
    """The state in which a page shows a delivery: its id, the number of tries, and the id of the last request about it.

    A decision counts only if this state is unchanged. Otherwise the person may have decided about older content of the
    target.
    """
    return f"{delivery.id}-{delivery.tries}-{asked[-1].id if asked else 0}"


def _unwritten(view: View, delivery: Delivery, asked: Sequence[Request]) -> Unwritten:
    waiting = next((request for request in asked if request.state == "waiting"), None)
    decisions: list[Decision] = []
    if view.visitor.may(Role.OPERATOR) and waiting is None:
        if delivery.state not in OPEN or (delivery.state == "waiting" and delivery.reason is not None):
            decisions.append("retry")
        if delivery.state == "refused":
            decisions.append("allow")
    return Unwritten(delivery.shown, seen_of(delivery, asked), decisions, waiting)


def publisher_document(publisher: Publisher, zone: ZoneInfo) -> PublisherDocument:
    """A publisher as JSON."""
    return {
        "name": publisher.name,
        "type": publisher.kind,
        "last_written": _time(publisher.last_written, zone),
        "deliveries": [
            {
                "id": each.delivery.id,
                "target": each.delivery.target,
                "period": each.delivery.period,
                "key_result": each.delivery.key_result or None,
                "state": each.delivery.state,
                "reason": each.delivery.reason,
                "tries": each.delivery.tries,
                "tried_at": _time(each.delivery.tried_at, zone),
                "retry_at": _time(each.delivery.retry_at, zone),
            }
            for each in publisher.unwritten
        ],
    }


def decisions_of(ledger: Ledger | None) -> Sequence[Request]:
    """The last decisions about deliveries, the newest first."""
    return ledger.requests.last_of_deliveries(_SHOWN_DECISIONS) if ledger else ()


def _time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None
