"""Makes a review of a plan: of its whole period, or of the last seven days."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from syncd.config import Config
from syncd.explain.edits import Edit, edits
from syncd.ledger import Ledger
from syncd.okr.goals import KeyResult, Objective, Plan, Standing
from syncd.okr.rollup import ObjectiveStanding, roll_up_all
from syncd.okr.spans import Period, Span, midnight
from syncd.review.attention import attention
from syncd.review.changes import changes
from syncd.review.known import Known, known_at, known_now
from syncd.review.model import Days, ObjectiveReview, Review
from syncd.review.moves import Moves
from syncd.review.questions import questions
from syncd.status.report import ObjectiveBlock

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_WORST_FIRST = ("off_track", "at_risk", "unknown", "on_track", "done")


def review(
    config: Config, plan: Plan, ledger: Ledger | None, now: datetime, at: date | None = None, *, whole: bool = False
) -> Review:
    """The review of the seven local days up to now, or up to a past day `at`; of the `whole` period up to then.

    Only days of the period are reviewed while it lasts; once it is over, the days since, in which it settles, may be.
    """
    today = now.astimezone(plan.period.zone).date()
    day = at or today
    end = known_now(config, plan, ledger, now)
    if day < today:
        end = known_at(config, plan, ledger, midnight(day + _DAY, plan.period.zone))
    days = _days(plan.period, day, whole)
    before = known_at(config, plan, ledger, midnight(days.first, plan.period.zone))
    span = Span(midnight(days.first, plan.period.zone), end.last + _INSTANT)
    edited = {kr.id: edits(ledger, plan.period.id, kr.id, end.cycle) if ledger else [] for kr in plan.key_results}
    said = ledger.checkins.of_period(plan.period.id, end.last) if ledger else {}
    found = Review(
        days,
        whole,
        end.last.astimezone(plan.period.zone),
        end.report,
        list(_objectives(config, plan, Moves(config, plan, ledger, days, before, end), days, span, end, edited)),
        attention(end.report),
        changes(ledger, plan, edited, end, span) if ledger else (),
        sorted(
            ((name, one) for name, all_of in said.items() for one in all_of if one.at in span), key=lambda x: x[1].at
        ),
    )
    return replace(found, questions=questions(found))


def _days(period: Period, day: date, whole: bool) -> Days:
    if whole:
        return Days(period.first, max(period.first, min(day, period.last)))
    first = day - _WEEK + _DAY
    return Days(max(first, period.first) if day >= period.first else first, day)


def _objectives(
    config: Config,
    plan: Plan,
    moves: Moves,
    days: Days,
    span: Span,
    end: Known,
    edited: Mapping[str, Sequence[Edit]],
) -> Iterator[ObjectiveReview]:
    stood: Mapping[str, Standing] = {}
    before: Mapping[str, ObjectiveStanding] = {}
    if days.before >= plan.period.first:
        stood = {kr.id: _stood(kr, moves) for kr in plan.key_results}
        before = roll_up_all(plan.objectives, stood, config.shares)
    stands = {line.key_result.id: line.standing for block in end.report.objectives for line in block.key_results}
    same = {name for name, then in stood.items() if _known(then) == _known(stands[name])}
    for block in sorted(end.report.objectives, key=_how_bad):
        found = [
            moves.move(
                line,
                [edit for edit in edited[line.key_result.id] if edit.at in span],
                len({edit.at for edit in edited[line.key_result.id]}),
            )
            for line in block.key_results
        ]
        yield ObjectiveReview(block, before.get(block.objective.id), found, *_compare(plan, block.objective, same))


def _stood(kr: KeyResult, moves: Moves) -> Standing:
    """Where a key result stood when the days began: as it was kept, else as its sources date it."""
    line = moves.before(kr)
    if line.quality is not None:
        return line.standing
    point = moves.point(kr)
    if point is None:
        return line.standing
    return Standing(point.progress, point.score, point.expected, point.health)


def _compare(plan: Plan, objective: Objective, same: Collection[str]) -> tuple[bool, bool]:
    """Whether the scores, and the activities, of then and now are made of the same known key results."""
    made_of = plan.key_results if objective.rollup == "supporting" else objective.key_results
    outcomes, outputs = (
        all(kr.id in same for kr in made_of if kr.kind == kind and kr.weight) for kind in ("outcome", "output")
    )
    return outcomes and (outputs or objective.rollup != "all"), outputs


def _known(one: Standing) -> bool:
    return one.score is not None and one.health != "unknown"


def _how_bad(block: ObjectiveBlock) -> tuple[bool, int]:
    return not block.has_watermelon, _WORST_FIRST.index(block.standing.health)
