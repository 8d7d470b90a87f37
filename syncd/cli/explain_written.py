"""The newest check-in to each target of a key result, and whether it was written, for `syncd explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from syncd.cli.lines import labelled
from syncd.ledger import Delivery
from syncd.okr.words import clock_time, number


def lines(deliveries: Sequence[Delivery], zone: ZoneInfo) -> Iterator[str]:
    """An entry for each target. If the check-in was not written, the entry has the reason."""
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
