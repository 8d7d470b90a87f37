"""Check-ins on GitHub's issues, end to end: each a real process against the example's company."""

from __future__ import annotations

from typing import Any

import pytest
from projects import Project

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.github.code import Issue

REPO = "acme/search"
START, END = "<!-- syncd:search-shipped -->", "<!-- /syncd:search-shipped -->"


@pytest.fixture
def issue(box: Sandbox) -> Issue:
    return box.world.github.add_issue(REPO, "Better search", labels=["okr"])


@pytest.fixture
def project(project: Project, box: Sandbox, issue: Issue) -> Project:
    """Check-ins are written with a token that may write issues and nothing else."""
    path = project.folder / "syncd.yaml"
    path.write_text(
        f"""{path.read_text(encoding="utf-8")}\
  board: {{type: github, url: "{box.github_url}", token: "${{BOARD_TOKEN}}"}}
publish:
  - {{to: board, issues: {{search-shipped: "{REPO}#{issue.number}"}}, body: true, label: "health:"}}
""",
        encoding="utf-8",
    )
    project.env["BOARD_TOKEN"] = box.credentials["github_issues"]
    return project


def merged(box: Sandbox, number: int = 1) -> None:
    for _ in range(number):
        box.world.github.merge_pull(REPO, box.world.github.add_pull(REPO).number)


def writes(box: Sandbox) -> list[tuple[str, int]]:
    return [(one.method, one.status) for one in box.requests if "/issues/" in one.path and one.method != "GET"]


def sync(project: Project, check: int = 0) -> str:
    done = project.run("sync", "--only", "search-shipped", check=check)
    return " ".join((done.stdout + done.stderr).split())


def block(issue: Issue) -> str:
    return str(issue.body).partition(START)[2].partition(END)[0].strip()


def test_a_second_sync_writes_nothing_and_a_new_number_is_written_once(
    project: Project, box: Sandbox, issue: Issue
) -> None:
    assert "wrote 1 check-in to board" in sync(project)
    assert issue.body == f"What and why, in a few words.\n\n{START}\n{block(issue)}\n{END}"
    assert block(issue).startswith("**25 changes to search merged**\n19, 76 % of the way (55 % expected): on track\n")
    assert issue.labels == ["okr", "health: on track"]
    box.requests.clear()

    sync(project)
    assert writes(box) == []

    merged(box, 6)
    sync(project)
    assert writes(box) == [("PATCH", 200), ("DELETE", 200), ("POST", 200)]
    assert "25, 100 % of the way (55 % expected): done" in block(issue)
    assert issue.labels == ["okr", "health: done"]


def test_people_write_around_the_block_and_what_they_write_stays(project: Project, box: Sandbox, issue: Issue) -> None:
    sync(project)
    box.world.github.edit_item(REPO, issue.number, body=f"New above.\r\n\r\n{issue.body}\r\n\r\nNew below.")
    merged(box)
    sync(project)
    assert "20, 80 % of the way" in block(issue)
    assert str(issue.body).startswith("New above.\r\n\r\nWhat and why")
    assert str(issue.body).endswith(f"{END}\r\n\r\nNew below.")


def test_what_people_write_into_it_is_left_alone_and_reported_until_it_is_approved(
    project: Project, box: Sandbox, issue: Issue
) -> None:
    sync(project)
    box.world.github.edit_item(REPO, issue.number, body=str(issue.body).replace("on track", "all fine"))
    theirs = issue.body
    merged(box)

    said = sync(project)

    assert issue.body == theirs
    assert f"left alone: the block of search-shipped in {REPO}#{issue.number} holds" in said
    assert "`syncd approve search-shipped`" in said
    project.run("approve", "search-shipped", check=0)
    sync(project)
    assert "20, 80 % of the way (55 % expected): on track" in block(issue)


def test_a_label_that_people_change_is_left_alone_and_the_block_goes_on(
    project: Project, box: Sandbox, issue: Issue
) -> None:
    sync(project)
    box.world.github.edit_item(REPO, issue.number, labels=["okr", "health: blocked"])
    merged(box)
    said = sync(project)
    assert issue.labels == ["okr", "health: blocked"]
    assert f"the label of {REPO}#{issue.number} holds 'health: blocked', which syncd did not write" in said
    assert "20, 80 % of the way" in block(issue)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": "github_readonly"}, f"the token may not write issues of {REPO} (Resource not accessible"),
        ({"delete": True}, "was deleted"),
        ({"issue": 4999}, f"{REPO}#4999 is not found, or the token may not see it"),
    ],
)
def test_what_cannot_be_written_says_what_to_mend_and_the_numbers_are_kept(
    project: Project, box: Sandbox, issue: Issue, change: dict[str, Any], said: str
) -> None:
    if "to" in change:
        project.env["BOARD_TOKEN"] = box.credentials[change["to"]]
    if "delete" in change:
        box.world.github.delete_issue(REPO, issue.number)
    if "issue" in change:
        project.edit("syncd.yaml", f"{REPO}#{issue.number}", f"{REPO}#{change['issue']}")
    assert said in sync(project, check=1)
    assert project.key_results()["search-shipped"]["value"] == 19
    assert issue.labels == ["okr"]


def test_an_answer_that_is_lost_leaves_one_comment(project: Project, box: Sandbox, issue: Issue) -> None:
    project.edit("syncd.yaml", 'body: true, label: "health:"', "comment: true")
    box.fault(Fault("github", "reset_after", method="POST", path="/comments$", times=1))
    sync(project)
    assert len(issue.comments) == 1
    assert writes(box) == [("POST", 0)]
    merged(box)
    sync(project)
    assert len(issue.comments) == 1
    assert "20, 80 % of the way" in issue.comments[0].body


def test_two_key_results_with_one_label_are_refused_before_anything_is_touched(
    project: Project, box: Sandbox, issue: Issue
) -> None:
    project.edit("syncd.yaml", "{search-shipped: ", f'{{calls: "{REPO}#{issue.number}", search-shipped: ')
    done = project.run("sync", check=2)
    assert "has one label for calls and search-shipped, which share" in " ".join(done.stderr.split())
    assert box.requests == []
