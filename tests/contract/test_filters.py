"""Filters over GitHub's and Jira's rows: how names, texts and days are compared, and filters that exclude nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject

from syncd.okr.lint import PulledRows
from syncd.sandbox import DEMO_NOW, Sandbox

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
"""
KEY_RESULT = (
    "      - {{id: kr{}, title: It, kind: output, target: 9, ignore: [drives-nothing, no-guard], measure: {{{}}}}}\n"
)
PULLS = "from: code, repo: acme/web, what: merged_pull_requests"
ISSUES = "from: tickets, jql: project = KB"


class Filtered(CsvProject):
    """Key results that differ in their measures: `kr0`, `kr1`."""

    def measure(self, *measures: str) -> list[float | None]:
        """The numbers of these measures, after a cycle."""
        key_results = "".join(KEY_RESULT.format(number, measure) for number, measure in enumerate(measures))
        (self.folder / "okrs.yaml").write_text(MAPPING + key_results)
        self.now += timedelta(minutes=1)
        self.cycle()
        values = self.ledger.values.last("2026-Q4")
        assert all(values[f"kr{number}"].quality == "complete" for number in range(len(measures))), values
        return [values[f"kr{number}"].number for number in range(len(measures))]

    def findings(self) -> list[str]:
        rows = PulledRows(self.ledger.answers, self.now)
        return [
            str(finding.message) for _, finding in self.config.findings(rows) if finding.rule.id == "excludes-nothing"
        ]


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Filtered]:
    for name, secret in box.credentials.items():
        monkeypatch.setenv(name.upper(), secret)
    box.world.github.add_repo("acme/web")
    box.world.jira.add_project("KB", "Knowledge")
    connections = (
        f'  code: {{type: github, url: "{box.github_url}", token: "${{GITHUB}}"}}\n'
        f'  tickets: {{type: jira, url: "{box.jira_url}", email: "${{JIRA_EMAIL}}", token: "${{JIRA_TOKEN}}"}}\n'
    )
    made = Filtered(tmp_path, MAPPING, DEMO_NOW, settings="timezone: Europe/Berlin\n", connections=connections)
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


def test_githubs_names_are_compared_as_github_does(box: Sandbox, project: Filtered) -> None:
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


def test_jiras_names_are_compared_as_jira_does(box: Sandbox, project: Filtered) -> None:
    solve(box, DEMO_NOW - timedelta(days=9), priority="High", type="Story")
    box.world.jira.set_field("KB-1", "labels", ["Help"])
    assert project.measure(
        f"{ISSUES}, where: {{type: story, status: CLOSED, priority: high}}",
        f"{ISSUES}, where: {{Issue Type: STORY, Resolution: done, Priority: hi*}}",
        f"{ISSUES}, where: {{label: help}}",
        f"{ISSUES}, where: {{label: Help}}",
    ) == [1, 1, 0, 1]  # fmt: skip


def test_an_author_is_a_bot_or_a_person(box: Sandbox, project: Filtered) -> None:
    for author in ("dependabot[bot]", "ada", "Renovate[bot]"):
        merge(box, author)
    assert project.measure(
        f"{PULLS}, where: {{author_is: bot}}",
        f"{PULLS}, where: {{author_is: person}}",
        f"{PULLS}, where: {{not_author: '*[bot]'}}",
        f"{PULLS}, where: {{not_author: 'dependabot[bot]'}}",
        f"{PULLS}, where: {{not_author: dependabo}}",
    ) == [2, 1, 1, 2, 3]  # fmt: skip
    assert project.findings() == [
        "excludes nothing by not_author: none of 3 records has dependabo; did you mean 'dependabot[bot]'?"
    ]


def test_a_login_without_its_ending_is_found_without_a_record(project: Filtered) -> None:
    measure = f"{PULLS}, where: {{not_author: [Dependabot, renovate, 'renovate[bot]', bob]}}"
    (project.folder / "okrs.yaml").write_text(MAPPING + KEY_RESULT.format(0, measure))
    assert project.findings() == [
        "says not_author: dependabot, and the login is dependabot[bot]; write that, or author_is: person"
    ]


def test_a_day_is_that_whole_day_in_the_projects_zone(box: Sandbox, project: Filtered) -> None:
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


def test_of_several_fields_the_first_with_a_value_is_summed(box: Sandbox, project: Filtered) -> None:
    from syncd.sandbox.jira.ticket import CustomField

    box.world.jira.add_field(CustomField("customfield_10026", "Story point estimate", "number"))
    for points, estimate in ((3.0, 100.0), (None, 5.0), (None, None)):
        key = solve(box, DEMO_NOW - timedelta(days=9))
        box.world.jira.set_field(key, "Story Points", points)
        box.world.jira.set_field(key, "Story point estimate", estimate)
    of = "of: [Story Points, Story point estimate]"
    assert project.measure(f"{ISSUES}, take: sum, {of}", f"{ISSUES}, take: average, {of}") == [8, 4]
    value = project.ledger.values.last("2026-Q4")["kr0"]
    assert (value.counted, value.lacking) == (2, 1)
