"""Where a key result's check-ins were written, as `explain` shows it: the newest of each target, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

from syncd.ledger import Delivery, Ledger
from syncd.okr.words import clock_time, number
from syncd.status.snapshot import Snapshot


def newest(snapshot: Snapshot, ledger: Ledger | None, key_result: str) -> Sequence[Delivery]:
    """The newest delivery to each target that was made by then, and what had come of it."""
    made = ledger.outbox.of(snapshot.plan.period.id, key_result) if ledger else ()
    by_place = {delivery.place: delivery for delivery in made if delivery.cycle <= snapshot.cycle}
    return [_by_then(delivery, snapshot.last_instant) if snapshot.past else delivery for delivery in by_place.values()]


def _by_then(one: Delivery, now: datetime) -> Delivery:
    """A delivery as it stood by a time: one that was tried later waited, whatever has come of it."""
    if one.tried_at is not None and one.tried_at > now:
        return replace(one, state="waiting", reason=None, tried_at=None, made_at=min(one.made_at, now))
    return replace(one, **one.was) if one.state == "superseded" and one.was else one


def lines(found: Sequence[Delivery], zone: ZoneInfo) -> Iterator[str]:
    """A line for each target; of what was not written why, too."""
    for one in found:
        value = one.statement.get("value")
        stated = number(value) if isinstance(value, int | float) else "unknown"
        when = clock_time((one.tried_at or one.made_at).astimezone(zone))
        came = "" if one.state == "delivered" else f" ({one.state}{f': {one.reason}' if one.reason else ''})"
        label = "written" if one.state == "delivered" else "unwritten"
        said = f"{label:<9} {when} to {one.connection}: {one.target}: {stated}{came}"
        yield from wrap(said, 80, subsequent_indent=" " * 10, break_on_hyphens=False)


def documents(found: Sequence[Delivery], zone: ZoneInfo) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [
        {
            "to": one.connection,
            "target": one.target,
            "value": one.statement.get("value"),
            "state": one.state,
            "reason": one.reason,
            "at": (one.tried_at or one.made_at).astimezone(zone).isoformat(timespec="seconds"),
        }
        for one in found
    ]
