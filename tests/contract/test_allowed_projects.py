"""`allow` of a Jira connection: a query beyond it is never a complete zero, and the evidence names it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from sandbox_project import SandboxProject

from syncd.cli.explain import explanation_lines
from syncd.explain.documents import explanation
from syncd.sandbox import Sandbox
from syncd.sdk import ConfigError


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxProject:
    project = SandboxProject(box, tmp_path, monkeypatch, tickets="allow: [KB, WEB]")
    box.world.jira.add_project("WEB", "Web")
    box.world.jira.transition(box.world.jira.create("KB", "Task").key, "Done")
    return project


def test_the_evidence_says_that_the_connection_restricts_the_query(project: SandboxProject) -> None:
    """In the text, in the document and on the page, which all show the notes of a stream."""
    assert project.measure("from: tickets, jql: type = Task") == [1]
    only = "only of the projects KB, WEB, which 'allow' of the connection lists"
    with closing(project.ledger):
        snapshot = project.snapshots().now(project.now)
        key_result = snapshot.okrs.by_id["kr0"]
        text = " ".join(" ".join(explanation_lines(snapshot, project.ledger, key_result, project.config.zone)).split())
        document = explanation(snapshot, project.ledger, key_result)
    assert re.search(f"stream tickets: type = Task, last complete [^;]+? {only} ", text)
    assert [stream["notes"] for stream in document["streams"]] == [[only]]


def test_a_project_beyond_it_is_no_zero(project: SandboxProject, box: Sandbox) -> None:
    project.define("from: tickets, jql: project = HELP")
    with pytest.raises(ConfigError, match="jql asks for the project HELP, and its connection allows KB or WEB; write"):
        project.sync()
    box.world.jira.add_project("HELP", "Help desk")
    project.define("from: tickets, jql: 'project = \"Help desk\"'", "from: tickets, jql: project = Knowledge")
    value = project.sync()
    assert (value.number, value.quality) == (None, "failed")
    assert value.reason == (
        "tickets: jql asks for the project 'Help desk', and its connection allows KB or WEB, none of which is called "
        "so; write the key of an allowed project in jql"
    )
    assert project.value("kr1").number == 1
