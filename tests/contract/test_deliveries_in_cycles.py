"""Deployments, runs, tags and deployed pull requests in whole cycles: values, evidence, restatements, rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from github_project import LONG_AGO, GitHubProject

from connectors.github.deployed_walk import BY_TIME
from syncd.explain.evidence import evidence
from syncd.explain.items import Item
from syncd.sandbox import Fault, Sandbox

Make = Callable[..., GitHubProject]
DEPLOYED = "repo: acme/a, what: deployed_pull_requests"
MEASURES = {
    "deployments": "repo: acme/a, what: deployments, where: {environment: Production}",
    "succeeded": "repo: acme/a, what: deployments, where: {environment: production}, take: share",
    "failed": "repo: acme/a, what: deployments, where: {conclusion: failure}",
    "ended": "repo: acme/a, what: deployments, where: {environment: production, conclusion: [success, failure]}",
    "runs": "repo: acme/a, what: workflow_runs, where: {workflow: CI, conclusion: failure}",
    "tags": "repo: acme/a, what: tags, where: {tag: 'v*'}",
    "bugs": "repo: acme/a, what: closed_issues, where: {type: bug}",
    "work": DEPLOYED,
    "lead": f"{DEPLOYED}, take: median, of: lead_time, where: {{base: main}}",
    "elsewhere": f"{DEPLOYED}, where: {{environment: staging, conclusion: success}}",
}


@pytest.fixture
def make(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    made: list[GitHubProject] = []
    box.world.github.add_repo("acme/a", at=LONG_AGO)

    def project(**measures: str) -> GitHubProject:
        made.append(GitHubProject(tmp_path, box, **measures))
        return made[-1]

    yield project
    for each in made:
        each.ledger.close()


def day(number: float) -> datetime:
    return LONG_AGO + timedelta(days=number)


def merged(box: Sandbox, at: float) -> int:
    """A pull request whose first commit is from two days before its merge."""
    code = box.world.github
    pull = code.add_pull("acme/a", committed=[day(at - 2), day(at - 0.5)], at=day(at - 1))
    code.merge_pull("acme/a", pull.number, at=day(at))
    return pull.number


def items(project: GitHubProject, key_result: str) -> Sequence[Item]:
    snapshot = project.snapshots().now(project.now)
    return evidence(snapshot, project.ledger, project.key_result(key_result)).items


def test_each_figure_is_the_sum_of_its_records(make: Make, box: Sandbox) -> None:
    code = box.world.github
    for at in (2, 3, 6):
        merged(box, at)
    code.deploy("acme/a", environment="staging", at=day(2.5))
    code.deploy("acme/a", at=day(4))
    code.deploy("acme/a", at=day(5), state="failure")
    for conclusion in ("success", "failure"):
        code.add_run("acme/a", conclusion=conclusion, at=day(4))
    code.tag("acme/a", "v1", at=day(5))
    code.tag("acme/a", "nightly", at=day(5))
    for name in ("Bug", "Task"):
        code.close_issue("acme/a", code.add_issue("acme/a", type=name, at=day(1)).number, at=day(2))
    project = make(**MEASURES)

    assert not project.sync().failures

    values = {name: project.value(name)[0] for name in MEASURES}
    assert values == {
        "deployments": 1,
        "succeeded": 50,
        "failed": 1,
        "ended": 2,
        "runs": 1,
        "tags": 1,
        "bugs": 1,
        "work": 2,
        "lead": 3.5,
        "elsewhere": 1,
    }
    counted = {item.label: item.brings for item in items(project, "lead") if item.left_out is None}
    assert counted == {"acme/a#1": "4", "acme/a#2": "3"}


def test_a_deployment_that_is_gone_is_shown_as_a_restatement(make: Make, box: Sandbox) -> None:
    merged(box, 2)
    gone = box.world.github.deploy("acme/a", at=day(3))
    project = make(work=DEPLOYED)
    project.sync()
    assert project.value() == (1, "complete")
    box.world.github.delete_deployment("acme/a", gone.id)
    project.sync()
    assert project.value() == (0, "complete")
    assert len(project.restated()) == 1


def test_what_cannot_be_compared_counts_by_its_time_and_says_so(make: Make, box: Sandbox) -> None:
    merged(box, 2)
    lost = box.world.github.deploy("acme/a", at=day(3), sha="0" * 40)
    project = make(work=DEPLOYED)
    project.sync()
    assert project.value() == (1, "complete")
    assert [item.remark for item in items(project, "work")] == [BY_TIME]
    assert lost.sha == "0" * 40


def test_a_pull_that_breaks_off_is_partial_and_lowers_nothing(make: Make, box: Sandbox) -> None:
    merged(box, 2)
    box.world.github.deploy("acme/a", at=day(3))
    project = make(work=DEPLOYED)
    project.sync()
    merged(box, 4)
    box.world.github.deploy("acme/a", at=day(5))
    box.fault(Fault("github", "status", path="/compare/", status=500))
    project.sync()
    assert project.value() == (1, "partial")
    box.heal()
    project.sync(reconcile=True)
    assert project.value() == (2, "complete")
    project.sync(reconcile=True)
    assert project.value() == (2, "complete")
    assert project.restated() == ["came late"]


def test_doctor_names_each_right_that_is_missing(make: Make, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from syncd.cycle.check_connections import check_connection
    from syncd.sdk import RetryPolicy

    merged(box, 2)
    project = make(**MEASURES)
    monkeypatch.setenv("TOKEN", box.credentials["github_issues"])
    checks = check_connection(
        project.config, project.config.connections["code"], [], project.now, RetryPolicy(sleep=lambda _: None)
    )
    lacking = {
        check.detail.partition(":")[0]: check.detail.rpartition(" the permission ")[2]
        for check in checks
        if not check.ok
    }
    assert lacking == {
        "deployments of acme/a": "Deployments: read",
        "finished deployments of acme/a": "Deployments: read",
        "workflow runs of acme/a": "Actions: read",
        "tags of acme/a": "Contents: read",
        "pulls deployed to production of acme/a": "Deployments: read",
        "pulls deployed to staging of acme/a": "Deployments: read",
    }
