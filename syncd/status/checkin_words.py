"""What people say of a key result, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from syncd.okr.checkins import CheckIn
from syncd.okr.words import ago, number, percent
from syncd.status.report import KeyResultLine


def sentences(line: KeyResultLine, now: datetime) -> Iterator[str]:
    """The check-in that stands, beside the value or as it, and how sure somebody is where that does not say so."""
    said = line.checkin
    if said is not None:
        given = f": {value(said, line)}" if said.value is not None else ""
        sure = f", confidence {percent(said.confidence)}" if said.confidence is not None else ""
        note = f": {said.note}" if said.note else ""
        yield f"check-in{given} by {said.author}, {ago(said.at, now)}{sure}{note}"
    if line.confidence is not None and (said is None or said.confidence is None):
        yield f"confidence {percent(line.confidence)}"


def value(said: CheckIn, line: KeyResultLine) -> str:
    """Its value, and how far that is from a measured one: `1,050 (-42)`."""
    measured = line.value if line.key_result.measure else None
    if said.value is None or measured is None:
        return number(said.value)
    step = said.value - measured
    apart = f"{'+' if step > 0 else ''}{number(step)}" if step else "the same"
    return f"{number(said.value)} ({apart})"
