"""People's own numbers: a check-in stands beside what is measured; where nothing is, it is the key result's value."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.cycle.foresee import deliveries_after
from syncd.cycle.value import case_of, complete_value
from syncd.ledger import Ledger
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Plan
from syncd.okr.measures import Answer
from syncd.okr.plausible import implausible

STANDS_FOR = timedelta(days=14)
"""How long a check-in stands where neither it nor its key result says."""


class Settled(Exception):
    """The period was frozen at a time that has passed."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at


class Implausible(Exception):
    """The value is outside what the mapping calls plausible; the text says which bound it breaks."""


def check_in(
    config: Config, plan: Plan, key_result: KeyResult, ledger: Ledger, checkin: CheckIn, *, force: bool = False
) -> None:
    """Keeps a check-in, and makes its value the key result's where that has no measure.

    Settled, or Implausible unless told to `force` it, and nothing is changed. The caller holds the ledger's lock.
    """
    period, now = plan.period, checkin.at
    settled_at = period.span.end + config.settings.settle
    if now >= settled_at:
        raise Settled(settled_at)
    case = case_of(config, plan, ledger, key_result, now)
    unmeasured = key_result.measure is None
    if checkin.value is not None and key_result.plausible is not None and not force:
        before = case.last.number if case.last is not None and unmeasured else None  # a measured value may be far off
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
