"""When a merged pull request was first deployed, by GitHub's comparisons: through PyGithub against the sandbox."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from kept_stream import LAB, SINCE, Kept, done, hours, opened, stream

from connectors.github.deployed_walk import BY_TIME
from connectors.github.source import GitHubSource
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sandbox.github.history import merge_sha
from syncd.sandbox.story import build
from syncd.sandbox.truth.deliveries import delivered
from syncd.sdk import Context, SourceBroken

DEPLOYED = "pulls deployed to production"


@pytest.fixture
def lab(box: Sandbox) -> Sandbox:
    box.world.github.add_repo(LAB, at=SINCE)
    return box


@pytest.fixture
def source(lab: Sandbox, context: Context) -> Iterator[GitHubSource]:
    source = opened(lab, context)
    yield source
    source.close()


def merge(box: Sandbox, at: float, *, base: str = "main", head: str | None = None, committed: float = -30) -> str:
    """A pull request that is merged after so many hours. Its label."""
    code = box.world.github
    pull = code.add_pull(LAB, base=base, head=head, committed=[hours(committed), hours(at - 1)], at=hours(at - 2))
    code.merge_pull(LAB, pull.number, at=hours(at))
    return f"{LAB}#{pull.number}"


def sha(box: Sandbox, label: str) -> str:
    return merge_sha(box.world.github.repo(LAB), box.world.github.pull(LAB, int(label.partition("#")[2])))


def dates(kept: Kept) -> dict[str, datetime | None]:
    return {label: record.done_at for label, record in kept.pull().items()}


def of_window(dates: dict[str, datetime | None]) -> dict[str, datetime | None]:
    """Those before the window as None: whether they were delivered is not told."""
    return {label: at if at and at >= SINCE else None for label, at in dates.items()}


def compares(box: Sandbox) -> int:
    return len([request for request in box.requests if "/compare/" in request.path])


def test_a_pull_request_is_done_at_the_first_success_that_contains_it(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    first, second, third = merge(lab, 1), merge(lab, 3), merge(lab, 9)
    code.deploy(LAB, at=hours(2), done=hours(2.5))
    code.deploy(LAB, at=hours(4), state="failure")
    code.deploy(LAB, environment="staging", at=hours(5))
    code.deploy(LAB, environment="Production", at=hours(6), done=hours(7))
    kept = Kept(source, stream(DEPLOYED, "lead_time"))

    assert dates(kept) == {first: hours(2.5), second: hours(7), third: None}

    records = {record.label: record for record in kept.records.values()}
    assert records[first].fields["lead_time"] == [32.5 / 24], "from its first commit"
    assert (records[first].fields["environment"], records[first].fields["conclusion"]) == (["production"], ["success"])
    assert records[first].remark is None
    delivered_by = min(code.repo(LAB).deployments)
    assert records[first].title == f"Change something (deployment {delivered_by}; first commit 2026-10-04 02:00 UTC)"
    assert records[first].fields["title"] == ["Change something"]
    assert records[third].not_done == "merged, and not deployed to production since"
    code.deploy(LAB, at=hours(10))
    assert dates(kept)[third] == hours(10)


@pytest.mark.parametrize("numbers_before", range(3))
def test_merges_of_the_same_second_are_all_in_the_first_deployment(
    lab: Sandbox, source: GitHubSource, numbers_before: int
) -> None:
    """Whatever order their SHAs have, which hang on their numbers here."""
    code = lab.world.github
    for _ in range(numbers_before):
        code.add_issue(LAB, at=hours(0))
    merges = [merge(lab, 1) for _ in range(4)]
    aside = merge(lab, 1, base="next")
    code.deploy(LAB, at=hours(2))
    later = merge(lab, 2)
    kept = Kept(source, stream(DEPLOYED))
    expected = {**dict.fromkeys(merges, hours(2)), aside: None, later: None}
    assert dates(kept) == expected
    assert {label: record.done_at for label, record in kept.census().items()} == expected


def test_what_is_merged_elsewhere_waits_until_that_is_merged(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    aside = merge(lab, 1, base="next")
    code.deploy(LAB, at=hours(2))
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {aside: None}
    onto_main = merge(lab, 3, head="next")
    code.deploy(LAB, at=hours(4))
    assert dates(kept) == {aside: hours(4), onto_main: hours(4)}


def test_a_rollback_delivers_nothing(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    first = merge(lab, 1)
    code.deploy(LAB, at=hours(2))
    second = merge(lab, 3)
    code.deploy(LAB, sha=sha(lab, first), at=hours(4))
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {first: hours(2), second: None}
    code.deploy(LAB, at=hours(5))
    assert dates(kept) == {first: hours(2), second: hours(5)}


def test_a_deployment_before_the_window_takes_its_pull_requests_along(lab: Sandbox, source: GitHubSource) -> None:
    """Merged before the window and deployed before it: not of this window. Deployed within it: of this window."""
    code = lab.world.github
    before = (SINCE - hours(0)).total_seconds() / 3600
    old, waiting = merge(lab, before - 40), merge(lab, before - 20)
    code.deploy(LAB, at=hours(before - 30))
    new = merge(lab, 1)
    code.deploy(LAB, at=hours(2))
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {old: None, waiting: hours(2), new: hours(2)}


@pytest.mark.parametrize("back", [-5, 5], ids=["rolled back before it", "rolled back within it"])
@pytest.mark.parametrize("first", [-59, -1000], ids=["lately", "long before"])
def test_a_rollback_across_the_start_of_the_window_delivers_nothing_again(
    lab: Sandbox, source: GitHubSource, back: float, first: float
) -> None:
    code = lab.world.github
    before = (SINCE - hours(0)).total_seconds() / 3600
    oldest = merge(lab, before + first - 1)
    code.deploy(LAB, at=hours(before + first))
    old = merge(lab, before - 40)
    code.deploy(LAB, at=hours(before - 39))
    code.deploy(LAB, sha=sha(lab, oldest), at=hours(before + back))
    waiting = merge(lab, before + 6)
    code.deploy(LAB, at=hours(before + 8))
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {oldest: None, old: hours(before - 39), waiting: hours(before + 8)}
    assert kept.census() == kept.pull()
    lab.requests.clear()
    code.label(LAB, int(old.partition("#")[2]), "search", at=hours(5))
    assert dates(kept)[old] == hours(before - 39)
    assert compares(lab) == 0


def test_what_was_merged_long_before_the_window_is_not_delivered_again(lab: Sandbox, source: GitHubSource) -> None:
    """The deployment that brought it is older than those that are read."""
    code = lab.world.github
    before = (SINCE - hours(0)).total_seconds() / 3600
    oldest, old = merge(lab, before - 24 * 61), merge(lab, before - 24 * 60)
    code.deploy(LAB, at=hours(before - 24 * 59))
    code.deploy(LAB, at=hours(before - 24 * 20))
    code.deploy(LAB, sha=sha(lab, oldest), at=hours(1))
    code.deploy(LAB, at=hours(2))
    assert dates(Kept(source, stream(DEPLOYED))) == {oldest: None, old: hours(before - 24 * 20)}


def test_where_commits_are_lost_the_first_deployment_after_the_merge_counts(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    first = merge(lab, 1)
    code.deploy(LAB, at=hours(2))
    second = merge(lab, 3)
    lost = code.deploy(LAB, at=hours(4), sha="0" * 40)
    code.lose_commit(LAB, lost.sha)
    kept = Kept(source, stream(DEPLOYED))
    records = kept.pull()
    assert {label: record.remark for label, record in records.items()} == {first: None, second: BY_TIME}
    assert records[second].done_at == hours(4)


def test_a_lost_commit_in_between_is_no_loss(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    first = merge(lab, 1)
    code.deploy(LAB, at=hours(2))
    code.deploy(LAB, at=hours(2.5), sha="0" * 40)
    second = merge(lab, 3)
    code.deploy(LAB, at=hours(4))
    records = Kept(source, stream(DEPLOYED)).pull()
    assert {label: (record.done_at, record.remark) for label, record in records.items()} == {
        first: (hours(2), None),
        second: (hours(4), None),
    }


def test_a_server_that_refuses_every_comparison_is_no_evidence(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    merge(lab, 1)
    merge(lab, 1.5)
    code.deploy(LAB, at=hours(2))
    lab.fault(Fault("github", "status", path="compare", status=404))
    lab.fault(Fault("github", "status", path=f"/repos/{LAB}$", status=404))
    with pytest.raises(SourceBroken):
        Kept(source, stream(DEPLOYED)).pull()


def test_a_deployment_costs_one_comparison_and_no_change_costs_none(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(4):
        merge(lab, number * 3)
        merge(lab, number * 3 + 1)
        code.deploy(LAB, at=hours(number * 3 + 2))
    kept = Kept(source, stream(DEPLOYED))
    assert len(done(kept.pull())) == 8
    lab.requests.clear()
    kept.pull()
    assert [request.status for request in lab.requests] == [304, 304]
    merge(lab, 20)
    code.deploy(LAB, at=hours(21))
    lab.requests.clear()
    assert len(done(kept.pull())) == 9
    assert compares(lab) == 1


def test_an_edit_of_a_delivered_pull_request_is_seen_without_comparing(lab: Sandbox, source: GitHubSource) -> None:
    label = merge(lab, 1)
    lab.world.github.deploy(LAB, at=hours(2))
    kept = Kept(source, stream(DEPLOYED))
    kept.pull()
    lab.requests.clear()
    lab.world.github.label(LAB, 1, "search", at=hours(5))
    record = kept.pull()[label]
    assert (record.fields["label"], record.done_at) == (["search"], hours(2))
    assert compares(lab) == 0


@pytest.mark.parametrize("how", ["pull", "census"])
def test_a_deployment_that_is_deleted_is_restated(lab: Sandbox, source: GitHubSource, how: str) -> None:
    code = lab.world.github
    label = merge(lab, 1)
    gone = code.deploy(LAB, at=hours(2))
    code.deploy(LAB, at=hours(3))
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {label: hours(2)}
    code.delete_deployment(LAB, gone.id)
    records = getattr(kept, how)()
    assert records[label].done_at == hours(3)
    assert kept.pull() == records


def test_a_deployment_that_succeeds_late_comes_in_its_place(lab: Sandbox, source: GitHubSource) -> None:
    """Deployments that were created in one order may succeed in another."""
    code = lab.world.github
    label = merge(lab, 1)
    slow = code.deploy(LAB, at=hours(2), state="in_progress")
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {label: None}
    code.deploy(LAB, at=hours(3), done=hours(4))
    assert dates(kept) == {label: hours(4)}
    code.set_deployment(LAB, slow.id, "success", at=hours(5))
    assert dates(kept) == {label: hours(4)}


def test_a_change_of_what_was_deployed_before_the_window_costs_no_new_walk(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    before = (SINCE - hours(0)).total_seconds() / 3600
    old = code.deploy(LAB, at=hours(before - 60))
    code.deploy(LAB, at=hours(before - 50))
    label = merge(lab, 1)
    code.deploy(LAB, at=hours(2))
    kept = Kept(source, stream(DEPLOYED))
    assert dates(kept) == {label: hours(2)}
    code.set_deployment(LAB, old.id, "inactive", at=hours(3))
    lab.requests.clear()
    assert dates(kept) == {label: hours(2)}
    assert compares(lab) == 0


def test_the_first_commit_is_asked_for_once(lab: Sandbox, source: GitHubSource) -> None:
    merge(lab, 1)
    lab.world.github.deploy(LAB, at=hours(2))
    kept = Kept(source, stream(DEPLOYED, "lead_time"))
    kept.pull()
    lab.requests.clear()
    kept.census()
    assert not [request for request in lab.requests if request.path.endswith("/commits")]


def test_a_first_walk_that_breaks_off_keeps_its_comparisons(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for number in range(30):
        merge(lab, number * 2)
        code.deploy(LAB, at=hours(number * 2 + 1))
    kept = Kept(source, stream(DEPLOYED))
    lab.fault(Fault("github", "status", path="compare", status=403, after=28))
    with pytest.raises(SourceBroken):
        kept.pull()
    lab.heal()
    lab.requests.clear()
    assert len(done(kept.pull())) == 30
    assert compares(lab) <= 6


@pytest.mark.sampled(3)
@pytest.mark.parametrize("start", [0, -116], ids=["within the window", "across its start"])
@pytest.mark.parametrize("seed", range(5))
def test_any_history_is_told_as_its_commits_have_it(lab: Sandbox, source: GitHubSource, seed: int, start: int) -> None:
    """Branches, rollbacks, failures and other environments at random, with pulls in between."""
    rng, code = random.Random(seed), lab.world.github
    kept = Kept(source, stream(DEPLOYED))
    for step in range(start, start + 24):
        match rng.choice(("merge", "merge", "aside", "join", "deploy", "deploy", "back", "stage", "fail", "pull")):
            case "merge":
                merge(lab, step)
            case "aside":
                merge(lab, step, base="next")
            case "join":
                merge(lab, step, head="next")
            case "deploy":
                code.deploy(LAB, at=hours(step + 0.2), done=hours(step + 0.4), ref=rng.choice(("main", "main", "next")))
            case "back":
                merged = sorted(code.repo(LAB).items)
                earlier = f"{LAB}#{rng.choice(merged)}" if merged else None
                code.deploy(LAB, at=hours(step + 0.2), sha=sha(lab, earlier) if earlier else None)
            case "stage":
                code.deploy(LAB, environment="staging", at=hours(step))
            case "fail":
                code.deploy(LAB, at=hours(step), state="failure")
            case "pull":
                kept.pull()

    truth = {f"{LAB}#{number}": at for number, at in delivered(code.repo(LAB)).items()}

    assert of_window(dates(kept)) == of_window(truth)
    assert of_window(dates(Kept(source, stream(DEPLOYED)))) == of_window(truth)
    assert of_window({label: record.done_at for label, record in kept.census().items()}) == of_window(truth)


def test_the_story_of_the_company_is_told_as_it_was(context: Context) -> None:
    """With failed attempts, a staging environment and a deployment that was taken back."""
    with Sandbox(build(now=DEMO_NOW), "127.0.0.1", 0).running() as company:
        source = opened(company, context)
        records = Kept(source, stream(DEPLOYED, repo="acme/checkout")).pull()
        source.close()
        truth = delivered(company.world.github.repo("acme/checkout"))
    assert {record.fields["number"][0]: record.done_at for record in records.values()} == truth
    assert len({at for at in truth.values() if at}) == 7


def test_pull_requests_that_are_turned_off_are_none(lab: Sandbox, source: GitHubSource) -> None:
    lab.world.github.set_repo(LAB, has_pull_requests=False)
    pages = list(source.pull(stream(DEPLOYED), None))
    assert [page.lists.empty for page in pages if page.lists] == [
        {LAB: "its pull requests are turned off, so it has none"}
    ]


def test_a_wait_of_a_quarter_is_seen(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    pull = code.add_pull(LAB, at=SINCE - timedelta(days=80))
    code.merge_pull(LAB, pull.number, at=SINCE - timedelta(days=80))
    code.deploy(LAB, at=hours(1))
    assert dates(Kept(source, stream(DEPLOYED))) == {f"{LAB}#{pull.number}": hours(1)}


@pytest.mark.parametrize("days", [30, 100, 300, 500, 1_000])
def test_deployment_long_before_the_window_delivers_nothing_again(
    lab: Sandbox, source: GitHubSource, days: int
) -> None:
    """An old pull request that somebody labels now is listed again; the last deployment had it, however old it is."""
    code = lab.world.github
    before = (SINCE - hours(0)).total_seconds() / 3600
    old = merge(lab, before - 24 * (days + 10))
    code.deploy(LAB, at=hours(before - 24 * days))
    since_then, waiting = merge(lab, before - 24 * (days - 5)), merge(lab, before - 24 * 5)
    code.deploy(LAB, at=hours(2))
    code.label(LAB, int(old.partition("#")[2]), "search", at=hours(5))
    kept = Kept(source, stream(DEPLOYED))
    truth = {old: None, since_then: hours(2), waiting: hours(2)}
    assert of_window(dates(kept)) == truth
    assert of_window({label: record.done_at for label, record in kept.census().items()}) == truth
    later = merge(lab, 6)
    code.deploy(LAB, at=hours(7))
    assert of_window(dates(kept)) == truth | {later: hours(7)}


def test_deployments_to_other_places_are_no_deployment_before(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    before = (SINCE - hours(0)).total_seconds() / 3600
    code.deploy(LAB, environment="staging", at=hours(before - 24 * 300))
    code.deploy(LAB, at=hours(before - 24 * 200), state="failure")
    waiting = merge(lab, before - 24 * 5)
    code.deploy(LAB, at=hours(2))
    assert dates(Kept(source, stream(DEPLOYED))) == {waiting: hours(2)}
