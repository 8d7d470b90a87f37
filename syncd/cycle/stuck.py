"""What people decide about deliveries that wait for them: try again, or write over what somebody else wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from syncd.cycle.refusals import Refused
from syncd.ledger import Delivery, Ledger
from syncd.ledger.outbox import STUCK, State
from syncd.sdk import Json

Decision = Literal["retry", "allow"]
_DECIDABLE: dict[Decision, tuple[State, ...]] = {"retry": (*STUCK, "waiting"), "allow": ("refused",)}


class Decided(Refused):
    """Nothing is left to decide about a delivery: it is gone, or in another state than a person saw."""


def delivery_of(ledger: Ledger, number: int) -> Delivery:
    """The delivery of this number. Raises Decided if there is none."""
    delivery = ledger.outbox.get(number)
    if delivery is None:
        raise Decided(f"there is no delivery {number}; a newer one may have taken its place")
    return delivery


def decidable(ledger: Ledger, number: int, decision: Decision) -> Delivery:
    """The delivery of this number, if a person may decide so about it now. Raises Decided."""
    delivery = delivery_of(ledger, number)
    if delivery.state not in _DECIDABLE[decision]:
        where = f"{delivery.connection}: {delivery.target}"
        instead = "there is nothing to try again" if decision == "retry" else "it waits for no leave"
        raise Decided(f"{where} is {delivery.state}; {instead}")
    return delivery


def retry(ledger: Ledger, number: int, *, now: datetime) -> Delivery:
    """Puts a delivery back into `waiting`, as if it were new. Returns what it was; raises Decided."""
    delivery = decidable(ledger, number, "retry")
    ledger.outbox.again([number], now)
    return delivery


def allow(ledger: Ledger, number: int, left_alone: Json, *, by: str, now: datetime) -> Delivery:
    """Lets a refused delivery overwrite the text that it met, if that is still what was `left_alone`; never a text that
    was written since.

    The delivery waits again. Returns what it was; raises Decided. The caller holds the ledger's lock.
    """
    delivery = decidable(ledger, number, "allow")
    if dict(delivery.left_alone or {}) != left_alone:
        raise Decided(f"{delivery.connection}: {delivery.target} holds another text by now; look at it again")
    marks = dict(ledger.outbox.marks({delivery.place}).get(delivery.place, {}))
    for place, content in (delivery.left_alone or {}).items():
        marks[place] = [*marks.get(place, ()), content]
    ledger.outbox.note({delivery.place: marks})
    ledger.outbox.again([number], now, f"{by} lets it be written over")
    return delivery


def refused_deliveries(ledger: Ledger, period: str, key_result: str) -> list[Delivery]:
    """The refused deliveries of a key result."""
    refused = ledger.outbox.in_state(_DECIDABLE["allow"])
    return [delivery for delivery in refused if (delivery.period, delivery.key_result) == (period, key_result)]
