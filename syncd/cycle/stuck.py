"""A person's decision about a delivery that syncd does not try again by itself: try again, or overwrite what somebody
else wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from syncd.cycle.refusals import Refused
from syncd.ledger import Delivery, Ledger
from syncd.ledger.outbox import OPEN, STUCK, Place, State
from syncd.sdk import Scalar

Decision = Literal["retry", "allow"]
_DECIDABLE: dict[Decision, tuple[State, ...]] = {"retry": (*STUCK, "waiting"), "allow": ("refused",)}


class Decided(Refused):
    """Raised if a person cannot decide about a delivery any more: the delivery is gone, or its state has changed."""


def delivery_of(ledger: Ledger, number: int) -> Delivery:
    """The delivery with the id `number`. Raises Decided if there is no such delivery."""
    delivery = ledger.outbox.get(number)
    if delivery is None:
        raise Decided(f"there is no delivery {number}; a newer one may have taken its place")
    return delivery


def decidable(ledger: Ledger, number: int, decision: Decision) -> Delivery:
    """The delivery with the id `number`. Raises Decided if a person cannot make this decision about it now."""
    delivery = delivery_of(ledger, number)
    if delivery.state not in _DECIDABLE[decision]:
        raise _over(delivery, decision)
    return delivery


def retry(ledger: Ledger, place: Place, *, now: datetime) -> Delivery:
    """Sets the newest delivery of a target back to `waiting`, as if the delivery were new. Returns the delivery as it
    was before. Raises Decided if there is nothing to try again.

    If a newer delivery has replaced the delivery that the person saw, the newer delivery is tried.
    """
    delivery = _newest(ledger, place)
    if delivery.state not in _DECIDABLE["retry"]:
        raise _over(delivery, "retry")
    ledger.outbox.again([delivery.id], now)
    return delivery


def allow(ledger: Ledger, place: Place, left_alone: Mapping[str, Scalar], *, by: str, now: datetime) -> Delivery:
    """Lets the newest delivery of a target overwrite the text that a person saw there, but no other text.

    A refused delivery becomes `waiting` again. Returns the delivery as it was before. Raises Decided if there is
    nothing to allow, or if the target has another text now. The caller must hold the ledger's lock.
    """
    delivery = _newest(ledger, place)
    if delivery.state not in ("refused", *OPEN):
        raise _over(delivery, "allow")
    if delivery.state == "refused" and dict(delivery.left_alone or {}) != left_alone:
        raise Decided(f"{delivery.connection}: {delivery.target} holds another text by now; look at it again")
    marks = dict(ledger.outbox.marks({place}).get(place, {}))
    for name, content in left_alone.items():
        marks[name] = [*marks.get(name, ()), content]
    ledger.outbox.note({place: marks})
    if delivery.state == "refused":
        ledger.outbox.again([delivery.id], now, f"{by} lets it be written over")
    return delivery


def _newest(ledger: Ledger, place: Place) -> Delivery:
    delivery = ledger.outbox.newest_of(place)
    if delivery is None:
        raise Decided(f"nothing is to be written to {place[0]}: {place[1]} any more")
    return delivery


def _over(delivery: Delivery, decision: Decision) -> Decided:
    instead = "there is nothing to try again" if decision == "retry" else "it waits for no leave"
    return Decided(f"{delivery.connection}: {delivery.target} is {delivery.state}; {instead}")


def refused_deliveries(ledger: Ledger, period: str, key_result: str) -> list[Delivery]:
    """The refused deliveries of a key result."""
    refused = ledger.outbox.in_state(_DECIDABLE["allow"])
    return [delivery for delivery in refused if (delivery.period, delivery.key_result) == (period, key_result)]
