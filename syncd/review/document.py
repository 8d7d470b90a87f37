"""A review as JSON: what `syncd review --json` prints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncd.review import wording
from syncd.review.model import Cause, Move, ObjectiveReview, Review
from syncd.review.pace import needed
from syncd.status.document import checkin_document, key_result_document
from syncd.status.verdicts import document as link_document


def document(found: Review) -> dict[str, Any]:
    """The review; times are RFC 3339 with offset, what is unknown is null."""
    period = found.period
    return {
        "period": {"id": period.id, "start": period.first.isoformat(), "end": period.last.isoformat()},
        "from": found.days.first.isoformat(),
        "to": found.days.last.isoformat(),
        "whole_period": found.whole,
        "as_of": _time(found.as_of, found),
        "headline": list(wording.headline(found)),
        "objectives": [_objective(one, found) for one in found.objectives],
        "attention": [
            {"key_results": list(one.key_results), "what": one.what, "reason": one.reason, "advice": one.advice}
            for one in found.attention
        ],
        "definition_changes": [
            {
                "at": _time(one.at, found),
                "file": one.file,
                "what": one.what,
                "key_results": list(one.key_results),
                **({"key": one.edit.key, "old": one.edit.old, "new": one.edit.new} if one.edit else {}),
            }
            for one in found.changes
        ],
        "checkins": [{"key_result": name} | checkin_document(said, period.zone) for name, said in found.checkins],
        "questions": [
            {"kind": one.kind, "key_results": list(one.key_results), "text": one.text} for one in found.questions
        ],
        **({"carry_over": list(wording.carried_over(found))} if found.whole else {}),
    }


def _objective(one: ObjectiveReview, found: Review) -> dict[str, Any]:
    objective, stands, before = one.block.objective, one.block.standing, one.before
    return {
        "id": objective.id,
        "title": objective.title,
        "owner": objective.owner,
        "score": stands.score,
        "score_before": before.score if before else None,
        "score_comparable": one.same_score if before else None,
        "expected": stands.expected,
        "health": stands.health,
        "activity": stands.activity,
        "activity_before": before.activity if before else None,
        "coverage": {"known": stands.scored, "of": stands.counted},
        "alignment": [link_document(link) for link in one.block.alignment],
        "key_results": [_move(move, found) for move in one.moves],
    }


def _move(move: Move, found: Review) -> dict[str, Any]:
    start, want = move.start, needed(move, found)
    return key_result_document(move.line, found.period) | {
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
        "needed": want.in_all if want else None,
        "needed_per_week": want.per_week if want else None,
        "causes": [_cause(cause, found) for cause in move.causes.found],
        "fell_out_of_window": move.causes.aged,
        "times_edited": move.times_edited,
    }


def _cause(cause: Cause, found: Review) -> dict[str, Any]:
    return {
        "change": {"+": "came", "-": "went", "~": "changed", "o": "came_open"}[cause.sign],
        "label": cause.label,
        "title": cause.title,
        "url": cause.url or None,
        "at": _time(cause.at, found) if cause.at else None,
        "brings": cause.brings,
        "brought": cause.was,
        "restated": cause.why,
        "part": cause.part,
    }


def _time(moment: datetime, found: Review) -> str:
    return moment.astimezone(found.period.zone).isoformat(timespec="seconds")
