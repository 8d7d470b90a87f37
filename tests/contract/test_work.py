"""Where the work went: each pull request and issue of the period counts once, linked to an outcome or not.

Whole cycles through the client libraries against the sandbox.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from github_project import LONG_AGO, close_issue, merge_pull

from syncd.cli import status
from syncd.okr.work import ListOfWork, Work
from syncd.review import review
from syncd.review.document import document
from syncd.review.markdown import markdown
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.status.work import where_the_work_went

MAPPING = """\
period: 2026-Q4
objectives:
  - id: o
    title: Work flows
    key_results:
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 0, target: 100}
      - id: merged
        title: 9 changes
        kind: output
        target: 9
        drives: trust
        measure: {from: code, repo: [acme/a, acme/b], what: merged_pull_requests, where: {label: search}}
      - id: closed
        title: 9 issues
        kind: output
        target: 9
        measure: {from: code, repo: acme/a, what: closed_issues}
      - id: released
        title: 9 releases
        kind: output
        target: 9
        measure: {from: code, repo: acme/a, what: releases}
"""


class Project(CsvProject):
    """Two repositories: of each, mappings count some of the pull requests, and of acme/a all issues."""

    def __init__(self, folder: Path, box: Sandbox) -> None:
        connections = f'  code: {{type: github, url: "{box.github_url}", token: "${{TOKEN}}"}}\n'
        super().__init__(folder, MAPPING, DEMO_NOW, connections=connections)

    def connection(self, keys: str) -> None:
        path = self.folder / "syncd.yaml"
        path.write_text(path.read_text().replace("{type: github,", f"{{type: github, {keys},"))

    def sync(self) -> None:
        self.now += timedelta(minutes=1)
        self.cycle()

    def work(self) -> Work:
        work = where_the_work_went(self.snapshots().now(self.now), self.config.periods[0], self.ledger)
        assert work is not None
        return work


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    world = box.world.github
    for name in ("acme/a", "acme/b", "acme/c"):
        world.add_repo(name, at=LONG_AGO)
        for labels in (["search"], ["search", "ui"], [], []):
            number = world.add_pull(name, at=LONG_AGO, labels=labels).number
            world.merge_pull(name, number, at=LONG_AGO + timedelta(days=1))
        close_issue(box, name)
        world.add_issue(name, at=LONG_AGO)
    made = Project(tmp_path, box)
    yield made
    made.ledger.close()


def test_each_record_is_linked_measured_or_in_no_mapping(project: Project) -> None:
    project.sync()
    work = project.work()
    assert (work.driving, work.driving_none, work.unmapped) == (4, 1, 4)
    assert work.done == 9  # eight pull requests, and the issue of acme/a: nobody asks for the issues of acme/b
    assert work.lists == [ListOfWork("acme/a", 5, 3), ListOfWork("acme/b", 4, 2)]
    assert work.covers == ["issues of acme/a", "issues of acme/b"]


def test_list_that_only_a_guard_pulls_is_work_too(project: Project) -> None:
    guard = "{keep: {at_most: 3}, measure: {from: code, repo: acme/b, what: closed_issues, take: count}}"
    okrs = project.folder / "okrs.yaml"
    okrs.write_text(MAPPING.replace("        drives: trust\n", f"        drives: trust\n        guard: {guard}\n"))
    project.sync()
    work = project.work()
    assert (work.driving, work.driving_none, work.unmapped) == (4, 2, 4)
    assert sorted(work.covers) == ["issues of acme/a", "issues of acme/b"]


def test_what_no_mapping_pulls_counts_where_the_connection_says_so(project: Project, box: Sandbox) -> None:
    project.sync()
    before = project.work()
    project.connection("work: ['acme/*']")
    project.sync()
    work = project.work()
    assert work.reason is None
    assert (work.driving, work.driving_none) == (before.driving, before.driving_none)
    assert work.unmapped == before.unmapped + 6
    assert [(each.name, each.done) for each in work.lists] == [("acme/c", 5), ("acme/a", 5), ("acme/b", 5)]
    merge_pull(box, "acme/c")
    project.sync()
    assert project.work().done == work.done + 1


def test_a_link_to_an_outcome_moves_work_from_the_unlinked(project: Project) -> None:
    project.sync()
    of_closed = "        measure: {from: code, repo: acme/a, what: closed"
    project.edit(of_closed, f"        drives: trust\n{of_closed}")
    work = project.work()
    assert (work.driving, work.driving_none, work.unmapped) == (5, 0, 4)


def test_a_merge_drives_an_outcome_if_its_deployment_does(project: Project, box: Sandbox) -> None:
    box.world.github.deploy("acme/a", at=LONG_AGO + timedelta(days=2))
    project.edit("repo: [acme/a, acme/b], what: merged_pull", "repo: acme/a, what: deployed_pull")
    project.edit("what: releases", "what: merged_pull_requests")
    project.sync()
    work = project.work()
    assert (work.driving, work.driving_none, work.unmapped) == (2, 3, 0)


def test_a_list_that_is_not_whole_is_named(project: Project, box: Sandbox) -> None:
    assert project.work().reason == "issues of acme/a is not pulled whole yet"
    project.sync()
    box.fault(Fault("github", "status", path="/acme/b/issues", status=500))
    project.sync()
    work = project.work()
    assert work.done == 9
    assert (work.reason or "").startswith("issues of acme/b: ")


def test_rolling_windows_and_formulas_are_of_the_whole_period(project: Project) -> None:
    project.edit("where: {label: search}}", "where: {label: search}, window: 1d}")
    project.edit(
        "measure: {from: code, repo: acme/a, what: closed_issues}",
        "measure: {formula: a + 0, parts: {a: {from: code, repo: acme/a, what: closed_issues}}}",
    )
    project.sync()
    work = project.work()
    assert (work.driving, work.driving_none, work.unmapped) == (4, 1, 4)


def test_status_and_review_tell_the_same(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.sync()
    path = project.folder / "syncd.yaml"
    path.write_text(f"clock: {project.now.isoformat()}\n{path.read_text()}")
    status.run(path, period=None, as_json=True)
    told = json.loads(capsys.readouterr().out)["work"]
    assert told == {
        "done": 9,
        "driving": 4,
        "driving_none": 1,
        "unmapped": 4,
        "lists": [{"name": "acme/a", "done": 5, "unlinked": 3}, {"name": "acme/b", "done": 4, "unlinked": 2}],
        "covers": ["issues of acme/a", "issues of acme/b"],
        "reason": None,
    }
    status.run(path, period=None, as_json=False)
    printed = " ".join(capsys.readouterr().out.split())
    sentence = (
        "Of 9 issues and pull requests done, 44 % (4) drive an outcome, 11 % (1) are measured and drive none, and "
        "44 % (4) are in no mapping. Most without an outcome: acme/a 3/5, acme/b 2/4. "
        "It covers 2 lists, and no work elsewhere: issues of acme/a, issues of acme/b."
    )
    assert sentence in printed
    made = review(project.config, project.config.periods[0], project.ledger, project.now)
    assert document(made)["work"] == told
    assert "Of 9 issues and pull requests done" in markdown(made)
    assert "It covers 2 lists, and no work elsewhere: issues of acme/a" in " ".join(markdown(made).split())
    before = review(
        project.config, project.config.periods[0], project.ledger, project.now + timedelta(days=3), project.now.date()
    )
    assert document(before)["work"] == told


def test_a_past_day_covers_what_was_pulled_by_then(project: Project) -> None:
    project.sync()
    yesterday = project.now
    project.now += timedelta(days=1)
    project.connection("work: ['acme/*']")
    project.edit("repo: [acme/a, acme/b]", "repo: [acme/a, acme/b, acme/c]")
    project.sync()
    past = project.snapshots().at(yesterday)
    then = where_the_work_went(past, project.config.periods[0], project.ledger)
    assert then is not None
    assert (then.done, then.covers, then.reason) == (9, ["issues of acme/a", "issues of acme/b"], None)
    assert project.work().done == 15
    before = project.snapshots().at(yesterday - timedelta(days=3))
    nothing = where_the_work_went(before, project.config.periods[0], project.ledger)
    assert nothing is None or (nothing.done, nothing.covers, nothing.reason) == (
        0, [], "issues of acme/a is not pulled whole yet",
    )  # fmt: skip


def test_nothing_is_told_of_work_where_none_is_measured(project: Project) -> None:
    (project.folder / "okrs.yaml").write_text(MAPPING.split("      - id: merged")[0])
    project.sync()
    assert where_the_work_went(project.snapshots().now(project.now), project.config.periods[0], project.ledger) is None


def test_rows_of_a_database_are_no_work(project: Project) -> None:
    """Whatever a query selects may be issues, orders or searches: no share of work can be told of them."""
    with closing(sqlite3.connect(project.folder / "shop.db")) as database:
        database.execute("CREATE TABLE orders (id INTEGER, paid TEXT)")
        database.executemany("INSERT INTO orders VALUES (?, ?)", [(number, "2026-10-05") for number in range(7)])
        database.commit()
    path = project.folder / "syncd.yaml"
    path.write_text(f'{path.read_text()}  warehouse: {{type: sql, url: "sqlite:///shop.db"}}\n')
    query = "SELECT id, paid FROM orders"
    orders = f"{{from: warehouse, query: '{query}', id: id, at: paid, take: count}}"
    okrs = project.folder / "okrs.yaml"
    kind = "kind: output, target: 9, drives: trust"
    okrs.write_text(f"{MAPPING}      - {{id: orders, title: 9 orders, {kind}, measure: {orders}}}\n")
    project.sync()
    assert {line.key_result.id: line.value for line in project.report().lines}["orders"] == 7
    work = project.work()
    assert (work.driving, work.driving_none, work.unmapped) == (4, 1, 4)
    assert work.covers == ["issues of acme/a", "issues of acme/b"]
