"""Issues of Jira that were resolved, yet not delivered: `delivered_unless`, and how they show where it is not set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sandbox_project import SandboxProject
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.sandbox import DEMO_NOW, Sandbox

ISSUES = "from: tickets, jql: project = KB"
UNLESS = "delivered_unless: [won't do, Duplicate]"
Make = Callable[..., SandboxProject]


@pytest.fixture
def make(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[SandboxProject] = []

    def a_project(tickets: str = "") -> SandboxProject:
        made.append(SandboxProject(box, tmp_path, monkeypatch, tickets))
        for resolution in ("Done", "Fixed", "Won't Do", "Won't Do", "Duplicate", None):
            resolve(box, resolution)
        return made[-1]

    yield a_project
    for project in made:
        project.ledger.close()


def resolve(box: Sandbox, resolution: str | None, status: str = "Closed") -> None:
    site = box.world.jira
    key = site.create("KB", "Story", at=DEMO_NOW - timedelta(days=9)).key
    site.transition(key, status, at=DEMO_NOW - timedelta(days=1))
    site.resolve(key, resolution, at=DEMO_NOW - timedelta(days=1))


def explain(project: SandboxProject) -> str:
    path = project.folder / "syncd.yaml"
    if "clock:" not in path.read_text():
        path.write_text(f"clock: {project.now.isoformat()}\n{path.read_text()}")
    result = CliRunner().invoke(app, ["explain", "kr0", "--config", str(path)])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_resolutions_that_deliver_nothing_are_left_out(make: Make) -> None:
    project = make(UNLESS)
    assert project.measure(ISSUES, f"{ISSUES}, take: share") == [3, 50]
    assert project.findings("counts-undelivered") == []
    assert "left out (2): resolved as Won't Do, which `delivered_unless` leaves out" in explain(project)


def test_where_it_is_not_set_they_count_and_are_shown_as_a_group(box: Sandbox, make: Make) -> None:
    project = make()
    resolve(box, "Won't Do", status="In Progress")  # not done, so it does not count anyway
    assert project.measure(ISSUES, f"{ISSUES}, take: share") == [6, pytest.approx(600 / 7)]
    why = "`delivered_unless` of the connection decides whether that counts"
    assert project.findings("counts-undelivered") == [
        f"counts 1 record resolved as Duplicate; {why}",
        f"counts 2 records resolved as Won't Do; {why}",
        f"counts 1 record resolved as Duplicate; {why}",
        f"counts 2 records resolved as Won't Do; {why}",
    ]
    assert f"of these (2): resolved as Won't Do; {why}" in explain(project)


def test_an_empty_list_counts_them_without_a_word(make: Make) -> None:
    project = make("delivered_unless: []")
    assert project.measure(ISSUES) == [6]
    assert project.findings("counts-undelivered") == []
    assert "of these" not in explain(project)


def test_another_list_reads_the_issues_again(make: Make) -> None:
    project = make()
    assert project.measure(ISSUES) == [6]
    path = project.folder / "syncd.yaml"
    for tickets, number in ((UNLESS, 3), ("delivered_unless: [Fixed]", 5), ("delivered_unless: []", 6)):
        account, _, _ = path.read_text().rpartition('token: "${JIRA_TOKEN}"')
        path.write_text(f'{account}token: "${{JIRA_TOKEN}}", {tickets}}}\n')
        assert project.measure(ISSUES) == [number]
        assert project.sync().number == number
