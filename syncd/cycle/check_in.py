"""Check-ins: people's statements about key results. If a key result has no measure, its check-ins set its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.cycle.carry_over import renamed_periods
from syncd.cycle.foresee import deliveries_after
from syncd.cycle.refusals import Refused
from syncd.cycle.value import case_of, complete_value
from syncd.ledger import Definition, KeptValue, Ledger, NewDelivery
from syncd.okr.answer import Answer
from syncd.okr.checkins import CheckIn, Withdrawal, newest_value
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.plausible import implausible
from syncd.okr.spans import Period
from syncd.okr.words import day
from syncd.sdk import ConfigError

LONGEST_NOTE, LONGEST_AUTHOR = 2_000, 100
"""The largest number of characters of a check-in's note and of its author's name."""

STANDS_FOR = timedelta(days=14)
"""How long a check-in is valid if neither it nor its key result sets a time."""


class Settled(Refused):
    """The period is frozen since `at`."""

    def __init__(self, period: Period, at: datetime) -> None:
        self.at = at
        super().__init__(f"{period.id} is frozen since {day(at.astimezone(period.zone))}: it has ended and settled")


class Implausible(Refused):
    """The value is outside the bounds of `plausible` in the mapping. The text names the bound."""


def check(
    config: Config,
    okrs: PeriodOkrs,
    key_result: KeyResult,
    ledger: Ledger,
    checkin: CheckIn | Withdrawal,
    *,
    now: datetime,
    force: bool = False,
) -> _Change:
    """The change that a check-in or withdrawal makes, if it may be stored now.

    Raises Settled; Implausible, unless `force` is set; ConfigError for texts that are too long; and Refused for a
    period that was renamed.
    """
    change = _Change(config, okrs, key_result, ledger, now)
    for what, text, longest in (
        ("the author's name", checkin.author, LONGEST_AUTHOR),
        ("the note", checkin.note, LONGEST_NOTE),
    ):
        if text is not None and len(text) > longest:
            raise ConfigError(f"{what} has {len(text):,} characters; write at most {longest:,}")
        if text is not None and "\0" in text:
            raise ConfigError(f"{what} holds a character that no ledger keeps (NUL); write it without")
    if isinstance(checkin, CheckIn) and checkin.value is not None and key_result.plausible is not None and not force:
        value = change.value  # this value may differ from a measured value
        if why := implausible(key_result.plausible, checkin.value, value.number if value else None):
            raise Implausible(why)
    return change


def check_in(
    config: Config,
    okrs: PeriodOkrs,
    key_result: KeyResult,
    ledger: Ledger,
    checkin: CheckIn,
    *,
    now: datetime | None = None,
    force: bool = False,
) -> int:
    """Stores a check-in, dated `now` or else the time of the check-in; returns its id.

    The check-in's value becomes the value of a key result without a measure, unless a check-in of a later day exists.
    Raises the errors of `check`, and then changes nothing. The caller holds the ledger's lock.
    """
    change = check(config, okrs, key_result, ledger, checkin, now=now or checkin.at, force=force)
    makes, due = change.follows([*change.checkins, checkin])
    return ledger.checkins.check_in(*change.name, checkin, makes, due, now=change.at)


def withdraw(
    config: Config,
    okrs: PeriodOkrs,
    key_result: KeyResult,
    ledger: Ledger,
    checkin: CheckIn,
    withdrawal: Withdrawal,
    *,
    now: datetime | None = None,
) -> None:
    """Stores the withdrawal of a check-in.

    Without a measure, the key result gets the value of the previous check-in, or an unknown value if there is none.
    Raises the errors of `check`, and then changes nothing. The caller holds the ledger's lock.
    """
    change = check(config, okrs, key_result, ledger, withdrawal, now=now or withdrawal.at)
    after = [replace(made, withdrawn=withdrawal) if made.id == checkin.id else made for made in change.checkins]
    makes, due = change.follows(after)
    ledger.checkins.withdraw(*change.name, checkin, withdrawal, makes, due, now=change.at)


@dataclass(frozen=True)
class _Change:
    """A change of the check-ins of a key result at a moment."""

    config: Config
    okrs: PeriodOkrs
    key_result: KeyResult
    ledger: Ledger
    at: datetime

    def __post_init__(self) -> None:
        settled_at = self.okrs.period.span.end + self.config.settings.settle
        if self.at >= settled_at:
            raise Settled(self.okrs.period, settled_at)
        renamed = dict(renamed_periods(self.config, self.ledger))
        if (former := renamed.get(self.okrs.period.id)) is not None:  # under its new id, its history would be lost
            raise Refused(
                f"the period {former} is called {self.okrs.period.id} now; run `syncd sync` first, for its history"
            )

    @property
    def name(self) -> tuple[str, str]:
        """(period, key result)."""
        return self.okrs.period.id, self.key_result.id

    @property
    def checkins(self) -> Sequence[CheckIn]:
        """The check-ins so far."""
        return self.ledger.checkins.kept(*self.name)

    @property
    def value(self) -> KeptValue | None:
        """The value so far of a key result without a measure."""
        if self.key_result.measure is not None:
            return None
        return case_of(self.config, self.okrs, self.ledger, self.key_result, self.at).last

    def follows(self, after: Sequence[CheckIn]) -> tuple[tuple[Definition, KeptValue] | None, Sequence[NewDelivery]]:
        """The new value of the key result with its definition, and the deliveries that are due.

        `after` are all check-ins after the change.
        """
        new, before = newest_value(after), newest_value(self.checkins)
        if self.key_result.measure is not None or new == before:
            return None, deliveries_after(self.config, self.ledger, self.at, checkins={self.name: after})
        case = replace(case_of(self.config, self.okrs, self.ledger, self.key_result, self.at), checkins=after)
        answer = Answer(new.value, at=new.as_of) if new else Answer(None, "its check-in was withdrawn")
        value = complete_value(case, answer, self.ledger.answers, self.at, 0)
        kept = {self.name: replace(value, confirmed=0)}
        due = deliveries_after(self.config, self.ledger, self.at, kept, {self.name: after})
        return (case.definition, value), due
