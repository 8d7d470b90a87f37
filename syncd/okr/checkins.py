"""Check-ins: what people report about a key result, and how long each report holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from syncd.okr.past import past_days
from syncd.okr.spans import Period, Span


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A person's report on a key result: a value in its unit, a note, a confidence from 0 to 1, or several of these."""

    author: str
    at: datetime
    expires_at: datetime
    value: float | None = None
    note: str | None = None
    confidence: float | None = None

    def expired(self, span: Span, now: datetime) -> bool:
        """Whether it no longer holds. A check-in in force at the period's end never expires."""
        return min(now, span.end) >= self.expires_at


def standing(checkins: Sequence[CheckIn], span: Span, now: datetime) -> CheckIn | None:
    """The newest check-in that has not expired; `checkins` are ordered by the time they were made."""
    return next((checkin for checkin in reversed(checkins) if not checkin.expired(span, now)), None)


def confidence(checkins: Sequence[CheckIn], span: Span, now: datetime) -> float | None:
    """The confidence in the newest unexpired check-in that gives a confidence."""
    confident = [checkin for checkin in checkins if checkin.confidence is not None]
    last = standing(confident, span, now)
    return last.confidence if last else None


def made_by(checkins: Sequence[CheckIn], at: datetime | None) -> CheckIn | None:
    """The check-in that made the value with the time `at`, for a key result without a measure."""
    return next((checkin for checkin in reversed(checkins) if checkin.value is not None and checkin.at == at), None)


def past_values(checkins: Sequence[CheckIn], period: Period, now: datetime) -> list[tuple[date, float | None]]:
    """(day, value at its end) for each past day of the period, oldest first; None if no check-in was in force."""
    with_value = [checkin for checkin in checkins if checkin.value is not None]
    values: list[tuple[date, float | None]] = []
    for day, end in past_days(period, now):
        last = next((checkin for checkin in reversed(with_value) if checkin.at <= end), None)
        values.append((day, last.value if last and not last.expired(period.span, end) else None))
    return values
