"""Check-ins: they stand beside a measured value; without a measure they are the key result's value."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.cycle.foresee import deliveries_after
from syncd.cycle.value import case_of, complete_value
from syncd.ledger import Ledger
from syncd.okr.answer import Answer
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.plausible import implausible

STANDS_FOR = timedelta(days=14)
"""How long a check-in stands if neither it nor its key result says so."""


class Settled(Exception):
    """The period is frozen since `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at


class Implausible(Exception):
    """The value is outside what the mapping calls plausible; the text says which bound it breaks."""


def check_in(
    config: Config, okrs: PeriodOkrs, key_result: KeyResult, ledger: Ledger, checkin: CheckIn, *, force: bool = False
) -> None:
    """Keeps a check-in. The value of a check-in becomes the value of a key result without a measure.

    Raises Settled, or without `force` Implausible; then nothing changes. The caller holds the ledger's lock.
    """
    period, now = okrs.period, checkin.at
    settled_at = period.span.end + config.settings.settle
    if now >= settled_at:
        raise Settled(settled_at)
    case = case_of(config, okrs, ledger, key_result, now)
    unmeasured = key_result.measure is None
    if checkin.value is not None and key_result.plausible is not None and not force:
        before = (
            case.last.number if case.last is not None and unmeasured else None
        )  # it may be far from a measured value
        if why := implausible(key_result.plausible, checkin.value, before):
            raise Implausible(why)
    name = period.id, key_result.id
    if checkin.value is None or not unmeasured:
        outgoing = deliveries_after(config, ledger, now, checkins={name: checkin})
        ledger.checkins.check_in(*name, checkin, due=outgoing)
        return
    value = complete_value(case, Answer(checkin.value, at=now), ledger.answers, now, 0)
    outgoing = deliveries_after(config, ledger, now, {name: replace(value, confirmed=0)}, {name: checkin})
    ledger.checkins.check_in(*name, checkin, (case.definition, value), outgoing)
