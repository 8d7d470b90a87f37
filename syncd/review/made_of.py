"""Finds the key results from which an objective's score and activity are computed. Two scores from different key
results cannot be compared.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from syncd.okr.goals import Objective, Standing
from syncd.okr.rollup import has_score
from syncd.status.report import line_of
from syncd.status.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class MadeOf:
    """The key results whose scores make an objective's `score`, and those whose scores make its `activity`.

    Two scores can be compared if both have the same `score` here. Two activities can be compared if both have the same
    `activity` here.
    """

    score: Hashable
    activity: Hashable


def made_of(snapshot: Snapshot, standings: Mapping[str, Standing]) -> Mapping[str, MadeOf]:
    """The `MadeOf` of each objective of a snapshot, by the objective's id. `standings` are the standings of the
    snapshot's key results.
    """
    return {objective.id: _made_of(snapshot, objective, standings) for objective in snapshot.okrs.objectives}


def _made_of(snapshot: Snapshot, objective: Objective, standings: Mapping[str, Standing]) -> MadeOf:
    if objective.rollup == "supporting":
        return _of_supporting(snapshot, objective, standings)
    period = snapshot.okrs.period.id
    counted = {
        kind: frozenset(
            (period, kr.id)
            for kr in objective.key_results
            if kr.kind == kind and kr.weight and has_score(standings[kr.id])
        )
        for kind in ("outcome", "output")
    }
    outputs = counted["output"] if objective.rollup == "all" else frozenset()
    return MadeOf((objective.rollup, counted["outcome"], outputs), counted["output"])


def _of_supporting(snapshot: Snapshot, objective: Objective, standings: Mapping[str, Standing]) -> MadeOf:
    own = [
        _made_of(snapshot, other, standings)
        for other in snapshot.okrs.objectives
        if other.supports == objective.id and other.supports_in is None and other.weight
    ]
    for shorter in snapshot.shorter:
        supporting = [
            other
            for other in shorter.okrs.objectives
            if (other.supports, other.supports_in) == (objective.id, snapshot.okrs.period.id) and other.weight
        ]
        if supporting:
            of_shorter = {kr.id: line_of(shorter, kr).standing for kr in shorter.okrs.key_results}
            own += [_made_of(shorter, other, of_shorter) for other in supporting]
    return MadeOf(
        ("supporting", frozenset(part.score for part in own)), frozenset(("of", part.activity) for part in own)
    )
