"""Links between periods. An output of a quarter may drive an outcome of the year that contains the quarter. An
objective of the quarter may support an objective of the year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from syncd.okr.goals import PeriodOkrs
from syncd.status.snapshot import Snapshot


def with_neighbours(
    snapshot: Snapshot,
    periods: Iterable[PeriodOkrs],
    snapshot_of: Callable[[PeriodOkrs], Snapshot],
    at_end: Callable[[PeriodOkrs, datetime], Snapshot],
) -> Snapshot:
    """Adds to a snapshot the snapshots of the periods that its links need. The resulting snapshot can judge the links
    from its outputs to outcomes of longer periods, and from outputs of shorter periods to its outcomes. It also has the
    objectives of shorter periods that support its own objectives.

    `periods` are all periods, with the definitions of the snapshot's moment. `snapshot_of` makes the snapshot of one
    period at that moment, and `at_end` that of one period at an earlier midnight: the links of a period that is over
    are judged by the longer period as it was at that end.
    """
    by_id = {okrs.period.id: okrs for okrs in periods}
    own = snapshot.okrs.period.id
    wider = {
        link.outcome: link.period for kr in snapshot.okrs.key_results for link in kr.drives if link.period in by_id
    }
    longer = {period: snapshot_of(by_id[period]) for period in set(wider.values())}
    judging = {period: _judging(snapshot, present, at_end) for period, present in longer.items()}
    shorter = [
        okrs
        for okrs in by_id.values()
        if okrs.period.id != own
        and (
            any(link.period == own for kr in okrs.key_results for link in kr.drives)
            or any(objective.supports_in == own for objective in okrs.objectives)
        )
    ]
    return replace(
        snapshot,
        longer={
            outcome: (judging if outcome in judging[period].okrs.by_id else longer)[period]
            for outcome, period in wider.items()
        },
        shorter=[_lent(snapshot_of(okrs), snapshot, at_end) for okrs in shorter],
    )


def _lent(shorter: Snapshot, snapshot: Snapshot, at_end: Callable[[PeriodOkrs, datetime], Snapshot]) -> Snapshot:
    """The snapshot of a shorter period, prepared to judge only its links to the outcomes of another snapshot."""
    own = snapshot.okrs.period.id
    outcomes = {link.outcome for kr in shorter.okrs.key_results for link in kr.drives if link.period == own}
    judging = _judging(shorter, snapshot, at_end) if outcomes else snapshot
    return replace(shorter, longer={name: judging if name in judging.okrs.by_id else snapshot for name in outcomes})


def _judging(shorter: Snapshot, longer: Snapshot, at_end: Callable[[PeriodOkrs, datetime], Snapshot]) -> Snapshot:
    """The snapshot of the longer period that judges the links of the shorter one: the present snapshot, or that of the
    end of the shorter period once this is over. An outcome that was added after that end is judged by the present.
    """
    end = shorter.okrs.period.span.end
    return at_end(longer.okrs, end) if shorter.moment > end else longer
