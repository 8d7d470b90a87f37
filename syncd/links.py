"""A key result's links with their evidence: the verdict, since when, and both weekly series side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from syncd.alignments import is_evidence
from syncd.config import Config
from syncd.ledger import Ledger
from syncd.okr.alignment import Verdict
from syncd.okr.goals import KeyResult, Plan
from syncd.okr.trend import Trend
from syncd.okr.weeks import Week
from syncd.report import report
from syncd.series import WeeklySeries


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """A link and what the verdict on it rests on.

    `weeks` are those of the output and the outcome, as the trend saw them; none where one of them is not complete now,
    and none of a past moment, for which `why` is None too: then this is what the last cycle before it kept.
    """

    output: str
    outcome: str
    verdict: Verdict
    verdict_since: date | None
    since: date | None
    lag: timedelta
    trend: Trend | None
    why: str | None
    weeks: Sequence[tuple[Week, Week]] = ()


def links_of(
    config: Config, plan: Plan, key_result: KeyResult, ledger: Ledger | None, now: datetime, at: datetime | None = None
) -> Sequence[LinkEvidence]:
    """The links from or to a key result, in the order of the files: as they are, or as they were by a past moment."""
    if ledger is None or all(key_result.id not in (kr.id, *_driven(kr)) for kr in plan.key_results if kr.drives):
        return []
    if at is None:
        return list(_now(config, plan, key_result, ledger, now))
    cycle = ledger.cycles.last(by=at)
    kept = ledger.alignments.last(plan.period.id, cycle.id) if cycle else {}
    return [
        LinkEvidence(*name, one.verdict, one.verdict_since, one.since, one.lag, one.trend, None)
        for name, one in kept.items()
        if key_result.id in name
    ]


def _driven(output: KeyResult) -> Sequence[str]:
    return [link.outcome for link in output.drives]


def _now(config: Config, plan: Plan, key_result: KeyResult, ledger: Ledger, now: datetime) -> Iterator[LinkEvidence]:
    key_results = {kr.id: kr for kr in plan.key_results}
    values = ledger.values.last(plan.period.id)
    kept = ledger.alignments.last(plan.period.id)
    times = ledger.cycles.times({one.confirmed for one in kept.values()})
    for judgement in (link for block in report(config, plan, ledger, now).objectives for link in block.alignment):
        link = judgement.alignment
        name = link.output, link.outcome
        if key_result.id not in name:
            continue
        weeks: list[tuple[Week, Week]] = []
        if name in kept and all(is_evidence(plan, side, values.get(side)) for side in name):
            series = WeeklySeries(ledger, plan, values, times.get(kept[name].confirmed, now))
            weeks = list(zip(*(series.weeks(key_results[side]) for side in name), strict=True))
        yield LinkEvidence(
            *name,
            link.verdict,
            judgement.verdict_since,
            link.since,
            link.lag,
            judgement.trend,
            judgement.why,
            weeks,
        )
