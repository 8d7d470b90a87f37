"""Makes the JSON document that `syncd review --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from syncd.explain.documents import approval_document, request_document
from syncd.review import wording
from syncd.review.document_types import (
    CauseDocument,
    Change,
    DefinitionChangeDocument,
    MoveDocument,
    ReviewDocument,
    ReviewedObjectiveDocument,
)
from syncd.review.model import Cause, DefinitionChange, Move, ObjectiveReview, Review, Sign
from syncd.review.pace import needed
from syncd.status.document import checkin_document, key_result_document, period_document
from syncd.status.verdicts import link_document
from syncd.status.work_words import work_document

_CHANGES: Mapping[Sign, Change] = {"+": "came", "-": "went", "~": "changed", "o": "came_open"}


def document(review: Review) -> ReviewDocument:
    """The review as JSON. Times are RFC 3339 with an offset; unknown figures are null."""
    period = review.period
    shown: ReviewDocument = {
        "period": period_document(period),
        "from": review.days.first.isoformat(),
        "to": review.days.last.isoformat(),
        "whole_period": review.whole,
        "as_of": _time(review.as_of, review),
        "headline": list(wording.headline(review)),
        "objectives": [_objective(objective, review) for objective in review.objectives],
        "attention": [
            {
                "key_results": list(attention.key_results),
                "what": attention.what,
                "reason": attention.reason,
                "advice": attention.advice,
            }
            for attention in review.attention
        ],
        "definition_changes": [_change(change, review) for change in review.changes],
        "checkins": [{**checkin_document(made, period.zone), "key_result": name} for name, made in review.checkins],
        "approvals": [
            {**approval_document(approval, period.zone), "key_result": name} for name, approval in review.approvals
        ],
        "work": work_document(review.work) if review.work else None,
        "requests": [request_document(request, period.zone) for request in review.requests],
        "questions": [
            {"kind": question.kind, "key_results": list(question.key_results), "text": question.text}
            for question in review.questions
        ],
    }
    if review.whole:
        shown["carry_over"] = list(wording.carried_over(review))
    return shown


def _change(change: DefinitionChange, review: Review) -> DefinitionChangeDocument:
    edit = change.edit
    shown: DefinitionChangeDocument = {
        "at": _time(change.at, review),
        "file": change.file,
        "what": change.what,
        "key_results": list(change.key_results),
    }
    if change.objective:
        shown["objective"] = change.objective
    if edit:
        shown["key"], shown["old"], shown["new"] = edit.key, edit.old, edit.new
    return shown


def _objective(reviewed: ObjectiveReview, review: Review) -> ReviewedObjectiveDocument:
    objective, standing, before = reviewed.block.objective, reviewed.block.standing, reviewed.before
    return {
        "id": objective.id,
        "title": objective.title,
        "owner": objective.owner,
        "score": standing.score,
        "score_before": before.score if before else None,
        "score_comparable": reviewed.same_score if before else None,
        "expected": standing.expected,
        "health": standing.health,
        "activity": standing.activity,
        "activity_before": before.activity if before else None,
        "coverage": {"known": standing.scored, "of": standing.counted},
        "alignment": [link_document(link) for link in reviewed.block.alignment],
        "key_results": [_move(move, review) for move in reviewed.moves],
    }


def _move(move: Move, review: Review) -> MoveDocument:
    start, need = move.start, needed(move, review)
    return {
        **key_result_document(move.line, review.period),
        "movement": move.movement,
        "before": {
            "day": start.day.isoformat(),
            "value": start.value,
            "progress": start.progress,
            "source": start.source,
        }
        if start
        else None,
        "change": move.gained,
        "still_since": move.still_since.isoformat() if move.still_since else None,
        "needed": need.in_all if need else None,
        "needed_per_week": need.per_week if need else None,
        "causes": [_cause(cause, review) for cause in move.causes.rows],
        "fell_out_of_window": move.causes.aged,
        "times_edited": move.times_edited,
    }


def _cause(cause: Cause, review: Review) -> CauseDocument:
    return {
        "change": _CHANGES[cause.sign],
        "label": cause.label,
        "title": cause.title,
        "url": cause.url or None,
        "at": _time(cause.at, review) if cause.at else None,
        "brings": cause.brings,
        "brought": cause.was,
        "restated": cause.why,
        "part": cause.part,
    }


def _time(moment: datetime, review: Review) -> str:
    return moment.astimezone(review.period.zone).isoformat(timespec="seconds")
