"""A key result of another workspace, in the commands of the workspace that reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from projects import Project
from two_workspaces import COMPANY, Deployment

pytestmark = pytest.mark.unmeasured

TESTS = """\
      - id: share
        title: Calls of search in percent of its target
        kind: outcome
        baseline: 200
        target: 100
        measure: {formula: calls / 600 * 100, parts: {calls: {from: workspace, name: search, key_result: calls}}}
tests:
  - name: The number of search counts
    at: 2026-11-21
    given: {load: [{date: 2026-11-16, value: 900}], share: {calls: [{date: 2026-11-16, value: 900}]}}
    expect: {load: {value: 900, progress: 0.5}, share: {value: 150}}
"""


@pytest.mark.nightly
def test_every_command_works_with_a_number_of_another_workspace(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    deployment.write("company/mappings/okrs.yaml", COMPANY + TESTS)
    project = Project(tmp_path)

    def run(*words: str, check: int = 0) -> str:
        done = project.run(*words, "--workspace", "company", check=check)
        return done.stdout + done.stderr

    assert "valid: 2 connections" in run("validate")
    assert "1 test, all ok" in run("test")
    assert "`syncd sync --workspace search` makes it" in run("doctor", check=1)
    project.run("sync", "--workspace", "search", check=0)
    assert "✓ reads" in run("doctor")
    assert "800" in run("try", "teams/company/mappings/okrs.yaml:load")
    assert not list((tmp_path / "ledgers").glob("company*"))
    assert "load" in run("plan")
    run("sync")
    assert project.status("--workspace", "company")["objectives"][0]["key_results"][0]["value"] == 800
    shown = run("explain", "load")
    assert "search/calls 2026-11-16" in shown
    assert "holds 800 calls/week in 2026-Q4" in shown
    assert "latest of search/calls" in shown
    explained = json.loads(run("explain", "share", "--json"))
    assert round(explained["value"], 2) == 133.33

    deployment.at("2026-11-24T10:15+01:00")
    deployment.write("search/calls.csv", "Day,Calls\n2026-11-02,900\n2026-11-16,800\n2026-11-23,700\n")
    project.run("sync", "--workspace", "search", check=0)
    run("sync")
    then = json.loads(run("explain", "load", "--json", "--at", "2026-11-22"))
    assert (then["value"], then["counted"][0]["label"]) == (800, "search/calls 2026-11-16")
    history = json.loads(run("history", "load", "--json", "--backfill"))
    values = {point["day"]: point["value"] for point in history["points"]}
    assert [values[f"2026-11-{day:02}"] for day in (1, 2, 15, 16, 22, 24)] == [None, 900, 900, 800, 800, 700]


def test_what_is_not_exported_is_refused_and_nothing_of_it_shows(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    deployment.edit("search/syncd.yaml", "export: [calls]", "")
    project = Project(tmp_path)
    document = json.loads(project.run("validate", "--json", check=2).stdout)
    assert [problem["file"] for problem in document["problems"]] == ["teams/company/mappings/okrs.yaml"]
    assert "exports no key result 'calls'" in document["problems"][0]["message"]
    deployment.sync("search")
    project.run("sync", "--workspace", "company", check=0)  # no source of this workspace failed
    shown = project.run("explain", "load", "--workspace", "company", check=0).stdout
    assert "exports no key result" in shown
    assert "secret-plan" not in shown + str(document["problems"])


def test_nothing_but_what_is_exported_reaches_the_ledger_of_the_reader(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, "sqlite:///ledgers/{workspace}.db")
    deployment.sync("search", "company")
    written = (tmp_path / "ledgers/company.db").read_bytes()
    assert b"search/calls" in written
    for text in (b"secret-plan", b"Nobody else", b"We are trusted", b"calls.csv"):
        assert text not in written
