"""Reads mapping files into objectives, key results and their measures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from syncd.config.connections import Connection
from syncd.config.document import Document, Place
from syncd.config.goal_keys import Keep, PaceKeys
from syncd.config.mapping_keys import (
    Defaults,
    KeyResultKeys,
    MappingFile,
    MeasuresFile,
    ObjectiveKeys,
    PeriodDays,
)
from syncd.config.measures import MeasureReader, Named
from syncd.config.messages import nearest, validation_problems
from syncd.okr.goals import (
    Band,
    Goal,
    KeyResult,
    Milestone,
    Milestones,
    Objective,
    Pace,
    Rollup,
    Steps,
    Target,
    guard_id,
)
from syncd.okr.spans import Period, midnight, parse_period
from syncd.sdk import Problem

_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}", re.ASCII)  # YAML reads `4.000` as 4


class Reader:
    """Reads a mapping file and collects its problems. `named` has the named measures of all files.

    `year_starts` is the month in which fiscal years begin, 1 to 12; None if the project has no fiscal year. Without
    `thorough`, queries are not checked.
    """

    def __init__(
        self,
        document: Document,
        connections: Mapping[str, Connection | None],
        zone: ZoneInfo,
        named: Mapping[str, Named],
        year_starts: int | None = None,
        *,
        thorough: bool = True,
    ) -> None:
        self.document = document
        self.zone = zone
        self._year_starts = year_starts
        self._connections = connections
        self._measures = MeasureReader(
            document, connections, zone, named, _measure_defaults(document.data), thorough=thorough
        )
        self._problems: list[Problem] = []

    @property
    def problems(self) -> list[Problem]:
        """All problems of the file."""
        return [*self._problems, *self._measures.problems]

    def read(self) -> tuple[Period, list[tuple[Objective, Place]]] | None:
        """The period, and the objectives with their places; None if the file has no objectives or is not valid."""
        data = self.document.data
        model: type[BaseModel] = MeasuresFile if holds_measures_alone(data) else MappingFile
        try:
            if isinstance(data, dict) and isinstance(data.get("defaults"), dict):
                Defaults.model_validate(data["defaults"])  # reports its problems once, at their place
                data = _with_defaults(data)
        except ValidationError as error:
            self._problems.extend(validation_problems(error, Defaults, self.document, ("defaults",)))
            data = {key: value for key, value in data.items() if key != "defaults"}
        for name in _measure_defaults(self.document.data):
            if name not in self._connections:
                message = f"there is no connection {name!r} in syncd.yaml{nearest(name, self._connections)}"
                self._problems.append(self.document.problem(("defaults", "measures", name), message))
        for name in named_measures(self.document):
            self._measures.read(self.document.data["measures"][name], ("measures", name))
        try:
            parsed = model.model_validate(data)
        except ValidationError as error:
            self._problems.extend(validation_problems(error, model, self.document))
            self._read_raw_measures()
            return None
        if not isinstance(parsed, MappingFile):
            return None
        period = self._period(parsed.period)
        if period is None:
            return None
        self._measures.period = period
        places: list[Place] = [("objectives", index) for index in range(len(parsed.objectives))]
        return period, [
            (self._objective(keys, place, period), place) for keys, place in zip(parsed.objectives, places, strict=True)
        ]

    def _period(self, given: str | PeriodDays) -> Period | None:
        if isinstance(given, PeriodDays):
            return given.period(self.zone)
        try:
            return parse_period(given, self.zone, self._year_starts)
        except ValueError as error:
            self._problems.append(self.document.problem(("period",), f"period {error}"))
            return None

    def _objective(self, keys: ObjectiveKeys, place: Place, period: Period) -> Objective:
        key_results = tuple(
            self._key_result(inner, (*place, "key_results", index), period)
            for index, inner in enumerate(keys.key_results)
        )
        rollup: Rollup = keys.rollup or ("outcomes" if key_results else "supporting")
        return Objective(
            keys.id, keys.title, key_results, keys.owner, rollup, keys.supports, keys.weight, tuple(keys.ignore)
        )

    def _key_result(self, keys: KeyResultKeys, place: Place, period: Period) -> KeyResult:
        measure = (
            self._measures.read(keys.measure, (*place, "measure"), keys.unit) if keys.measure is not None else None
        )
        return KeyResult(
            id=keys.id,
            title=keys.title,
            kind=keys.kind,
            goal=self._goal(keys, place, period),
            measure=measure,
            unit=keys.unit,
            owner=keys.owner,
            weight=keys.weight,
            pace=self._pace(keys, place, period),
            confidence=keys.confidence,
            stale_after=keys.stale_after,
            drives=keys.links(),
            plausible=keys.plausible.bounds() if keys.plausible else None,
            guard=self._guard(keys, (*place, "guard")),
            ignore=tuple(keys.ignore),
            grouped=tuple(
                (str(where[-1]), text)
                for where, text in self.document.written(place)
                if _GROUPED.fullmatch(text) and "measure" not in where[len(place) :]
            ),
            moved_from=keys.moved.from_ if keys.moved else None,
        )

    def _goal(self, keys: KeyResultKeys, place: Place, period: Period) -> Goal:
        baseline = 0.0 if keys.baseline is None and keys.kind == "output" else keys.baseline
        if keys.keep is not None:
            return _band(keys.keep)
        if keys.levels is not None:
            return Target(keys.levels.target, baseline, keys.levels.commit, keys.levels.stretch)
        if keys.milestones is not None:
            steps = (
                Milestone(
                    step.title,
                    float(number) if step.at is None else step.at,
                    step.weight,
                    self._end_of(step.by, (*place, "milestones", number - 1, "by"), period) if step.by else None,
                )
                for number, step in enumerate(keys.milestones, 1)
            )
            return Milestones(tuple(steps))
        assert keys.target is not None  # KeyResultKeys requires exactly one goal
        return Target(keys.target, baseline)

    def _pace(self, keys: KeyResultKeys, place: Place, period: Period) -> Pace:
        if not isinstance(keys.pace, PaceKeys):
            return keys.pace
        where = (*place, "pace", "steps")
        return Steps(
            tuple(
                (self._end_of(step.by, (*where, index, "by"), period), step.value)
                for index, step in enumerate(keys.pace.steps)
            )
        )

    def _end_of(self, day: date, place: Place, period: Period) -> datetime:
        if not period.first <= day <= period.last:
            message = f"by is {day}, outside the period {period.first} to {period.last}; name a day within it"
            self._problems.append(self.document.problem(place, message))
        return midnight(day + timedelta(days=1), self.zone)

    def _guard(self, keys: KeyResultKeys, place: Place) -> KeyResult | None:
        if keys.guard is None:
            return None
        return KeyResult(
            id=guard_id(keys.id),
            title=keys.guard.title or f"guard of {keys.id}",
            kind="outcome",
            goal=_band(keys.guard.keep),
            measure=self._measures.read(keys.guard.measure, (*place, "measure")),
            stale_after=keys.guard.stale_after,
        )

    def _read_raw_measures(self) -> None:
        """Reads the measures of a file that has other errors, so that all problems are reported at once."""
        for first, objective in _entries(self.document.data, "objectives"):
            for second, key_result in _entries(objective, "key_results"):
                measure = key_result.get("measure") if isinstance(key_result, dict) else None
                if isinstance(measure, dict | str):
                    self._measures.read(measure, ("objectives", first, "key_results", second, "measure"))


def _entries(data: Any, key: str) -> Iterator[tuple[int | str, Any]]:
    inner = data.get(key) if isinstance(data, dict) else None
    if isinstance(inner, list):
        yield from enumerate(inner)
    elif isinstance(inner, dict):
        yield from inner.items()


def named_measures(document: Document) -> Mapping[str, Named]:
    """The named measures of a file, each with the file's defaults. Leaves out named measures that are not blocks of
    keys.
    """
    measures = document.data.get("measures") if isinstance(document.data, dict) else None
    defaults = _measure_defaults(document.data)
    return {
        name: Named(document, ("measures", name), _measure_with_defaults(data, defaults))
        for name, data in (measures if isinstance(measures, dict) else {}).items()
        if isinstance(data, dict)
    }


def _measure_with_defaults(data: dict[str, Any], defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A measure with its file's defaults for its connection. In a formula, each part gets the defaults of its own
    connection.
    """
    parts = data.get("parts")
    if not isinstance(parts, dict):
        return {**defaults.get(str(data.get("from")), {}), **data}

    def filled(part: Any) -> Any:
        if not isinstance(part, dict):
            return part
        own = defaults.get(str(part.get("from", data.get("from"))), {})
        return {**{key: value for key, value in own.items() if key not in data}, **part}

    return {**data, "parts": {name: filled(part) for name, part in parts.items()}}


def holds_measures_alone(data: Any) -> bool:
    """Whether a file contains no objectives but only measures that other files can use."""
    return isinstance(data, dict) and "measures" in data and not {"period", "objectives"} & data.keys()


def _measure_defaults(data: Any) -> dict[str, dict[str, Any]]:
    defaults = data.get("defaults") if isinstance(data, dict) else None
    measures = defaults.get("measures") if isinstance(defaults, dict) else None
    given = measures if isinstance(measures, dict) else {}
    return {name: keys for name, keys in given.items() if isinstance(keys, dict)}


_OF_OBJECTIVES = frozenset({"owner", "rollup"})
_OF_KEY_RESULTS = frozenset(Defaults.model_fields) - _OF_OBJECTIVES - {"measures"}


def _with_defaults(data: dict[str, Any]) -> dict[str, Any]:
    defaults = {key: value for key, value in data["defaults"].items() if value is not None}
    of_objectives = {key: value for key, value in defaults.items() if key in _OF_OBJECTIVES}
    of_key_results = {key: value for key, value in defaults.items() if key in _OF_KEY_RESULTS}

    def filled(objective: Any) -> Any:
        if not isinstance(objective, dict):
            return objective
        inner = objective.get("key_results")
        own = of_objectives if inner else {key: value for key, value in of_objectives.items() if key != "rollup"}
        if not isinstance(inner, list):
            return {**own, **objective}
        return {**own, **objective, "key_results": [_filled(key_result, of_key_results) for key_result in inner]}

    objectives = data.get("objectives")
    return {**data, "objectives": list(map(filled, objectives))} if isinstance(objectives, list) else data


def _filled(key_result: Any, defaults: Mapping[str, Any]) -> Any:
    if not isinstance(key_result, dict):
        return key_result
    own = {key: value for key, value in defaults.items() if key != "lag" or key_result.get("drives")}
    return {**own, **key_result}


def _band(keep: Keep) -> Band:
    return Band(keep.at_least, keep.at_most)
