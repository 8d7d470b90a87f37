"""GitLab: what counts, what becomes of a number when rows and projects move, and what breaks one project alone.

Whole cycles against the sandbox, with a ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from pydantic import ValidationError

from connectors.gitlab import GitLab
from syncd.cycle.model import Result
from syncd.explain.restatements import restatements
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sandbox.gitlab import api
from syncd.sdk import Check, Context, Record, Stream
from syncd.status.work import where_the_work_went

LONG_AGO = DEMO_NOW - timedelta(days=20)
MERGES = "project: 'acme/*', what: merged_merge_requests"
ISSUES = "project: 'acme/*', what: closed_issues"
KEY_RESULT = "      - {{id: {id}, title: 9 {id}, kind: output, target: 9, measure: {{from: forge, {measure}}}}}\n"


class GitLabProject(CsvProject):
    """Key results over the sandbox's GitLab, synced a minute apart."""

    def __init__(self, folder: Path, box: Sandbox, keys: str = "", **measures: str) -> None:
        self.box = box
        connection = f'{{type: gitlab, url: "{box.gitlab_url}", token: "${{TOKEN}}"{", " * bool(keys)}{keys}}}'
        super().__init__(folder, _mapping(measures), DEMO_NOW, connections=f"  forge: {connection}\n")

    def connection(self, keys: str) -> None:
        path = self.folder / "syncd.yaml"
        path.write_text(path.read_text().replace("{type: gitlab,", f"{{type: gitlab, {keys},"))

    def sync(self, **options: Any) -> Result:
        self.now += timedelta(minutes=1)
        return self.cycle(**options)

    def value(self, key_result: str = "work") -> tuple[float | None, str]:
        value = self.ledger.values.last("2026-Q4")[key_result]
        return value.number, value.quality

    def reason(self) -> str:
        return self.ledger.values.last("2026-Q4")["work"].reason or ""

    def restated(self) -> list[str]:
        okrs = self.config.periods[0]
        return [each.why for each in restatements(self.ledger, okrs, self.key_result("work"), until=1000)]


def _mapping(measures: dict[str, str]) -> str:
    key_results = "".join(KEY_RESULT.format(id=name, measure=measure) for name, measure in measures.items())
    return f"period: 2026-Q4\nobjectives:\n  - id: o\n    title: Work flows\n    key_results:\n{key_results}"


Make = Callable[..., GitLabProject]


@pytest.fixture
def make(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a project over acme/a, acme/b and acme/inner/c; each has a merge and two closed issues."""
    monkeypatch.setenv("TOKEN", box.credentials["gitlab"])
    made: list[GitLabProject] = []
    for path in ("acme/a", "acme/b", "acme/inner/c"):
        box.world.gitlab.add_project(path, at=LONG_AGO)
        merge(box, path)
        for _ in range(2):
            close(box, path)

    def project(keys: str = "", **measures: str) -> GitLabProject:
        made.append(GitLabProject(tmp_path, box, keys, **measures))
        return made[-1]

    yield project
    for each in made:
        each.ledger.close()


def merge(box: Sandbox, path: str, **how: Any) -> int:
    iid = box.world.gitlab.add_merge_request(path, at=LONG_AGO, **how).iid
    box.world.gitlab.merge(path, iid, at=LONG_AGO + timedelta(days=1))
    return iid


def close(box: Sandbox, path: str, day: int = 1, **how: Any) -> int:
    iid = box.world.gitlab.add_issue(path, at=LONG_AGO, **how).iid
    box.world.gitlab.close(path, iid, at=LONG_AGO + timedelta(days=day))
    return iid


def pulled(box: Sandbox, context: Context, kind: str, path: str = "acme/web", **more: Any) -> dict[str, Record]:
    settings = {"type": "gitlab", "url": box.gitlab_url, "token": box.credentials["gitlab"], **more}
    opened = GitLab.open(GitLab.Settings.model_validate(settings, context={"resolved": True}), context)
    with closing(opened) as source:
        pages = list(source.pull(Stream(f"{kind} of {path}", "records"), None))
    return {record.label: record for page in pages for record in page.records}


# -- what counts


def test_only_what_was_delivered_is_done(box: Sandbox, context: Context) -> None:
    forge = box.world.gitlab
    forge.add_project("acme/web", at=LONG_AGO)
    forge.add_project("acme/other", at=LONG_AGO)
    merge(box, "acme/web")
    forge.add_merge_request("acme/web")
    forge.close("acme/web", forge.add_merge_request("acme/web").iid, kind="merge_requests")
    lost = merge(box, "acme/web")
    forge.project("acme/web").merge_requests[lost].merged_at = None
    for _ in range(4):
        close(box, "acme/web")
    forge.reopen("acme/web", 2)
    forge.move_issue("acme/web", 3, "acme/other")
    forge.close_as_duplicate("acme/web", 4, of=1)
    forge.add_release("acme/web", "v1", at=LONG_AGO)
    forge.add_release("acme/web", "v2", released_at=DEMO_NOW + timedelta(days=9))
    for status in ("success", "failed", "canceled", "running"):
        forge.deploy("acme/web", status=status, at=LONG_AGO)
    forge.deploy("acme/web", by_job=False, at=LONG_AGO)

    def states(kind: str) -> dict[str, str | None]:
        records = pulled(box, context, kind)
        assert all((record.done_at is None) == (record.not_done is not None) for record in records.values())
        return {label.removeprefix("acme/web"): record.not_done for label, record in records.items()}

    merges = {"!1": None, "!2": "open", "!3": "closed without merging", "!4": "done, at an unknown time"}
    assert states("merge_requests") == merges
    issues = {"#1": None, "#2": "open", "#3": "moved to another project", "#4": "closed as duplicate"}
    assert states("issues") == issues
    assert states("releases") == {" v1": None, " v2": "not released yet"}
    numbers = {f" deployment {number}" for number in range(1, 6)}
    deployments = states("deployments")
    assert deployments.keys() == numbers
    assert [deployments[number] for number in sorted(numbers)] == [None, "failed", "canceled", "running", None]


FILTERS = {
    "author: bo": 1, "not_author: [Bo]": 2, "label: bug": 1, "base: release/1": 1, "milestone: Autumn": 1,
    "draft: true": 1, "title: '*search*'": 1, "number_at_least: 3": 1, "lead_time_at_most: 1": 3,
}  # fmt: skip


def test_fields_filter_and_aggregate(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", box.credentials["gitlab"])
    forge = box.world.gitlab
    forge.add_project("acme/web", at=LONG_AGO)
    merge(box, "acme/web", author="bo", labels=["bug", "ui"])
    merge(box, "acme/web", target_branch="release/1", milestone="Autumn", title="Faster search")
    merge(box, "acme/web", draft=True)
    close(box, "acme/web", issue_type="incident")
    close(box, "acme/web")
    forge.add_release("acme/web", "v1", name="One", milestones=["Autumn", "Winter"], at=LONG_AGO)
    forge.deploy("acme/web", "staging", ref="next", at=LONG_AGO)
    for _ in range(2):
        forge.deploy("acme/web", at=LONG_AGO)
    merges = "project: acme/web, what: merged_merge_requests"
    measures = {f"kr{number}": f"{merges}, where: {{{text}}}" for number, text in enumerate(FILTERS)}
    more = {
        "days": (f"{merges}, take: average, of: lead_time", 1),
        "people": (f"{merges}, take: distinct, of: author", 2),
        "incidents": ("project: acme/web, what: closed_issues, where: {type: incident}", 1),
        "winter": ("project: acme/web, what: releases, where: {milestone: Winter, tag: v1, title: One}", 1),
        "deployed": ("project: acme/web, what: deployments, where: {environment: production, status: success}", 2),
        "next": ("project: acme/web, what: deployments, where: {ref: next}", 1),
    }
    project = GitLabProject(tmp_path, box, **measures, **{name: measure for name, (measure, _) in more.items()})
    with closing(project.ledger):
        assert not project.sync().failures
        values = {text: project.value(f"kr{number}") for number, text in enumerate(FILTERS)}
        assert values == {text: (number, "complete") for text, number in FILTERS.items()}
        assert {name: project.value(name) for name in more} == {
            name: (number, "complete") for name, (_, number) in more.items()
        }


# -- increments, and what leaves


def test_unchanged_project_costs_two_requests_and_changes_are_pulled(make: Make, box: Sandbox) -> None:
    for number in range(120):
        box.world.gitlab.close("acme/a", close(box, "acme/a"), at=LONG_AGO + timedelta(days=1, minutes=5 * number))
    project = make(work="project: acme/a, what: closed_issues")
    project.sync()
    assert project.value() == (122, "complete")
    assert [request for request in box.requests if "pagination=keyset" in request.query and "cursor=" in request.query]
    box.requests.clear()
    project.sync()
    assert len(box.requests) == 2
    box.world.gitlab.reopen("acme/a", 7)
    close(box, "acme/a")
    project.sync()
    assert project.value() == (121, "complete")
    assert project.restated() == ["open"]


@pytest.mark.parametrize(
    ("measure", "delete", "with_census"),
    [
        (ISSUES, {"iid": 1}, True),
        (MERGES, {"iid": 1, "kind": "merge_requests"}, True),
        ("project: 'acme/*', what: deployments", {"iid": 1, "kind": "deployments"}, True),
        ("project: 'acme/*', what: releases", {"iid": "v1", "kind": "releases"}, False),
    ],
)
def test_what_was_deleted_leaves(
    make: Make, box: Sandbox, measure: str, delete: dict[str, Any], with_census: bool
) -> None:
    for path in ("acme/a", "acme/b"):
        merge(box, path)
        for tag in ("v1", "v2"):
            box.world.gitlab.add_release(path, tag, at=LONG_AGO)
            box.world.gitlab.deploy(path, at=LONG_AGO)
    project = make(work=measure)
    project.sync()
    before, quality = project.value()
    assert (before or 0) >= 4
    assert quality == "complete"
    box.world.gitlab.delete("acme/a", **delete)
    project.sync(reconcile=with_census)
    assert project.value() == ((before or 0) - 1, "complete")
    assert project.restated() == ["gone: deleted, moved, or no match any more"]


def test_issue_updated_in_the_future_hides_no_update(make: Make, box: Sandbox) -> None:
    project = make(work="project: acme/a, what: closed_issues")
    box.world.gitlab.edit("acme/a", close(box, "acme/a"), at=datetime.now(UTC) + timedelta(days=400), title="x")
    project.sync()
    assert project.value() == (3, "complete")
    close(box, "acme/a", day=2)
    box.world.gitlab.reopen("acme/a", 1)
    for day in (3, 4):
        close(box, "acme/a", day=day)
    project.sync()
    assert project.value() == (5, "complete")


def test_missing_page_makes_the_number_partial(make: Make, box: Sandbox) -> None:
    for _ in range(120):
        merge(box, "acme/a")
    box.fault(Fault("gitlab", "status", path=r"merge_requests\?.*page=2", status=500))
    project = make(work="project: acme/a, what: merged_merge_requests")
    project.sync()
    assert project.value() == (None, "partial")
    box.heal()
    project.sync()
    assert project.value() == (121, "complete")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("what", ["merged_merge_requests", "closed_issues"])
@pytest.mark.parametrize("lost", [["Link"], ["Link", "X-Next-Page"]])
def test_list_whose_links_a_proxy_takes_away_is_read_to_its_end(
    make: Make, box: Sandbox, monkeypatch: pytest.MonkeyPatch, what: str, lost: list[str]
) -> None:
    for _ in range(249):
        (merge if what == "merged_merge_requests" else close)(box, "acme/a")
    without(monkeypatch, *lost)
    project = make(work=f"project: acme/a, what: {what}")
    for options in ({}, {"reconcile": True}):
        project.sync(**options)
        assert project.value() == (250 if what == "merged_merge_requests" else 251, "complete")


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """The sandbox's pages come without these headers, as behind a proxy that strips them."""
    for function in ("_page", "_keyset_page"):
        real = getattr(api, function)

        def stripped(*args: Any, real: Callable[..., Any] = real, **options: Any) -> Any:
            response = real(*args, **options)
            kept = {name: value for name, value in response.headers.items() if name not in names}
            return replace(response, headers=kept)

        monkeypatch.setattr(api, function, stripped)


# -- projects of a group


@pytest.mark.parametrize(
    ("exclude", "number"), [("[C]", 4), ("[acme/inner/*]", 4), ("[acme/a, b]", 2), ("[archived, forks]", 2)]
)
def test_excluded_projects_do_not_count(make: Make, box: Sandbox, exclude: str, number: int) -> None:
    box.world.gitlab.set_project("acme/a", archived=True)
    box.world.gitlab.set_project("acme/b", fork=True)
    box.world.gitlab.add_project("other/d")
    close(box, "other/d")
    project = make(work=ISSUES)
    project.sync()
    assert project.value() == (6, "complete")
    project.connection(f"exclude: {exclude}")
    project.sync()
    assert project.value() == (number, "complete")


def test_project_that_cannot_be_read_is_named_and_the_others_are_read(make: Make, box: Sandbox) -> None:
    project = make(work=MERGES)
    project.sync()
    box.world.gitlab.set_project("acme/b", closed=["merge_requests"])
    merge(box, "acme/inner/c")
    project.sync()
    assert project.value() == (3, "partial")
    assert project.reason().startswith("forge: acme/b: the credentials lack a permission")
    assert "`exclude: [b]`" in project.reason()
    box.heal()
    box.world.gitlab.set_project("acme/b", closed=[])
    project.sync()
    assert project.value() == (4, "complete")


@pytest.mark.parametrize("status", [404, 500])
def test_single_project_that_cannot_be_read_fails_its_own_measure_alone(make: Make, box: Sandbox, status: int) -> None:
    box.fault(Fault("gitlab", "status", path="/projects/acme%2Fb", status=status))
    project = make(work="project: acme/a, what: closed_issues", other="project: acme/b, what: closed_issues")
    project.sync()
    assert project.value() == (2, "complete")
    assert project.value("other")[0] is None


def test_project_has_none_of_what_is_turned_off(make: Make, box: Sandbox) -> None:
    box.world.gitlab.set_project("acme/b", off=["merge_requests"])
    project = make(work=MERGES)
    result = project.sync()
    assert not result.failures
    assert project.value() == (2, "complete")
    notes = [note for pull in result.pulls for note in pull.notes]
    assert notes == ["acme/b: its merge requests are turned off, so it has none"]


def test_person_is_no_group(make: Make) -> None:
    project = make(work="project: 'ana/*', what: closed_issues")
    project.sync()
    assert project.value() == (None, "failed")
    assert "ana is no group that the token may see" in project.reason()
    assert "`project: [ana/web, ana/api]`" in project.reason()


def test_project_that_is_lost_from_sight_keeps_its_records(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.world.gitlab.set_project("acme/b", hidden=True)
    for options in ({}, {"reconcile": True}):
        project.sync(**options)
        assert project.value() == (6, "partial")
        assert project.reason().startswith("forge: acme/b: it is no longer listed")
    box.world.gitlab.set_project("acme/b", hidden=False)
    project.sync()
    assert project.value() == (6, "complete")


def test_project_that_moves_to_another_group_is_gone_and_one_that_moves_within_stays(make: Make, box: Sandbox) -> None:
    project = make(work=ISSUES)
    project.sync()
    box.world.gitlab.move_project("acme/b", "other/b")
    box.world.gitlab.move_project("acme/a", "acme/inner/a")
    assert not project.sync().failures
    assert project.value() == (4, "complete")
    assert len(project.restated()) == 2


@pytest.mark.parametrize("census", [False, True])
def test_renamed_projects_keep_their_records_and_their_history(make: Make, box: Sandbox, census: bool) -> None:
    """Also those that a census finds renamed: the pull after it renames nothing again."""
    for _ in range(3):
        close(box, "acme/b")
    project = make(work=ISSUES, alone="project: acme/a, what: closed_issues")
    project.sync()
    for old, new in (("inner/c", "inner/d"), ("b", "inner/c"), ("a", "b")):  # each takes a path just given up
        box.world.gitlab.move_project(f"acme/{old}", f"acme/{new}")
    close(box, "acme/b")
    for options in ({"reconcile": census}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert (project.value(), project.value("alone")) == ((10, "complete"), (3, "complete"))
    assert project.restated() == ["came late"]


def test_project_that_comes_back_is_read_from_its_beginning(make: Make, box: Sandbox) -> None:
    for day in range(2, 8):  # long before the newest row, where a pull goes on
        close(box, "acme/b", day=day)
    forge, project = box.world.gitlab, make(work=ISSUES)
    settings = project.folder / "syncd.yaml"
    text = settings.read_text()

    def expect(number: int, **options: Any) -> None:
        project.sync(**options)
        assert project.value() == (number, "complete")

    expect(12)
    project.connection("exclude: [b]")
    expect(4)
    settings.write_text(text)
    expect(12)
    forge.move_project("acme/b", "other/b")
    expect(4)
    forge.move_project("other/b", "acme/b")
    expect(12)


@pytest.mark.parametrize("path", ["acme/*", "acme/b"])
def test_issues_that_are_turned_on_again_are_read_from_their_beginning(make: Make, box: Sandbox, path: str) -> None:
    for day in range(2, 8):
        close(box, "acme/b", day=day)
    project = make(work=f"project: '{path}', what: closed_issues")
    measure = project.key_result("work").measure
    project.sync()
    number, _ = project.value()
    box.world.gitlab.set_project("acme/b", off=["issues"])
    for _ in range(2):  # a list that is empty all at once is doubted
        project.sync(reconcile=True)
    assert not [each for each in project.ledger.answers.records(measure) if each.label.startswith("acme/b")]
    box.world.gitlab.set_project("acme/b", off=[])
    project.sync()
    assert project.value() == (number, "complete")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("census", [False, True])
@pytest.mark.parametrize("path", ["acme/*", "acme/b"])
@pytest.mark.parametrize("by", ["new", "renamed"])
def test_another_project_at_a_path_takes_the_place_of_the_former(
    make: Make, box: Sandbox, path: str, by: str, census: bool
) -> None:
    for day in range(2, 8):
        close(box, "acme/b", day=day)
        close(box, "acme/a", day=day)
    forge, project = box.world.gitlab, make("shrink: 100%", work=f"project: '{path}', what: closed_issues")
    project.sync()
    forge.delete_project("acme/b")
    if by == "new":
        forge.add_project("acme/b", at=LONG_AGO)
        close(box, "acme/b")
        number = 1 if path == "acme/b" else 1 + 8 + 2
    else:
        forge.move_project("acme/a", "acme/b")
        number = 8 if path == "acme/b" else 8 + 2
    for options in ({"reconcile": census}, {}, {"reconcile": True}):
        assert not project.sync(**options).failures
        assert project.value() == (number, "complete")


def test_path_that_was_given_up_and_taken_means_the_project_that_took_it(make: Make, box: Sandbox) -> None:
    forge, project = box.world.gitlab, make("shrink: 100%", work="project: acme/a, what: closed_issues")
    project.sync()
    for path in ("acme/y", "acme/z"):
        forge.move_project("acme/a" if path == "acme/y" else "acme/y", path)
        project.sync()
        assert project.value() == (2, "complete")
    assert project.restated() == []
    forge.add_project("acme/a", at=LONG_AGO)
    close(box, "acme/a")
    project.sync()
    assert project.value() == (1, "complete")


def test_work_is_merge_requests_and_issues_of_the_projects_that_the_connection_names(make: Make, box: Sandbox) -> None:
    project = make("work: ['acme/*']", work="project: acme/a, what: merged_merge_requests")
    project.sync()
    work = where_the_work_went(project.snapshots().now(project.now), project.config.periods[0], project.ledger)
    assert work is not None
    assert (work.driving, work.driving_none, work.unmapped) == (0, 1, 8)
    assert {each.name for each in work.lists} == {"acme/a", "acme/b", "acme/inner/c"}


# -- keys, credentials and limits


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"url": "https://gitlab.acme.example/api/v4"}, "write the site alone, without /api/v4"),
        ({"url": "https://gitlab.acme.example", "token": None}, "token"),
    ],
)
def test_settings_that_cannot_work_are_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        GitLab.Settings.model_validate({"type": "gitlab", "token": "${T}", **keys})


@pytest.mark.parametrize("path", ["web", "acme/", "acme/we b", [], "*"])
def test_path_that_names_no_project_is_refused(path: Any) -> None:
    with pytest.raises(ValidationError, match="write GROUP/NAME"):
        GitLab.Measure.model_validate({"what": "releases", "project": path})


def test_measure_of_failed_deployments_never_counts() -> None:
    measure = GitLab.Measure.model_validate({"what": "deployments", "project": "acme/web"})
    assert measure.never({"status": {"success", "failed"}}) is None
    assert measure.never({"status": {"failed"}}) == ("asks for deployments whose status is failed, which never count")


def test_allow_says_what_mappings_may_read() -> None:
    settings = GitLab.Settings.model_validate({"type": "gitlab", "token": "${T}", "allow": ["Acme/inner/*"]})
    measure = GitLab.Measure.model_validate({"what": "releases", "project": ["acme/inner/c", "acme/a"]})
    key, why = measure.refusal(settings) or ("", "")
    assert key == "project"
    assert "is 'acme/a'" in why


@pytest.mark.parametrize(
    ("token", "finding"),
    [
        ("gitlab", None),
        ("gitlab_wide", "api, write_repository; pulling needs read_api only, not api, write_repository"),
        ("gitlab_narrow", "read_user; pulling needs read_api, which the token lacks"),
    ],
)
def test_doctor_sees_the_scopes_of_the_token(box: Sandbox, context: Context, token: str, finding: str | None) -> None:
    settings = {"type": "gitlab", "url": box.gitlab_url, "token": box.credentials[token]}
    with closing(GitLab.open(GitLab.Settings.model_validate(settings, context={"resolved": True}), context)) as source:
        checks: dict[str, Check] = {check.name: check for check in source.check()}
    assert set(checks) == {"reachable", "authenticated", "least scopes", "quota", "clock"}
    assert checks["quota"].detail.endswith("of 2000 requests are left")
    assert (checks["least scopes"].ok, finding) == (finding is None, finding and checks["least scopes"].detail)
