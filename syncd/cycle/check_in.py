"""People's own numbers: a check-in stands beside what is measured; where nothing is, it is the key result's value."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.cycle.foresee import foreseen
from syncd.cycle.measure import complete_value
from syncd.ledger import Ledger
from syncd.ledger.definitions import definition
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Plan, guard_id
from syncd.okr.measures import Answer
from syncd.okr.plausible import implausible
from syncd.publishing.outgoing import due

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
    config: Config, plan: Plan, key_result: KeyResult, ledger: Ledger, said: CheckIn, *, force: bool = False
) -> None:
    """Keeps a check-in, and makes its value the key result's where that has no measure.

    Settled, or Implausible unless told to `force` it, and nothing is changed. The caller holds the ledger's lock.
    """
    period, now = plan.period, said.at
    settled_at = period.span.end + config.settings.settle
    if now >= settled_at:
        raise Settled(settled_at)
    file = config.file_of(period.id, key_result.id)
    defined = definition(key_result, period, config.shares, file)
    kept = ledger.values.last(period.id)
    last = kept.get(key_result.id)
    if last is not None and last.measure != defined.measure:
        last = None
    unmeasured = key_result.measure is None
    if said.value is not None and key_result.plausible is not None and not force:
        before = last.number if last is not None and unmeasured else None  # from what is measured it may be far
        if why := implausible(key_result.plausible, said.value, before):
            raise Implausible(why)
    of = period.id, key_result.id
    if said.value is None or not unmeasured:
        outgoing = list(due(config, ledger, now, foreseen(config, ledger, now, {}, {of: said})))
        ledger.checkins.check_in(period.id, key_result.id, said, due=outgoing)
        return
    answer, guard = Answer(said.value, at=now), kept.get(guard_id(key_result.id))
    so_far = ledger.checkins.of(period.id, key_result.id, now)
    value = complete_value(config, ledger, plan, key_result, defined, answer, last, now, 0, guard=guard, said=so_far)
    outgoing = list(
        due(config, ledger, now, foreseen(config, ledger, now, {of: replace(value, confirmed=0)}, {of: said}))
    )
    ledger.checkins.check_in(*of, said, (defined, value), outgoing)
