"""People's check-ins on a key result, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult
from syncd.okr.words import ago, number, percent, value_figure
from syncd.sdk.numbers import difference
from syncd.status.report import KeyResultLine


def sentences(line: KeyResultLine, now: datetime) -> Iterator[str]:
    """The check-in in force, and the confidence in the key result if that check-in states no confidence."""
    checkin = line.checkin
    if checkin is not None:
        value = f": {value_words(checkin, line)}" if checkin.value is not None else ""
        confidence = f", confidence {percent(checkin.confidence)}" if checkin.confidence is not None else ""
        note = f": {checkin.note}" if checkin.note else ""
        yield f"check-in{value} by {checkin.by}, {ago(checkin.as_of, now)}{confidence}{note}"
    if line.confidence is not None and (checkin is None or checkin.confidence is None):
        yield f"confidence {percent(line.confidence)}"


def content_words(checkin: CheckIn, key_result: KeyResult) -> str:
    """What a check-in on a key result holds, without its note: `45, confidence 60 %`; `a note` if it holds nothing
    else.
    """
    value = value_figure(key_result, checkin.value) if checkin.value is not None else None
    confidence = f"confidence {percent(checkin.confidence)}" if checkin.confidence is not None else None
    return ", ".join(filter(None, (value, confidence))) or "a note"


def value_words(checkin: CheckIn, line: KeyResultLine) -> str:
    """A check-in's value, and its difference from the measured value: `1,050 (-42)`."""
    measured = line.value if line.key_result.measure else None
    if checkin.value is None or measured is None:
        return value_figure(line.key_result, checkin.value)
    step = difference(checkin.value, measured)
    apart = f"{'+' if step > 0 else ''}{number(step)}" if step else "the same"
    return f"{value_figure(line.key_result, checkin.value)} ({apart})"
