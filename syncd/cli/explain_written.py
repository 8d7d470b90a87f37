"""The newest check-in to each target of a key result, and whether it was written, as `syncd explain` shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncd.cli.lines import labelled
from syncd.ledger import Delivery, Ledger
from syncd.okr.words import clock_time, number
from syncd.status.snapshot import Snapshot


def newest(snapshot: Snapshot, ledger: Ledger | None, key_result: str) -> Sequence[Delivery]:
    """The newest delivery to each target as of the snapshot."""
    made = ledger.outbox.of(snapshot.okrs.period.id, key_result) if ledger else ()
    by_place = {delivery.place: delivery for delivery in made if delivery.cycle <= snapshot.cycle}
    return [_as_of(delivery, snapshot.last_instant) if snapshot.past else delivery for delivery in by_place.values()]


def _as_of(delivery: Delivery, moment: datetime) -> Delivery:
    """The delivery as of a moment: if it was first tried later, it was waiting at that moment."""
    if delivery.tried_at is not None and delivery.tried_at > moment:
        made_at = min(delivery.made_at, moment)
        return replace(delivery, state="waiting", reason=None, tried_at=None, made_at=made_at)
    return replace(delivery, **delivery.was) if delivery.state == "superseded" and delivery.was else delivery


def lines(deliveries: Sequence[Delivery], zone: ZoneInfo) -> Iterator[str]:
    """An entry for each target; for a check-in that was not written, with the reason."""
    if deliveries:
        yield ""
    for delivery in deliveries:
        value = delivery.statement.get("value")
        bounds: Any = delivery.statement.get("value_bounds") or ()
        text = number(value, bounds=bounds) if isinstance(value, int | float) else "unknown"
        when = clock_time((delivery.tried_at or delivery.made_at).astimezone(zone))
        is_written = delivery.state == "delivered"
        reason = f": {delivery.reason}" if delivery.reason else ""
        state = "" if is_written else f" ({delivery.state}{reason})"
        label = "written" if is_written else "unwritten"
        yield from labelled(label, f"{when} to {delivery.connection}: {delivery.target}: {text}{state}")


def documents(deliveries: Sequence[Delivery], zone: ZoneInfo) -> list[dict[str, Any]]:
    """The deliveries as `explain --json` prints them."""
    return [
        {
            "to": delivery.connection,
            "target": delivery.target,
            "value": delivery.statement.get("value"),
            "state": delivery.state,
            "reason": delivery.reason,
            "at": (delivery.tried_at or delivery.made_at).astimezone(zone).isoformat(timespec="seconds"),
        }
        for delivery in deliveries
    ]
