"""Deployments, workflow runs, tags and issue types of GitHub: the connector through PyGithub against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
from kept_stream import LAB, SINCE, START, Kept, done, hours, opened, stream
from pydantic import ValidationError

from connectors.github import GitHub
from connectors.github.source import GitHubSource
from syncd.config.measure_keys import measure_model
from syncd.sandbox import Fault, Sandbox
from syncd.sdk import Context, Record, RetryLater, SourceBroken


@pytest.fixture
def lab(box: Sandbox) -> Sandbox:
    box.world.github.add_repo(LAB, at=SINCE)
    return box


@pytest.fixture
def source(lab: Sandbox, context: Context) -> Iterator[GitHubSource]:
    source = opened(lab, context)
    yield source
    source.close()


def titles(records: Mapping[str, Record]) -> dict[str, Record]:
    """The records by title."""
    return {record.title: record for record in records.values()}


# -- deployments


def test_a_deployment_is_done_at_its_first_success(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    first = code.deploy(LAB, at=hours(0), state="in_progress")
    code.set_deployment(LAB, first.id, "success", at=hours(1))
    code.set_deployment(LAB, first.id, "success", at=hours(2))
    code.set_deployment(LAB, first.id, "inactive", at=hours(3))
    code.deploy(LAB, environment="staging", ref="next", author="renovate[bot]", at=hours(4), state="failure")
    code.deploy(LAB, environment="preview", at=hours(5), state=None)

    records = titles(Kept(source, stream("deployments")).pull())

    production = records["main to production"]
    assert production.done_at == hours(1)
    assert production.fields["lead_time"] == [1 / 24]
    assert production.fields["conclusion"] == ["success"], "inactive: another took its place"
    assert production.fields["environment"] == ["production"]
    staging = records["next to staging"]
    assert (staging.done_at, staging.not_done) == (None, "not successful, but failure")
    assert (staging.fields["author"], staging.fields["author_is"]) == (["renovate[bot]"], ["bot"])
    assert records["main to preview"].not_done == "without a status"


def test_a_measure_of_conclusions_counts_what_failed_when_it_ended(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    code.deploy(LAB, at=hours(0), done=hours(1))
    again = code.deploy(LAB, environment="again", at=hours(2), state="failure")
    code.set_deployment(LAB, again.id, "error", at=hours(3))
    later = code.deploy(LAB, environment="later", at=hours(4), done=hours(5))
    code.set_deployment(LAB, later.id, "failure", at=hours(6))
    code.deploy(LAB, environment="underway", at=hours(7), state="in_progress")
    measure = GitHub.Measure.model_validate({"repo": LAB, "what": "deployments"})
    (key,) = measure.streams({"conclusion"})
    kept = Kept(source, stream(key.removesuffix(f" of {LAB}"), "conclusion"))

    records = titles(kept.pull())

    assert {title: (record.done_at, record.fields["conclusion"]) for title, record in records.items()} == {
        "main to production": (hours(1), ["success"]),
        "main to again": (hours(3), ["error"]),
        "main to later": (hours(5), ["success", "failure"]),
        "main to underway": (None, ["in_progress"]),
    }
    assert records["main to underway"].not_done == "not ended, but in progress"
    assert measure.streams() == [f"deployments of {LAB}"]
    code.set_deployment(LAB, again.id, "success", at=hours(8))
    assert titles(kept.pull())["main to again"].done_at == hours(8)
    assert titles(kept.census()) == titles(kept.pull())


@pytest.mark.parametrize("touches", [True, False])
def test_a_status_is_seen_whether_or_not_it_changes_the_row(lab: Sandbox, source: GitHubSource, touches: bool) -> None:
    code = lab.world.github
    code.set_repo(LAB, touches_deployments=touches)
    made = code.deploy(LAB, at=hours(0), state="queued")
    kept = Kept(source, stream("deployments"))
    assert done(kept.pull()) == set()
    code.set_deployment(LAB, made.id, "success", at=hours(1))
    assert done(titles(kept.pull())) == {"main to production"}


def test_unchanged_deployments_cost_a_single_request_and_no_quota(lab: Sandbox, source: GitHubSource) -> None:
    for number in range(3):
        lab.world.github.deploy(LAB, at=hours(number))
    kept = Kept(source, stream("deployments"))
    kept.pull()
    lab.requests.clear()
    kept.pull()
    assert [request.status for request in lab.requests] == [304]


def test_statuses_are_asked_for_once(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(3):
        code.deploy(LAB, at=hours(number))
    kept = Kept(source, stream("deployments"))
    kept.pull()
    lab.requests.clear()
    code.deploy(LAB, at=hours(9))
    kept.pull()
    assert len([request for request in lab.requests if request.path.endswith("/statuses")]) == 1


def test_what_is_long_over_is_not_asked_again_and_no_gap_is_left(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for day in (0, 20, 40):
        code.deploy(LAB, at=hours(24 * day))
    kept = Kept(source, stream("deployments"))
    kept.pull()
    for day in (50, 110):  # nobody pulled for long
        code.deploy(LAB, environment=f"day {day}", at=hours(24 * day))
    lab.requests.clear()
    assert len(kept.pull()) == 5
    assert len([request for request in lab.requests if request.path.endswith("/statuses")]) == 2


def test_a_walk_that_breaks_off_goes_on_from_there(lab: Sandbox, source: GitHubSource) -> None:
    for number in range(30):
        lab.world.github.deploy(LAB, at=hours(number))
    kept = Kept(source, stream("deployments"))
    lab.fault(Fault("github", "status", path="statuses", status=404, after=27))
    with pytest.raises(SourceBroken):
        kept.pull()
    assert len(kept.records) == 25
    lab.heal()
    lab.requests.clear()
    kept.pull()
    assert len(kept.records) == 30
    assert len([request for request in lab.requests if request.path.endswith("/statuses")]) <= 5


def test_a_deleted_deployment_leaves_with_the_next_census(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    code.deploy(LAB, at=hours(0))
    gone = code.deploy(LAB, environment="staging", at=hours(1))
    kept = Kept(source, stream("deployments"))
    assert len(done(kept.pull())) == 2
    code.delete_deployment(LAB, gone.id)
    assert done(titles(kept.census())) == {"main to production"}


def test_a_deployment_that_waits_for_weeks_counts_when_it_succeeds(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    made = code.deploy(LAB, at=SINCE - timedelta(days=30), state="queued")
    code.deploy(LAB, environment="old", at=SINCE - timedelta(days=36), done=SINCE - timedelta(days=36))
    kept = Kept(source, stream("deployments"))
    assert set(titles(kept.pull())) == {"main to production"}, "nothing that ended before the window is asked for"
    code.set_deployment(LAB, made.id, "success", at=hours(0))
    assert done(titles(kept.pull())) == {"main to production"}


# -- workflow runs


def test_a_run_is_done_when_it_is_completed(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    code.add_run(LAB, "Nightly", conclusion="failure", event="schedule", at=hours(0), done=hours(1))
    open_run = code.add_run(LAB, "Deploy", branch="next", conclusion=None, at=hours(2))
    kept = Kept(source, stream("workflow runs"))

    records = kept.pull()

    nightly = records["acme/lab Nightly #1"]
    assert nightly.done_at == hours(1)
    assert [nightly.fields[name] for name in ("workflow", "conclusion", "branch", "event")] == [
        ["Nightly"],
        ["failure"],
        ["main"],
        ["schedule"],
    ]
    assert (records["acme/lab Deploy #1"].done_at, records["acme/lab Deploy #1"].not_done) == (None, "queued")
    code.complete_run(LAB, open_run.id, at=hours(3))
    assert done(kept.pull()) == {"acme/lab Nightly #1", "acme/lab Deploy #1"}
    code.rerun(LAB, open_run.id, at=hours(4))
    assert done(kept.pull()) == {"acme/lab Nightly #1"}, "a run that is started again has not ended"


def test_more_than_a_thousand_runs_are_read_in_spans(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(1103):
        code.add_run(LAB, at=START + timedelta(minutes=number), done=START + timedelta(minutes=number))
    still = code.add_run(LAB, "Slow", conclusion=None, at=START + timedelta(seconds=1))
    kept = Kept(source, stream("workflow runs"))
    assert len(kept.pull()) == 1104
    code.complete_run(LAB, still.id, at=hours(99))
    lab.requests.clear()
    assert kept.pull()["acme/lab Slow #1"].done_at == hours(99)
    assert len(lab.requests) < 5, "the run that had not ended is asked for by itself"


def test_a_run_that_appears_late_is_seen_by_the_next_pull(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(101):  # more than a page
        code.add_run(LAB, at=hours(number))
    kept = Kept(source, stream("workflow runs"))
    kept.pull()
    code.add_run(LAB, "Late", at=hours(99.1))
    assert "acme/lab Late #1" in kept.pull()


def test_unchanged_runs_cost_a_single_request_and_no_quota(lab: Sandbox, source: GitHubSource) -> None:
    lab.world.github.add_run(LAB, at=hours(0))
    kept = Kept(source, stream("workflow runs"))
    kept.pull()
    lab.requests.clear()
    kept.pull()
    assert [request.status for request in lab.requests] == [304]


def test_a_run_that_is_started_again_long_after_is_seen_by_a_census(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(120):
        code.add_run(LAB, at=hours(number), done=hours(number))
    kept = Kept(source, stream("workflow runs"))
    kept.pull()
    first = min(lab.world.github.repo(LAB).runs)
    code.rerun(LAB, first, at=hours(200))
    gone = max(lab.world.github.repo(LAB).runs)
    code.delete_run(LAB, gone)
    assert len(done(kept.census())) == 118


def test_a_list_of_runs_that_is_not_whole_is_no_list(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(3):
        code.add_run(LAB, at=hours(number))
    lab.fault(Fault("github", "truncate", path="actions/runs"))
    with pytest.raises(RetryLater):
        Kept(source, stream("workflow runs")).pull()


# -- tags


def test_a_tag_has_its_own_date_or_that_of_its_commit(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    code.merge_pull(LAB, code.add_pull(LAB, at=hours(0)).number, at=hours(1))
    code.tag(LAB, "v1", at=hours(5))
    code.tag(LAB, "v2", annotated=True, message="Second\n\nNotes", at=hours(6))
    kept = Kept(source, stream("tags"))

    records = kept.pull()

    plain, annotated = records["acme/lab v1"], records["acme/lab v2"]
    assert (plain.done_at, plain.title) == (hours(1), "v1 (the date of its commit)")
    assert (annotated.done_at, annotated.title) == (hours(6), "Second (the tag's own date)")
    assert (plain.fields["annotated"], annotated.fields["annotated"]) == (["false"], ["true"])
    lab.requests.clear()
    kept.pull()
    assert [request.status for request in lab.requests] == [304]


def test_a_tag_that_moves_or_goes_is_restated(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    code.merge_pull(LAB, code.add_pull(LAB, at=hours(0)).number, at=hours(1))
    code.tag(LAB, "v1", at=hours(2))
    code.tag(LAB, "v2", at=hours(2))
    kept = Kept(source, stream("tags"))
    kept.pull()
    code.tag(LAB, "v1", annotated=True, at=hours(7))
    code.delete_tag(LAB, "v2")
    lab.requests.clear()
    records = kept.pull()
    assert {label: record.done_at for label, record in records.items()} == {"acme/lab v1": hours(7)}
    assert len([request for request in lab.requests if "/git/tags/" in request.path]) == 1


def test_a_repository_without_a_commit_has_no_tags(lab: Sandbox, source: GitHubSource) -> None:
    lab.world.github.set_repo(LAB, empty=True)
    assert Kept(source, stream("tags")).pull() == {}


# -- issue types


def test_an_issue_has_its_type(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for name in ("Bug", None):
        issue = code.add_issue(LAB, name or "Untyped", type=name, at=hours(0))
        code.close_issue(LAB, issue.number, at=hours(1))
    code.add_pull(LAB, at=hours(2))
    records = Kept(source, stream("issues", "type", "issue")).pull()
    assert {record.title: record.fields["type"] for record in records.values() if record.kind == "issue"} == {
        "Bug": ["Bug"],
        "Untyped": [],
    }


# -- whole owners, names, rights, keys


@pytest.mark.parametrize("kind", ["deployments", "workflow runs", "tags", "pulls deployed to production"])
def test_every_repository_of_an_owner_is_read(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    code = lab.world.github
    code.add_repo("umbrella/a", at=SINCE)
    code.add_repo("umbrella/b", at=SINCE)
    for repo in ("umbrella/a", "umbrella/b"):
        code.merge_pull(repo, code.add_pull(repo, at=hours(0)).number, at=hours(1))
        code.deploy(repo, at=hours(2))
        code.add_run(repo, at=hours(2))
        code.tag(repo, "v1", at=hours(2))
    kept = Kept(source, stream(kind, repo="umbrella/*"))
    records = kept.pull()
    assert {label.split("#")[0].split()[0] for label in done(records)} == {"umbrella/a", "umbrella/b"}
    assert kept.pull() == records
    assert kept.census() == records


@pytest.mark.parametrize("kind", ["deployments", "workflow runs", "tags", "pulls deployed to production"])
def test_a_renamed_repository_is_followed(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    code = lab.world.github
    code.merge_pull(LAB, code.add_pull(LAB, at=hours(0)).number, at=hours(1))
    code.deploy(LAB, at=hours(2))
    code.add_run(LAB, at=hours(2))
    code.tag(LAB, "v1", at=hours(2))
    code.rename_repo(LAB, "laboratory")
    pages = list(source.pull(stream(kind), None))
    records = [record for page in pages for record in page.records]
    assert {record.label.split("#")[0].split()[0] for record in records} == {"acme/laboratory"}
    assert [page.lists.renamed for page in pages if page.lists and page.lists.renamed] == [{LAB: "acme/laboratory"}]


@pytest.mark.parametrize(
    ("token", "kind", "permission"),
    [
        ("github_issues", "deployments", "Deployments: read"),
        ("github_issues", "workflow runs", "Actions: read"),
        ("github_issues", "tags", "Contents: read"),
        ("github_pulls", "pulls deployed to production", "Deployments: read"),
    ],
)
def test_a_missing_permission_is_named(lab: Sandbox, context: Context, token: str, kind: str, permission: str) -> None:
    source = opened(lab, context, token)
    with pytest.raises(SourceBroken, match=f"the request needs the permission {permission}$"):
        list(source.pull(stream(kind), None))
    source.close()


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"what": "deployments", "environment": "production"}, "write it under 'where'"),
        ({"what": "tags", "environment": "production"}, "belongs to what: deployed_pull_requests"),
        ({"what": "deployed_pull_requests", "environment": ""}, "at least 1 character"),
    ],
)
def test_an_environment_belongs_to_deployed_pull_requests(keys: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        GitHub.Measure.model_validate({"repo": LAB, **keys})


@pytest.mark.parametrize("environment", ["Staging", ["Staging"]])
def test_an_environment_may_be_a_condition(environment: str | list[str]) -> None:
    """`where` has the form of every other field; beside `what`, the same is written in fewer words."""
    deployed = {"from": "code", "repo": LAB, "what": "deployed_pull_requests"}
    where = {"environment": environment, "conclusion": "success"}
    measure = measure_model("github", GitHub.Measure).model_validate({**deployed, "where": where})
    assert isinstance(measure, GitHub.Measure)
    assert measure.streams() == [f"pulls deployed to staging of {LAB}"]
    assert measure.objection("environment", ["Staging"]) is None


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        (
            {"environment": ["live", "staging"]},
            r"has environment: \[live, staging\] under 'where', and the date is that of",
        ),
        ({"environment": "prod*"}, r"has environment: prod\* under 'where', .*; write its whole name"),
        ({"environment": None}, "has environment: None under 'where'"),
        ({"not_environment": "live"}, "has not_environment: live, and the date is that of a single environment; write"),
    ],
)
def test_a_condition_for_several_environments_is_refused(where: dict[str, object], problem: str) -> None:
    deployed = {"from": "code", "repo": LAB, "what": "deployed_pull_requests"}
    with pytest.raises(ValidationError, match=problem):
        measure_model("github", GitHub.Measure).model_validate({**deployed, "where": where})


def test_conditions_that_can_never_hold_are_refused() -> None:
    deployed = GitHub.Measure.model_validate({"repo": LAB, "what": "deployed_pull_requests", "environment": "Live"})
    assert deployed.streams() == [f"pulls deployed to live of {LAB}"]
    assert deployed.objection("environment", ["LIVE"]) is None
    assert deployed.objection("environment", ["staging"]) == (
        "is staging, and environment: Live stands beside what; keep one of them"
    )
    deployments = GitHub.Measure.model_validate({"repo": LAB, "what": "deployments"})
    assert deployments.never({"conclusion": ["queued", "pending"]}) == (
        "asks for deployments whose conclusion is pending or queued, and a deployment counts once it has ended"
    )
    assert deployments.never({"conclusion": ["failure", "error"]}) is None
    assert deployments.never({"conclusion": ["success"]}) is None
