"""The unmodified PyGithub edits issues, comments and labels; refusals are GitHub's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
import requests
from github import Auth, Github, GithubException, UnknownObjectException
from github.Issue import Issue
from sandbox_clients import github
from waiting import HANG

from syncd.sandbox import Fault, Sandbox


@pytest.fixture
def number(box: Sandbox) -> int:
    return box.world.github.add_issue("acme/web", "Fewer calls", labels=["bug"]).number


@pytest.fixture
def issue(box: Sandbox, number: int) -> Issue:
    return github(box).get_repo("acme/web").get_issue(number)


@pytest.fixture
def http(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {box.credentials['github']}"}
    with httpx.Client(base_url=box.github_url, headers=headers, timeout=HANG) as client:
        yield client


def refused(call: Callable[[], object], status: int, message: str) -> GithubException:
    with pytest.raises(GithubException) as caught:
        call()
    assert (caught.value.status, caught.value.data["message"]) == (status, message)
    return caught.value


# -- the issue


def test_title_body_and_labels_are_edited(box: Sandbox, issue: Issue) -> None:
    before = issue.updated_at
    issue.edit(title="Fewer calls a week", body="Line one\nLine two <!-- okr -->", labels=["okr", "Bug"])
    again = github(box).get_repo("acme/web").get_issue(issue.number)
    assert (again.title, again.body) == ("Fewer calls a week", "Line one\nLine two <!-- okr -->")
    assert [(label.name, label.color) for label in again.labels] == [("okr", "ededed"), ("bug", "d73a4a")]
    assert again.updated_at > before
    again.edit(body="")
    assert github(box).get_repo("acme/web").get_issue(issue.number).body == ""


def test_edit_shows_in_lists_and_etags(http: httpx.Client, issue: Issue) -> None:
    lists = "/repos/acme/web/issues?sort=updated"
    path = f"/repos/acme/web/issues/{issue.number}"
    tags = {address: http.get(address).headers["ETag"] for address in (lists, path)}

    def seen() -> list[int]:
        return [http.get(address, headers={"If-None-Match": tag}).status_code for address, tag in tags.items()]

    assert seen() == [304, 304]
    issue.edit(body=issue.body, title=issue.title)  # nothing new
    assert seen() == [304, 304]
    issue.edit(body="New")
    assert seen() == [200, 200]
    assert http.get(lists).json()[0]["body"] == "New"


def test_pull_request_is_an_issue_too(box: Sandbox) -> None:
    pull = box.world.github.add_pull("acme/web")
    issue = github(box).get_repo("acme/web").get_issue(pull.number)
    issue.edit(body="Changed")
    issue.create_comment("Hm")
    assert github(box).get_repo("acme/web").get_pull(pull.number).body == "Changed"
    assert github(box).get_repo("acme/web").get_pull(pull.number).comments == 1


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"title": " "}, 422, "Validation Failed"),
        ({"body": "x" * 65_537}, 422, "Validation Failed"),
        ({"body": 5}, 422, "Invalid request.\n\nFor 'properties/body', 5 is not a string."),
        ({"labels": ["x" * 51]}, 422, "Validation Failed"),
        ({"labels": "okr"}, 422, "Validation Failed"),
        (["body"], 400, "Body should be a JSON object"),
    ],
)
def test_invalid_edit_is_refused_and_changes_nothing(
    http: httpx.Client, number: int, body: object, status: int, message: str
) -> None:
    path = f"/repos/acme/web/issues/{number}"
    before = http.get(path).json()
    answer = http.patch(path, json=body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert http.get(path).json() == before


def test_broken_json_is_refused(http: httpx.Client, number: int) -> None:
    answer = http.patch(f"/repos/acme/web/issues/{number}", content=b"{")
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


# -- comments


def test_comments_are_written_edited_and_listed(box: Sandbox, issue: Issue) -> None:
    before = issue.updated_at
    comment = issue.create_comment("1,092 of 600")
    assert (comment.user.login, comment.body, comment.created_at) == ("syncd-bot", "1,092 of 600", comment.updated_at)
    comment.edit("900 of 600\nOn track")
    assert comment.updated_at > comment.created_at
    again = github(box).get_repo("acme/web").get_issue(issue.number)
    assert again.get_comment(comment.id).body == "900 of 600\nOn track"
    assert again.updated_at > before
    for index in range(3):
        again.create_comment(f"No. {index}")
    assert [comment.body for comment in again.get_comments()][1:] == ["No. 0", "No. 1", "No. 2"]
    last = list(again.get_comments())[-1]
    assert [comment.id for comment in again.get_comments(since=last.updated_at)] == [last.id]
    assert github(box).get_repo("acme/web").get_issue(issue.number).comments == 4


def test_pages_of_comments_link_by_the_repositorys_id(http: httpx.Client, issue: Issue) -> None:
    for index in range(5):
        issue.create_comment(f"No. {index}")
    page = http.get(f"/repos/acme/web/issues/{issue.number}/comments", params={"per_page": 2})
    assert "/repositories/" in page.links["next"]["url"]
    rest = http.get(page.links["last"]["url"]).json()
    assert [comment["body"] for comment in rest] == ["No. 4"]


def test_invalid_comment_is_refused(http: httpx.Client, issue: Issue) -> None:
    refused(lambda: issue.create_comment(" "), 422, "Validation Failed")
    refused(lambda: issue.create_comment("x" * 65_537), 422, "Validation Failed")
    missing = http.post(f"/repos/acme/web/issues/{issue.number}/comments", json={})
    assert (missing.status_code, missing.json()["message"]) == (422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    assert http.patch("/repos/acme/web/issues/comments/7", json={"body": "x"}).status_code == 404
    for since in ("soon", "2026-11-21T10:15:00"):  # the second has no offset
        assert http.get(f"/repos/acme/web/issues/{issue.number}/comments?since={since}").status_code == 422
    with pytest.raises(UnknownObjectException):
        issue.get_comment(7)


def test_people_edit_and_delete_comments(box: Sandbox, issue: Issue) -> None:
    comment = issue.create_comment("900 of 600")
    box.world.github.edit_comment("acme/web", comment.id, "Tampered with")
    assert issue.get_comment(comment.id).body == "Tampered with"
    box.world.github.delete_comment("acme/web", comment.id)
    assert list(issue.get_comments()) == []


# -- labels


def test_labels_come_and_go(box: Sandbox, issue: Issue) -> None:
    issue.add_to_labels("okr/at risk", "BUG")
    assert [(label.name, label.color) for label in issue.get_labels()] == [("bug", "d73a4a"), ("okr/at risk", "ededed")]
    issue.remove_from_labels("okr/at risk")
    assert [label.name for label in issue.get_labels()] == ["bug"]
    refused(lambda: issue.remove_from_labels("okr/at risk"), 404, "Label does not exist")
    issue.set_labels("a", "b")
    assert [label.name for label in issue.get_labels()] == ["a", "b"]
    issue.delete_labels()
    assert list(issue.get_labels()) == []
    box.world.github.label("acme/web", issue.number, "A")
    assert [label.name for label in issue.get_labels()] == ["a"]  # the repository's own spelling


def test_label_that_is_there_changes_nothing(http: httpx.Client, number: int) -> None:
    path = f"/repos/acme/web/issues/{number}"
    before = http.get(path).json()["updated_at"]
    for body in (["bug"], {"labels": ["bug"]}, {"labels": [{"name": "bug"}]}):
        assert [label["name"] for label in http.post(f"{path}/labels", json=body).json()] == ["bug"]
    assert http.get(path).json()["updated_at"] == before
    assert http.post(f"{path}/labels", json=[7]).status_code == 422


# -- addresses


def test_writes_reach_a_repository_by_its_id(box: Sandbox, http: httpx.Client, number: int) -> None:
    here = f"/repositories/{box.world.github.repo('acme/web').id}/issues"
    comment = http.post(f"{here}/{number}/comments", json={"body": "By id"}).json()
    assert http.patch(f"{here}/comments/{comment['id']}", json={"body": "Again"}).json()["body"] == "Again"
    assert http.patch(f"{here}/{number}", json={"body": "By id"}).json()["body"] == "By id"


def test_write_to_the_old_name_is_redirected_and_not_done(http: httpx.Client, number: int) -> None:
    path = f"/repos/acme/website/issues/{number}"
    moved = http.patch(path, json={"body": "Moved"})
    assert (moved.status_code, http.get(path).status_code) == (307, 301)
    assert http.get(f"/repos/acme/web/issues/{number}").json()["body"] != "Moved"
    followed = http.patch(path, json={"body": "Moved"}, follow_redirects=True)
    assert followed.json()["body"] == "Moved"


def test_writes_to_transferred_deleted_and_missing_issues_fail(box: Sandbox, http: httpx.Client) -> None:
    repo = box.world.github.repo("acme/web")
    (gone,), (left,) = repo.deleted, repo.transferred
    assert http.post(f"/repos/acme/web/issues/{gone}/comments", json={"body": "x"}).status_code == 410
    moved = http.post(f"/repos/acme/web/issues/{left}/comments", json={"body": "x"}, follow_redirects=True)
    assert (moved.status_code, moved.history[0].status_code) == (201, 307)
    assert "/repos/acme/infra/issues/" in moved.json()["issue_url"]
    assert http.patch("/repos/acme/web/issues/9999", json={}).status_code == 404
    assert http.put("/repos/acme/web/issues/1", json={}).status_code == 404
    assert http.post("/repos/acme/web/issues/1/reactions", json={}).status_code == 404
    assert http.post("/repos/acme/web/issues/new/labels", json=[]).status_code == 404
    assert http.post("/repos/acme/web/pulls", json={}).status_code == 404


def test_archived_repository_is_read_only(box: Sandbox) -> None:
    number = box.world.github.add_issue("acme/legacy").number
    issue = github(box).get_repo("acme/legacy").get_issue(number)
    refused(lambda: issue.create_comment("x"), 403, "Repository was archived so is read-only.")


# -- who may

DENIED = "Resource not accessible by personal access token"


def test_token_for_reading_cannot_write(box: Sandbox, number: int) -> None:
    issue = github(box, box.credentials["github_readonly"]).get_repo("acme/web").get_issue(number)
    error = refused(lambda: issue.create_comment("x"), 403, DENIED)
    assert error.headers is not None
    assert error.headers["x-accepted-github-permissions"] == "issues=write"
    refused(lambda: issue.edit(body="x"), 403, DENIED)
    refused(lambda: issue.add_to_labels("x"), 403, DENIED)
    assert list(issue.get_comments()) == []


def test_token_for_issues_writes_to_issues_alone(box: Sandbox, number: int) -> None:
    repo = github(box, box.credentials["github_issues"]).get_repo("acme/web")
    issue = repo.get_issue(number)
    issue.edit(body="By a small token")
    comment = issue.create_comment("Fine")
    comment.edit("Still fine")
    issue.add_to_labels("okr")
    assert [issue.number for issue in repo.get_issues(labels=["okr"])] == [number]
    for call in (lambda: repo.get_pull(1), lambda: list(repo.get_pulls()), lambda: list(repo.get_releases())):
        refused(call, 403, DENIED)
    pull = repo.get_issue(box.world.github.add_pull("acme/web").number)
    refused(lambda: pull.create_comment("x"), 403, DENIED)
    theirs = box.world.github.add_comment("acme/web", pull.number, "Mine")
    refused(lambda: pull.get_comment(theirs.id).edit("x"), 403, DENIED)


def test_app_installation_writes_to_issues_alone(box: Sandbox, number: int) -> None:
    app = box.github_app
    auth = Auth.AppAuth(app["app_id"], app["private_key"]).get_installation_auth(int(app["installation_id"]))
    repo = Github(base_url=box.github_url, auth=auth, retry=None, seconds_between_writes=0).get_repo("acme/web")
    assert repo.get_issue(number).create_comment("By the app").user.type == "Bot"
    pull = repo.get_issue(box.world.github.add_pull("acme/web").number)
    refused(lambda: pull.create_comment("x"), 403, "Resource not accessible by integration")


def test_response_to_a_comment_can_get_lost(box: Sandbox, issue: Issue) -> None:
    box.requests.clear()
    box.fault(Fault("github", "reset_after", method="POST", path="/comments$", times=1))
    with pytest.raises(requests.ConnectionError):
        issue.create_comment("Written")
    assert [comment.body for comment in issue.get_comments()] == ["Written"]
    assert [(request.method, request.status) for request in box.requests] == [("POST", 0), ("GET", 200)]
