"""Check-ins: people's reports about a key result, and how long each report is valid.

A check-in describes the moment at which it is made, or the end of a past day. A check-in replaces the check-ins about
earlier moments. When the value of a newer check-in expires, an older value does not come back. The older value comes
back only when the newer check-in is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from syncd.okr.past import past_days
from syncd.okr.spans import Period, Span
from syncd.okr.words import signature


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A person's statement that a check-in was wrong."""

    author: str
    at: datetime
    note: str | None = None
    entered_by: str | None = None

    @property
    def by(self) -> str:
        """The author, and the person who entered the withdrawal if that is somebody else."""
        return signature(self.author, self.entered_by)


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A person's report on a key result: a value in its unit, a note, a confidence from 0 to 1, or several of these.

    `at` is the time at which the check-in was made. `dated` is the end of the past day that the check-in describes;
    None if it describes `at`. `id` is the check-in's id in the ledger; None until it is stored. A withdrawn check-in is
    never valid.

    The `author` is a claim, because anybody may type any name. `entered_by` is the person who ran the command or was
    logged in; None if an early version stored the check-in.
    """

    author: str
    at: datetime
    expires_at: datetime
    value: float | None = None
    note: str | None = None
    confidence: float | None = None
    dated: datetime | None = None
    withdrawn: Withdrawal | None = None
    id: int | None = field(default=None, compare=False)
    entered_by: str | None = None

    @property
    def by(self) -> str:
        """The author, and the person who entered the check-in if that is somebody else: `Dana (entered by
        ops@build-3)`.
        """
        return signature(self.author, self.entered_by)

    @property
    def as_of(self) -> datetime:
        """The moment that the check-in describes."""
        return self.dated or self.at

    def expires(self, span: Span) -> bool:
        """Whether the check-in ever expires. A check-in in force at the period's end never does."""
        return self.expires_at <= span.end

    def expired(self, span: Span, now: datetime) -> bool:
        """Whether the check-in has expired."""
        return self.expires(span) and self.expires_at <= now


def as_seen_at(checkins: Iterable[CheckIn], moment: datetime) -> list[CheckIn]:
    """The check-ins that had been made by a moment, without the withdrawals made after that moment."""
    return [
        replace(checkin, withdrawn=None) if checkin.withdrawn and checkin.withdrawn.at > moment else checkin
        for checkin in checkins
        if checkin.at <= moment
    ]


def standing(checkins: Sequence[CheckIn], span: Span, now: datetime) -> CheckIn | None:
    """The check-in in force: the newest check-in that has not expired. A check-in with a value is no longer in force
    once a newer check-in has a value, even if that newer check-in has expired.
    """
    replaced = False
    for checkin in _newest_first(checkins):
        if not checkin.expired(span, now) and not (replaced and checkin.value is not None):
            return checkin
        replaced = replaced or checkin.value is not None
    return None


def confidence(checkins: Sequence[CheckIn], span: Span, now: datetime) -> float | None:
    """The confidence that the newest check-in with a confidence states; None once that check-in has expired."""
    last = next((checkin for checkin in _newest_first(checkins) if checkin.confidence is not None), None)
    return last.confidence if last and not last.expired(span, now) else None


def newest_value(checkins: Sequence[CheckIn]) -> CheckIn | None:
    """The check-in whose value is the value of a key result without a measure, even if the check-in has expired."""
    return next((checkin for checkin in _newest_first(checkins) if checkin.value is not None), None)


def made_by(checkins: Sequence[CheckIn], as_of: datetime | None) -> CheckIn | None:
    """The check-in whose value a key result without a measure had as of a time."""
    return next(
        (checkin for checkin in _newest_first(checkins) if checkin.value is not None and checkin.as_of == as_of), None
    )


def past_values(checkins: Sequence[CheckIn], period: Period, now: datetime) -> list[tuple[date, float | None]]:
    """Pairs (day, value at its end) for each past day of the period, oldest first. The value is None if no check-in was
    in force.
    """
    with_value = [checkin for checkin in _newest_first(checkins) if checkin.value is not None]
    values: list[tuple[date, float | None]] = []
    for day, end in past_days(period, now):
        last = next((checkin for checkin in with_value if checkin.as_of <= end), None)
        values.append((day, last.value if last and not last.expired(period.span, end) else None))
    return values


def _newest_first(checkins: Sequence[CheckIn]) -> list[CheckIn]:
    """The check-ins that were not withdrawn, newest first by the time that they describe.

    Of two check-ins about the same time, the one that was made later comes first. `checkins` are in the order in which
    they were made.
    """
    return sorted(
        (checkin for checkin in reversed(checkins) if checkin.withdrawn is None),
        key=lambda checkin: checkin.as_of,
        reverse=True,
    )
