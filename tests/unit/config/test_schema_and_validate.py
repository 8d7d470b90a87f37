"""The JSON Schema and `validate` judge changed measures alike, as far as JSON Schema can say it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from examples import NIGHTLY
from jsonschema import Draft202012Validator
from test_bad_files import PROJECT

from syncd.config import load_config
from syncd.config.document import parse_document
from syncd.config.json_schema import mapping_schema
from syncd.sdk import ConfigError

MEASURES = """
- {from: code, repo: acme/web, what: merged_pull_requests, where: {author_is: person}, take: count, window: 28d}
- {from: code, repo: [acme/web], what: deployed_pull_requests, environment: staging, take: median, of: lead_time}
- {from: lab, project: acme/web, what: merged_merge_requests, where: {label: bug}, take: count}
- {from: tickets, jql: project = KB, take: sum, of: Story Points, window: {since: 2026-10-01}}
- {from: numbers, spreadsheet: 1AbC, series: {dates: "S!A2:A", values: "S!B2:B"}, take: latest}
- {from: local, file: calls.csv, lookup: {table: "A1:C", row: {Team: web}, column: NPS}, delimiter: ";"}
- {from: metrics, path: /v1/nps, json: "points[].[day, v]", params: {page: 1}, pages: {page: page}}
- {from: metrics, path: /graphql, json: data.a, graphql: "query($n: Int) { a(n: $n) }", variables: {n: 3}}
- {from: warehouse, query: SELECT 1 AS n, value: n}
- {from: warehouse, query: "SELECT id, at FROM t", id: id, at: at, take: count}
"""
VALUES = """
- null
- true
- 3
- ""
- x
- a
- 5h
- 48h
- a/b
- []
- [a/b]
- {}
- {next: link, param: x}
- {next: a, page: b}
- {param: x}
- {author_is: robot}
- {environment: "prod*"}
- {not_environment: x}
- {lead_time_at_most: 1d}
- {lead_time_at_most: 1}
- {lead_time_at_least: "2026-11-01"}
- {title_at_least: 5}
- {draft: "no"}
- {not_draft: [true, "yes"]}
- {draft: null}
- {draft: "true"}
- {draft: []}
- {not_draft: [true]}
- {draft_at_least: 1}
- {title_at_least: "2026-11-01"}
- {size_at_least: 5d}
- {settled: 5h}
- {thousands: "."}
- {date: "%d"}
- deployments
- POST
- "{ calls { total } }"
- DELETE FROM t
- week
"""
KEY_RESULT = """
id: calls
title: Calls fall
kind: output
owner: support
unit: calls
baseline: 10
target: 6
weight: 1
pace: {steps: [{by: 2026-11-01, value: 8}]}
confidence: 0.5
stale_after: 3d
plausible: {at_least: 1, at_most: 100, jump: 10}
guard: {title: Nobody waits, measure: {from: local, file: a.csv, cell: B2}, keep: {at_least: 1}, stale_after: 3d}
drives: [{outcome: visits, lag: 1w}]
lag: 2w
moved: {from: old}
ignore: [no-lag]
measure: {from: local, file: a.csv, cell: B2, take: latest, window: 28d, as: {percent: true, decimal: ","}}
"""
BEYOND = re.compile(
    r"is no (JMESPath|GraphQL)|does not declare|there is no measure|does not give the first|whose first is"
    r"|query begins with|is no formula|is none of its parts|reads several lists"
)
"""What no JSON Schema can see: texts in languages of their own, and names that two places must share."""


def _list(text: str) -> list[Any]:
    data = parse_document(f"items: {text}" if text.startswith("[") else f"items:{text}", "items").data
    assert isinstance(data, dict)
    return list(data["items"])


def changes(measure: dict[str, Any], keys: list[str]) -> Iterator[dict[str, Any]]:
    """The measure without a key, and with another value of a key."""
    for key in measure.keys() - {"from"}:
        yield {name: value for name, value in measure.items() if name != key}
    for key in keys:
        for value in _list(VALUES):
            yield {**copy.deepcopy(measure), key: value}


@pytest.mark.parametrize("measure", _list(MEASURES), ids=lambda measure: "-".join(measure)[:40])
def test_the_schema_refuses_what_validate_refuses(
    measure: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncd.yaml").write_text(PROJECT.replace("metrics.example", "metrics.example/graphql"))
    schema = json.loads(json.dumps(mapping_schema()))
    validator = Draft202012Validator(schema)
    keys = sorted(
        {key for other in _list(MEASURES) for key in other} - {"from"} | {"as", "per", "environment", "pages"}
    )
    stricter, laxer, riddles = [], [], []
    for changed in islice(changes(measure, keys), 0, None, 1 if NIGHTLY else 17):
        key_result = {"id": "calls", "title": "Calls fall", "kind": "output", "target": 6, "measure": changed}
        objective = {"id": "service", "title": "Customers find answers", "key_results": [key_result]}
        text = json.dumps({"period": "2026-Q4", "objectives": [objective]}, default=str)
        (tmp_path / "okrs.yaml").write_text(text)
        errors = list(validator.iter_errors(parse_document(text, "okrs.yaml").data))
        riddles += [
            (changed, error.message)
            for error in errors
            if error.validator in ("anyOf", "oneOf", "not", "pattern", "const", None)
            and not (isinstance(error.schema, dict) and error.schema.get("errorMessage"))
        ]
        try:
            load_config(tmp_path / "syncd.yaml")
        except ConfigError as error:
            if not errors and not BEYOND.search(str(error)):
                laxer.append((changed, str(error)))
        else:
            stricter += [(changed, error.message) for error in errors]
    assert (stricter, laxer, riddles) == ([], [], [])


def blanked(data: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every copy of the data with the value of a single key left blank, and the place of the key."""
    for key, inner in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        for place, changed in [((), None), *blanked(inner)]:
            copied = copy.copy(data)
            copied[key] = changed
            yield (key, *place), copied


def test_no_blank_key_of_a_key_result_passes_that_the_schema_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    validator = Draft202012Validator(json.loads(json.dumps(mapping_schema())))
    visits = {"id": "visits", "title": "Visits rise", "kind": "outcome", "target": 6}
    whole, passing = parse_document(KEY_RESULT, "key result").data, []
    for place, key_result in [((), whole), *blanked(whole)]:
        objective = {"id": "service", "title": "Customers find answers", "key_results": [key_result, visits]}
        file = {"period": "2026-Q4", "objectives": [objective]}
        (tmp_path / "okrs.yaml").write_text(json.dumps(file))
        try:
            load_config(tmp_path / "syncd.yaml")
        except ConfigError:
            continue
        passing.append(place)
        assert validator.is_valid(file), place
    assert () in passing
    assert ("guard",) in passing
    assert ("measure",) not in passing
