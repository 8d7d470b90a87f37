"""Reads mapping files into objectives, key results and their measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from syncd.config.document import Document, Place
from syncd.config.mapping_keys import (
    AnyMeasureKeys,
    KeyResultKeys,
    MappingFile,
    ObjectiveKeys,
    PeriodDays,
    ReadingMeasureKeys,
    RecordMeasureKeys,
    Value,
    measure_model,
)
from syncd.config.messages import nearest, problems
from syncd.config.project import Connection
from syncd.okr.goals import Band, KeyResult, Objective, Target
from syncd.okr.measures import Filter, Measure, ReadingMeasure, RecordMeasure
from syncd.okr.spans import Period, parse_period
from syncd.sdk import Problem, ReadingKeys, RecordKeys


class Reader:
    """Reads the objectives of one mapping file, and gathers every problem on the way."""

    def __init__(self, document: Document, connections: Mapping[str, Connection | None], zone: ZoneInfo) -> None:
        self.document = document
        self.connections = connections
        self.zone = zone
        self.problems: list[Problem] = []

    def read(self) -> tuple[Period, list[tuple[Objective, Place]]] | None:
        """The period and the objectives with their places, or None where the file's shape is wrong."""
        try:
            parsed = MappingFile.model_validate(self.document.data)
        except ValidationError as error:
            self.problems.extend(problems(error, MappingFile, self.document))
            self._measures_of_raw()
            return None
        period = self._period(parsed.period)
        places: list[Place] = [("objectives", index) for index in range(len(parsed.objectives))]
        objectives = [
            (self._objective(keys, place), place) for keys, place in zip(parsed.objectives, places, strict=True)
        ]
        return (period, objectives) if period else None

    def _period(self, given: str | PeriodDays) -> Period | None:
        if isinstance(given, PeriodDays):
            return Period(given.id or f"{given.start}..{given.end}", given.start, given.end, self.zone)
        try:
            return parse_period(given, self.zone)
        except ValueError as error:
            self.problems.append(self.document.problem(("period",), f"period {error}"))
            return None

    def _objective(self, keys: ObjectiveKeys, place: Place) -> Objective:
        key_results = tuple(
            self._key_result(inner, (*place, "key_results", index)) for index, inner in enumerate(keys.key_results)
        )
        return Objective(keys.id, keys.title, key_results, keys.owner, keys.rollup)

    def _key_result(self, keys: KeyResultKeys, place: Place) -> KeyResult:
        if keys.keep is not None:
            goal: Target | Band = Band(keys.keep.at_least, keys.keep.at_most)
        else:
            assert keys.target is not None  # _one_goal
            goal = Target(keys.target, 0.0 if keys.baseline is None and keys.kind == "output" else keys.baseline)
        measure = self._measure(keys.measure, (*place, "measure")) if keys.measure is not None else None
        return KeyResult(
            id=keys.id,
            title=keys.title,
            kind=keys.kind,
            goal=goal,
            measure=measure,
            unit=keys.unit,
            owner=keys.owner,
            weight=keys.weight,
            pace=keys.pace,
            confidence=keys.confidence,
            stale_after=keys.stale_after,
            drives=keys.links(),
            plausible=keys.plausible.bounds() if keys.plausible else None,
        )

    def _measures_of_raw(self) -> None:
        """Where the file's shape is wrong its measures are looked at all the same: all problems come at once."""
        for place in self.document.lines:
            if place[-1:] == ("measure",) and len(place) == 5:
                data: Any = self.document.data
                for part in place:
                    data = data[part]
                if isinstance(data, dict):
                    self._measure(data, place)

    def _measure(self, data: dict[str, Any], place: Place) -> Measure | None:
        name = data.get("from")
        if not isinstance(name, str):
            known = ", ".join(self.connections) or "none yet: add one to syncd.yaml"
            self.problems.append(self.document.problem(place, f"'from' is missing; the connections are: {known}"))
            return None
        if name not in self.connections:
            message = f"there is no connection {name!r} in syncd.yaml{nearest(name, self.connections)}"
            self.problems.append(self.document.problem((*place, "from"), message))
            return None
        connection = self.connections[name]
        if connection is None:  # it has problems of its own, which are said where it stands
            return None
        keys_model = connection.connector.Measure
        model = measure_model(connection.kind, keys_model)
        try:
            parsed = model.model_validate(data)
        except ValidationError as error:
            self.problems.extend(problems(error, model, self.document, place))
            return None
        keys = keys_model.model_validate(
            {
                key: value
                for key, value in data.items()
                if key in _names(keys_model) and key not in _names(AnyMeasureKeys)
            }
        )
        if isinstance(keys, RecordKeys) and isinstance(parsed, RecordMeasureKeys):
            filters = tuple(self._filters(parsed, keys, place))
            measure = RecordMeasure(name, (), parsed.take, parsed.of, filters, parsed.time(), keys.record_kind())
            return replace(measure, streams=tuple(keys.streams(measure.fields)))
        if isinstance(keys, ReadingKeys) and isinstance(parsed, ReadingMeasureKeys):
            (stream,) = keys.streams()
            return ReadingMeasure(name, stream, keys.part(), parsed.take, parsed.time(), keys.many)
        raise TypeError(f"{keys_model} is neither of records nor of readings")

    def _filters(self, parsed: RecordMeasureKeys, keys: RecordKeys, place: Place) -> Iterator[Filter]:
        known = keys.fields()
        if parsed.of is not None:
            self._known(parsed.of, known, (*place, "of"))
        for key, given in parsed.where.items():
            field, negated, bound = _condition(key, known)
            where = (*place, "where", key)
            self._known(field, known, where)
            if not bound:
                values = given if isinstance(given, list) else [given]
                if not values:
                    self.problems.append(self.document.problem(where, f"{key} is an empty list, which nothing matches"))
                yield Filter(field, tuple(_scalar(value) for value in values), negated)
                continue
            if isinstance(given, list | bool) or given is None:
                self.problems.append(self.document.problem(where, f"{key} must be one number or one day"))
                continue
            limit = _scalar(given)
            yield Filter(field, at_least=limit) if bound == "_at_least" else Filter(field, at_most=limit)

    def _known(self, field: str, known: Sequence[str] | Any, place: Place) -> None:
        if known is not None and field not in known:
            self.problems.append(self.document.problem(place, f"there is no field {field!r}{nearest(field, known)}"))


def _condition(key: str, known: Any) -> tuple[str, bool, str]:
    """The field that a key of `where` is about, whether it is negated, and which bound it sets, if any."""
    if known is not None and key in known:
        return key, False, ""
    for suffix in ("_at_least", "_at_most"):
        if key.endswith(suffix):
            return key.removesuffix(suffix), False, suffix
    return (key.removeprefix("not_"), True, "") if key.startswith("not_") else (key, False, "")


def _scalar(value: Value) -> str | float | None:
    if isinstance(value, bool):
        return str(value).lower()
    return value


def _names(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}
