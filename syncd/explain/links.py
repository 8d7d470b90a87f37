"""A key result's links with their evidence: the verdict, since when, and both weekly series side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from syncd.okr.alignment import Verdict
from syncd.okr.goals import KeyResult
from syncd.okr.trend import Trend
from syncd.okr.weeks import Week
from syncd.status.snapshot import AsOf
from syncd.status.weekly import WeeklySeries, is_evidence


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """A link and what the verdict on it rests on.

    `weeks` are those of the output and the outcome, as the trend saw them; none where one of them is not complete.
    """

    output: str
    outcome: str
    verdict: Verdict
    verdict_since: date | None
    since: date | None
    lag: timedelta
    trend: Trend | None
    why: str
    weeks: Sequence[tuple[Week, Week]] = ()


def links_of(known: AsOf, key_result: KeyResult) -> Iterator[LinkEvidence]:
    """The links from or to a key result, in the order of the files, by what is known at a moment."""
    plan, ledger = known.plan, known.ledger
    key_results = {kr.id: kr for kr in plan.key_results}
    if (
        ledger is None
        or known.cycle is None
        or all(key_result.id not in (kr.id, *_driven(kr)) for kr in plan.key_results if kr.drives)
    ):
        return
    for judgement in (link for block in known.report().objectives for link in block.alignment):
        link = judgement.alignment
        name = link.output, link.outcome
        if key_result.id not in name:
            continue
        weeks: list[tuple[Week, Week]] = []
        kept = known.links.get(name)
        if kept is not None and all(is_evidence(plan, side, known.kept.get(side)) for side in name):
            looked_at = known.times.get(kept.confirmed, known.now)
            series = WeeklySeries(ledger, plan, known.kept, looked_at, kept.confirmed)
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


def _driven(output: KeyResult) -> Sequence[str]:
    return [link.outcome for link in output.drives]
