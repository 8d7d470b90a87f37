"""The unmodified PyGithub reads from the sandbox; finer points of the protocol are checked without it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from github import Auth, BadCredentialsException, Github, GithubException, UnknownObjectException
from sandbox_clients import github

from syncd.sandbox import DEMO_NOW, Sandbox

Get = Callable[..., httpx.Response]


def test_pull_requests_of_all_pages_arrive_once(shared_box: Sandbox) -> None:
    pulls = list(github(shared_box).get_repo("acme/web").get_pulls(state="all", sort="updated", direction="desc"))
    numbers = [pull.number for pull in pulls]
    assert len(numbers) == len(set(numbers)) == 268
    times = [pull.updated_at for pull in pulls]
    assert times == sorted(times, reverse=True)
    assert {pull.base.ref for pull in pulls} == {"main", "release/1.x"}
    assert any(pull.user.login == "renovate[bot]" and pull.user.type == "Bot" for pull in pulls)


def test_pull_requests_are_filtered_by_state_and_base(shared_box: Sandbox) -> None:
    repo = github(shared_box).get_repo("acme/web")
    assert all(pull.state == "open" for pull in repo.get_pulls())
    assert {pull.base.ref for pull in repo.get_pulls(state="all", base="release/1.x")} == {"release/1.x"}
    assert {pull.merged_at is None for pull in repo.get_pulls(state="closed")} == {True, False}


def test_issues_since_a_time_include_pull_requests(shared_box: Sandbox) -> None:
    since = datetime(2026, 10, 20, tzinfo=UTC)
    issues = list(github(shared_box).get_repo("acme/web").get_issues(state="all", sort="updated", since=since))
    items = shared_box.world.github.repo("acme/web").items.values()
    assert {issue.number for issue in issues} == {item.number for item in items if item.updated_at >= since}
    merged = [issue for issue in issues if issue.pull_request and issue.raw_data["pull_request"]["merged_at"]]
    assert merged
    assert len(merged) < len(issues)


def test_issues_are_filtered_by_labels(shared_box: Sandbox) -> None:
    issues = list(github(shared_box).get_repo("acme/web").get_issues(state="all", labels=["bug", "frontend"]))
    assert len(issues) == 3
    assert all({"bug", "frontend"} <= {label.name for label in issue.labels} for issue in issues)


def test_drafts_show_to_tokens_with_push_access_alone(shared_box: Sandbox) -> None:
    def drafts(token: str) -> int:
        releases = github(shared_box, shared_box.credentials[token]).get_repo("acme/checkout").get_releases()
        return sum(release.draft for release in releases)

    assert drafts("github") == 2
    assert drafts("github_readonly") == 0


def test_organization_lists_its_repositories(shared_box: Sandbox) -> None:
    repos = github(shared_box).get_organization("acme").get_repos()
    assert {repo.full_name for repo in repos} == {
        "acme/web", "acme/search", "acme/checkout", "acme/mobile", "acme/infra", "acme/legacy",
    }  # fmt: skip


def test_wrong_and_missing_credentials_are_refused(shared_box: Sandbox) -> None:
    with pytest.raises(BadCredentialsException) as caught:
        github(shared_box, "wrong").get_repo("acme/web")
    assert caught.value.data["message"] == "Bad credentials"
    assert httpx.get(f"{shared_box.github_url}/user").status_code == 401


def test_repository_that_does_not_exist_is_404(shared_box: Sandbox) -> None:
    with pytest.raises(UnknownObjectException):
        github(shared_box).get_repo("acme/nowhere")


def test_app_installation_reads_a_repository(box: Sandbox) -> None:
    app = box.github_app
    auth = Auth.AppAuth(app["app_id"], app["private_key"]).get_installation_auth(int(app["installation_id"]))
    client = Github(base_url=box.github_url, auth=auth, retry=None, seconds_between_requests=0)
    assert client.get_repo("acme/search").full_name == "acme/search"


def test_app_with_another_key_is_refused(box: Sandbox) -> None:
    with httpx.Client(base_url=box.github_url) as client:
        forged = {"Authorization": "Bearer e30.e30.e30"}
        path = f"/app/installations/{box.github_app['installation_id']}/access_tokens"
        assert client.post(path, headers=forged).status_code == 401


def test_not_modified_costs_no_quota(box: Sandbox, raw: Get) -> None:
    path = "/repos/acme/web/pulls?state=all&per_page=100"
    first = raw(path)
    again = raw(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    box.world.github.touch("acme/web", 268)
    changed = raw(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert int(changed.headers["X-RateLimit-Remaining"]) == int(first.headers["X-RateLimit-Remaining"]) - 1


def test_etag_belongs_to_a_token(box: Sandbox, raw: Get) -> None:
    path = "/repos/acme/web/pulls"
    other = {"Authorization": f"Bearer {box.credentials['github_readonly']}"}
    assert raw(path).headers["ETag"] != raw(path, headers=other).headers["ETag"]


def test_links_are_absolute_and_keep_the_query(box: Sandbox, raw: Get) -> None:
    links = raw("/repos/acme/web/pulls?state=all&per_page=50&page=3").links
    assert set(links) == {"prev", "next", "last", "first"}
    assert links["last"]["url"].endswith("state=all&per_page=50&page=6")
    assert links["next"]["url"].startswith(box.github_url + "/repositories/")
    elsewhere = raw("/repos/acme/web/pulls?state=all", headers={"Host": "sandbox.example:8765"})
    assert elsewhere.links["next"]["url"].startswith("http://sandbox.example:8765/github/")
    assert elsewhere.json()[0]["url"].startswith("http://sandbox.example:8765/github/")


def test_renamed_repository_redirects_with_its_query(box: Sandbox, raw: Get) -> None:
    moved = raw("/repos/acme/website/pulls?state=closed&page=2")
    assert moved.status_code == 301
    assert moved.headers["Location"].endswith("/pulls?state=closed&page=2")
    assert moved.json()["message"] == "Moved Permanently"
    assert github(box).get_repo("acme/website").full_name == "acme/web"


def test_transferred_issue_redirects_and_deleted_issue_is_gone(box: Sandbox, raw: Get) -> None:
    repo = box.world.github.repo("acme/web")
    (gone,), (left,) = repo.deleted, repo.transferred
    assert raw(f"/repos/acme/web/issues/{gone}").status_code == 410
    moved = raw(f"/repos/acme/web/issues/{left}")
    assert moved.status_code == 301
    assert httpx.get(moved.headers["Location"], headers=dict(moved.request.headers)).status_code == 200


def test_mutations_show_and_move_the_update_time(box: Sandbox) -> None:
    code, repo = box.world.github, github(box).get_repo("acme/infra")
    issue = code.add_issue("acme/infra", "New", labels=["bug"])
    assert repo.get_issue(issue.number).updated_at == DEMO_NOW + timedelta(seconds=1)
    code.close_issue("acme/infra", issue.number, "not_planned")
    seen = repo.get_issue(issue.number)
    assert (seen.state, seen.state_reason, seen.closed_at) == ("closed", "not_planned", DEMO_NOW + timedelta(seconds=2))
    code.reopen_issue("acme/infra", issue.number, keep_closed_at=True)
    seen = repo.get_issue(issue.number)
    assert seen.state == "open"
    assert seen.closed_at is not None
    code.unlabel("acme/infra", issue.number, "bug")
    assert repo.get_issue(issue.number).labels == []
    pull = code.add_pull("acme/infra", draft=True)
    assert repo.get_pull(pull.number).draft
    code.merge_pull("acme/infra", pull.number)
    assert repo.get_pull(pull.number).merged
    with pytest.raises(ValueError, match="merged"):
        code.reopen_pull("acme/infra", pull.number)
    code.delete_issue("acme/infra", issue.number)
    with pytest.raises(GithubException) as caught:
        repo.get_issue(issue.number)
    assert caught.value.status == 410
    assert code.add_issue("acme/infra").number > issue.number


def test_lists_follow_every_change(box: Sandbox) -> None:
    code, repo = box.world.github, github(box).get_repo("acme/mobile")

    def seen() -> list[str]:
        return [f"{pull.number} {pull.state}" for pull in repo.get_pulls(state="all", sort="updated", direction="desc")]

    before = seen()
    pull = code.add_pull("acme/mobile")
    assert seen() == [f"{pull.number} open", *before]
    code.close_pull("acme/mobile", pull.number)
    assert seen() == [f"{pull.number} closed", *before]
    code.touch("acme/mobile", 1)
    assert seen()[0] == "1 closed"


def test_invalid_parameters_are_refused(raw: Get) -> None:
    assert raw("/repos/acme/web/issues?since=yesterday").status_code == 422
    assert raw("/repos/acme/web/pulls?state=merged").status_code == 422


def test_requests_are_logged_in_order(box: Sandbox, raw: Get) -> None:
    answer = raw("/repos/acme/web?x=1")
    assert [(request.method, request.path, request.query, request.status) for request in box.requests] == [
        ("GET", "/github/repos/acme/web", "x=1", 200)
    ]
    assert box.requests[0].bytes_sent == len(answer.content)
    box.requests.clear()
    raw("/user")
    assert len(box.requests) == 1


# -- what a client must not trust


def test_all_issues_since_1970_are_none(raw: Get) -> None:
    """As on the real site (chaoss/grimoirelab-perceval#865)."""
    assert raw("/repos/acme/web/issues?state=all&since=1970-01-01T00:00:00Z").json() == []
    assert raw("/repos/acme/web/issues?state=all&since=1970-01-01T00:00:01Z").json() != []


def test_a_blocked_repository_is_listed_and_refused(box: Sandbox) -> None:
    code = box.world.github
    for reason, status in (("tos", 403), ("dmca", 451)):
        code.set_repo("acme/web", blocked=reason)
        assert "acme/web" in {repo.full_name for repo in github(box).get_organization("acme").get_repos()}
        with pytest.raises(GithubException) as caught:
            github(box).get_repo("acme/web").get_issues().get_page(0)
        assert caught.value.status == status


def test_a_part_that_is_turned_off_is_refused_and_the_repository_says_so(box: Sandbox) -> None:
    code, repo = box.world.github, github(box).get_repo("acme/web")
    code.set_repo("acme/web", has_issues=False, has_pull_requests=False)
    assert repo.update()
    assert not repo.has_issues
    for list_, status in ((repo.get_issues, 410), (repo.get_pulls, 404)):
        with pytest.raises(GithubException) as caught:
            list_().get_page(0)
        assert caught.value.status == status


def test_a_hidden_repository_answers_as_if_it_were_not_there(box: Sandbox) -> None:
    box.world.github.set_repo("acme/web", hidden=True)
    assert "acme/web" not in {repo.full_name for repo in github(box).get_organization("acme").get_repos()}
    with pytest.raises(UnknownObjectException):
        github(box).get_repo("acme/web")


def test_an_app_sees_what_it_is_installed_on_and_a_persons_list_has_public_repositories(box: Sandbox) -> None:
    code = box.world.github
    code.persons.add("acme")
    code.set_repo("acme/web", private=False)
    app = box.github_app
    auth = Auth.AppAuth(int(app["app_id"]), app["private_key"]).get_installation_auth(int(app["installation_id"]))
    client = Github(base_url=box.github_url, auth=auth, retry=None)
    assert [repo.full_name for repo in client.get_user("acme").get_repos()] == ["acme/web"]
    with pytest.raises(UnknownObjectException):
        client.get_organization("acme")
    installed = client.requester.requestJsonAndCheck("GET", "/installation/repositories")[1]
    assert installed["total_count"] == len(installed["repositories"]) == len(code.repos)
    with pytest.raises(GithubException) as caught:
        github(box).requester.requestJsonAndCheck("GET", "/installation/repositories")
    assert caught.value.status == 403


def test_a_node_id_has_either_form_and_the_number_stays(box: Sandbox) -> None:
    repo = github(box).get_repo("acme/web")
    present = repo.get_issue(1)
    assert present.node_id.startswith(("I_kwA", "PR_kwA", "I_k", "PR_k"))
    box.world.github.set_repo("acme/web", legacy_ids=True)
    assert base64.b64decode(repo.get_issue(1).node_id).decode().startswith(("05:Issue", "011:PullRequest"))
    assert repo.get_issue(1).id == present.id


def test_a_push_merges_a_draft(box: Sandbox) -> None:
    code = box.world.github
    pull = code.add_pull("acme/infra", draft=True)
    code.merge_pull("acme/infra", pull.number, by_push=True)
    seen = github(box).get_repo("acme/infra").get_pull(pull.number)
    assert (seen.merged, seen.draft) == (True, True)


def test_a_former_name_leads_to_a_new_repository_once_that_is_made(box: Sandbox) -> None:
    code = box.world.github
    code.rename_repo("acme/web", "portal")
    assert github(box).get_repo("acme/web").full_name == "acme/portal"
    code.add_repo("acme/web")
    assert github(box).get_repo("acme/web").full_name == "acme/web"
