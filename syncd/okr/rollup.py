"""Computes an objective's score: by default the weighted mean of the scores of its outcomes. The mean of the scores of
its outputs is shown beside the score as activity.

With `rollup: supporting`, the score and the activity are weighted means over the supporting objectives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from syncd.okr.goals import Health, KeyResult, Objective, Shares, Standing
from syncd.sdk.numbers import weighted_mean


@dataclass(frozen=True, slots=True)
class ObjectiveStanding:
    """The state of an objective, as shares from 0 to 1. The score is None if no counted key result has a score.

    `scored` is the number of the `counted` key results that have a score. `bounds` are the scores at which the health
    changes, and also 0 and 1. A score of 99.96 % is therefore not shown as 100 %.
    """

    score: float | None
    expected: float | None
    activity: float | None
    health: Health
    scored: int
    counted: int
    bounds: tuple[float, ...] = field(default=(), compare=False)


def roll_up_all(
    objectives: Sequence[Objective],
    standings: Mapping[str, Standing],
    shares: Shares,
    of_shorter: Mapping[str, Sequence[tuple[float, ObjectiveStanding]]] = MappingProxyType({}),
) -> Mapping[str, ObjectiveStanding]:
    """The standing of every objective by its id; `standings` holds the standings of all key results by their ids.

    `of_shorter` has the weights and standings of supporting objectives in shorter periods, by the id of the objective
    that they support.
    """
    rolled_up: dict[str, ObjectiveStanding] = {}
    supporting: dict[str | None, list[Objective]] = {}
    for other in objectives:
        if other.supports_in is None:
            supporting.setdefault(other.supports, []).append(other)

    def standing_of(objective: Objective) -> ObjectiveStanding:
        if objective.id not in rolled_up:
            if objective.rollup == "supporting":
                weighted = [(other.weight, standing_of(other)) for other in supporting.get(objective.id, ())]
                weighted += of_shorter.get(objective.id, ())
                rolled_up[objective.id] = _roll_up_supporting(weighted, shares)
            else:
                rolled_up[objective.id] = roll_up(objective, standings, shares)
        return rolled_up[objective.id]

    return {objective.id: standing_of(objective) for objective in objectives}


def _roll_up_supporting(supporting: Sequence[tuple[float, ObjectiveStanding]], shares: Shares) -> ObjectiveStanding:
    counted = [(weight, standing) for weight, standing in supporting if weight]
    scored = [(weight, standing) for weight, standing in counted if standing.score is not None]
    activity = _weighted_mean((weight, standing.activity) for weight, standing in counted)
    score = _weighted_mean((weight, standing.score) for weight, standing in scored)
    expected = _weighted_mean((weight, standing.expected) for weight, standing in scored)
    if score is None or expected is None:
        return ObjectiveStanding(score, expected, activity, "unknown", len(scored), len(counted))
    health, bounds = shares.health(score, expected), _bounds(shares, expected)
    return ObjectiveStanding(score, expected, activity, health, len(scored), len(counted), bounds)


def roll_up(objective: Objective, standings: Mapping[str, Standing], shares: Shares) -> ObjectiveStanding:
    """The standing of an objective; `standings` holds its key results' standings by id.

    The score and the expected score are means over the same key results with the same weights, so the two scores can be
    compared.
    """
    counted = [kr for kr in objective.key_results if kr.weight and (kr.kind == "outcome" or objective.rollup == "all")]
    scored = [kr for kr in counted if has_score(standings[kr.id])]
    activity = _mean([kr for kr in objective.key_results if kr.kind == "output"], standings, "score")
    if not scored:
        return ObjectiveStanding(None, None, activity, "unknown", 0, len(counted))
    expected = _mean(scored, standings, "expected")
    score = _mean(scored, standings, "score")
    if objective.rollup == "weakest":
        score = min(standings[kr.id].score or 0.0 for kr in scored)
    assert score is not None  # each key result here has a weight and a score
    assert expected is not None
    health, bounds = shares.health(score, expected), _bounds(shares, expected)
    return ObjectiveStanding(score, expected, activity, health, len(scored), len(counted), bounds)


def has_score(standing: Standing) -> bool:
    """Whether a key result's score counts in the score of its objective."""
    return standing.score is not None and standing.health != "unknown"


def _bounds(shares: Shares, expected: float) -> tuple[float, ...]:
    return (0.0, 1.0, *shares.bounds(expected))


def _mean(
    key_results: Sequence[KeyResult], standings: Mapping[str, Standing], share: Literal["score", "expected"]
) -> float | None:
    return _weighted_mean(
        (kr.weight, getattr(standings[kr.id], share)) for kr in key_results if has_score(standings[kr.id])
    )


def _weighted_mean(pairs: Iterable[tuple[float, float | None]]) -> float | None:
    """The weighted mean of the shares (0 to 1) that are not None. None if the weights of these shares sum to zero."""
    return weighted_mean((weight, share) for weight, share in pairs if share is not None)
