"""Lint of mapping files: what depends on the file, and the lines of findings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncd.config import Config, load_config
from syncd.ledger.definitions import definition, measure_digest
from syncd.okr.measures import RecordMeasure

CONNECTIONS = {
    "code": {"type": "github", "token": "${GITHUB_TOKEN}"},
    "tickets": {"type": "jira", "url": "https://acme.example", "token": "${JIRA_TOKEN}"},
}
PULLS = {"from": "code", "repo": "a/b", "what": "merged_pull_requests"}
ISSUES = {**PULLS, "what": "closed_issues"}
RELEASES = {**PULLS, "what": "releases"}


def config(folder: Path, **keys: Any) -> Config:
    """The configuration of an output with these keys, and the outcome that it drives."""
    calls = {"id": "calls", "title": "Calls", "kind": "outcome", "unit": "calls", "baseline": 2, "target": 1}
    work = {"id": "work", "title": "9 fixes", "kind": "output", "target": 9, "drives": "calls", "lag": "1w", **keys}
    score = {**calls, "id": "score"}
    objective = {"id": "service", "title": "Answers", "owner": "support", "key_results": [calls, score, work]}
    (folder / "syncd.yaml").write_text(yaml.safe_dump({"mappings": "okrs.yaml", "connections": CONNECTIONS}))
    mapping = {"period": "2026-Q4", "objectives": [objective]}
    (folder / "okrs.yaml").write_text(yaml.safe_dump(mapping, sort_keys=False))
    return load_config(folder / "syncd.yaml")


def rules_broken(folder: Path, **keys: Any) -> list[str]:
    return [finding.rule.id for _, finding in config(folder, **keys).findings()]


@pytest.mark.parametrize(
    "measure",
    [
        {**ISSUES, "where": {"state_reason": "not_planned"}},
        {**ISSUES, "where": {"state_reason": ["duplicate", "not_planned"], "label": "bug"}},
        {**RELEASES, "where": {"draft": "true"}},
        {"from": "tickets", "jql": "project = KB AND statusCategory != Done"},
        {"from": "tickets", "jql": 'statusCategory in ("To Do", "In Progress") ORDER BY rank'},
        {"from": "tickets", "jql": "type = Bug and statuscategory = 'in progress' AND project = KB"},
        {"from": "tickets", "jql": "project = KB && statusCategory NOT IN (Done)"},
    ],
)
def test_a_measure_that_its_source_rules_out_never_matches(measure: dict[str, Any], tmp_path: Path) -> None:
    assert rules_broken(tmp_path, measure=measure, ignore=["no-guard"]) == ["never-matches"]


@pytest.mark.parametrize(
    "measure",
    [
        {**ISSUES, "where": {"state_reason": ["completed", "not_planned"]}},
        {**ISSUES, "where": {"not_state_reason": "not_planned"}},
        {**ISSUES, "where": {"label": "duplicate"}},
        {**PULLS, "where": {"draft": False}},
        {**PULLS, "where": {"draft": True}},  # a push of its commits merges a draft
        {**RELEASES, "where": {"prerelease": True}},
        {"from": "tickets", "jql": "project = KB AND statusCategory = Done"},
        {"from": "tickets", "jql": 'statusCategory != "To Do"'},
        {"from": "tickets", "jql": "statusCategory in (Done, new)"},
        {"from": "tickets", "jql": "project = KB OR statusCategory != Done"},
        {"from": "tickets", "jql": "project = KB AND statusCategory != Done OR type = Bug"},
        {"from": "tickets", "jql": "project = KB AND (statusCategory != Done OR type = Bug)"},
        {"from": "tickets", "jql": "type = Bug OR project = KB AND statusCategory != Done"},
        {"from": "tickets", "jql": "(type = Bug OR project = KB AND statusCategory = new AND rank > 1)"},
        {"from": "tickets", "jql": "project = KB AND NOT statusCategory != Done"},
        {"from": "tickets", "jql": 'summary ~ "x AND statusCategory != Done"'},
        {"from": "tickets", "jql": "project = KB AND resolution is EMPTY"},
    ],
)
def test_a_measure_that_its_source_may_match_has_no_finding(measure: dict[str, Any], tmp_path: Path) -> None:
    assert rules_broken(tmp_path, measure=measure, ignore=["no-guard"]) == []


def test_a_definition_holds_neither_never_nor_ignore(tmp_path: Path) -> None:
    read = config(tmp_path, measure={**RELEASES, "where": {"draft": True}}, ignore=["no-guard"])
    (*_, work) = read.periods[0].key_results
    assert isinstance(work.measure, RecordMeasure)
    assert work.measure.never
    stored = definition(work, read.periods[0].period, read.shares, "okrs.yaml")
    assert "never" not in str(stored.body)
    assert "ignore" not in str(stored.body)
    assert stored.measure == measure_digest(replace(work.measure, never=None)) == "5174ab3dbd6dbe89ad76b78a"


@pytest.mark.parametrize(
    ("keys", "broken"),
    [
        ({"drives": "calls", "lag": "0d"}, False),
        ({"drives": [{"outcome": "calls"}], "lag": "0d"}, False),
        ({"drives": [{"outcome": "calls", "lag": "0d"}], "lag": None}, False),
        ({"drives": "calls", "lag": None}, True),
        ({"drives": [{"outcome": "calls", "lag": "1w"}, "score"], "lag": None}, True),
    ],
)
def test_a_lag_of_0_days_counts_as_a_lag(keys: dict[str, Any], broken: bool, tmp_path: Path) -> None:
    assert (rules_broken(tmp_path, **keys) == ["no-lag"]) is broken


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"title": "Calls fall to 2"}, "    title: Calls fall to 2"),
        ({"measure": PULLS}, "  - id: work"),
        ({"lag": None}, "    drives: calls"),
        ({"ignore": ["no-unit"]}, "    ignore:"),
    ],
)
def test_a_finding_has_the_line_of_the_key_that_it_is_about(keys: dict[str, Any], line: str, tmp_path: Path) -> None:
    ((problem, _),) = config(tmp_path, **keys).findings()
    assert (tmp_path / "okrs.yaml").read_text().splitlines()[problem.line - 1].strip() == line.strip()


@pytest.mark.parametrize(
    ("keys", "finding"),
    [
        ("baseline: 4.000, target: 5.500", "has baseline 4.000 and target 5.500, and YAML reads 4.000 as 4"),
        ("baseline: 4000, target: 5.500", "has target 5.500, and YAML reads 5.500 as 5.5"),
        ("levels: {commit: 4.000, target: 5000}, baseline: 3", "has commit 4.000, and YAML reads 4.000 as 4"),
        ("keep: {at_most: 5.500}", "has at_most 5.500, and YAML reads 5.500 as 5.5"),
        ("keep: {at_most: 5}, plausible: {at_most: 9.000}", "has at_most 9.000, and YAML reads 9.000 as 9"),
        ("baseline: 4000, target: 5500", None),
        ("baseline: 4.0, target: 5.5", None),
        ("baseline: 0.500, target: 4.25", None),
        ("baseline: 4, target: 5.1234", None),
    ],
)
def test_number_that_may_be_meant_as_thousands_is_a_finding(keys: str, finding: str | None, tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text("mappings: okrs.yaml\n")
    (tmp_path / "okrs.yaml").write_text(
        "period: 2026-Q4\nobjectives:\n  - id: growth\n    title: More people use it\n    owner: us\n"
        "    key_results:\n      - {id: members, title: Members rise from 4.000 to 5.500, kind: outcome, unit: people, "
        f"{keys}}}\n"
    )
    findings = load_config(tmp_path / "syncd.yaml").findings()
    messages = [found.message for _, found in findings if found.rule.id == "thousands-point"]
    assert [message.partition(";")[0] for message in messages] == ([finding] if finding else [])
    assert all(message.endswith((" or 4", " or 5.5", " or 9")) for message in messages)
