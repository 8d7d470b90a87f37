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
