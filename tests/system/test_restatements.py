"""Changes that sources made to past data: noticed, named and explained."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from projects import NOW, Project, done_articles

from syncd.sandbox import DEMO_NOW, Sandbox


def restated(project: Project, key_result: str, *arguments: str) -> list[dict[str, Any]]:
    explained = json.loads(project.run("explain", key_result, "--json", *arguments, check=0).stdout)
    return explained["restatements"]


@pytest.mark.synced
def test_the_first_pull_and_new_work_restate_nothing(project: Project, box: Sandbox) -> None:
    new = box.world.jira.create("KB", "Article", "A new one")
    box.world.jira.transition(new.key, done_articles(box)[0].status)
    done = project.run("sync", check=0)
    assert "articles" in done.stdout
    assert "restated" not in done.stdout
    assert restated(project, "articles") == []


@pytest.mark.synced
def test_reopened_and_deleted_issues_are_restated(project: Project, box: Sandbox) -> None:
    before = project.key_results()["articles"]["value"]
    reopened, deleted = done_articles(box)[:2]
    box.world.jira.reopen(reopened.key)
    box.world.jira.delete(deleted.key)

    output = project.run("sync", "--reconcile", check=0).stdout

    assert f"restated: {reopened.key}: " in output
    assert f"restated: {deleted.key}: gone: deleted, moved, or no match any more" in output
    restatements = {restatement["label"]: restatement for restatement in restated(project, "articles")}
    assert set(restatements) == {reopened.key, deleted.key}
    for restatement in restatements.values():
        assert (restatement["before"], restatement["after"]) == (before, before - 2)
        assert restatement["of"] is not None
    text = project.run("explain", "articles", check=0).stdout
    assert "restated (2)" in text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 80
    (event,) = json.loads(project.run("history", "articles", "--json", check=0).stdout)["events"]
    assert (event["event"], event["day"], event["count"]) == ("restated", "2026-11-21", 2)
    assert (event["before"], event["after"]) == (before, before - 2)


@pytest.mark.synced
def test_a_deleted_record_is_noticed_by_the_next_census(project: Project, box: Sandbox) -> None:
    deleted = done_articles(box)[0]
    box.world.jira.delete(deleted.key)
    clocks = [NOW + timedelta(minutes=minutes) for minutes in (0, 20, 40, 60)]
    noticed = []
    for before, now in pairwise(clocks):
        project.edit("syncd.yaml", before.isoformat(), now.isoformat())
        noticed.append(f"restated: {deleted.key}: gone" in project.run("sync", check=0).stdout)
    assert noticed == [False, False, True]  # Jira's `reconcile` is 1h


@pytest.mark.synced
def test_a_record_that_brings_another_number_is_restated(project: Project, box: Sandbox) -> None:
    site = box.world.jira
    story = next(
        issue
        for issue in sorted(site.issues.values(), key=lambda issue: issue.id)
        if issue.project in ("WEB", "OPS") and issue.type == "Story" and issue.category == "Done" and issue.custom
    )
    site.set_field(story.key, "Story Points", 40)
    project.run("sync", check=0)
    (restatement,) = restated(project, "story-points")
    assert restatement["label"] == story.key
    assert restatement["why"].startswith("Story Points: ")
    assert restatement["why"].endswith("→ 40")
    assert restatement["after"] != restatement["before"]


@pytest.mark.synced
def test_a_record_that_comes_late_for_a_measured_day_is_restated(project: Project, box: Sandbox) -> None:
    new = box.world.jira.create("KB", "Article", "Written in October", at=DEMO_NOW - timedelta(days=40))
    box.world.jira.transition(new.key, done_articles(box)[0].status, at=DEMO_NOW - timedelta(days=30))
    box.world.jira.set_field(new.key, "labels", ["late"])
    project.run("sync", check=0)
    (restatement,) = restated(project, "articles")
    assert (restatement["label"], restatement["why"]) == (new.key, "came late")


@pytest.mark.synced
def test_a_corrected_row_of_a_series_is_restated(project: Project, box: Sandbox) -> None:
    project.edit("syncd.yaml", NOW.isoformat(), (NOW + timedelta(minutes=20)).isoformat())
    box.world.sheets.set_cell("1AbC-acme-okr-numbers-2026q4", "Support", "C8", 777)
    project.run("sync", check=0)
    (restatement,) = restated(project, "calls")
    assert restatement["label"] == "Support!C8"
    assert restatement["why"].endswith("holds 777 now")
    assert restatement["before"] == restatement["after"]  # the latest row is the same
    assert (
        restated(project, "calls", "--at", (NOW + timedelta(minutes=10)).isoformat()) == []
    )  # it was not corrected by then


@pytest.mark.synced
def test_rows_under_an_edited_measure_are_not_restated(project: Project, box: Sandbox) -> None:
    box.world.jira.reopen(done_articles(box)[0].key)
    project.run("sync", check=0)
    project.edit(
        "mappings/support.yaml", "project = KB AND type = Article", "project = KB AND type = Article AND key != KB-1"
    )
    project.run("sync", check=0)
    assert restated(project, "articles") == []
