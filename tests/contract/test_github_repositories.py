"""GitHub: what becomes of a number when repositories and records are moved, hidden, blocked or named anew.

Whole cycles through PyGithub against the sandbox, with a ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from github_project import LONG_AGO, GitHubProject, close_issue, merge_pull

from syncd.cycle.check_connections import check_connection
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sandbox.world import World
from syncd.sdk import RetryPolicy

ISSUES = "repo: 'acme/*', what: closed_issues"
MERGES = "repo: 'acme/*', what: merged_pull_requests"
Make = Callable[..., GitHubProject]


@pytest.fixture
def make(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a project over acme/a, acme/b and acme/c; each has two closed issues and a merged pull request."""
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    made: list[GitHubProject] = []
    for name in ("acme/a", "acme/b", "acme/c"):
        box.world.github.add_repo(name, at=LONG_AGO)
        for _ in range(2):
            close_issue(box, name)
        merge_pull(box, name)

    def project(keys: str = "", **measures: str) -> GitHubProject:
        made.append(GitHubProject(tmp_path, box, keys, **measures))
        return made[-1]

    yield project
    for each in made:
        each.ledger.close()


# -- all that ever was


def test_a_measure_of_all_that_ever_was_never_asks_for_all_since_1970(make: Make, box: Sandbox) -> None:
    """The sandbox, like GitHub, answers an empty list to that."""
    project = make(work=ISSUES)
    project.sync()
    project.measures(work=ISSUES, share=f"{ISSUES}, take: share", ever=f"{ISSUES}, window: {{since: 1970-01-01}}")
    project.sync()
    project.sync(reconcile=True)
    assert (project.value("work"), project.value("ever")) == ((6, "complete"), (6, "complete"))
    assert project.value("share") == (100, "complete")
    assert not [request for request in box.requests if "since=1970" in request.query or "since=1969" in request.query]


def test_a_ledger_that_asked_for_all_since_1970_is_mended_by_the_next_pull(make: Make) -> None:
    project = make(share="repo: acme/a, what: closed_issues, take: share")
    project.sync()
    stream = project.ledger.streams.state("code", "issues of acme/a")
    assert stream is not None
    assert stream.cursor is not None
    with project.ledger.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM records")
        connection.exec_driver_sql(
            "UPDATE streams SET cursor = json(?)",
            (
                f'{{"url": "{stream.cursor["url"]}", "mark": "1970-01-01T00:00:00+00:00", '
                '"since": "1970-01-01T00:00:00Z", "etag": "of-nothing"}',
            ),
        )
    project.sync()
    assert project.value("share") == (100, "complete")


# -- each repository fails for itself


@pytest.mark.sampled(2)
@pytest.mark.parametrize("blocked", ["tos", "dmca"])
@pytest.mark.parametrize("measure", [ISSUES, MERGES, f"{MERGES}, where: {{base: main}}"])
def test_a_blocked_repository_is_named_and_the_others_are_read(
    make: Make, box: Sandbox, blocked: str, measure: str
) -> None:
    box.world.github.set_repo("acme/b", blocked=blocked)
    project = make(work=measure)
    result = project.sync()
    assert project.value() == (None, "partial")
    assert "acme/b: " in project.reason()
    assert "acme/a" not in project.reason()
    assert "`exclude: [b]`" in project.reason()
    assert result.failures
    assert any("/acme/c/" in request.path for request in box.requests)

    project.connection("exclude: [b]")
    assert not project.sync().failures
    assert project.value() == (2 if measure is not ISSUES else 4, "complete")


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("measure", "off", "number"),
    [
        (ISSUES, {"has_issues": False}, 4),
        (MERGES, {"has_issues": False}, 3),  # /issues is closed: they are read from /pulls
        (MERGES, {"has_pull_requests": False}, 3),  # their own list is closed, and /issues still shows them
        (f"{MERGES}, where: {{base: main}}", {"has_pull_requests": False}, 2),
        (MERGES, {"has_issues": False, "has_pull_requests": False}, 2),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_a_repository_has_none_of_what_is_turned_off(
    make: Make, box: Sandbox, measure: str, off: dict[str, bool], number: int, several: bool
) -> None:
    box.world.github.set_repo("acme/b", **off)
    project = make(work=measure.replace("'acme/*'", "[acme/a, acme/b, acme/c]") if several else measure)
    result = project.sync()
    assert not result.failures
    assert project.value() == (number, "complete")
    notes = [note for pull in result.pulls for note in pull.notes]
    assert notes == ([] if number == 3 else [f"acme/b: its {_turned_off(off)} are turned off, so it has none"])
    project.sync(reconcile=True)
    assert project.value() == (number, "complete")


def _turned_off(off: dict[str, bool]) -> str:
    return "pull requests" if "has_pull_requests" in off else "issues"


def test_a_list_of_repositories_tells_what_is_turned_off_where_the_repository_does_not(
    make: Make, box: Sandbox
) -> None:
    box.world.github.set_repo("acme/b", has_pull_requests=False)
    body = '{"id": 7, "full_name": "acme/b"}'
    box.fault(Fault("github", "status", path="/repos/acme/b$", status=200, body=body))
    project = make(work="repo: [acme/a, acme/b], what: merged_pull_requests, where: {base: main}")
    assert not project.sync().failures
    assert project.value() == (1, "complete")


@pytest.mark.parametrize(
    ("state", "token", "finding"),
    [
        ({"blocked": "tos"}, "github", "acme/a: the credentials lack a permission"),
        ({}, "github_pulls", "the request needs the permission Issues: read"),
    ],
)
def test_the_doctor_names_a_repository_that_cannot_be_read(
    make: Make, box: Sandbox, monkeypatch: pytest.MonkeyPatch, state: dict[str, str], token: str, finding: str
) -> None:
    monkeypatch.setenv("TOKEN", box.credentials[token])
    box.world.github.set_repo("acme/a", **state)
    config = make(work=ISSUES).config
    policy = RetryPolicy(sleep=lambda _: None)
    checks = list(check_connection(config, config.connections["code"], [], DEMO_NOW, policy))
    assert [check for check in checks if not check.ok and check.name == "reads" and finding in check.detail]


def test_both_kinds_are_read_where_issues_are_turned_off(make: Make, box: Sandbox) -> None:
    box.world.github.set_repo("acme/b", has_issues=False)
    project = make(work=ISSUES, merged=MERGES)
    for options in ({}, {}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert (project.value("work"), project.value("merged")) == ((4, "complete"), (3, "complete"))


def test_a_server_that_fails_for_one_repository_is_asked_for_the_others(make: Make, box: Sandbox) -> None:
    box.fault(Fault("github", "status", path="/acme/b/issues", status=500))
    project = make(work=ISSUES)
    project.sync()
    assert project.value() == (None, "partial")
    assert project.reason().startswith("code: acme/b: HTTP 500")
    box.heal()
    project.sync()
    assert project.value() == (6, "complete")


def test_a_server_that_is_down_is_not_asked_for_every_repository(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.requests.clear()
    box.fault(Fault("github", "status", path="/issues", status=500))
    project.sync()
    assert project.value() == (6, "partial")
    assert not any("/acme/c/" in request.path for request in box.requests)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("exclude", "number"),
    [("[c]", 4), ("['C*']", 4), ("[acme/c, b]", 2), ("['other/*']", 6), ("[archived]", 4), ("[forks, archived]", 2)],
)
def test_excluded_repositories_do_not_count(make: Make, box: Sandbox, exclude: str, number: int) -> None:
    box.world.github.set_repo("acme/a", archived=True)
    box.world.github.set_repo("acme/b", fork=True)
    project = make(work=ISSUES)
    project.sync()
    assert project.value() == (6, "complete")
    project.connection(f"exclude: {exclude}")
    project.sync()
    assert project.value() == (number, "complete")
    assert project.restated() == ["gone: deleted, moved, or no match any more"] * (6 - number)


# -- repositories that are no longer listed


def test_a_repository_that_is_lost_from_sight_keeps_its_records(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.world.github.set_repo("acme/b", hidden=True)
    close_issue(box, "acme/a")
    for options in ({}, {"reconcile": True}, {}):
        project.sync(**options)
        assert project.value() == (6, "partial")
        assert project.reason().startswith("code: acme/b: it is no longer listed")
        assert "`exclude: [b]`" in project.reason()
    project.measures(work=ISSUES, share=f"{ISSUES}, take: share")  # the stream begins anew
    project.sync()
    assert project.value() == (6, "partial")

    box.world.github.set_repo("acme/b", hidden=False)
    project.sync()
    assert project.value() == (7, "complete")


def test_a_lost_repository_that_is_excluded_is_gone(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.world.github.set_repo("acme/b", hidden=True)
    project.sync()
    project.connection("exclude: [b]")
    assert not project.sync().failures
    assert project.value() == (4, "complete")


def test_a_repository_that_moves_to_another_owner_is_gone(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.world.github.transfer_repo("acme/b", "other")
    assert not project.sync().failures
    assert project.value() == (4, "complete")


def test_renamed_repositories_keep_their_records_and_their_history(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    for old, new in (("c", "d"), ("b", "c"), ("a", "b")):  # each takes the name that another has just given up
        box.world.github.rename_repo(f"acme/{old}", new)
    close_issue(box, "acme/d")
    for options in ({}, {"reconcile": True}, {}):
        assert not project.sync(**options).failures
        assert project.value() == (7, "complete")
    assert project.restated() == ["came late"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("what", ["closed_issues", "merged_pull_requests, where: {base: main}", "releases"])
def test_a_repository_that_is_measured_under_two_names_counts_once(make: Make, box: Sandbox, what: str) -> None:
    for name in ("acme/a", "acme/b", "acme/c"):
        box.world.github.add_release(name, "v1", at=LONG_AGO)
    project = make(work=f"repo: [acme/b, 'acme/*'], what: {what}", alone=f"repo: acme/b, what: {what}")
    project.sync()
    number, alone = project.value(), project.value("alone")
    box.world.github.rename_repo("acme/b", "d")
    for options in ({}, {}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert (project.value(), project.value("alone")) == (number, alone)
    assert project.restated() == project.restated("alone") == []

    box.world.github.add_repo("acme/b")  # the name means another repository from now on
    project.sync(reconcile=True)
    project.sync()
    assert (project.value(), project.value("alone")) == (number, (0, "complete"))


def test_a_new_repository_with_a_former_name_is_another_one(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.world.github.rename_repo("acme/b", "old-b")
    box.world.github.add_repo("acme/b")
    close_issue(box, "acme/b")
    for options in ({}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert project.value() == (7, "complete")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("what", ["closed_issues", "merged_pull_requests", "merged_pull_requests, where: {base: main}"])
def test_a_repository_that_comes_back_is_read_from_its_beginning(make: Make, box: Sandbox, what: str) -> None:
    code, number = box.world.github, 10 if what == "closed_issues" else 7
    for day in range(2, 6):  # long before the newest row, where a pull goes on
        happen(box, "acme/b", what, day)
    project = make(work=f"repo: 'acme/*', what: {what}")
    settings = project.folder / "syncd.yaml"
    text = settings.read_text()

    def expect(number: int, **options: bool) -> None:
        project.sync(**options)
        assert project.value() == (number, "complete")

    without_b = 4 if what == "closed_issues" else 2
    expect(number)
    project.connection("exclude: [b]")
    expect(without_b)
    settings.write_text(text)
    expect(number)
    code.transfer_repo("acme/b", "other")
    expect(without_b, reconcile=True)
    code.transfer_repo("other/b", "acme")
    expect(number)


@pytest.mark.parametrize("repo", ["acme/*", "acme/b"])
def test_issues_that_are_turned_on_again_are_read_from_their_beginning(make: Make, box: Sandbox, repo: str) -> None:
    for day in range(2, 6):
        happen(box, "acme/b", "closed_issues", day)
    project = make(work=f"repo: '{repo}', what: closed_issues")
    project.sync()
    number, _ = project.value()
    box.world.github.set_repo("acme/b", has_issues=False)
    for _ in range(2):  # a list that is empty all at once is doubted
        project.sync(reconcile=True)
    box.world.github.set_repo("acme/b", has_issues=True)
    project.sync()
    assert project.value() == (number, "complete")


@pytest.mark.parametrize("census", [False, True])
def test_another_repository_with_the_name_of_one_that_was_deleted_takes_its_place(
    make: Make, box: Sandbox, census: bool
) -> None:
    code = box.world.github
    for day in range(2, 6):
        happen(box, "acme/b", "closed_issues", day)
    project = make(work=ISSUES)
    project.sync()
    assert project.value() == (10, "complete")
    del code.repos[code.repo("acme/b").id]
    code.add_repo("acme/b", at=LONG_AGO)
    for _ in range(3):
        close_issue(box, "acme/b")
    for options in ({"reconcile": census}, {}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert project.value() == (7, "complete")


def happen(box: Sandbox, repo: str, what: str, day: int) -> None:
    """An issue is closed, or a pull request merged, so many days after all began."""
    code, at = box.world.github, LONG_AGO + timedelta(days=day)
    if what == "closed_issues":
        code.close_issue(repo, code.add_issue(repo, at=LONG_AGO).number, at=at)
    else:
        code.merge_pull(repo, code.add_pull(repo, at=LONG_AGO).number, at=at)


# -- who asks


def test_an_app_on_a_persons_account_reads_private_repositories(make: Make, box: Sandbox, tmp_path: Path) -> None:
    code = box.world.github
    code.persons.add("acme")
    code.set_repo("acme/a", private=False)
    code.add_repo("other/d")
    close_issue(box, "other/d")
    (tmp_path / "app.pem").write_text(box.github_app["private_key"])
    project = make("app_id: 424242, installation_id: 5150, private_key: app.pem", work=ISSUES)
    assert not project.sync().failures
    assert project.value() == (6, "complete")
    code.installed_on = "other"  # then public repositories are all that it may read
    project.connection("exclude: [b, c]")
    project.sync()
    assert project.value() == (2, "complete")


def test_a_list_that_leaves_out_what_needs_single_sign_on_is_partial(make: Make, box: Sandbox) -> None:
    box.fault(Fault("github", "headers", path="/orgs/", headers={"X-GitHub-SSO": "partial-results; organizations=21"}))
    project = make(work=ISSUES)
    project.sync()
    assert project.value() == (None, "partial")
    assert "acme/*: GitHub leaves out what belongs to organizations with single sign-on" in project.reason()


@pytest.mark.parametrize("repo", ["'acme/*'", "acme/a", "[acme/a, acme/b, acme/c]"])
def test_a_token_for_pull_requests_alone_counts_merges(
    make: Make, box: Sandbox, monkeypatch: pytest.MonkeyPatch, repo: str
) -> None:
    monkeypatch.setenv("TOKEN", box.credentials["github_pulls"])
    project = make(work=f"repo: {repo}, what: merged_pull_requests")
    assert not project.sync().failures
    assert project.value() == (1 if repo == "acme/a" else 3, "complete")
    box.requests.clear()
    project.sync()
    assert not [request for request in box.requests if request.path.endswith("/issues")]  # it remembers


@pytest.mark.parametrize(
    ("token", "what", "permission"),
    [
        ("github_pulls", "closed_issues", "Issues: read"),
        ("github_issues", "releases", "Contents: read"),
        ("github_issues", "merged_pull_requests, where: {base: main}", "Pull requests: read"),
    ],
)
def test_a_missing_permission_is_named(
    make: Make, box: Sandbox, monkeypatch: pytest.MonkeyPatch, token: str, what: str, permission: str
) -> None:
    monkeypatch.setenv("TOKEN", box.credentials[token])
    project = make(work=f"repo: acme/a, what: {what}")
    project.sync()
    assert project.value() == (None, "failed")
    assert project.reason().endswith(f"the request needs the permission {permission}")


def test_single_sign_on_that_is_required_is_told_with_its_address(make: Make, box: Sandbox) -> None:
    headers = {"X-GitHub-SSO": "required; url=https://github.example/orgs/acme/sso?authorization_request=AB"}
    box.fault(Fault("github", "status", status=403, body='{"message": "Resource protected"}', headers=headers))
    project = make(work="repo: acme/a, what: closed_issues")
    project.sync()
    assert project.reason().endswith(
        "let single sign-on accept the token: https://github.example/orgs/acme/sso?authorization_request=AB"
    )


def test_an_ipv6_address_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(World(DEMO_NOW), "::1", 0).running() as box:
        monkeypatch.setenv("TOKEN", box.credentials["github"])
        box.world.github.add_repo("acme/a")
        close_issue(box, "acme/a")
        project = GitHubProject(tmp_path, box, work=ISSUES)
        assert not project.sync().failures
        assert project.value() == (1, "complete")
        project.ledger.close()


# -- a record is one, whatever names it


@pytest.mark.parametrize("what", ["closed_issues", "merged_pull_requests", "releases"])
def test_a_record_under_a_new_node_id_counts_once(make: Make, box: Sandbox, what: str) -> None:
    code = box.world.github
    code.add_release("acme/a", "v1", at=LONG_AGO)
    code.set_repo("acme/a", legacy_ids=True)
    project = make(work=f"repo: acme/a, what: {what}")
    project.sync()
    number = project.value()
    code.set_repo("acme/a", legacy_ids=False)
    for item in (1, 2, 3):
        code.touch("acme/a", item)
    for options in ({}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert project.value() == number
    assert project.restated() == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize("repo", ["'acme/*'", "[acme/a, acme/b]"])
@pytest.mark.parametrize("take", ["count", "share"])
def test_a_transferred_issue_counts_once_at_once(make: Make, box: Sandbox, repo: str, take: str) -> None:
    open_issue = box.world.github.add_issue("acme/a", at=LONG_AGO).number
    project = make(work=f"repo: {repo}, what: closed_issues, take: {take}")
    project.sync()
    project.sync()
    number = project.value()
    box.world.github.transfer_issue("acme/a", 1, "acme/b")
    box.world.github.transfer_issue("acme/a", open_issue, "acme/b")
    project.sync()
    assert project.value() == number
    requests = len(box.requests)
    project.sync()
    assert project.value() == number
    assert len(box.requests) - requests <= 4  # no census again


def test_a_transferred_issue_counts_once_after_a_kill(
    make: Make, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the page with the issue was stored, before its former list was counted again."""
    project = make(work=ISSUES)
    project.sync()
    box.world.github.transfer_issue("acme/a", 1, "acme/b")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("syncd.cycle.pull._counted_again", killed)
        with pytest.raises(KeyboardInterrupt):
            project.sync()
    project.sync()
    assert project.value() == (6, "complete")


def test_an_old_issue_that_is_edited_is_no_transfer(make: Make, box: Sandbox) -> None:
    """It has a number that no pull saw, because nobody touched it within the period."""
    code = box.world.github
    old = code.add_issue("acme/a", at=DEMO_NOW - timedelta(days=300)).number
    code.close_issue("acme/a", old, at=DEMO_NOW - timedelta(days=200))
    project = make(work=ISSUES)
    project.sync()
    code.touch("acme/a", old)
    result = project.sync()
    assert project.value() == (6, "complete")
    assert not any(pull.moved_in for pull in result.pulls)


def test_a_draft_that_a_push_merges_counts(make: Make, box: Sandbox) -> None:
    merge_pull(box, "acme/a", by_push=True)
    project = make(work=MERGES, drafts=f"{MERGES}, where: {{draft: true}}")
    project.sync()
    assert (project.value("work"), project.value("drafts")) == ((4, "complete"), (1, "complete"))


# -- lists that prove to be empty


@pytest.mark.parametrize("repo", ["'acme/*'", "[acme/a, acme/b, acme/c]"])
def test_a_list_that_is_found_empty_is_not_believed_at_once(make: Make, box: Sandbox, repo: str) -> None:
    project = make(work=f"repo: {repo}, what: closed_issues")
    project.sync()
    box.fault(Fault("github", "status", path="/acme/b/issues", status=200, body="[]"))
    project.sync(reconcile=True)
    assert project.value() == (6, "partial")
    assert "acme/b lists nothing now; the 3 records that it held stay" in project.reason()
    box.heal()
    project.sync()
    assert project.value() == (6, "complete")


def test_a_list_that_is_found_empty_twice_is_empty(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    for number in (1, 2):
        box.world.github.delete_issue("acme/b", number)
    box.world.github.repo("acme/b").items.clear()
    box.world.github.set_repo("acme/b")
    project.sync(reconcile=True)
    assert project.value() == (6, "partial")
    project.sync()  # without being asked to reconcile
    assert project.value() == (4, "complete")


def test_releases_that_are_all_gone_are_not_believed_at_once(make: Make, box: Sandbox) -> None:
    for name in ("v1", "v2"):
        box.world.github.add_release("acme/a", name, at=LONG_AGO)
    project = make(work="repo: acme/a, what: releases")
    project.sync()
    box.fault(Fault("github", "status", path="/releases", status=200, body="[]", times=1))
    project.sync()
    assert project.value() == (2, "partial")
    project.sync()
    assert project.value() == (2, "complete")
    box.world.github.repo("acme/a").releases.clear()
    box.world.github.set_repo("acme/a")
    assert [(project.sync(), project.value())[1] for _ in range(2)] == [(2, "partial"), (0, "complete")]


# -- pages that are too large for the server


@pytest.mark.sampled(2)
@pytest.mark.parametrize("repo", ["'acme/*'", "acme/a"])
@pytest.mark.parametrize("measure", ["closed_issues", "merged_pull_requests, where: {base: main}"])
def test_a_server_that_cannot_give_large_pages_is_asked_for_small_ones(
    make: Make, box: Sandbox, repo: str, measure: str
) -> None:
    for _ in range(120):
        (merge_pull if "merged" in measure else close_issue)(box, "acme/a")
    box.fault(Fault("github", "html", path="/acme/a/.*per_page=([4-9].|100)"))
    project = make(work=f"repo: {repo}, what: {measure}")
    project.sync()
    assert project.value()[1] == "complete"
    assert (project.value()[0] or 0) > 120
    number = project.value()
    box.requests.clear()
    for item in (1, 2, 3):
        box.world.github.touch("acme/a", item)
    project.sync()
    assert project.value() == number
    assert not [request for request in box.requests if request.status == 502]  # it remembers


def test_a_reconciliation_that_could_not_read_a_repository_is_due_again(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    gone = close_issue(box, "acme/b")
    project.sync()
    assert project.value() == (7, "complete")
    box.world.github.delete_issue("acme/b", gone)
    box.fault(Fault("github", status=451, path="/repos/acme/b/issues", times=1))
    project.now += timedelta(hours=25)  # it is due by itself
    failed = project.sync()
    assert any("acme/b" in reason for _, reason in failed.failures)
    project.sync()
    assert project.value() == (6, "complete")
