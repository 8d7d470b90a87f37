"""Makes a review: of a whole period, or of seven days of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from syncd.config import Config
from syncd.explain.edit import Edit
from syncd.explain.edits import edits
from syncd.explain.period_edits import PeriodEdits
from syncd.ledger import Ledger
from syncd.okr.goals import KeyResult, Objective, PeriodOkrs, Standing
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import Period, Span, midnight
from syncd.review.attention import attention
from syncd.review.definition_changes import definition_changes
from syncd.review.model import Days, ObjectiveReview, Review
from syncd.review.moves import Moves
from syncd.review.questions import questions
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import ObjectiveBlock, Report, report_of, roll_up_snapshot
from syncd.status.snapshot import Snapshot

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_WORST_FIRST = ("off_track", "at_risk", "unknown", "on_track", "done")


def review(
    config: Config,
    okrs: PeriodOkrs,
    ledger: Ledger | None,
    now: datetime,
    at: date | None = None,
    *,
    whole: bool = False,
) -> Review:
    """The review of the seven local days up to now, or up to a past day `at`; with `whole`, of the period up to then.

    While the period lasts, a review covers only its days. Once it is over, a review may also cover the days in which it
    settles.
    """
    today = now.astimezone(okrs.period.zone).date()
    day = at or today
    snapshots = Snapshots(config, okrs, ledger)
    end = snapshots.at_end(midnight(day + _DAY, okrs.period.zone)) if day < today else snapshots.now(now)
    period = end.okrs.period
    days = _days(period, day, whole)
    start = midnight(days.first, period.zone)
    before, span = snapshots.at_end(start), Span(start, end.last_instant + _INSTANT)
    report = _of_files(report_of(end))
    of_period = PeriodEdits(ledger, okrs.period.id) if ledger else None
    own_edits = {
        kr.id: edits(ledger, okrs.period.id, kr.id, end.cycle, of_period) if ledger else []
        for kr in (line.key_result for block in report.objectives for line in block.key_results)
    }
    checkins = [
        (name, checkin)
        for name, every in end.checkins.items()
        for checkin in every
        if checkin.at in span or (checkin.withdrawn and checkin.withdrawn.at in span)
    ]
    moves = Moves(snapshots, days, before, end)
    objectives = list(_objectives(report, before, moves, span, own_edits))
    made = Review(
        days,
        whole,
        end.last_instant.astimezone(period.zone),
        report,
        objectives,
        attention(report),
        definition_changes(ledger, okrs, own_edits, of_period, end, span) if ledger and of_period else (),
        sorted(checkins, key=lambda named: named[1].at),
    )
    return replace(made, questions=questions(made))


def _of_files(report: Report) -> Report:
    """A report without the key results that have left the files: those are in an objective without a name."""
    return replace(report, objectives=[block for block in report.objectives if block.objective.id])


def _days(period: Period, day: date, whole: bool) -> Days:
    if whole:
        return Days(period.first, max(period.first, min(day, period.last)))
    first = day - _WEEK + _DAY
    return Days(max(first, period.first) if day >= period.first else first, day)


def _objectives(
    report: Report, before: Snapshot, moves: Moves, span: Span, own_edits: Mapping[str, Sequence[Edit]]
) -> Iterator[ObjectiveReview]:
    """The objectives at the end of the days: those with a watermelon first, then by score, worst first."""
    old: Mapping[str, Standing] = {}
    scores: Mapping[str, ObjectiveStanding] = {}
    if span.start > report.period.span.start:
        old = {kr.id: _standing_before(kr, moves) for kr in before.okrs.key_results}
        scores = roll_up_snapshot(before, old)
    new = {line.key_result.id: line.standing for block in report.objectives for line in block.key_results}
    same = {name for name, standing in new.items() if name in old and _has_score(standing) == _has_score(old[name])}
    key_results = [line.key_result for block in report.objectives for line in block.key_results]
    for block in sorted(report.objectives, key=_how_bad):
        moved = [
            moves.move(
                line,
                [edit for edit in own_edits[line.key_result.id] if edit.at in span],
                len({edit.at for edit in own_edits[line.key_result.id]}),
            )
            for line in block.key_results
        ]
        was = next((other for other in before.okrs.objectives if other.id == block.objective.id), None)
        comparable = _comparable(key_results, block.objective, was, same)
        yield ObjectiveReview(block, scores.get(block.objective.id), moved, *comparable)


def _standing_before(kr: KeyResult, moves: Moves) -> Standing:
    """A key result's standing when the days began: from the ledger, else computed from its sources' own dates."""
    line = moves.before(kr)
    if line.quality is not None:
        return line.standing
    point = moves.point(kr)
    if point is None:
        return line.standing
    return Standing(point.progress, point.score, point.expected, point.health)


def _comparable(
    key_results: Sequence[KeyResult], objective: Objective, was: Objective | None, same: Collection[str]
) -> tuple[bool, bool]:
    """Whether an objective's two scores, and its two activities, are made of the same key results in the same way.

    `was` is the objective when the days began; `same` are the key results that have a score at both times, or at
    neither.
    """
    if was is not None and (was.rollup, _ids(was)) != (objective.rollup, _ids(objective)):
        return False, _ids(was) == _ids(objective)
    made_of = key_results if objective.rollup == "supporting" else objective.key_results
    outcomes, outputs = (
        all(kr.id in same for kr in made_of if kr.kind == kind and kr.weight) for kind in ("outcome", "output")
    )
    return outcomes and (outputs or objective.rollup != "all"), outputs


def _ids(objective: Objective) -> set[str]:
    return {key_result.id for key_result in objective.key_results}


def _has_score(standing: Standing) -> bool:
    return standing.score is not None and standing.health != "unknown"


def _how_bad(block: ObjectiveBlock) -> tuple[bool, int]:
    return not block.has_watermelon, _WORST_FIRST.index(block.standing.health)
