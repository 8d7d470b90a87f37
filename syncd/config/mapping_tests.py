"""Reads the `tests:` of a mapping file: the facts that are given, and what is expected of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from syncd.config.document import Document, Place
from syncd.config.keys import no_truth_value
from syncd.config.mapping_test_keys import ExpectKeys, GivenReading, GivenRecord, MappingTestKeys, Moment
from syncd.config.messages import nearest, problems
from syncd.okr.goals import KeyResult, Plan
from syncd.okr.measures import FormulaMeasure, Leaf, ReadingMeasure, RecordMeasure
from syncd.okr.spans import Period, midnight
from syncd.okr.trial import Given
from syncd.sdk import Problem
from syncd.sdk.facts import Reading, Record, Scalar

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class MappingTest:
    """One test of a mapping file: as of a moment, on given facts, what is expected by key result or objective."""

    name: str
    document: Document
    place: Place
    plan: Plan
    at: datetime
    given: Given
    expect: Mapping[str, ExpectKeys]


@dataclass(slots=True)
class MappingTestReader:
    """Reads the tests of one file against the plan of its period, and gathers every problem on the way."""

    document: Document
    plan: Plan
    problems: list[Problem] = field(default_factory=list)

    def read(self, tests: Sequence[MappingTestKeys]) -> Iterator[MappingTest]:
        """The tests, in order."""
        measured = {key_result.id: key_result for key_result in self.plan.measured}
        objectives = {objective.id for objective in self.plan.objectives}
        for index, keys in enumerate(tests):
            place: Place = ("tests", index)
            at = _moment(keys.at, self.plan.period, last=True)
            given = _Gathered()
            for name, facts in keys.given.items():
                where = (*place, "given", name)
                if name not in measured:
                    self._say(where, f"there is no key result {name!r}{nearest(name, measured)}")
                    continue
                self._given(measured[name], facts, where, at, given)
            for name, expected in keys.expect.items():
                self._check_expected(name, expected, measured, objectives, (*place, "expect", name))
            found = Given(given.records, given.readings, given.numbers)
            yield MappingTest(keys.name, self.document, place, self.plan, at, found, keys.expect)

    def _given(self, kr: KeyResult, facts: Any, where: Place, at: datetime, given: _Gathered) -> None:
        if facts is None or isinstance(facts, int | float):
            try:
                given.numbers[kr.id] = None if facts is None else float(no_truth_value(facts))
            except ValueError as error:
                self._say(where, f"{kr.id} {error}")
            return
        measure = kr.measure
        if measure is None:
            self._say(where, f"{kr.id} has no measure: give it a number, as a check-in would")
        elif not isinstance(measure, FormulaMeasure):
            self._leaf(measure, facts, where, at, given)
        elif not isinstance(facts, dict):
            self._say(where, f"{kr.id} is a formula: give each of its parts: {', '.join(dict(measure.parts))}")
        else:
            parts = dict(measure.parts)
            for name, inner in facts.items():
                if name in parts:
                    self._leaf(parts[name], inner, (*where, name), at, given)
                else:
                    self._say((*where, name), f"{kr.id} has no part {name!r}{nearest(name, parts)}")

    def _leaf(self, measure: Leaf, facts: Any, where: Place, at: datetime, given: _Gathered) -> None:
        if not isinstance(facts, list):
            what = "records" if isinstance(measure, RecordMeasure) else "readings"
            number = "a number, null, or " if len(where) == 4 else ""  # a part of a formula has facts alone
            self._say(where, f"{where[-1]} must be {number}a list of {what}")
            return
        if (first := given.places.setdefault(measure, where)) is not where:
            names = " and ".join("/".join(map(str, place[3:])) for place in (first, where))
            self._say(where, f"{names} have the same measure; give its facts once, for both")
            return
        for index, item in enumerate(facts):
            model = GivenRecord if isinstance(measure, RecordMeasure) else GivenReading
            try:
                keys = model.model_validate(item)
            except ValidationError as error:
                self.problems.extend(problems(error, model, self.document, (*where, index)))
                continue
            if isinstance(measure, RecordMeasure) and isinstance(keys, GivenRecord):
                name = "/".join(map(str, (*where[3:], index)))
                given.records.setdefault(measure, []).extend(_records(keys, name, measure, self.plan.period, at))
            elif isinstance(measure, ReadingMeasure) and isinstance(keys, GivenReading):
                given.readings.setdefault(measure, []).extend(_readings(keys, index, self.plan.period))
        if not facts:
            given.set_empty(measure)

    def _check_expected(
        self, name: str, expected: ExpectKeys, measured: Mapping[str, KeyResult], objectives: set[str], where: Place
    ) -> None:
        said = expected.model_fields_set
        if name in measured:
            for key in said & {"activity"}:
                self._say((*where, key), f"{name} is a key result, and only an objective has {key!r}")
            for outcome in expected.alignment.keys() - {link.outcome for link in measured[name].drives}:
                self._say((*where, "alignment", outcome), f"{name} does not drive {outcome!r}")
        elif name in objectives:
            for key in said - {"score", "activity", "health"}:
                self._say((*where, key), f"{name} is an objective, and has no {key!r}; it has score, activity, health")
        else:
            known = [*measured, *objectives]
            self._say(where, f"there is no key result or objective {name!r}{nearest(name, known)}")

    def _say(self, place: Place, message: str) -> None:
        self.problems.append(self.document.problem(place, message))


@dataclass(slots=True)
class _Gathered:
    records: dict[RecordMeasure, list[Record]] = field(default_factory=dict)
    readings: dict[ReadingMeasure, list[Reading]] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    places: dict[Leaf, Place] = field(default_factory=dict)

    def set_empty(self, measure: Leaf) -> None:
        if isinstance(measure, RecordMeasure):
            self.records.setdefault(measure, [])
        else:
            self.readings.setdefault(measure, [])


def _moment(given: Moment, period: Period, *, last: bool = False) -> datetime:
    """A time in the period's zone; of a day its first instant, or its `last`."""
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=period.zone)
    return midnight(given + timedelta(days=1), period.zone) - _INSTANT if last else midnight(given, period.zone)


def _records(keys: GivenRecord, name: str, measure: RecordMeasure, period: Period, at: datetime) -> Iterator[Record]:
    """The records as a source showed them at a moment: what came later was not there yet, or not done."""
    created = _moment(keys.created, period) if keys.created is not None else None
    done = _moment(keys.done, period) if keys.done is not None else None
    if created is not None and created > at:
        return
    if done is not None and done > at:
        done = None
    fields: dict[str, Sequence[Scalar]] = {
        field_name: [_scalar(one) for one in (value if isinstance(value, list) else [value]) if one is not None]
        for field_name, value in (keys.model_extra or {}).items()
    }
    if done is not None and created is not None:
        fields.setdefault("lead_time", [(done - created) / timedelta(days=1)])
    why = keys.not_done or (None if done else "open")
    for number in range(1, keys.times + 1):
        own = f"{name}/{number}"
        counts = None if keys.not_done else done
        yield Record(own, own, "", "", done or created or at, created, counts, why, fields, measure.kind)


def _readings(keys: GivenReading, index: int, period: Period) -> Iterator[Reading]:
    if keys.value is None and keys.problem is None:
        return  # a blank is no reading
    moment = _moment(keys.date, period) if keys.date is not None else None
    raw = keys.problem if keys.value is None else f"{keys.value:g}"
    yield Reading(keys.value, f"given {index + 1}", raw or "", moment, keys.problem if keys.value is None else None)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool):
        return str(value).lower()
    return float(value) if isinstance(value, int) else value
