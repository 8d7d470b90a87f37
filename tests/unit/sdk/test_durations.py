"""Durations and timeouts as people write them: what is read, and what to write instead."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from syncd.config import load_config
from syncd.config.document import parse_document
from syncd.config.json_schema import project_schema
from syncd.sdk import ConfigError, Duration, DurationOfDays

SERVER = 'type: http, url: "https://a.example"'
CONNECTIONS = {
    "http": SERVER,
    "sheets": 'type: sheets, token: "${TOKEN}"',
    "sql": 'type: sql, url: "sqlite:///shop.db"',
    "jira": 'type: jira, url: "https://a.example", token: "${TOKEN}"',
}


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads(json.dumps(project_schema())))


def settings(folder: Path, keys: str) -> Any:
    (folder / "mappings.yaml").write_text(
        "period: 2026-Q4\nobjectives: [{id: o, title: It, key_results: [{id: k, title: It, kind: output, target: 1}]}]"
    )
    (folder / "syncd.yaml").write_text(f"mappings: mappings.yaml\nconnections: {{c: {{{keys}}}}}\n")
    return load_config(folder / "syncd.yaml").connections["c"].settings


def document(connection: str, timeout: Any) -> Any:
    keys = parse_document(f"{{{CONNECTIONS[connection]}}}", "connection").data
    return {"connections": {"c": {**keys, "timeout": timeout}}}


@pytest.mark.parametrize("name", CONNECTIONS)
@pytest.mark.parametrize(("text", "seconds"), [("10", 10), ("0.5", 0.5), ("10s", 10), ("2m", 120), ("'10s'", 10)])
def test_a_timeout_is_a_number_of_seconds_or_a_duration(tmp_path: Path, name: str, text: str, seconds: float) -> None:
    assert settings(tmp_path, f"{CONNECTIONS[name]}, timeout: {text}").timeout == seconds


@pytest.mark.parametrize("name", CONNECTIONS)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("soon", "timeout is 'soon'; write a number of seconds, or a duration such as 30s"),
        ("true", "timeout is true; write a number of seconds, or a duration such as 30s"),
        ("10 min", "timeout is '10 min'; write a number of seconds, or a duration such as 30s"),
        ("1e9", "timeout is 1000000000 seconds; it must be more than 0 and at most an hour: write such as 30 or 30s"),
        ("2h", "timeout is 7200 seconds; it must be more than 0 and at most an hour: write such as 30 or 30s"),
        ("0s", "timeout is 0 seconds; it must be more than 0 and at most an hour: write such as 30 or 30s"),
        ("[10]", "timeout must be a number, not a list"),
    ],
)
def test_any_other_timeout_is_refused_with_what_to_write(tmp_path: Path, name: str, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, f"{CONNECTIONS[name]}, timeout: {text}")
    assert [problem.message for problem in caught.value.problems] == [why]


def test_a_timeout_ends_before_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="c has a timeout of 90 s, which is longer than its deadline of 60 s; write a"
    ):
        settings(tmp_path, f"{SERVER}, timeout: 90s, deadline: 60s")
    assert settings(tmp_path, f"{SERVER}, timeout: 60, deadline: 1m").longest_request == 60


@pytest.mark.parametrize(
    ("keys", "seconds"), [("timeout: 2m", 120), ("timeout: 10s", 20), ("deadline: 10s", 10), ("timeout: 30", 60)]
)
def test_either_of_both_is_enough(tmp_path: Path, keys: str, seconds: float) -> None:
    """A deadline that is written holds, also where it is shorter than the timeout that nobody wrote."""
    assert settings(tmp_path, f"{SERVER}, {keys}").longest_request == seconds


def test_a_deadline_without_a_unit_may_be_meant_in_seconds(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="deadline is 60, but of what\\? write 60d, 60h, 60m or 60s"):
        settings(tmp_path, f"{SERVER}, deadline: 60")


@pytest.mark.parametrize("name", sorted(CONNECTIONS.keys() - {"sql"}))
@pytest.mark.parametrize("text", ["true", "false", "[]", "{}", ""])
def test_a_deadline_that_is_neither_text_nor_number_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, f"{CONNECTIONS[name]}, deadline: {text}")
    assert [problem.message for problem in caught.value.problems] == [
        "deadline is no duration; write a number and s, m, h, d or w, such as 15m or 10d"
    ]


@pytest.mark.parametrize("type_", [Duration, DurationOfDays])
@given(value=st.booleans() | st.none() | st.lists(st.integers()) | st.dictionaries(st.text(), st.booleans()))
def test_only_a_text_is_a_duration(type_: Any, value: object) -> None:
    with pytest.raises(ValidationError, match="is no duration; write a number and s, m, h, d or w"):
        TypeAdapter(type_).validate_python(value)


@pytest.mark.parametrize("name", CONNECTIONS)
@pytest.mark.parametrize("timeout", [10, 0.5, "10s", "2m", 3600])
def test_the_schema_accepts_every_form_of_a_timeout(schema: Draft202012Validator, name: str, timeout: Any) -> None:
    assert schema.is_valid(document(name, timeout))


@pytest.mark.parametrize("name", CONNECTIONS)
@pytest.mark.parametrize("timeout", [0, -1, 1e9, "soon", "10 min", True, None, [10]])
def test_the_schema_refuses_any_other_timeout(schema: Draft202012Validator, name: str, timeout: Any) -> None:
    assert not schema.is_valid(document(name, timeout))


def test_days_without_a_unit_are_not_meant_in_seconds() -> None:
    adapter = TypeAdapter[timedelta](DurationOfDays)
    assert adapter.validate_python("14d") == timedelta(days=14)
    with pytest.raises(ValidationError, match="is 14, but of what\\? write 14d or 14w"):
        adapter.validate_python(14)
