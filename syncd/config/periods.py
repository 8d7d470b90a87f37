"""Joins mapping files into the OKRs of each period, and checks what spans several files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from syncd.config.document import Document, Place
from syncd.config.messages import nearest
from syncd.okr.goals import KeyResult, Link, Objective, PeriodOkrs
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


class PeriodJoiner:
    """Joins mapping files into the OKRs of each period, and checks what spans several files."""

    def __init__(self, problems: list[Problem]) -> None:
        """New problems are added to `problems`."""
        self.problems = problems
        self.periods: dict[str, Period] = {}
        self.objectives: dict[str, list[Objective]] = {}
        self.origins: dict[tuple[str, str], Origin] = {}

    def add(self, document: Document, period: Period, objectives: list[tuple[Objective, Place]]) -> None:
        """Adds a file. Reports a problem if another file has one of its ids, or the same period with other days."""
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

    def finish(self) -> tuple[PeriodOkrs, ...]:
        """The OKRs of each period in order of time, once every file is added; checks references between key results."""
        joined = [PeriodOkrs(self.periods[name], tuple(self.objectives[name])) for name in self.objectives]
        for okrs in joined:
            by_id = {key_result.id: key_result for key_result in okrs.key_results}
            for key_result in okrs.key_results:
                self._links(okrs, key_result, by_id, joined)
            for objective in okrs.objectives:
                self._supports(okrs, objective, joined)
            self._circles(okrs)
            self._moves(okrs)
        joined = [_resolved(okrs, joined) for okrs in joined]
        return tuple(sorted(joined, key=lambda okrs: (okrs.period.first, okrs.period.last, okrs.period.id)))

    def _claim(self, period: Period, name: str, origin: Origin) -> None:
        place = (*origin.place, "id")
        first = self.origins.setdefault((period.id, name), origin)
        if first is not origin:
            where = f"{first.document.file}:{first.document.line((*first.place, 'id'))}"
            message = f"id {name!r} is used at {where} already; ids must be unique within {period.id}"
            self.problems.append(origin.document.problem(place, message))

    def _supports(self, okrs: PeriodOkrs, objective: Objective, every: Sequence[PeriodOkrs]) -> None:
        origin = self.origins[(okrs.period.id, objective.id)]
        others = {other.id: other for other in okrs.objectives}
        larger = objective.supports
        if (
            larger is not None
            and larger not in others
            and _longer_with(okrs.period, larger, every, _objectives) is None
        ):
            message = f"supports {larger!r}, which is no objective of {okrs.period.id}{_or_longer(every)}"
            self.problems.append(origin.problem(message + nearest(larger, others), "supports"))
        supported = any(
            other.supports == objective.id
            and (
                shorter is okrs
                or (other.supports not in _objectives(shorter) and _is_around(okrs.period, shorter.period))
            )
            for shorter in every
            for other in shorter.objectives
        )
        if objective.rollup == "supporting" and not supported:
            lacks = (
                "is rolled up from the objectives that support it" if objective.key_results else "has no key results"
            )
            message = f"{objective.id} {lacks}, and no other says 'supports: {objective.id}'"
            self.problems.append(origin.problem(message, "id"))

    def _circles(self, okrs: PeriodOkrs) -> None:
        try:
            supports = {objective.id: {objective.supports} for objective in okrs.objectives if objective.supports}
            TopologicalSorter(supports).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            message = f"objectives support each other in a circle: {' → '.join(reversed(circle))}; drop one 'supports'"
            self.problems.append(self.origins[(okrs.period.id, circle[0])].problem(message, "supports"))

    def _moves(self, okrs: PeriodOkrs) -> None:
        """Checks the ids that key results had before: no other key result may have such an id, now or before."""
        moved = [key_result for key_result in okrs.key_results if key_result.moved_from is not None]
        by_id = {key_result.id: key_result for key_result in okrs.key_results}
        first: dict[str | None, KeyResult] = {}
        for key_result in moved:
            old, other = key_result.moved_from, by_id.get(key_result.moved_from or "")
            if other is key_result:
                message = f"{key_result.id} is moved from itself; write the id that it had before, or drop 'moved'"
            elif other is not None and other.moved_from is not None:
                message = (
                    f"{key_result.id} is moved from {old!r}, which is itself moved from {other.moved_from!r}; "
                    "give each a new id that no key result had before"
                )
            elif (okrs.period.id, old) in self.origins:
                message = (
                    f"{key_result.id} is moved from {old!r}, which is still defined in {okrs.period.id}; "
                    f"drop 'moved', or remove {old!r}"
                )
            elif first.setdefault(old, key_result) is not key_result:
                message = (
                    f"{key_result.id} is moved from {old!r}, and so is {first[old].id}; "
                    "one history belongs to one key result: drop one 'moved'"
                )
            else:
                continue
            origin = self.origins[(okrs.period.id, key_result.id)]
            self.problems.append(origin.problem(message, "moved", "from"))

    def _links(
        self, okrs: PeriodOkrs, key_result: KeyResult, by_id: Mapping[str, KeyResult], every: Sequence[PeriodOkrs]
    ) -> None:
        origin = self.origins[(okrs.period.id, key_result.id)]
        place = (*origin.place, "drives")
        for link in key_result.drives:
            outcome = by_id.get(link.outcome)
            if outcome is None and (longer := _longer_with(okrs.period, link.outcome, every, _key_results)) is not None:
                outcome = next(kr for kr in longer.key_results if kr.id == link.outcome)
            if outcome is None:
                names = [name for name, other in by_id.items() if other.kind == "outcome"]
                message = (
                    f"drives {link.outcome!r}, which is no key result of {okrs.period.id}{_or_longer(every)}"
                    f"{nearest(link.outcome, names)}"
                )
            elif outcome.kind == "output":
                message = f"drives {link.outcome!r}, which is an output; an output drives an outcome"
            else:
                continue
            self.problems.append(origin.document.problem(place, message))


def _or_longer(every: Sequence[PeriodOkrs]) -> str:
    return " or of a longer period around it" if len(every) > 1 else ""


def _key_results(okrs: PeriodOkrs) -> Collection[str]:
    return {kr.id for kr in okrs.key_results}


def _objectives(okrs: PeriodOkrs) -> Collection[str]:
    return {objective.id for objective in okrs.objectives}


def _longer_with(
    period: Period, name: str, every: Sequence[PeriodOkrs], ids: Callable[[PeriodOkrs], Collection[str]]
) -> PeriodOkrs | None:
    """The shortest of the longer periods around a period that have this name among their `ids`."""
    around = [okrs for okrs in every if _is_around(okrs.period, period) and name in ids(okrs)]
    return min(around, key=lambda okrs: (okrs.period.days, okrs.period.id), default=None)


def _is_around(longer: Period, period: Period) -> bool:
    return longer.days > period.days and longer.first <= period.first and period.last <= longer.last


def _resolved(okrs: PeriodOkrs, every: Sequence[PeriodOkrs]) -> PeriodOkrs:
    """The OKRs of a period in which each reference to a longer period names that period."""
    key_results, objectives = _key_results(okrs), _objectives(okrs)

    def linked(link: Link) -> Link:
        longer = None
        if link.outcome not in key_results:
            longer = _longer_with(okrs.period, link.outcome, every, _key_results)
        return replace(link, period=longer.period.id) if longer else link

    def resolved(objective: Objective) -> Objective:
        if any(link.outcome not in key_results for kr in objective.key_results for link in kr.drives):
            driving = (replace(kr, drives=tuple(map(linked, kr.drives))) for kr in objective.key_results)
            objective = replace(objective, key_results=tuple(driving))
        longer, larger = None, objective.supports
        if larger is not None and larger not in objectives:
            longer = _longer_with(okrs.period, larger, every, _objectives)
        return replace(objective, supports_in=longer.period.id) if longer else objective

    return PeriodOkrs(okrs.period, tuple(map(resolved, okrs.objectives)))
