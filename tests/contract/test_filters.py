"""Filters over GitHub's and Jira's rows: how names, texts and days are compared, and filters that exclude nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sandbox_project import SandboxProject

from syncd.config.trials import differences
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.jira.ticket import CustomField

PULLS = "from: code, repo: acme/web, what: merged_pull_requests"
ISSUES = "from: tickets, jql: project = KB"


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProject]:
    made = SandboxProject(box, tmp_path, monkeypatch)
    yield made
    made.ledger.close()


def merge(box: Sandbox, author: str, *labels: str, title: str = "Change") -> None:
    pull = box.world.github.add_pull("acme/web", title, author=author, labels=labels, at=DEMO_NOW - timedelta(days=2))
    box.world.github.merge_pull("acme/web", pull.number, at=DEMO_NOW - timedelta(days=1))


def solve(box: Sandbox, created: datetime, **fields: str) -> str:
    site = box.world.jira
    key = site.create("KB", fields.pop("type", "Story"), at=created, **fields).key
    site.transition(key, "Closed", at=DEMO_NOW - timedelta(days=1))
    return key


def test_githubs_names_are_compared_as_github_does(box: Sandbox, project: SandboxProject) -> None:
    merge(box, "Ada", "Bug", title="Feat: x")
    merge(box, "bob", "cafe\u0301", title="feat: y")
    assert project.measure(
        f"{PULLS}, where: {{label: bug}}",
        f"{PULLS}, where: {{label: 'caf\u00e9'}}",
        f"{PULLS}, where: {{label: 'CAF\u00c9'}}",
        f"{PULLS}, where: {{author: ADA}}",
        f"{PULLS}, where: {{not_author: [ADA, BOB]}}",
        f"{PULLS}, where: {{title: 'feat: *'}}",
        f"{PULLS}, where: {{title: 'feat: x'}}",
        f"{PULLS}, take: distinct, of: author",
    ) == [1, 1, 1, 1, 0, 1, 0, 2]  # fmt: skip


def test_jiras_names_are_compared_as_jira_does(box: Sandbox, project: SandboxProject) -> None:
    solve(box, DEMO_NOW - timedelta(days=9), priority="High", type="Story")
    box.world.jira.set_field("KB-1", "labels", ["Help"])
    assert project.measure(
        f"{ISSUES}, where: {{type: story, status: CLOSED, priority: high}}",
        f"{ISSUES}, where: {{Issue Type: STORY, Resolution: done, Priority: hi*}}",
        f"{ISSUES}, where: {{label: help}}",
        f"{ISSUES}, where: {{label: Help}}",
    ) == [1, 1, 0, 1]  # fmt: skip


def test_an_author_is_a_bot_or_a_person(box: Sandbox, project: SandboxProject) -> None:
    for author in ("dependabot[bot]", "ada", "Renovate[bot]"):
        merge(box, author)
    assert project.measure(
        f"{PULLS}, where: {{author_is: bot}}",
        f"{PULLS}, where: {{author_is: person}}",
        f"{PULLS}, where: {{not_author: '*[bot]'}}",
        f"{PULLS}, where: {{not_author: 'dependabot[bot]'}}",
        f"{PULLS}, where: {{not_author: dependabo}}",
    ) == [2, 1, 1, 2, 3]  # fmt: skip
    assert project.findings("excludes-nothing") == [
        "excludes nothing by not_author: none of 3 records has dependabo; did you mean 'dependabot[bot]'?"
    ]


def test_a_login_without_its_ending_is_found_without_a_record(project: SandboxProject) -> None:
    measure = f"{PULLS}, where: {{not_author: [Dependabot, renovate, 'renovate[bot]', bob]}}"
    project.define(measure)
    assert project.findings("excludes-nothing") == [
        "says not_author: dependabot, and the login is dependabot[bot]; write that, or author_is: person"
    ]


def test_a_day_is_that_whole_day_in_the_projects_zone(box: Sandbox, project: SandboxProject) -> None:
    """The account, and so Jira's answers, are in another zone."""
    assert box.world.jira.zone.key != "Europe/Berlin"
    for created in ("2026-10-31T23:59:59.999+01:00", "2026-11-01T00:00+01:00", "2026-11-01T23:59:59.999+01:00"):
        solve(box, datetime.fromisoformat(created))
    solve(box, datetime.fromisoformat("2026-11-02T00:00+01:00"))
    assert project.measure(
        f"{ISSUES}, where: {{created_at_most: 2026-11-01}}",
        f"{ISSUES}, where: {{created_at_least: 2026-11-01}}",
        f"{ISSUES}, where: {{created_at_least: 2026-11-01, created_at_most: 2026-11-01}}",
        f"{ISSUES}, where: {{created: 2026-11-01}}",
        f"{ISSUES}, where: {{created_at_most: '2026-10-31T23:00Z'}}",
    ) == [3, 3, 2, 2, 2]  # fmt: skip


TESTS = """\
tests:
  - name: Filters hold in a file's own tests as they do over the ledger
    at: 2026-11-20
    given:
      kr0: [{done: 2026-11-03, type: Story}, {done: 2026-11-03, type: Bug}]
      kr1: [{done: 2026-11-03, created: 2026-11-01T23:59}, {done: 2026-11-03, created: 2026-11-02}]
      kr2: [{done: 2026-11-03, author: "Renovate[bot]"}, {done: 2026-11-03, author: Ada}]
      kr3: [{done: 2026-11-03, points: 3, estimate: 8}, {done: 2026-11-03, estimate: 5}]
      kr4: [{created: 2026-11-09, done: 2026-11-03}, {created: 2026-11-01, done: 2026-11-03}]
    expect: {kr0: {value: 1}, kr1: {value: 1}, kr2: {value: 1}, kr3: {value: 8}, kr4: {value: 2}}
"""


def test_filters_hold_in_a_files_own_tests(project: SandboxProject) -> None:
    project.define(
        f"{ISSUES}, where: {{type: STORY}}",
        f"{ISSUES}, where: {{created_at_most: 2026-11-01}}",
        f"{PULLS}, where: {{not_author: 'renovate*'}}",
        f"{ISSUES}, take: sum, of: [points, estimate]",
        f"{ISSUES}, take: average, of: lead_time",
    )
    path = project.folder / "okrs.yaml"
    path.write_text(path.read_text() + TESTS)
    (test,) = project.config.tests
    assert differences(test, project.config.shares) == []


def test_of_two_fields_with_one_name_only_what_names_them_fails(box: Sandbox, project: SandboxProject) -> None:
    """As in team-managed projects of Jira, each of which has fields of its own."""
    box.world.jira.add_field(CustomField("customfield_10077", "Story Points", "number"))
    key = solve(box, DEMO_NOW - timedelta(days=9))
    box.world.jira.set_field(key, "customfield_10016", 3.0)
    project.define(f"{ISSUES}, take: sum, of: Story Points", ISSUES, f"{ISSUES}, take: sum, of: customfield_10016")
    failed, counted, by_id = project.sync(), project.value("kr1"), project.value("kr2")
    assert (failed.number, failed.quality) == (None, "failed")
    assert failed.reason is not None
    assert (
        "2 fields are named 'Story Points'; write an id instead: customfield_10016, customfield_10077" in failed.reason
    )
    assert [(value.number, value.quality) for value in (counted, by_id)] == [(1, "complete"), (3, "complete")]


def test_a_field_whose_name_a_second_field_takes_later_is_still_read(box: Sandbox, project: SandboxProject) -> None:
    box.world.jira.set_field(solve(box, DEMO_NOW - timedelta(days=9)), "Story Points", 3.0)
    points = f"{ISSUES}, take: sum, of: Story Points"
    assert project.measure(points) == [3]
    box.world.jira.add_field(CustomField("customfield_10077", "Story Points", "number"))
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text().rstrip("}\n") + ", delivered_unless: [Duplicate]}\n")  # pulls the issues again
    assert project.measure(points) == [3]


def test_of_several_fields_the_first_with_a_value_is_summed(box: Sandbox, project: SandboxProject) -> None:
    box.world.jira.add_field(CustomField("customfield_10026", "Story point estimate", "number"))
    for points, estimate in ((3.0, 100.0), (None, 5.0), (None, None)):
        key = solve(box, DEMO_NOW - timedelta(days=9))
        box.world.jira.set_field(key, "Story Points", points)
        box.world.jira.set_field(key, "Story point estimate", estimate)
    of = "of: [Story Points, Story point estimate]"
    assert project.measure(f"{ISSUES}, take: sum, {of}", f"{ISSUES}, take: average, {of}") == [8, 4]
    value = project.value()
    assert (value.counted, value.lacking) == (2, 1)
