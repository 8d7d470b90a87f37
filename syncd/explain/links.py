"""A key result's links with their evidence: the verdict, its first day, and the weekly values of both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from syncd.ledger import Ledger
from syncd.okr.alignment import Alignment, Verdict
from syncd.okr.goals import KeyResult
from syncd.okr.trend import Trend
from syncd.okr.weeks import Week
from syncd.status.report import report_of
from syncd.status.snapshot import Snapshot
from syncd.status.weekly import WeeklySeries, is_evidence


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """A link and the evidence for its verdict.

    `sides` are the output and the outcome. `weeks` are their weekly values, from which the trend was computed. `sides`
    and `weeks` are empty if the value of the output or outcome is not complete.
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
    sides: Sequence[KeyResult] = ()


def links_of(snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult) -> Iterator[LinkEvidence]:
    """Yields the links from or to a key result in a snapshot, in the order of the mapping files."""
    driving = [kr for of in (snapshot, *snapshot.shorter) for kr in of.okrs.key_results if kr.drives]
    if ledger is None or not snapshot.cycle or all(key_result.id not in (kr.id, *_driven(kr)) for kr in driving):
        return
    for judgement in (link for block in report_of(snapshot).objectives for link in block.alignment):
        link = judgement.alignment
        name = link.output, link.outcome
        if key_result.id not in name:
            continue
        weeks: list[tuple[Week, Week]] = []
        of_output = next((of for of in (snapshot, *snapshot.shorter) if _is_of(of, link)), snapshot)
        kept, sides = of_output.links.get(name), [side for part in name if (side := of_output.key_result(part))]
        if kept is not None and all(is_evidence(of.okrs, kr.id, of.values.get(kr.id)) for kr, of in sides):
            judged_at = of_output.times.get(kept.confirmed, of_output.last_instant)
            series = [
                {
                    week.last: week
                    for week in WeeklySeries(ledger, of.okrs, of.values, judged_at, kept.confirmed).weeks(kr)
                }
                for kr, of in sides
            ]
            weeks = [(week, series[1][last]) for last, week in series[0].items() if last in series[1]]
        yield LinkEvidence(
            *name,
            link.verdict,
            judgement.verdict_since,
            link.since,
            link.lag,
            judgement.trend,
            judgement.why,
            weeks,
            [kr for kr, _ in sides] if weeks else (),
        )


def _is_of(snapshot: Snapshot, link: Alignment) -> bool:
    return link.periods is None or link.periods[0] == snapshot.okrs.period.id


def _driven(output: KeyResult) -> Sequence[str]:
    return [link.outcome for link in output.drives]
