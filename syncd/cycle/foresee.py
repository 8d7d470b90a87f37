"""Reports as they will be once values that were just computed are kept: what is stated and told goes with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from syncd.config import Config
from syncd.cycle.judge_links import NewVerdict, found_of_links, new_verdicts
from syncd.ledger import KeptAlignment, KeptValue, Ledger, LinkId
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Plan
from syncd.status.report import Report, Reports, line_of, report_of

log = logging.getLogger("syncd.cycle")

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


@dataclass(frozen=True, slots=True)
class Judged:
    """A plan as it will be once a cycle's values are kept: what is found of its links, and which verdicts are new."""

    plan: Plan
    report: Report
    links: Mapping[LinkId, KeptAlignment]
    verdicts: Sequence[NewVerdict]


def foreseen(
    config: Config, ledger: Ledger, now: datetime, new: NewValues, said: NewCheckIns = MappingProxyType({})
) -> Reports:
    """The report of each plan as it will be once new values and check-ins are kept; none where nobody is told."""
    if not _is_told(config):
        return ()
    return [(plan, _Ahead(config, ledger, plan, now, new, said).report()) for plan in told_plans(config, now)]


def judged(config: Config, ledger: Ledger, now: datetime, new: NewValues, cycle: int) -> Sequence[Judged]:
    """The same for what a cycle has measured, with what it finds of links; none without links where nobody is told."""
    plans = [plan for plan in told_plans(config, now) if _is_told(config) or any(kr.drives for kr in plan.key_results)]
    return [_Ahead(config, ledger, plan, now, new, {}, cycle).judged() for plan in plans]


def keep_links(config: Config, ledger: Ledger, found: Sequence[Judged]) -> Sequence[NewVerdict]:
    """Keeps what was found of links, once the values are that it was found by; the verdicts that are new."""
    for one in found:
        ledger.alignments.keep(one.plan.period.id, one.links)
    new = [verdict for plan in config.plans for one in found if one.plan is plan for verdict in one.verdicts]
    for verdict in new:
        link = verdict.link.alignment
        told = {"output": link.output, "outcome": link.outcome, "verdict": link.verdict}
        log.info("verdict", extra=told | {"before": verdict.old.verdict if verdict.old else None})
    return new


def _is_told(config: Config) -> bool:
    return bool(config.publications) or config.settings.notify is not None


class _Ahead:
    """A plan's values, check-ins and links as they are, and as they will be."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        plan: Plan,
        now: datetime,
        new: NewValues,
        said: NewCheckIns,
        cycle: int = 0,
    ) -> None:
        self._config, self._ledger, self._plan, self._now, self._cycle = config, ledger, plan, now, cycle
        period = plan.period.id
        self._last = ledger.values.last(period)
        self._new = {name: value for (of, name), value in new.items() if of == period}
        self._links = ledger.alignments.last(period)
        kept = {**self._last, **self._new}
        times = ledger.cycles.times({value.confirmed for value in kept.values() if value.confirmed}) | {cycle: now}
        checkins = {name: list(found) for name, found in ledger.checkins.of_period(period, now).items()}
        for (of, name), one in said.items():
            if of == period:
                checkins.setdefault(name, []).append(one)
        self._kept = kept
        self._lines = {
            kr.id: line_of(config, plan, kr, kept, times, now, checkins.get(kr.id, ())) for kr in plan.key_results
        }

    def report(self, found: Mapping[LinkId, KeptAlignment] = MappingProxyType({})) -> Report:
        """The report, with what is found of links."""
        links = {**self._links, **found}
        return report_of(self._config, self._plan, self._lines, self._kept, links, self._now, self._now)

    def judged(self) -> Judged:
        """The report and its links."""
        standing = self.report()
        values = {**self._last, **{name: self._written(name, value) for name, value in self._new.items()}}
        found = found_of_links(self._plan, self._ledger, standing, values, self._links, self._cycle, self._now)
        verdicts = list(new_verdicts(self._plan, standing, found, self._links))
        return Judged(self._plan, self.report(found) if found else standing, found, verdicts)

    def _written(self, name: str, value: KeptValue) -> KeptValue:
        """A new value as it will be read back: of one that says what the last one said the confirmation moves."""
        last = self._last.get(name)
        if last is None or not last.says_what(value):
            return value
        return replace(last, confirmed=last.confirmed if value.confirmed is None else value.confirmed)
