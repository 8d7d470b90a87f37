"""Joins mapping files into one plan per period, and checks what spans several files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from syncd.config.document import Document, Place
from syncd.config.messages import nearest
from syncd.okr.goals import KeyResult, Objective, Plan
from syncd.okr.spans import Period
from syncd.sdk import Problem


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a key result or objective is written, for messages and for the history of its definition."""

    document: Document
    place: Place

    def problem(self, message: str, *inner: str | int) -> Problem:
        """A problem at this place, or at a key within it."""
        return self.document.problem((*self.place, *inner), message)


class Plans:
    """Joins mapping files into one plan per period, and checks what spans several files."""

    def __init__(self, problems: list[Problem]) -> None:
        """New problems are added to `problems`."""
        self.problems = problems
        self.periods: dict[str, Period] = {}
        self.objectives: dict[str, list[Objective]] = {}
        self.origins: dict[tuple[str, str], Origin] = {}

    def add(self, document: Document, period: Period, objectives: list[tuple[Objective, Place]]) -> None:
        """Adds a file. It is a problem if another file has one of its ids, or the same period with other days."""
        first = self.periods.setdefault(period.id, period)
        if first != period:
            message = (
                f"period {period.id!r} runs {first.first} to {first.last} in another file; give this one its own id"
            )
            self.problems.append(document.problem(("period",), message))
        for objective, place in objectives:
            self.objectives.setdefault(period.id, []).append(objective)
            self._claim(period, objective.id, Origin(document, place))
            for index, key_result in enumerate(objective.key_results):
                origin = Origin(document, (*place, "key_results", index))
                self._claim(period, key_result.id, origin)
                if key_result.guard is not None:
                    self.origins[(period.id, key_result.guard.id)] = origin

    def finish(self) -> tuple[Plan, ...]:
        """The plans in order of time, once every file is added; checks the references between key results."""
        plans = [Plan(self.periods[name], tuple(self.objectives[name])) for name in self.objectives]
        for plan in plans:
            by_id = {key_result.id: key_result for key_result in plan.key_results}
            for key_result in plan.key_results:
                self._links(plan, key_result, by_id)
            for objective in plan.objectives:
                self._supports(plan, objective)
            self._circles(plan)
        return tuple(sorted(plans, key=lambda plan: (plan.period.first, plan.period.last, plan.period.id)))

    def _claim(self, period: Period, name: str, origin: Origin) -> None:
        place = (*origin.place, "id")
        first = self.origins.setdefault((period.id, name), origin)
        if first is not origin:
            where = f"{first.document.file}:{first.document.line((*first.place, 'id'))}"
            message = f"id {name!r} is used at {where} already; ids must be unique within {period.id}"
            self.problems.append(origin.document.problem(place, message))

    def _supports(self, plan: Plan, objective: Objective) -> None:
        origin = self.origins[(plan.period.id, objective.id)]
        others = {other.id: other for other in plan.objectives}
        if objective.supports is not None and objective.supports not in others:
            message = f"supports {objective.supports!r}, which is no objective of {plan.period.id}"
            self.problems.append(origin.problem(message + nearest(objective.supports, others), "supports"))
        supported = any(other.supports == objective.id for other in plan.objectives)
        if objective.rollup == "supporting" and not supported:
            lacks = (
                "is rolled up from the objectives that support it" if objective.key_results else "has no key results"
            )
            message = f"{objective.id} {lacks}, and no other says 'supports: {objective.id}'"
            self.problems.append(origin.problem(message, "id"))

    def _circles(self, plan: Plan) -> None:
        try:
            supports = {objective.id: {objective.supports} for objective in plan.objectives if objective.supports}
            TopologicalSorter(supports).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            message = f"objectives support each other in a circle: {' → '.join(reversed(circle))}; drop one 'supports'"
            self.problems.append(self.origins[(plan.period.id, circle[0])].problem(message, "supports"))

    def _links(self, plan: Plan, key_result: KeyResult, by_id: Mapping[str, KeyResult]) -> None:
        origin = self.origins[(plan.period.id, key_result.id)]
        place = (*origin.place, "drives")
        for link in key_result.drives:
            outcome = by_id.get(link.outcome)
            if outcome is None:
                names = [name for name, other in by_id.items() if other.kind == "outcome"]
                message = (
                    f"drives {link.outcome!r}, which is no key result of {plan.period.id}{nearest(link.outcome, names)}"
                )
            elif outcome.kind == "output":
                message = f"drives {link.outcome!r}, which is an output; an output drives an outcome"
            else:
                continue
            self.problems.append(origin.document.problem(place, message))
