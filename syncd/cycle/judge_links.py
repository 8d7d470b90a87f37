"""Judges the verdict and trend of links in each cycle.

A link is judged again on a new day, and when the value of its output or outcome has changed. While the value of its
output or outcome is not complete, the last trend stays, because an incomplete pull is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from syncd.cycle.model import NewVerdict
from syncd.ledger import KeptAlignment, KeptValue, Ledger, LinkId
from syncd.okr.alignment import Alignment
from syncd.okr.goals import KeyResult
from syncd.okr.trend import trend
from syncd.status.report import Report
from syncd.status.snapshot import Snapshot
from syncd.status.weekly import WeeklySeries, is_evidence


def judge_links(snapshot: Snapshot, report: Report, ledger: Ledger) -> Mapping[LinkId, KeptAlignment]:
    """The new verdict and trend of each link of a foreseen snapshot that is judged again. `report` is the snapshot's
    report.
    """
    okrs, cycle = snapshot.okrs, snapshot.cycle
    today = snapshot.moment.astimezone(okrs.period.zone).date()
    every = [link.alignment for block in report.objectives for link in block.alignment]
    every = [link for link in every if link.is_of(okrs.period.id)]
    in_period = {
        name: side for link in every for name in (link.output, link.outcome) if (side := snapshot.key_result(name))
    }
    key_results = {name: kr for name, (kr, _) in in_period.items()}

    def value_of(name: str) -> KeptValue | None:
        return in_period[name][1].values.get(name)

    def is_judged(link: Alignment, last: KeptAlignment | None) -> bool:
        judged_at = snapshot.times.get(last.confirmed) if last else None
        if last is None or judged_at is None or judged_at.astimezone(okrs.period.zone).date() != today:
            return False
        sides = value_of(link.output), value_of(link.outcome)
        newer = any(side is not None and side.cycle > last.confirmed for side in sides)
        return not newer and (last.verdict, last.since, last.lag) == (link.verdict, link.since, link.lag)

    links = [link for link in every if not is_judged(link, snapshot.links.get((link.output, link.outcome)))]
    sides = [key_results[name] for link in links for name in (link.output, link.outcome)]
    judged: dict[LinkId, KeptAlignment] = {}
    with ledger.together(kr.measure for kr in sides) as reading:
        outcomes: dict[str, list[KeyResult]] = {okrs.period.id: []}
        for link in links:
            outcomes.setdefault(in_period[link.outcome][1].okrs.period.id, []).append(key_results[link.outcome])
        by_period = {of.okrs.period.id: of for of in (*snapshot.longer.values(), snapshot)}
        series = {
            period: WeeklySeries(reading, of.okrs, of.values, of.moment, ahead=outcomes[period])
            for period, of in by_period.items()
            if period in outcomes
        }
        for link in links:
            name = link.output, link.outcome
            last = snapshot.links.get(name)
            since = last.verdict_since if last and last.verdict == link.verdict else today
            alignment = KeptAlignment(link.verdict, since, link.since, link.lag, None, None, cycle, cycle)
            if last is not None:
                alignment = replace(alignment, delivered=last.delivered, trend=last.trend)
            if all(is_evidence(in_period[side][1].okrs, side, value_of(side)) for side in name):
                outcome, of = in_period[link.outcome]
                both = series[okrs.period.id], series[of.okrs.period.id]
                alignment = _with_evidence(alignment, link, key_results[link.output], outcome, *both)
            judged[name] = alignment
    return judged


def new_verdicts(
    report: Report, judged: Mapping[LinkId, KeptAlignment], kept: Mapping[LinkId, KeptAlignment]
) -> Iterator[NewVerdict]:
    """Yields the judged links of a report whose verdict differs from the stored verdict."""
    for link in (link for block in report.objectives for link in block.alignment):
        name = link.alignment.output, link.alignment.outcome
        last = kept.get(name)
        if name in judged and (last is None or last.verdict != judged[name].verdict):
            yield NewVerdict(report.period.id, link, last)


def _with_evidence(
    alignment: KeptAlignment,
    link: Alignment,
    output: KeyResult,
    outcome: KeyResult,
    series: WeeklySeries,
    of_outcome: WeeklySeries,
) -> KeptAlignment:
    shows_from = link.since + link.lag if link.since else None
    return replace(
        alignment,
        delivered=series.gained(output, link.since) if link.since else None,
        trend=trend(outcome.goal, of_outcome.weeks(outcome), shows_from),
    )
