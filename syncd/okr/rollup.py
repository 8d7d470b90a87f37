"""An objective's score: the weighted mean of its outcomes. Outputs are its activity, beside it and never mixed in.

An objective that is rolled up from those that support it has the weighted mean of their scores, and of their activity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from syncd.okr.goals import Health, KeyResult, Objective, Shares, Standing


@dataclass(frozen=True, slots=True)
class ObjectiveStanding:
    """Shares from 0 to 1, None where no counted key result is known; `known` of `of` key results went in."""

    score: float | None
    expected: float | None
    activity: float | None
    health: Health
    known: int
    of: int


def roll_up_all(
    objectives: Sequence[Objective], standings: Mapping[str, Standing], shares: Shares
) -> Mapping[str, ObjectiveStanding]:
    """Every objective's standing by its id, from those of all key results by theirs."""
    found: dict[str, ObjectiveStanding] = {}

    def standing_of(objective: Objective) -> ObjectiveStanding:
        if objective.id not in found:
            supporting = [other for other in objectives if other.supports == objective.id]
            if objective.rollup == "supporting":
                found[objective.id] = _through([(other.weight, standing_of(other)) for other in supporting], shares)
            else:
                found[objective.id] = roll_up(objective, standings, shares)
        return found[objective.id]

    return {objective.id: standing_of(objective) for objective in objectives}


def _through(supporting: Sequence[tuple[float, ObjectiveStanding]], shares: Shares) -> ObjectiveStanding:
    counted = [(weight, one) for weight, one in supporting if weight]
    known = [(weight, one) for weight, one in counted if one.score is not None]
    activity = _weighted_mean((weight, one.activity) for weight, one in counted)
    score = _weighted_mean((weight, one.score) for weight, one in known)
    ahead = _weighted_mean((weight, one.expected) for weight, one in known)
    health: Health = "unknown" if score is None or ahead is None else shares.health(score, ahead)
    return ObjectiveStanding(score, ahead, activity, health, len(known), len(counted))


def roll_up(objective: Objective, standings: Mapping[str, Standing], shares: Shares) -> ObjectiveStanding:
    """The objective's standing from those of its key results, by id.

    The expected score is the mean over the same known key results, with the same weights, so that like is compared
    with like.
    """
    counted = [kr for kr in objective.key_results if kr.weight and (kr.kind == "outcome" or objective.rollup == "all")]
    known = [kr for kr in counted if _known(standings[kr.id])]
    activity = _mean([kr for kr in objective.key_results if kr.kind == "output"], standings, "score")
    if not known:
        return ObjectiveStanding(None, None, activity, "unknown", 0, len(counted))
    ahead = _mean(known, standings, "expected")
    score = _mean(known, standings, "score")
    if objective.rollup == "weakest":
        score = min(standings[kr.id].score or 0.0 for kr in known)
    assert score is not None  # known key results have a weight and a score
    assert ahead is not None
    return ObjectiveStanding(score, ahead, activity, shares.health(score, ahead), len(known), len(counted))


def _known(standing: Standing) -> bool:
    return standing.score is not None and standing.health != "unknown"


def _mean(key_results: Sequence[KeyResult], standings: Mapping[str, Standing], what: str) -> float | None:
    return _weighted_mean(
        (kr.weight, getattr(standings[kr.id], what)) for kr in key_results if _known(standings[kr.id])
    )


def _weighted_mean(pairs: Iterable[tuple[float, float | None]]) -> float | None:
    """The mean of shares from 0 to 1, each with its weight, over the known ones; None where they weigh nothing."""
    known = [(weight, share) for weight, share in pairs if share is not None]
    weight = math.fsum(weight for weight, _ in known)
    if not weight:
        return None
    return min(1.0, max(0.0, math.fsum(weight * share for weight, share in known) / weight))
