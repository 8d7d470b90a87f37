"""People's check-ins on a key result, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult
from syncd.okr.words import ago, number, percent, value_figure
from syncd.sdk.language import gettext as _
from syncd.sdk.numbers import difference
from syncd.status.report import KeyResultLine


def sentences(line: KeyResultLine, now: datetime) -> Iterator[str]:
    """Sentences about the check-in in force, and about the confidence in the key result if that check-in states
    none.
    """
    checkin = line.checkin
    if checkin is not None:
        parts = {"person": checkin.by, "ago": ago(checkin.as_of, now)}
        if checkin.value is None:
            text = _("check-in by %(person)s, %(ago)s", **parts)
        else:
            text = _("check-in: %(value)s by %(person)s, %(ago)s", value=value_words(checkin, line), **parts)
        confidence = f", {_confidence(checkin.confidence)}" if checkin.confidence is not None else ""
        note = f": {checkin.note}" if checkin.note else ""
        yield f"{text}{confidence}{note}"
    if line.confidence is not None and (checkin is None or checkin.confidence is None):
        yield _confidence(line.confidence)


def content_words(checkin: CheckIn, key_result: KeyResult) -> str:
    """The value and confidence of a check-in: `45, confidence 60 %`; `a note` if the check-in has only a note."""
    value = value_figure(key_result, checkin.value) if checkin.value is not None else None
    confidence = _confidence(checkin.confidence) if checkin.confidence is not None else None
    return ", ".join(filter(None, (value, confidence))) or _("a note")


def _confidence(share: float) -> str:
    return _("confidence %(share)s", share=percent(share))


def value_words(checkin: CheckIn, line: KeyResultLine) -> str:
    """A check-in's value, and its difference from the measured value: `1,050 (-42)`."""
    measured = line.value if line.key_result.measure else None
    if checkin.value is None or measured is None:
        return value_figure(line.key_result, checkin.value)
    step = difference(checkin.value, measured)
    apart = f"{'+' if step > 0 else ''}{number(step)}" if step else _("the same")
    return f"{value_figure(line.key_result, checkin.value)} ({apart})"
