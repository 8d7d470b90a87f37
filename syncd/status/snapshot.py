"""What is known of a plan at a moment: now, or after the last cycle that had ended by a past one.

Of the past it is judged by the definitions, days and shares that were in force then, whatever the files say now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from syncd.config import Config
from syncd.ledger import Cycle, KeptAlignment, KeptValue, Ledger, LinkId
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Plan, guard_id
from syncd.status.in_force import in_force_after
from syncd.status.report import KeyResultLine, Report, line_of, report_of


@dataclass(frozen=True, slots=True)
class AsOf:
    """A plan and what is known of it. `cycle` is the last that had ended, `synced` the last that was a sync.

    `kept` are the values and `links` what was kept of links; `times` says when the cycles that confirmed them ended;
    `past` whether this is how it was and not how it is.
    """

    config: Config
    plan: Plan
    ledger: Ledger | None
    now: datetime
    cycle: Cycle | None
    synced: Cycle | None
    kept: Mapping[str, KeptValue]
    links: Mapping[LinkId, KeptAlignment]
    times: Mapping[int, datetime]
    past: bool = False

    def checkins(self, key_result: KeyResult) -> Sequence[CheckIn]:
        """What people had said of a key result by then, oldest first."""
        return self.ledger.checkins.of(self.plan.period.id, key_result.id, self.now) if self.ledger else ()

    def line(self, key_result: KeyResult) -> KeyResultLine:
        """A key result as it stands."""
        said = self.checkins(key_result)
        return line_of(self.config, self.plan, key_result, self.kept, self.times, self.now, said)

    def report(self) -> Report:
        """The report of all key results."""
        lines = {kr.id: self.line(kr) for kr in self.plan.key_results}
        synced_at = self.synced.ended_at if self.synced else None
        return report_of(self.config, self.plan, lines, self.kept, self.links, synced_at, self.now)


def as_of(config: Config, plan: Plan, ledger: Ledger | None, now: datetime, at: datetime | None = None) -> AsOf:
    """What is known of a plan `now`, or was known at a past moment `at`; nothing without a ledger."""
    if ledger is None:
        return AsOf(config, plan, None, at or now, None, None, {}, {}, {}, at is not None)
    cycle = ledger.cycles.last(by=at)
    synced = ledger.cycles.last(by=at, pulled=True)
    links: Mapping[LinkId, KeptAlignment] = ledger.alignments.last(plan.period.id, cycle.id) if cycle else {}
    kept = kept_at(ledger, plan, cycle) if cycle else {}
    if at is not None and cycle is not None:
        days = _days(ledger, plan, synced, links)
        first = min((number for number, day in days.items() if synced and day == days[synced.id]), default=0)
        newest = ledger.alignments.last(plan.period.id)
        judged = [name for name in links if newest[name].confirmed >= first]
        config, plan = in_force_after(config, plan, ledger, cycle.id, judged)
        links = {name: _looked_at(name, one, days, first, kept) for name, one in links.items()}
    confirmed = {value.confirmed for value in kept.values() if value.confirmed is not None}
    times = ledger.cycles.times(confirmed | {one.confirmed for one in links.values()})
    return AsOf(config, plan, ledger, at or now, cycle, synced, kept, links, times, at is not None)


def kept_at(ledger: Ledger, plan: Plan, cycle: Cycle) -> dict[str, KeptValue]:
    """The values as of a cycle. Later ones may have found the same number, on other evidence perhaps."""
    whole, only = ledger.cycles.syncs(cycle.id)

    def by_then(name: str, value: KeptValue) -> KeptValue:
        if value.confirmed is None or value.confirmed <= cycle.id:
            return value
        own = (at for of, at in only.items() if name in (of, guard_id(of)))
        return replace(value, confirmed=max((whole, *own)) or cycle.id)

    return {name: by_then(name, value) for name, value in ledger.values.last(plan.period.id, cycle.id).items()}


def _days(
    ledger: Ledger, plan: Plan, synced: Cycle | None, links: Mapping[LinkId, KeptAlignment]
) -> Mapping[int, date]:
    """The local day of each sync up to one, from the first on that found one of the links."""
    if not links:
        return {}
    first = min(one.cycle for one in links.values())
    cycles = [cycle for cycle in ledger.cycles.pulled(first) if synced and cycle.id <= synced.id]
    return {cycle.id: cycle.ended_at.astimezone(plan.period.zone).date() for cycle in cycles if cycle.ended_at}


def _looked_at(
    name: LinkId, link: KeptAlignment, days: Mapping[int, date], first: int, kept: Mapping[str, KeptValue]
) -> KeptAlignment:
    """What was kept of a link, with the last cycle that had looked at it by then; later ones may have found the same.

    A cycle looks at a link where it is the `first` of its day, or a value of either side is new.
    """
    if link.confirmed <= max(days, default=0):
        return link
    new = max((kept[side].cycle for side in name if side in kept), default=0)
    after_value = min((number for number in days if number >= new), default=0)
    return replace(link, confirmed=max(link.cycle, first, after_value))
