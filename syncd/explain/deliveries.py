"""The newest delivery of a key result to each target, as of a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from syncd.ledger import Delivery, Ledger
from syncd.status.snapshot import Snapshot


def newest_deliveries(snapshot: Snapshot, ledger: Ledger | None, key_result: str) -> Sequence[Delivery]:
    """The newest delivery of the key result to each target, as of the snapshot."""
    made = ledger.outbox.of(snapshot.okrs.period.id, key_result) if ledger else ()
    by_place = {delivery.place: delivery for delivery in made if delivery.cycle <= snapshot.cycle}
    shown = [delivery.shown for delivery in by_place.values()]
    return [_as_of(delivery, snapshot.last_instant) if snapshot.past else delivery for delivery in shown]


def _as_of(delivery: Delivery, moment: datetime) -> Delivery:
    """The delivery in its state at a moment: `waiting` if it was tried only after this moment."""
    if delivery.tried_at is not None and delivery.tried_at > moment:
        made_at = min(delivery.made_at, moment)
        return replace(delivery, state="waiting", reason=None, tried_at=None, made_at=made_at)
    return replace(delivery, **delivery.was) if delivery.state == "superseded" and delivery.was else delivery
