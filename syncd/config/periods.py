"""Joins mapping files into the OKRs of each period, and runs the checks that span several files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from syncd.config.document import Document, Place
from syncd.config.messages import nearest
from syncd.okr.goals import KeyResult, Link, Objective, PeriodOkrs
from syncd.okr.measures import RecordMeasure
from syncd.okr.spans import Period
from syncd.sdk import Problem


@dataclass(frozen=True, slots=True)
class Origin:
    """The place in a file where a key result or objective is written, for messages and for the history of its
    definition.
    """

    document: Document
    place: Place

    def problem(self, message: str, *inner: str | int) -> Problem:
        """A problem at this place, or at a key within it."""
        return self.document.problem((*self.place, *inner), message)


class PeriodJoiner:
    """Joins mapping files into the OKRs of each period, and runs the checks that span several files."""

    def __init__(self, problems: list[Problem]) -> None:
        """`problems` is the list to which the joiner adds the problems that it finds."""
        self.problems = problems
        self.periods: dict[str, Period] = {}
        self.objectives: dict[str, list[Objective]] = {}
        self.origins: dict[tuple[str, str], Origin] = {}

    def add(self, document: Document, period: Period, objectives: list[tuple[Objective, Place]]) -> None:
        """Adds a file. Reports a problem if another file has one of the file's ids, or gives the same period other
        days.
        """
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

    def finish(self, work: tuple[RecordMeasure, ...] = ()) -> tuple[PeriodOkrs, ...]:
        """The OKRs of each period in order of time, once every file is added. Also checks the references between key
        results.

        All periods get the same `work`.
        """
        joined = [PeriodOkrs(self.periods[name], tuple(self.objectives[name]), work) for name in self.objectives]
        supporting: dict[str, list[PeriodOkrs]] = {}
        for okrs in joined:
            for supported, _ in okrs.supporting:
                supporting.setdefault(supported, []).append(okrs)
        resolved: list[PeriodOkrs] = []
        for okrs in joined:
            references = _References(okrs, joined)
            for key_result in okrs.key_results:
                self._links(okrs, key_result, references)
            for objective in okrs.objectives:
                self._supports(okrs, objective, references)
                self._supported(okrs, objective, supporting.get(objective.id, ()))
            self._circles(okrs)
            self._moves(okrs)
            resolved.append(references.resolved())
        return tuple(sorted(resolved, key=lambda okrs: (okrs.period.first, okrs.period.last, okrs.period.id)))

    def _claim(self, period: Period, name: str, origin: Origin) -> None:
        place = (*origin.place, "id")
        first = self.origins.setdefault((period.id, name), origin)
        if first is not origin:
            where = f"{first.document.file}:{first.document.line((*first.place, 'id'))}"
            message = f"id {name!r} is used at {where} already; ids must be unique within {period.id}"
            self.problems.append(origin.document.problem(place, message))

    def _supports(self, okrs: PeriodOkrs, objective: Objective, references: _References) -> None:
        larger = objective.supports
        if larger is not None and references.of_objective(larger) is None:
            origin = self.origins[(okrs.period.id, objective.id)]
            message = f"supports {larger!r}, which is no objective of {references.periods}"
            self.problems.append(origin.problem(message + nearest(larger, okrs.objectives_by_id), "supports"))

    def _supported(self, okrs: PeriodOkrs, objective: Objective, supporting: Iterable[PeriodOkrs]) -> None:
        """Checks that a rolled-up objective has supporting objectives. `supporting` are the periods with an objective
        whose `supports:` has its id.
        """
        if objective.rollup != "supporting" or any(
            shorter is okrs
            or (objective.id not in shorter.objectives_by_id and _is_around(okrs.period, shorter.period))
            for shorter in supporting
        ):
            return
        origin = self.origins[(okrs.period.id, objective.id)]
        lacks = "is rolled up from the objectives that support it" if objective.key_results else "has no key results"
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
        """Checks the former ids of key results: a former id must not be the present or former id of another key
        result.
        """
        moved = [key_result for key_result in okrs.key_results if key_result.moved_from is not None]
        first: dict[str | None, KeyResult] = {}
        for key_result in moved:
            old, other = key_result.moved_from, okrs.by_id.get(key_result.moved_from or "")
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

    def _links(self, okrs: PeriodOkrs, key_result: KeyResult, references: _References) -> None:
        for link in key_result.drives:
            outcome = references.key_result(link.outcome)
            if outcome is None:
                names = [other.id for other in okrs.key_results if other.kind == "outcome"]
                message = (
                    f"drives {link.outcome!r}, which is no key result of {references.periods}"
                    f"{nearest(link.outcome, names)}"
                )
            elif outcome.kind == "output":
                message = f"drives {link.outcome!r}, which is an output; an output drives an outcome"
            else:
                continue
            origin = self.origins[(okrs.period.id, key_result.id)]
            self.problems.append(origin.problem(message, "drives"))


class _References:
    """Finds the targets of references from a period's key results and objectives.

    A target is in the same period, or else in the shortest longer period around it.
    """

    def __init__(self, okrs: PeriodOkrs, every: Sequence[PeriodOkrs]) -> None:
        self._okrs = okrs
        self._every = every

    @cached_property
    def _around(self) -> Sequence[PeriodOkrs]:
        around = (other for other in self._every if _is_around(other.period, self._okrs.period))
        return sorted(around, key=lambda other: (other.period.days, other.period.id))

    @property
    def periods(self) -> str:
        """The periods that a reference may point to, as a text for messages."""
        return self._okrs.period.id + (" or of a longer period around it" if len(self._every) > 1 else "")

    def of_key_result(self, name: str) -> PeriodOkrs | None:
        """The period of the key result that a name refers to; None if there is no such key result."""
        if name in self._okrs.by_id:
            return self._okrs
        return next((longer for longer in self._around if name in longer.by_id), None)

    def key_result(self, name: str) -> KeyResult | None:
        """The key result that a name refers to; None if there is no such key result."""
        okrs = self.of_key_result(name)
        return okrs.by_id[name] if okrs is not None else None

    def of_objective(self, name: str) -> PeriodOkrs | None:
        """The period of the objective that a name refers to; None if there is no such objective."""
        if name in self._okrs.objectives_by_id:
            return self._okrs
        return next((longer for longer in self._around if name in longer.objectives_by_id), None)

    def resolved(self) -> PeriodOkrs:
        """The OKRs of the period, in which each reference to a longer period names that period."""
        objectives = tuple(map(self._resolved, self._okrs.objectives))
        return self._okrs if objectives == self._okrs.objectives else replace(self._okrs, objectives=objectives)

    def _resolved(self, objective: Objective) -> Objective:
        if any(link.outcome not in self._okrs.by_id for kr in objective.key_results for link in kr.drives):
            driving = (replace(kr, drives=tuple(map(self._linked, kr.drives))) for kr in objective.key_results)
            objective = replace(objective, key_results=tuple(driving))
        larger = self.of_objective(objective.supports) if objective.supports is not None else None
        if larger is None or larger is self._okrs:
            return objective
        return replace(objective, supports_in=larger.period.id)

    def _linked(self, link: Link) -> Link:
        longer = self.of_key_result(link.outcome)
        return link if longer is None or longer is self._okrs else replace(link, period=longer.period.id)


def _is_around(longer: Period, period: Period) -> bool:
    return longer.days > period.days and longer.first <= period.first and period.last <= longer.last
