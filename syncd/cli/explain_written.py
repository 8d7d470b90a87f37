"""Where a key result's check-ins were written, as `explain` shows it: the newest of each target, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

from syncd.ledger import Delivery, Ledger
from syncd.words import clock_time, number


def newest(ledger: Ledger | None, period: str, key_result: str, by: datetime) -> Sequence[Delivery]:
    """The newest delivery to each target that was made by a time."""
    found = {one.place: one for one in ledger.outbox.of(period, key_result) if one.made_at <= by} if ledger else {}
    return list(found.values())


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
