"""A key result's links with their evidence: the verdict, since when, and both weekly series side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from syncd.ledger import Ledger
from syncd.okr.alignment import Verdict
from syncd.okr.goals import KeyResult
from syncd.okr.trend import Trend
from syncd.okr.weeks import Week
from syncd.status.report import report_of
from syncd.status.snapshot import Snapshot
from syncd.status.weekly import WeeklySeries, is_evidence


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """A link and what the verdict on it rests on.

    `weeks` are those of the output and of the outcome, as the trend used them; empty if either is not complete.
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


def links_of(snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult) -> Iterator[LinkEvidence]:
    """The links from or to a key result by a snapshot, in the order of the files."""
    okrs = snapshot.okrs
    key_results = {kr.id: kr for kr in okrs.key_results}
    if (
        ledger is None
        or not snapshot.cycle
        or all(key_result.id not in (kr.id, *_driven(kr)) for kr in okrs.key_results if kr.drives)
    ):
        return
    for judgement in (link for block in report_of(snapshot).objectives for link in block.alignment):
        link = judgement.alignment
        name = link.output, link.outcome
        if key_result.id not in name:
            continue
        weeks: list[tuple[Week, Week]] = []
        kept = snapshot.links.get(name)
        if kept is not None and all(is_evidence(okrs, side, snapshot.values.get(side)) for side in name):
            judged_at = snapshot.times.get(kept.confirmed, snapshot.last_instant)
            series = WeeklySeries(ledger, okrs, snapshot.values, judged_at, kept.confirmed)
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
