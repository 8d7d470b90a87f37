"""Check-ins: what people say of a key result, and for how long that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from syncd.okr.past import past_days
from syncd.okr.spans import Period, Span


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What somebody said of a key result: a value in its unit, a note, how sure they are (0 to 1); not all of them."""

    author: str
    at: datetime
    expires_at: datetime
    value: float | None = None
    note: str | None = None
    confidence: float | None = None

    def expired(self, span: Span, now: datetime) -> bool:
        """Whether it no longer stands; what stood at a period's end stands for good."""
        return min(now, span.end) >= self.expires_at


def standing(checkins: Sequence[CheckIn], span: Span, now: datetime) -> CheckIn | None:
    """The newest that has not expired; `checkins` are in the order that they were made."""
    return next((one for one in reversed(checkins) if not one.expired(span, now)), None)


def confidence(checkins: Sequence[CheckIn], span: Span, now: datetime) -> float | None:
    """How sure the last was who said so, where that has not expired."""
    sure = [one for one in checkins if one.confidence is not None]
    last = standing(sure, span, now)
    return last.confidence if last else None


def made_by(checkins: Sequence[CheckIn], at: datetime | None) -> CheckIn | None:
    """The one that made the value of a time, of a key result without a measure."""
    return next((one for one in reversed(checkins) if one.value is not None and one.at == at), None)


def past_values(checkins: Sequence[CheckIn], period: Period, now: datetime) -> list[tuple[date, float | None]]:
    """(day, value at its end) for each day of the period before today, oldest first; None where none stood."""
    given = [one for one in checkins if one.value is not None]
    found: list[tuple[date, float | None]] = []
    for day, end in past_days(period, now):
        last = next((one for one in reversed(given) if one.at <= end), None)
        found.append((day, last.value if last and not last.expired(period.span, end) else None))
    return found
