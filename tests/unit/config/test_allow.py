"""`allow:` of a connection: mappings name what it lists, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import load_config
from syncd.sdk import ConfigError

CONNECTIONS = {
    "code": 'type: github, token: "${TOKEN}", allow: ["acme/docs-*", acme/web]',
    "numbers": 'type: sheets, token: "${TOKEN}", allow: [1AbC]',
    "local": "type: files, root: ., allow: [okr/*.csv]",
    "api": 'type: http, url: "https://metrics.example", allow: [/v1/okr/*]',
    "tickets": 'type: jira, url: "https://acme.example", token: "${TOKEN}", allow: [KB, ops]',
}
RECORDS, CELL = "take: count", "cell: A1"


def load(folder: Path, name: str, keys: str) -> None:
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  {name}: {{{CONNECTIONS[name]}}}\n")
    (folder / "okrs.yaml").write_text(
        "period: 2026-Q4\nobjectives:\n  - id: o\n    title: It\n    key_results:\n"
        f"      - {{id: k, title: It, kind: output, target: 9, measure: {{from: {name}, {keys}}}}}\n"
    )
    load_config(folder / "syncd.yaml")


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("code", f"repo: acme/web, what: closed_issues, {RECORDS}"),
        ("code", f"repo: [Acme/Web, acme/docs-de], what: closed_issues, {RECORDS}"),
        ("numbers", f"spreadsheet: 1AbC, {CELL}"),
        ("local", f"file: okr/calls.csv, {CELL}"),
        ("local", f"file: ./okr/calls.csv, {CELL}"),
        ("api", "path: /v1/okr/nps?team=a, json: v"),
        ("tickets", f'jql: "type = Article", {RECORDS}'),
        ("tickets", f'jql: "project = kb AND type = Article", {RECORDS}'),
        ("tickets", f"jql: 'project in (\"KB\", OPS)', {RECORDS}"),
        ("tickets", f"jql: 'project != WEB AND NOT (project = X OR project in (Y)) AND NOT key = Z-1', {RECORDS}"),
        ("tickets", f"jql: 'summary ~ \"project = WEB\" AND project in projectsLeadByUser()', {RECORDS}"),
        ("tickets", f"jql: 'project = KB ORDER BY project = WEB', {RECORDS}"),
        ("tickets", f"jql: 'project = \"Web site\" OR project = Website OR project = 10002', {RECORDS}"),
        ("tickets", f"jql: 'parent = WEB-1 AND key = kb-12', {RECORDS}"),
    ],
)
def test_what_is_listed_is_measured(tmp_path: Path, name: str, keys: str) -> None:
    load(tmp_path, name, keys)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("code", f"repo: acme/secret, what: closed_issues, {RECORDS}"),
        ("code", f'repo: "acme/*", what: closed_issues, {RECORDS}'),
        ("code", f"repo: [acme/web, other/web], what: closed_issues, {RECORDS}"),
        ("numbers", f"spreadsheet: 1abc, {CELL}"),
        ("local", f"file: salaries.csv, {CELL}"),
        ("api", "path: /v1/users, json: v"),
        ("api", 'path: "?q=/v1/okr/x", json: v'),
        ("tickets", f'jql: "project = WEB AND type = Article", {RECORDS}'),
        ("tickets", f'jql: "type = Article and PROJECT=WEB", {RECORDS}'),
        ("tickets", f"jql: 'project in (KB,\"WEB\")', {RECORDS}"),
        ("tickets", f"jql: '(project = KB OR \"project\" IN (OPS, WEB_2)) AND resolved >= startOfYear(-1)', {RECORDS}"),
        ("tickets", f"jql: 'NOT (labels = x AND NOT (project = WEB))', {RECORDS}"),
        ("tickets", f"jql: 'labels = WEB OR issuekey in (KB-1, web-2)', {RECORDS}"),
        ("tickets", f"jql: 'project in (projectsLeadByUser(ada), WEB)', {RECORDS}"),
    ],
)
def test_what_is_not_listed_is_refused(tmp_path: Path, name: str, keys: str) -> None:
    with pytest.raises(ConfigError, match="and its connection allows"):
        load(tmp_path, name, keys)


def test_a_project_of_jira_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(
        'connections:\n  t: {type: jira, url: "https://a.example", token: "${T}", allow: ["KB) OR (project = X"]}\n'
    )
    with pytest.raises(ConfigError, match="not the key of a project"):
        load_config(tmp_path / "syncd.yaml")


def test_a_refusal_of_jira_says_where_and_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "tickets", f'jql: "project = WEB", {RECORDS}')
    assert [str(problem).rpartition("/")[2] for problem in caught.value.problems] == [
        "okrs.yaml:6: jql asks for the project WEB, and its connection allows KB or OPS; write an allowed project, or "
        "whoever owns syncd.yaml may add WEB to 'allow'"
    ]


def test_work_of_jira_is_within_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(
        'connections:\n  t: {type: jira, url: "https://a.example", token: "${T}", allow: [kb], work: [KB, WEB]}\n'
    )
    with pytest.raises(ConfigError, match="work has WEB, which 'allow' leaves out; add WEB to 'allow', or drop it"):
        load_config(tmp_path / "syncd.yaml")
