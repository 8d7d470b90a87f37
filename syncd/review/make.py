"""Makes the review of a whole period, or of seven days of a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from syncd.config import Config
from syncd.explain.approvals import PastApproval, approvals
from syncd.explain.edit import Edit
from syncd.explain.edits import edits
from syncd.explain.period_edits import PeriodEdits
from syncd.explain.requests import open_requests_of_period
from syncd.ledger import Ledger
from syncd.okr.goals import KeyResult, PeriodOkrs, Standing
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import Period, Span, midnight
from syncd.review.attention import attention
from syncd.review.definition_changes import definition_changes
from syncd.review.made_of import MadeOf, made_of
from syncd.review.model import Days, ObjectiveReview, Review
from syncd.review.moves import Moves
from syncd.review.questions import questions
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import ObjectiveBlock, Report, report_of, roll_up_snapshot
from syncd.status.snapshot import Snapshot
from syncd.status.work import where_the_work_went

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
    """The review of the seven local days up to now, or up to a past day `at`. With `whole`, the review of the period up
    to that time.

    While the period lasts, a review covers only days of the period. Once the period is over, a review may also cover
    the days in which the period settles.
    """
    snapshots = Snapshots(config, okrs, ledger)
    zone = snapshots.zone
    today = now.astimezone(zone).date()
    day = at or today
    end = snapshots.at_end(midnight(day + _DAY, zone)) if day < today else snapshots.now(now)
    period = snapshots.days_of(end)
    days = _days(period, day, whole)
    start = midnight(days.first, zone)
    before, span = snapshots.at_end(start), Span(start, end.last_instant + _INSTANT)
    with_removed = replace(report_of(end), period=period)
    report = _of_files(with_removed)
    parts = made_of(end, {line.key_result.id: line.standing for line in with_removed.lines})
    of_period = PeriodEdits(ledger, okrs.period.id) if ledger else None
    own_edits = {
        kr.id: edits(ledger, okrs.period.id, kr.id, end.cycle, of_period) if ledger else []
        for kr in (line.key_result for line in report.lines)
    }
    checkins = [
        (name, checkin)
        for name, every in end.checkins.items()
        for checkin in every
        if checkin.at in span or (checkin.withdrawn and checkin.withdrawn.at in span)
    ]
    moves = Moves(snapshots, days, before, end)
    objectives = list(_objectives(report, parts, before, moves, span, own_edits))
    made = Review(
        days,
        whole,
        end.last_instant.astimezone(zone),
        report,
        objectives,
        attention(report),
        definition_changes(ledger, okrs, own_edits, of_period, end, span) if ledger and of_period else (),
        sorted(checkins, key=lambda named: named[1].at),
        sorted(_approvals(ledger, end, span), key=lambda named: named[1].at) if ledger else (),
        list(open_requests_of_period(ledger, end, span)),
        work=where_the_work_went(end, okrs, ledger),
    )
    return replace(made, questions=questions(made))


def last_day_if_over(period: Period, now: datetime) -> date | None:
    """The last day of a period that is over; None while the period lasts.

    Whoever names a period and asks for a week gets the seven days up to this day.
    """
    return period.last if period.span.end <= now else None


def _approvals(ledger: Ledger, end: Snapshot, span: Span) -> Iterator[tuple[str, PastApproval]]:
    period = end.okrs.period.id
    for name in ledger.approvals.approved(period, span):
        for approval in approvals(ledger, period, name, end.cycle):
            if approval.at in span:
                yield name, approval


def _of_files(report: Report) -> Report:
    """A report without the key results that are no longer in the files. In the report, these are in an objective
    without a name.
    """
    return replace(report, objectives=[block for block in report.objectives if block.objective.id])


def _days(period: Period, day: date, whole: bool) -> Days:
    if whole:
        return Days(period.first, max(period.first, min(day, period.last)))
    first = day - _WEEK + _DAY
    return Days(max(first, period.first) if day >= period.first else first, day)


def _objectives(
    report: Report,
    parts: Mapping[str, MadeOf],
    before: Snapshot,
    moves: Moves,
    span: Span,
    own_edits: Mapping[str, Sequence[Edit]],
) -> Iterator[ObjectiveReview]:
    """The objectives at the end of the days. Objectives with a watermelon come first, then the lowest scores. `parts`
    has the `MadeOf` of each objective at the end of the days.
    """
    scores: Mapping[str, ObjectiveStanding] = {}
    parts_before: Mapping[str, MadeOf] = {}
    if span.start > report.period.span.start:
        old = {kr.id: _standing_before(kr, moves) for kr in before.okrs.key_results}
        scores, parts_before = roll_up_snapshot(before, old), made_of(before, old)
    for block in sorted(report.objectives, key=_how_bad):
        moved = [
            moves.move(
                line,
                [edit for edit in own_edits[line.key_result.id] if edit.at in span],
                len({edit.at for edit in own_edits[line.key_result.id]}),
            )
            for line in block.key_results
        ]
        now, then = parts[block.objective.id], parts_before.get(block.objective.id)
        same_score = then is not None and now.score == then.score
        same_activity = then is not None and now.activity == then.activity
        yield ObjectiveReview(block, scores.get(block.objective.id), moved, same_score, same_activity)


def _standing_before(kr: KeyResult, moves: Moves) -> Standing:
    """A key result's standing when the days began, from the ledger; if the ledger has none, computed from the dates in
    its sources.
    """
    line = moves.before(kr)
    if line.quality is not None:
        return line.standing
    point = moves.point(kr)
    if point is None:
        return line.standing
    return Standing(point.progress, point.score, point.expected, point.health)


def _how_bad(block: ObjectiveBlock) -> tuple[bool, int]:
    return not block.has_watermelon, _WORST_FIRST.index(block.standing.health)
