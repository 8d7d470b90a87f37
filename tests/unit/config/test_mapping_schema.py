"""The JSON Schema of mapping files accepts what `validate` accepts, in every form, and refuses a typo in a key."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from syncd.config.document import parse_document, read_document
from syncd.config.json_schema import mapping_schema
from syncd.config.keys import Day, Number
from syncd.sdk import ConfigError

ROOT = Path(__file__).parents[3]
FILES = [*sorted((ROOT / "mappings").glob("*.yaml")), *sorted((ROOT / "docs/cookbook/mappings").glob("*.yaml"))]
NAMES = {"parts", "given", "expect", "alignment", "where", "row", "body"}
"""The keys below these keys are names that the author chose."""

Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    document = json.loads(json.dumps(mapping_schema()))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def places(data: Any, place: Place = ()) -> Iterator[Place]:
    """The place of every key of a document."""
    if isinstance(data, dict):
        for key, inner in data.items():
            yield (*place, key)
            yield from places(inner, (*place, key))
    elif isinstance(data, list):
        for index, inner in enumerate(data):
            yield from places(inner, (*place, index))


def is_a_name(place: Place) -> bool:
    holder = place[:-1]
    if holder in (("measures",), ("defaults", "measures")):
        return True
    if place[0] == "tests" and "given" in holder:
        return True  # key results, parts of formulas, and fields of records
    return holder[-1:] != () and holder[-1] in NAMES


def mistyped(data: Any, place: Place) -> Any:
    """The document with a letter too many in one of its keys."""
    broken = copy.deepcopy(data)
    holder = broken
    for part in place[:-1]:
        holder = holder[part]
    holder[f"{place[-1]}x"] = holder.pop(place[-1])
    return broken


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_accepts_every_example_file(path: Path, schema: Draft202012Validator) -> None:
    errors = [f"{list(error.absolute_path)}: {error.message[:200]}" for error in schema.iter_errors(_data(path))]
    assert errors == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_refuses_a_typo_in_any_key(path: Path, schema: Draft202012Validator) -> None:
    data = _data(path)
    keys = [place for place in places(data) if not is_a_name(place)]
    assert len(keys) > 20
    # A typo in the second key result is the same as in the first.
    kinds = {(*(part for part in place if isinstance(part, str)),): place for place in keys}
    assert [place for place in kinds.values() if schema.is_valid(mistyped(data, place))] == []


@pytest.mark.parametrize(
    "measure",
    [
        "calls",
        "{use: calls}",
        "{use: calls, window: 28d, take: first}",
        "{formula: a / b, parts: {a: calls, b: {use: calls, take: sum}}}",
        "{formula: a / b, from: local, window: {settled: 14d}, parts: {a: {cell: B2}, b: {}}}",
    ],
)
def test_the_schema_accepts_every_form_of_a_measure(measure: str, schema: Draft202012Validator) -> None:
    assert schema.is_valid(_file(measure))
    assert schema.is_valid({**_file("calls"), "measures": {"x": _file(measure)["measures"]["calls"]}})


def test_a_default_lends_what_a_measure_lacks(schema: Draft202012Validator) -> None:
    for measure in ("{from: local}", "{from: local, cell: B2}", "{from: local, query: SELECT 1 AS n}"):
        lent = {"measures": {"local": {"file": "calls.csv", "cell": "B3"}}}
        assert not schema.is_valid(_file(measure))
        assert schema.is_valid({**_file(measure), "defaults": lent})


@pytest.mark.parametrize(
    "measure",
    [
        "{use: calls, windw: 28d}",
        "{take: first}",
        "{formula: a / b}",
        "{formula: a, parts: {a: {from: local, cel: B2}}}",
        "{formula: a, parts: {a: {from: local, take: most}}}",
        "{from: local, cell: B2, jql: project = KB}",
        "3",
    ],
)
def test_the_schema_refuses_what_is_no_measure(measure: str, schema: Draft202012Validator) -> None:
    assert not schema.is_valid(_file(measure))


@pytest.mark.parametrize(
    ("given", "expect", "valid"),
    [
        ("3", "{value: 3, progress: 18%, health: on_track, alignment: {calls: working}}", True),
        ("null", "{value: null, score: -2.5 %, level: null}", True),
        ("[{date: 2026-11-01, value: 3}, {problem: '#REF!'}, {value: null}]", "{value: 3}", True),
        ("[{done: 2026-11-01, times: 3, label: [a, b], Story Points: 3}, {}]", "{value: 3}", True),
        ("{won: [{value: 3}], lost: []}", "{value: 3}", True),
        ("[{dat: 2026-11-01, value: 3}]", "{value: 3}", False),
        ("3", "{value: many}", False),
        ("3", "{valeu: 3}", False),
        ("3", "{health: ontrack}", False),
        ("many", "{value: 3}", False),
    ],
)
def test_the_schema_checks_what_a_test_gives_and_expects(
    given: str, expect: str, valid: bool, schema: Draft202012Validator
) -> None:
    test = f"{{name: n, at: 2026-11-20, given: {{calls: {given}}}, expect: {{calls: {expect}}}}}"
    assert schema.is_valid({**_file("calls"), "tests": [parse_document(test, "test").data]}) is valid


BAD = sorted((ROOT / "tests/fixtures/bad/mapping").glob("*.yaml"))
SEEN_BY_VALIDATE_ALONE = {
    # what other files, syncd.yaml or another key decide
    "defaults_of_an_unknown_connection", "defaults_that_a_named_measure_cannot_have",
    "drives_an_outcome_twice", "drives_an_output", "drives_nothing_that_is",
    "http_graphql_elsewhere", "http_post_that_nobody_allowed",
    "id_of_objective_and_key_result",
    "id_twice", "measure_by_an_unknown_name", "measure_from_nowhere", "measure_is_a_text", "measures_in_a_circle",
    "test_with_an_author_of_no_kind",
    "moved_from_itself", "moved_from_what_is_defined", "moved_twice_from_the_same", "objective_without_key_results",
    "rolled_up_from_none", "supports_in_a_circle", "supports_nothing_that_is",
    # comparisons of numbers and days
    "keep_upside_down", "levels_in_disorder", "levels_on_both_sides_of_the_baseline",
    "levels_towards_the_baseline", "milestone_after_the_period",
    "milestones_that_go_down", "pace_step_outside_the_period", "pace_that_goes_back", "period_ends_before_it_starts",
    "plausible_upside_down", "rate_per_week_of_six_days", "target_beyond_every_number", "target_is_baseline",
    # texts in languages of their own
    "environment_of_another", "formula_too_deep", "formula_with_an_unknown_part",
    "http_day_in_the_text_of_a_query", "http_days_in_utc_by_hand", "http_days_that_are_sent_as_they_are",
    "http_query_in_a_parameter",
    "http_days_that_cannot_be_filled_in", "http_last_day_as_its_first_instant",
    "http_pages_without_a_first", "http_undeclared_variable",
    "jmespath_deeper_than_python", "jmespath_too_deep",
    "jmespath_with_a_fault", "jmespath_with_the_step_0", "part_that_is_not_used",
    # how a number is written
    "condition_by_a_number_that_is_a_text", "condition_by_a_truth_value_that_is_a_text",
    "condition_of_a_default_is_a_text", "given_record_by_a_number_that_is_a_text",
    "lookup_by_a_number_that_is_a_text", "parameter_by_a_number_that_is_a_text",
}  # fmt: skip


def broken() -> Iterator[tuple[str, Any]]:
    """The files of the corpus that are YAML, each with its data."""
    for path in BAD:
        try:
            yield path.stem, _data(path)
        except ConfigError:
            continue  # an editor says itself what is no YAML


def test_the_schema_refuses_what_validate_refuses_as_far_as_it_can(schema: Draft202012Validator) -> None:
    files = dict(broken())
    passing = {name for name, data in files.items() if schema.is_valid(data)}
    assert passing == SEEN_BY_VALIDATE_ALONE
    assert len(files) - len(passing) >= 165


@given(text=st.text("01234567890123.+-e, %", min_size=1, max_size=8))
@example(text="40")
@example(text="4.000")
@example(text="40 %")
def test_a_number_in_quotes_is_a_number_to_both(text: str, schema: Draft202012Validator) -> None:
    data = _file("calls")
    data["objectives"][0]["key_results"][0]["target"] = text
    try:
        TypeAdapter(Number).validate_python(text)
    except ValidationError as error:
        accepted = "choose a larger unit" in str(error)  # only a schema of numbers bounds them
    else:
        accepted = True
    assert schema.is_valid(data) is accepted


@given(day=st.dates() | st.datetimes().map(datetime.isoformat) | st.integers() | st.booleans() | st.text("0123-T:Z"))
@example(day="2026-10-01T00:00:00Z")
@example(day="2026-W45-5")
@example(day=20261001)
def test_what_validate_takes_for_a_day_is_a_day_to_the_schema(day: object, schema: Draft202012Validator) -> None:
    written = day.isoformat() if isinstance(day, date) else day
    try:
        TypeAdapter(Day).validate_python(written)
    except ValidationError:
        assert not (isinstance(day, date) and 1900 <= day.year <= 2999)
    else:
        period = {"start": written, "end": written}
        assert schema.is_valid({**_file("calls"), "period": period})


def test_every_refusal_is_a_sentence(schema: Draft202012Validator) -> None:
    """Nobody is told that a value meets none of several schemas, or does not match a pattern."""
    riddles = [
        (name, error.json_path, error.validator)
        for name, data in broken()
        for error in schema.iter_errors(data)
        if error.validator in ("anyOf", "oneOf", "not", "pattern", None)  # None: `false`
        and not (isinstance(error.schema, dict) and error.schema.get("errorMessage"))
    ]
    assert riddles == []


def test_a_mistake_is_shown_once(schema: Draft202012Validator) -> None:
    for name, data in broken():
        shown = [(error, error.schema) for error in schema.iter_errors(data)]
        messages = [
            (error.json_path, of.get("errorMessage", error.message) if isinstance(of, dict) else error.message)
            for error, of in shown
        ]
        assert len(messages) == len(set(messages)), name


def test_a_file_has_objectives_or_measures_alone(schema: Draft202012Validator) -> None:
    whole = _file("calls")
    alone = {"measures": whole["measures"]}
    assert schema.is_valid(alone)
    assert not schema.is_valid({})
    assert not schema.is_valid({"defaults": {}})
    assert not schema.is_valid({**alone, "period": "2026-Q4"})
    assert not schema.is_valid({key: value for key, value in whole.items() if key != "period"})
    assert not schema.is_valid({**alone, "tests": []})


def _file(measure: str) -> Any:
    text = f"""
period: 2026-Q4
measures: {{calls: {measure if measure.startswith("{") else "{from: local, file: calls.csv, cell: B2}"}}}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {{id: calls, title: Calls fall, kind: outcome, target: 6, measure: {measure}}}
"""
    return parse_document(text, "okrs.yaml").data


def _data(path: Path) -> Any:
    return read_document(path, path.name).data
