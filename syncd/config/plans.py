"""Joins mapping files into one plan a period, and checks what no file can know alone."""

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
class Source:
    """Where a key result or objective stands, for messages and for the history of its definition."""

    document: Document
    place: Place

    def problem(self, message: str, *inner: str | int) -> Problem:
        """A problem at its place, or at a key within it."""
        return self.document.problem((*self.place, *inner), message)


class Plans:
    """Joins mapping files into one plan a period, and checks what no file can know alone."""

    def __init__(self, found: list[Problem]) -> None:
        self.found = found
        self.periods: dict[str, Period] = {}
        self.objectives: dict[str, list[Objective]] = {}
        self.sources: dict[tuple[str, str], Source] = {}

    def add(self, document: Document, period: Period, objectives: list[tuple[Objective, Place]]) -> None:
        """Takes in what one file says; a problem where another has an id, or its period otherwise."""
        known = self.periods.setdefault(period.id, period)
        if known != period:
            message = (
                f"period {period.id!r} runs {known.first} to {known.last} in another file; give this one its own id"
            )
            self.found.append(document.problem(("period",), message))
        for objective, place in objectives:
            self.objectives.setdefault(period.id, []).append(objective)
            self._claim(period, objective.id, Source(document, place))
            for index, key_result in enumerate(objective.key_results):
                source = Source(document, (*place, "key_results", index))
                self._claim(period, key_result.id, source)
                if key_result.guard is not None:
                    self.sources[(period.id, key_result.guard.id)] = source

    def finish(self) -> tuple[Plan, ...]:
        """The plans in order of time, once every file is in, and what is wrong between them."""
        plans = [Plan(self.periods[name], tuple(self.objectives[name])) for name in self.objectives]
        for plan in plans:
            by_id = {key_result.id: key_result for key_result in plan.key_results}
            for key_result in plan.key_results:
                self._links(plan, key_result, by_id)
            for objective in plan.objectives:
                self._supports(plan, objective)
            self._circles(plan)
        return tuple(sorted(plans, key=lambda plan: (plan.period.first, plan.period.last, plan.period.id)))

    def _claim(self, period: Period, name: str, source: Source) -> None:
        place = (*source.place, "id")
        first = self.sources.setdefault((period.id, name), source)
        if first is not source:
            where = f"{first.document.file}:{first.document.line((*first.place, 'id'))}"
            message = f"id {name!r} is taken within {period.id}: {where} has it; ids name one thing in a period"
            self.found.append(source.document.problem(place, message))

    def _supports(self, plan: Plan, objective: Objective) -> None:
        source = self.sources[(plan.period.id, objective.id)]
        others = {other.id: other for other in plan.objectives}
        if objective.supports is not None and objective.supports not in others:
            message = f"supports {objective.supports!r}, which is no objective of {plan.period.id}"
            self.found.append(source.problem(message + nearest(objective.supports, others), "supports"))
        supported = any(other.supports == objective.id for other in plan.objectives)
        if objective.rollup == "supporting" and not supported:
            lacks = (
                "is rolled up from the objectives that support it" if objective.key_results else "has no key results"
            )
            message = f"{objective.id} {lacks}, and no other says 'supports: {objective.id}'"
            self.found.append(source.problem(message, "id"))

    def _circles(self, plan: Plan) -> None:
        try:
            TopologicalSorter({one.id: {one.supports} for one in plan.objectives if one.supports}).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            message = f"objectives support each other in a circle: {' → '.join(reversed(circle))}; drop one 'supports'"
            self.found.append(self.sources[(plan.period.id, circle[0])].problem(message, "supports"))

    def _links(self, plan: Plan, key_result: KeyResult, by_id: Mapping[str, KeyResult]) -> None:
        source = self.sources[(plan.period.id, key_result.id)]
        place = (*source.place, "drives")
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
            self.found.append(source.document.problem(place, message))
