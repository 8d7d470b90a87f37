"""Stores check-ins, people's statements about key results. Check-ins set the value of a key result that has no
measure.
"""

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
"""The largest number of characters in a check-in's note, and in its author's name."""

STANDS_FOR = timedelta(days=14)
"""How long a check-in is valid by default, if neither the check-in nor its key result sets a duration."""


class Settled(Refused):
    """Raised if the period froze, at the time `at`."""

    def __init__(self, period: Period, at: datetime) -> None:
        self.at = at
        super().__init__(f"{period.id} is frozen since {day(at.astimezone(period.zone))}: it has ended and settled")


class Implausible(Refused):
    """Raised if the value is outside the bounds of `plausible` in the mapping file. The message names the bound."""


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
    """The change that a check-in or withdrawal makes. Checks that the check-in or withdrawal may be stored now.

    Raises Settled; Implausible, unless `force` is set; ConfigError for texts that are too long or contain NUL; and
    Refused for a period whose history is still under its old id.
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
    """Stores a check-in; returns its id. `now` is the check-in's own time by default.

    If the key result has no measure, the check-in's value becomes its value, unless there is a check-in for a later
    day. Raises the errors of `check`, and then changes nothing. The caller must hold the ledger's lock.
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

    If the key result has no measure, it gets the value of the previous check-in, or an unknown value if there is no
    previous check-in. Raises the errors of `check`, and then changes nothing. The caller must hold the ledger's lock.
    """
    change = check(config, okrs, key_result, ledger, withdrawal, now=now or withdrawal.at)
    after = [replace(made, withdrawn=withdrawal) if made.id == checkin.id else made for made in change.checkins]
    makes, due = change.follows(after)
    ledger.checkins.withdraw(*change.name, checkin, withdrawal, makes, due, now=change.at)


@dataclass(frozen=True)
class _Change:
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
        """The ids of the period and the key result."""
        return self.okrs.period.id, self.key_result.id

    @property
    def checkins(self) -> Sequence[CheckIn]:
        """The check-ins before the change."""
        return self.ledger.checkins.kept(*self.name)

    @property
    def value(self) -> KeptValue | None:
        """The value of the key result before the change; None if the key result has a measure or no value."""
        if self.key_result.measure is not None:
            return None
        return case_of(self.config, self.okrs, self.ledger, self.key_result, self.at).last

    def follows(self, after: Sequence[CheckIn]) -> tuple[tuple[Definition, KeptValue] | None, Sequence[NewDelivery]]:
        """The definition and new value of the key result (None if the value does not change), and the deliveries that
        are due.

        `after` are all check-ins as they will be after the change.
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
