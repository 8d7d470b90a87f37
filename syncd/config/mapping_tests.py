"""Reads the `tests:` of a mapping file: the given facts, and the expected results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from syncd.config.conditions import compared_text, misread
from syncd.config.document import Document, Place
from syncd.config.keys import no_truth_value, within_whole_numbers
from syncd.config.mapping import holds_measures_alone
from syncd.config.mapping_test_keys import ExpectKeys, GivenReading, GivenRecord, MappingTestKeys, Moment
from syncd.config.messages import nearest, validation_problems
from syncd.config.number_advice import instead_of
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import FormulaMeasure, Leaf, ReadingMeasure, RecordMeasure
from syncd.okr.spans import Period, midnight
from syncd.okr.trial import Given
from syncd.sdk import Problem
from syncd.sdk.facts import Reading, Record, Scalar, lead_time
from syncd.sdk.number_texts import quoted

M = TypeVar("M", bound=BaseModel)

_INSTANT = timedelta(microseconds=1)


@dataclass(slots=True)
class _Written:
    """A test's facts by measure, as they are written in the file. `places` has the place of each measure's facts."""

    records: dict[RecordMeasure, list[tuple[str, GivenRecord]]] = field(default_factory=dict)
    readings: dict[ReadingMeasure, list[GivenReading]] = field(default_factory=dict)
    numbers: dict[str, float | None] = field(default_factory=dict)
    places: dict[Leaf, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappingTest:
    """A test of a mapping file: given facts, a moment, and the results that key results and objectives should have
    then.
    """

    name: str
    document: Document
    place: Place
    okrs: PeriodOkrs
    at: datetime
    expect: Mapping[str, ExpectKeys]
    _facts: _Written

    def given(self) -> Given:
        """The given facts. Records are built only when this is called, because checking the files does not need them,
        and a test may have thousands.
        """
        period = self.okrs.period
        records = {
            measure: [record for name, keys in written for record in _records(keys, name, measure, period, self.at)]
            for measure, written in self._facts.records.items()
        }
        readings = {
            measure: [reading for number, keys in enumerate(written, 1) for reading in _readings(keys, number, period)]
            for measure, written in self._facts.readings.items()
        }
        return Given(records, readings, self._facts.numbers)


def read_test_keys(document: Document, problems: list[Problem]) -> Iterator[tuple[int, MappingTestKeys]]:
    """The valid tests of a file, each with its index. `MappingFile` reports a value that is not a list of blocks."""
    data = document.data
    tests = data.get("tests") if isinstance(data, dict) and not holds_measures_alone(data) else None
    for index, test in enumerate(tests if isinstance(tests, list) else []):
        try:
            if isinstance(test, dict):
                yield index, MappingTestKeys.model_validate(test)
        except ValidationError as error:
            problems.extend(validation_problems(error, MappingTestKeys, document, ("tests", index)))


@dataclass(slots=True)
class MappingTestReader:
    """Reads the tests of a file, checks them against the OKRs of the file's period, and collects their problems."""

    document: Document
    okrs: PeriodOkrs
    problems: list[Problem] = field(default_factory=list)

    def read(self, tests: Iterable[tuple[int, MappingTestKeys]]) -> Iterator[MappingTest]:
        """The tests, in the order of the file."""
        measured = self.okrs.by_id
        for index, keys in tests:
            place: Place = ("tests", index)
            at = _moment(keys.at, self.okrs.period, last=True)
            given = _Written()
            for name, facts in keys.given.items():
                where = (*place, "given", name)
                if name not in measured:
                    self._report(where, f"there is no key result {name!r}{nearest(name, measured)}")
                    continue
                self._given(measured[name], facts, where, given)
            for name, expected in keys.expect.items():
                self._check_expected(name, expected, (*place, "expect", name))
            yield MappingTest(keys.name, self.document, place, self.okrs, at, keys.expect, given)

    def _given(self, kr: KeyResult, facts: Any, where: Place, given: _Written) -> None:
        if facts is None or isinstance(facts, int | float):
            try:
                given.numbers[kr.id] = None if facts is None else float(within_whole_numbers(no_truth_value(facts)))
            except ValueError as error:
                self._report(where, f"{kr.id} {error}")
            return
        measure = kr.measure
        if isinstance(facts, str):
            self._report(where, f"{kr.id} is {quoted(facts)}; {instead_of(facts, unit=False)}")
        elif measure is None:
            self._report(where, f"{kr.id} has no measure: give it a number, as a check-in would")
        elif not isinstance(measure, FormulaMeasure):
            self._leaf(measure, facts, where, given)
        elif not isinstance(facts, dict):
            self._report(where, f"{kr.id} is a formula: give each of its parts: {', '.join(dict(measure.parts))}")
        else:
            parts = dict(measure.parts)
            for name, inner in facts.items():
                if name in parts:
                    self._leaf(parts[name], inner, (*where, name), given)
                else:
                    self._report((*where, name), f"{kr.id} has no part {name!r}{nearest(name, parts)}")

    def _leaf(self, measure: Leaf, facts: Any, where: Place, given: _Written) -> None:
        if not isinstance(facts, list):
            what = "records" if isinstance(measure, RecordMeasure) else "readings"
            number = "a number, null, or " if len(where) == 4 else ""  # a part of a formula has only facts
            self._report(where, f"{where[-1]} must be {number}a list of {what}")
            return
        if (first := given.places.setdefault(measure, where)) is not where:
            names = " and ".join("/".join(map(str, place[3:])) for place in (first, where))
            self._report(where, f"{names} have the same measure; give its facts once, for both")
            return
        if isinstance(measure, RecordMeasure):
            own = "/".join(map(str, where[3:]))
            compares_kind = "author_is" in measure.fields
            compared = {rule.field for rule in measure.filters if rule.any_of}
            compared.update(measure.of_fields if measure.take == "distinct" else ())
            for index in range(len(facts)) if compared else ():
                self.problems += misread(
                    self.document, (*where, index), lambda key, value: compared_text(value) if key in compared else None
                )
            given.records[measure] = [
                (f"{own}/{index}", self._with_author_is(keys, (*where, index)) if compares_kind else keys)
                for index, keys in self._each(GivenRecord, facts, where)
            ]
        else:
            given.readings[measure] = [keys for _, keys in self._each(GivenReading, facts, where)]

    def _with_author_is(self, keys: GivenRecord, where: Place) -> GivenRecord:
        """The record with `author_is: bot` if its author's login ends in [bot], as a source would give it. Reports any
        other author without `author_is`, because the login does not say whether the author is a person.
        """
        fields = keys.model_extra or {}
        author = fields.get("author")
        names = [name for name in (author if isinstance(author, list) else [author]) if name is not None]
        if not names or "author_is" in fields:
            return keys
        if all(str(name).endswith("[bot]") for name in names):
            return keys.model_copy(update={"author_is": "bot"})
        self._report(
            (*where, "author"),
            f"author is {quoted(' and '.join(map(str, names)))} without author_is, which the measure compares; "
            "write author_is: person beside it, or author_is: bot",
        )
        return keys

    def _each(self, model: type[M], facts: Sequence[Any], where: Place) -> Iterator[tuple[int, M]]:
        for index, item in enumerate(facts):
            try:
                yield index, model.model_validate(item)
            except ValidationError as error:
                self.problems.extend(validation_problems(error, model, self.document, (*where, index)))

    def _check_expected(self, name: str, expected: ExpectKeys, where: Place) -> None:
        keys, measured, objectives = expected.model_fields_set, self.okrs.by_id, self.okrs.objectives_by_id
        if name in measured:
            for key in keys & {"activity"}:
                self._report((*where, key), f"{name} is a key result, and only an objective has {key!r}")
            for outcome in expected.alignment.keys() - {link.outcome for link in measured[name].drives}:
                self._report((*where, "alignment", outcome), f"{name} does not drive {outcome!r}")
        elif name in objectives:
            for key in keys - {"score", "activity", "health"}:
                self._report(
                    (*where, key), f"{name} is an objective, and has no {key!r}; it has score, activity, health"
                )
        else:
            names = [*measured, *objectives]
            self._report(where, f"there is no key result or objective {name!r}{nearest(name, names)}")

    def _report(self, place: Place, message: str) -> None:
        self.problems.append(self.document.problem(place, message))


def _moment(given: Moment, period: Period, *, last: bool = False) -> datetime:
    """A time in the period's zone. A day becomes its first instant, or with `last` its last instant."""
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=period.zone)
    return midnight(given + timedelta(days=1), period.zone) - _INSTANT if last else midnight(given, period.zone)


def _records(keys: GivenRecord, name: str, measure: RecordMeasure, period: Period, at: datetime) -> Iterator[Record]:
    """The records as a source would have shown them at the moment `at`.

    Records created after `at` are left out. Records done after `at` are still open.
    """
    created = _moment(keys.created, period) if keys.created is not None else None
    done = _moment(keys.done, period) if keys.done is not None else None
    if created is not None and created > at:
        return
    if done is not None and done > at:
        done = None
    fields: dict[str, Sequence[Scalar]] = {
        field_name: [
            _scalar(value) for value in (values if isinstance(values, list) else [values]) if value is not None
        ]
        for field_name, values in (keys.model_extra or {}).items()
    }
    fields.setdefault("lead_time", lead_time(created, done))
    fields.setdefault("created", [created.isoformat()] if created is not None else [])  # a field of Jira
    not_done = keys.not_done or (None if done else "open")
    done_at = None if keys.not_done else done
    for number in range(1, keys.times + 1):
        id_ = f"{name}/{number}"
        yield Record(id_, id_, "", "", done or created or at, created, done_at, not_done, fields, measure.kind)


def _readings(keys: GivenReading, number: int, period: Period) -> Iterator[Reading]:
    if keys.value is None and keys.problem is None:
        return  # a blank cell is no reading
    moment = _moment(keys.date, period) if keys.date is not None else None
    raw = keys.problem if keys.value is None else f"{keys.value:g}"
    yield Reading(keys.value, f"given {number}", raw or "", moment, keys.problem if keys.value is None else None)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool):
        return str(value).lower()
    return float(value) if isinstance(value, int) else value
