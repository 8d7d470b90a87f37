"""What sources say of the past otherwise than they did: seen, named and explained."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

from projects import NOW, Project

from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.jira.ticket import Ticket


def restated(project: Project, key_result: str, *arguments: str) -> list[dict[str, Any]]:
    found = json.loads(project.run("explain", key_result, "--json", *arguments, check=0).stdout)
    return found["restatements"]


def done_articles(box: Sandbox) -> list[Ticket]:
    return sorted(
        (one for one in box.world.jira.issues.values() if one.project == "KB" and one.category == "Done"),
        key=lambda one: one.id,
    )


def test_the_first_pull_and_new_work_restate_nothing(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    new = box.world.jira.create("KB", "Article", "A new one")
    box.world.jira.transition(new.key, done_articles(box)[0].status)
    done = project.run("sync", check=0)
    assert "articles" in done.stdout
    assert "restated" not in done.stdout
    assert restated(project, "articles") == []


def test_a_reopened_and_a_deleted_issue(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    before = project.key_results()["articles"]["value"]
    reopened, deleted = done_articles(box)[:2]
    box.world.jira.reopen(reopened.key)
    box.world.jira.delete(deleted.key)

    said = project.run("sync", "--reconcile", check=0).stdout

    assert f"restated: {reopened.key}: " in said
    assert f"restated: {deleted.key}: gone: deleted, moved, or no match any more" in said
    found = {one["label"]: one for one in restated(project, "articles")}
    assert set(found) == {reopened.key, deleted.key}
    for one in found.values():
        assert (one["before"], one["after"]) == (before, before - 2)
        assert one["of"] is not None
    text = project.run("explain", "articles", check=0).stdout
    assert "restated (2)" in text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 80
    (event,) = json.loads(project.run("history", "articles", "--json", check=0).stdout)["events"]
    assert (event["event"], event["day"], event["count"]) == ("restated", "2026-11-21", 2)
    assert (event["before"], event["after"]) == (before, before - 2)


def test_what_left_in_silence_is_found_in_time_though_nobody_asks(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    deleted = done_articles(box)[0]
    box.world.jira.delete(deleted.key)
    clocks = [NOW + timedelta(minutes=minutes) for minutes in (0, 20, 40, 60)]
    found = []
    for before, now in pairwise(clocks):
        project.edit("syncd.yaml", before.isoformat(), now.isoformat())
        found.append(f"restated: {deleted.key}: gone" in project.run("sync", check=0).stdout)
    assert found == [False, False, True]  # Jira's `reconcile` is 1h


def test_a_record_that_brings_another_number(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    site = box.world.jira
    one = next(
        issue
        for issue in sorted(site.issues.values(), key=lambda issue: issue.id)
        if issue.project in ("WEB", "OPS") and issue.type == "Story" and issue.category == "Done" and issue.custom
    )
    site.set_field(one.key, "Story Points", 40)
    project.run("sync", check=0)
    (found,) = restated(project, "story-points")
    assert found["label"] == one.key
    assert found["why"].startswith("Story Points: ")
    assert found["why"].endswith("→ 40")
    assert found["after"] != found["before"]


def test_work_of_a_day_long_past_that_comes_late(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    new = box.world.jira.create("KB", "Article", "Written in October", at=DEMO_NOW - timedelta(days=40))
    box.world.jira.transition(new.key, done_articles(box)[0].status, at=DEMO_NOW - timedelta(days=30))
    box.world.jira.set_field(new.key, "labels", ["late"])
    project.run("sync", check=0)
    (found,) = restated(project, "articles")
    assert (found["label"], found["why"]) == (new.key, "came late")


def test_a_past_row_of_a_series_that_was_corrected(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    project.edit("syncd.yaml", NOW.isoformat(), (NOW + timedelta(minutes=20)).isoformat())
    box.world.sheets.set_cell("1AbC-acme-okr-numbers-2026q4", "Support", "C8", 777)
    project.run("sync", check=0)
    (found,) = restated(project, "calls")
    assert found["label"] == "Support!C8"
    assert found["why"].endswith("holds 777 now")
    assert found["before"] == found["after"]  # the latest row is the same
    assert restated(project, "calls", "--at", (NOW + timedelta(minutes=10)).isoformat()) == []  # nobody knew by then


def test_what_left_of_an_edited_measure_is_not_compared(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    box.world.jira.reopen(done_articles(box)[0].key)
    project.run("sync", check=0)
    project.edit(
        "mappings/support.yaml", "project = KB AND type = Article", "project = KB AND type = Article AND key != KB-1"
    )
    project.run("sync", check=0)
    assert restated(project, "articles") == []
