"""Findings about a plan that is valid and yet likely not meant so: warnings; only `validate --strict` fails on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.okr.goals import Goal, KeyResult, Milestones, Objective, Plan, Target
from syncd.okr.plausible import Plausible, shown


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: the rule, the objective or key result that it is about, and a sentence."""

    rule: str
    subject: str
    message: str


def lint(plan: Plan) -> Iterator[Finding]:
    """Every finding about a plan, in the order of its files."""
    for objective in plan.objectives:
        yield from _objective(objective)
        for key_result in objective.key_results:
            yield from _key_result(key_result)


def _objective(objective: Objective) -> Iterator[Finding]:
    outcomes = [kr for kr in objective.key_results if kr.kind == "outcome"]
    if not outcomes:
        yield Finding("no-outcome", objective.id, "has no outcome, so nothing says whether its work helps; add one")
    if not 3 <= len(objective.key_results) <= 5:
        number = len(objective.key_results)
        yield Finding("key-result-count", objective.id, f"has {number} key results; three to five keep a focus")


def _key_result(kr: KeyResult) -> Iterator[Finding]:
    if kr.kind == "output" and not kr.drives:
        yield Finding("drives-nothing", kr.id, "drives no outcome; say `drives:` which one this work is for")
    if kr.kind == "outcome" and isinstance(kr.goal, Target) and kr.goal.baseline is None:
        yield Finding("no-baseline", kr.id, "has no baseline, so its progress stays unknown; say `baseline:`")
    for name, number in _contradictions(kr.goal, kr.plausible) if kr.plausible else ():
        message = f"has the {name} {shown(number)}, which is outside its `plausible:`; getting there would be held"
        yield Finding("implausible-goal", kr.id, message)


def _contradictions(goal: Goal, bounds: Plausible) -> Iterator[tuple[str, float]]:
    if isinstance(goal, Target):
        aims = {"baseline": goal.baseline, "target": goal.target}
    elif isinstance(goal, Milestones):
        aims = {}
    else:  # a band may reach beyond what is plausible, as long as part of it is within
        apart = (
            goal.at_least is not None and bounds.at_most is not None and goal.at_least > bounds.at_most,
            goal.at_most is not None and bounds.at_least is not None and goal.at_most < bounds.at_least,
        )
        aims = {"band from": goal.at_least if apart[0] else None, "band up to": goal.at_most if apart[1] else None}
    for name, number in aims.items():
        if number is not None and bounds.outside(number):
            yield name, number
