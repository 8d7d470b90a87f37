"""Reports as they will be once values that were just computed are kept: what is stated and told goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from syncd.alignments import found_of_links
from syncd.config import Config
from syncd.ledger import KeptValue, Ledger
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Plan
from syncd.report import Report, line_of, report_of

Reports = Sequence[tuple[Plan, Report]]
"""Reports with their plans, the one that people mean first."""

NewValues = Mapping[tuple[str, str], KeptValue]
"""Values that are about to be kept, by (period, key result)."""

NewCheckIns = Mapping[tuple[str, str], CheckIn]
"""Check-ins of people that are about to be kept, by (period, key result)."""


def told_plans(config: Config, now: datetime) -> Sequence[Plan]:
    """The plans that are stated and told of, the one that people mean first: of today, shortest first, then unsettled.

    A target is given to the first that has its key result.
    """
    current = sorted((plan for plan in config.plans if now in plan.period.span), key=lambda plan: plan.period.days)
    over = [
        plan
        for plan in reversed(config.plans)
        if plan.period.span.end <= now < plan.period.span.end + config.settings.settle
    ]
    return [*current, *over]


def foreseen(
    config: Config,
    ledger: Ledger,
    now: datetime,
    new: NewValues,
    said: NewCheckIns = MappingProxyType({}),
    cycle: int = 0,
    links: bool = False,
) -> Reports:
    """The report of each plan as it will be once new values and check-ins are kept; none where nobody is told.

    With `links` also what is found of links is new, as it is with a cycle.
    """
    if not config.publications and config.settings.notify is None:
        return ()
    return [(plan, _report(config, ledger, plan, now, new, said, cycle, links)) for plan in told_plans(config, now)]


def _report(
    config: Config,
    ledger: Ledger,
    plan: Plan,
    now: datetime,
    new: NewValues,
    said: NewCheckIns,
    cycle: int,
    links: bool,
) -> Report:
    period = plan.period.id
    last = ledger.values.last(period)
    mine = {name: value for (of, name), value in new.items() if of == period}
    kept = {**last, **mine}
    times = ledger.cycles.times({value.confirmed for value in kept.values() if value.confirmed}) | {cycle: now}
    checkins = {name: list(found) for name, found in ledger.checkins.of_period(period, now).items()}
    for (of, name), one in said.items():
        if of == period:
            checkins.setdefault(name, []).append(one)
    lines = {kr.id: line_of(config, plan, kr, kept, times, now, checkins.get(kr.id, ())) for kr in plan.key_results}
    known = ledger.alignments.last(period)
    found = report_of(config, plan, lines, kept, known, now, now)
    if not links or not any(kr.drives for kr in plan.key_results):
        return found
    changed = {name: one for name, one in mine.items() if name not in last or not last[name].says_what(one)}
    judged = found_of_links(plan, ledger, found, {**last, **changed}, known, cycle, now)
    return report_of(config, plan, lines, kept, {**known, **judged}, now, now) if judged else found
