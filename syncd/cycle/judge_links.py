"""The verdict on every link and what the weekly series say of it, found with each cycle and kept.

A trend is looked for where the value of the output or the outcome changed, or a day has passed, since it last was. With
a value that is not complete the last trend stays: rows of half a pull are no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.ledger import KeptAlignment, KeptValue, Ledger, LinkId
from syncd.okr.alignment import Alignment
from syncd.okr.goals import KeyResult, Plan
from syncd.okr.trend import trend
from syncd.status.report import Report
from syncd.status.verdicts import Judged
from syncd.status.weekly import WeeklySeries, is_evidence


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """A link whose verdict is not what it was; `old` is None for one that was never judged."""

    period: str
    link: Judged
    old: KeptAlignment | None


def new_verdicts(
    plan: Plan, standing: Report, found: Mapping[LinkId, KeptAlignment], kept: Mapping[LinkId, KeptAlignment]
) -> Iterator[NewVerdict]:
    """The links of a report whose verdict is not the one that was kept of them."""
    for link in (link for block in standing.objectives for link in block.alignment):
        name = link.alignment.output, link.alignment.outcome
        last = kept.get(name)
        if name in found and (last is None or last.verdict != found[name].verdict):
            yield NewVerdict(plan.period.id, link, last)


def found_of_links(
    plan: Plan,
    ledger: Ledger,
    standing: Report,
    values: Mapping[str, KeptValue],
    kept: Mapping[LinkId, KeptAlignment],
    cycle: int,
    now: datetime,
) -> Mapping[LinkId, KeptAlignment]:
    """What a cycle finds of the links of a report made of these values, where it differs from what was kept of them."""
    looked_at = ledger.cycles.times({one.confirmed for one in kept.values()})
    today = now.astimezone(plan.period.zone).date()
    key_results = {kr.id: kr for kr in plan.key_results}

    def is_as_it_was(link: Alignment, last: KeptAlignment | None) -> bool:
        when = looked_at.get(last.confirmed) if last else None
        if last is None or when is None or when.astimezone(plan.period.zone).date() != today:
            return False
        sides = values.get(link.output), values.get(link.outcome)
        newer = any(side is not None and side.cycle > last.confirmed for side in sides)
        return not newer and (last.verdict, last.since, last.lag) == (link.verdict, link.since, link.lag)

    links = [link.alignment for block in standing.objectives for link in block.alignment]
    links = [link for link in links if not is_as_it_was(link, kept.get((link.output, link.outcome)))]
    sides = [key_results[name] for link in links for name in (link.output, link.outcome)]
    found: dict[LinkId, KeptAlignment] = {}
    with ledger.together(kr.measure for kr in sides) as reading:
        series = WeeklySeries(reading, plan, values, now, ahead=[key_results[link.outcome] for link in links])
        for link in links:
            name = link.output, link.outcome
            last = kept.get(name)
            since = last.verdict_since if last and last.verdict == link.verdict else today
            one = KeptAlignment(link.verdict, since, link.since, link.lag, None, None, cycle, cycle)
            if last is not None:
                one = replace(one, delivered=last.delivered, trend=last.trend)
            if all(is_evidence(plan, key_result, values.get(key_result)) for key_result in name):
                one = _looked_at(one, link, key_results[link.output], key_results[link.outcome], series)
            found[name] = one
    return found


def _looked_at(
    one: KeptAlignment, link: Alignment, output: KeyResult, outcome: KeyResult, series: WeeklySeries
) -> KeptAlignment:
    shows_from = link.since + link.lag if link.since else None
    return replace(
        one,
        delivered=series.gained(output, link.since) if link.since else None,
        trend=trend(outcome.goal, series.weeks(outcome), shows_from),
    )
