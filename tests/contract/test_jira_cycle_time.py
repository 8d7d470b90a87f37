"""How long work on an issue took, from the changelogs of Jira Cloud and Data Center."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.jira import Jira
from connectors.jira.changelog import Change, work_began
from connectors.jira.source import JiraSource
from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.sandbox import DEMO_NOW, Fault, Sandbox
from syncd.sandbox.jira import changelog as jira_changelog
from syncd.sandbox.jira.ticket import Ticket
from syncd.sandbox.jira.tickets import Tickets
from syncd.sdk import Context, Json, Record, RetryLater, RetryPolicy, SourceBroken, Stream

START = DEMO_NOW - timedelta(days=40)
DAY = timedelta(days=1)
BOTH = pytest.mark.parametrize("service", ["jira", "jira-dc"])
CYCLE = Stream("project = DEV", "records", frozenset({"cycle_time"}), START)
Open = Callable[[str], JiraSource]

STORIES: Mapping[str, tuple[str, ...]] = {
    "straight": ("In Progress", "Done"),
    "by way of review": ("In Progress", "In Review", "Done"),
    "put back once": ("In Progress", "To Do", "In Review", "Done"),
    "reopened": ("In Progress", "Done", "To Do", "In Progress", "Closed"),
    "closed directly": ("Done",),
    "reopened, closed directly": ("Done", "To Do", "Published"),
    "begun after it was first done": ("Done", "In Progress", "Done"),
    "under way": ("In Progress", "In Review"),
    "waiting": (),
}


@pytest.fixture
def opening(box: Sandbox, context: Context) -> Iterator[Open]:
    """Opens a source; closes it at the end."""
    sources: list[JiraSource] = []

    def opened(service: str) -> JiraSource:
        secrets = box.credentials
        keys = (
            {"url": box.jira_url, "email": secrets["jira_email"], "token": secrets["jira_token"]}
            if service == "jira"
            else {"url": box.jira_dc_url, "token": secrets["jira_pat"]}
        )
        settings = Jira.Settings.model_validate({"type": "jira", **keys}, context={"resolved": True})
        sources.append(Jira.open(settings, context))
        return sources[-1]

    yield opened
    for source in sources:
        source.close()


def site_of(box: Sandbox, service: str) -> Tickets:
    site = box.world.jira if service == "jira" else box.world.jira_dc
    site.add_project("DEV", "Development")
    return site


def tell(site: Tickets, *statuses: str, edits: int = 0, first: datetime = START) -> Ticket:
    """Creates an issue that goes through these statuses a day apart, with so many edits before the last status."""
    issue = site.create("DEV", "Task", "Told", at=first)
    at = first
    for number, status in enumerate(statuses):
        at += DAY
        if number == len(statuses) - 1:
            for edit in range(edits):
                site.set_field(issue.key, "summary", f"Edit {edit}", at=at - timedelta(minutes=edits - edit))
        site.transition(issue.key, status, at=at)
    return issue


def expected(issue: Ticket) -> list[float]:
    """The cycle time from the sandbox's world rather than its answers; empty if it has none."""
    done = (issue.resolved or issue.category_changed_at) if issue.category == "Done" else None
    if done is None or issue.began is None or issue.began > done:
        return []
    return [(done - issue.began) / DAY]


def pulled(source: JiraSource, of: Stream = CYCLE, cursor: Mapping[str, Json] | None = None) -> dict[str, Record]:
    return {record.id: record for page in source.pull(of, cursor) for record in page.records}


def cycle_times(source: JiraSource) -> dict[str, list[Any]]:
    return {key: [*record.fields["cycle_time"]] for key, record in pulled(source).items()}


def asked(box: Sandbox, service: str) -> list[str]:
    """The paths of the requests, without those for the account and the site."""
    paths = [request.path.removeprefix(f"/{service}/rest/api/2/") for request in box.requests]
    return [path for path in paths if path not in ("myself", "serverInfo")]


@BOTH
def test_cycle_time_runs_from_the_first_status_in_progress_to_done(box: Sandbox, opening: Open, service: str) -> None:
    site = site_of(box, service)
    site.page_cap = 4
    issues = {name: tell(site, *statuses) for name, statuses in STORIES.items()}
    times = cycle_times(opening(service))
    assert times == {str(issue.id): pytest.approx(expected(issue)) for issue in issues.values()}
    days = {name: times[str(issue.id)] for name, issue in issues.items()}
    assert days["put back once"] == [3.0]
    assert days["reopened"] == [4.0]
    assert days["begun after it was first done"] == [1.0]
    assert [name for name, took in days.items() if not took] == [
        "closed directly", "reopened, closed directly", "under way", "waiting",
    ]  # fmt: skip


@BOTH
def test_any_history_gives_its_cycle_time(box: Sandbox, opening: Open, service: str) -> None:
    dice, site = random.Random(7), site_of(box, service)
    statuses = ("To Do", "In Progress", "In Review", "Done", "Closed")
    for number in range(60):
        story = dice.choices(statuses, k=dice.randrange(6))
        issue = tell(site, *story, edits=dice.choice((0, 3, 60)), first=START + timedelta(hours=number))
        if number % 7 == 0:  # resolved before it is done: that day counts
            site.resolve(issue.key, at=START + timedelta(hours=number + 36))
    times = cycle_times(opening(service))
    assert times == {str(issue.id): pytest.approx(expected(issue)) for issue in site.issues.values()}
    assert sum(map(bool, times.values())) > 10


def test_changelog_pages_are_requested_only_for_changelogs_that_cloud_cuts(box: Sandbox, opening: Open) -> None:
    site = site_of(box, "jira")
    for edits in (0, 30, 45, 150):
        tell(site, "In Progress", "Done", edits=edits)
    tell(site, "In Progress", "In Review", edits=45)  # it is not done, so its changelog is not needed
    times = cycle_times(opening("jira"))
    assert times == {str(issue.id): expected(issue) for issue in site.issues.values()}
    _, _, long, longest, _ = site.issues
    assert asked(box, "jira") == [
        "search/jql",
        "status",
        f"issue/{long}/changelog",
        f"issue/{longest}/changelog",
        f"issue/{longest}/changelog",
    ]


def test_a_total_that_counts_only_the_included_changes_is_not_trusted(
    box: Sandbox, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jira_changelog.expanded

    def modest(*about: Any) -> bytes:
        return real(*about).replace(b'"total": 47', b'"total": 40')

    monkeypatch.setattr(jira_changelog, "expanded", modest)
    issue = tell(site_of(box, "jira"), "In Progress", "Done", edits=45)
    assert cycle_times(opening("jira")) == {str(issue.id): [1.0]}


def test_data_center_includes_whole_changelogs_and_gets_no_further_request(box: Sandbox, opening: Open) -> None:
    issue = tell(site_of(box, "jira-dc"), "In Progress", "Done", edits=150)
    assert cycle_times(opening("jira-dc")) == {str(issue.id): [1.0]}
    assert asked(box, "jira-dc") == ["search", "status"]


def test_changelog_that_a_search_leaves_out_is_asked_for_by_itself(box: Sandbox, opening: Open) -> None:
    site = site_of(box, "jira")
    short, long = (tell(site, "In Progress", "Done", edits=edits) for edits in (0, 45))
    under_way = tell(site, "In Progress")  # it is not done, so its changelog is not needed
    site.left_out.add("changelog")
    assert cycle_times(opening("jira")) == {str(short.id): [1.0], str(long.id): [1.0], str(under_way.id): []}
    assert asked(box, "jira").count(f"issue/{short.id}/changelog") == 1
    assert asked(box, "jira").count(f"issue/{under_way.id}/changelog") == 0


def test_changelog_that_every_answer_leaves_out_is_not_an_empty_one(box: Sandbox, opening: Open) -> None:
    site = site_of(box, "jira-dc")
    tell(site, "In Progress", "Done")
    site.left_out.add("changelog")
    with pytest.raises(SourceBroken, match="leaves out the changelogs that cycle_time needs"):
        cycle_times(opening("jira-dc"))


def test_changelog_of_data_center_is_asked_for_with_its_issue(
    box: Sandbox, opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(box, "jira-dc")
    issue, gone = tell(site, "In Progress", "Done"), tell(site, "In Progress", "Done")
    site.left_out.add("changelog")
    source = opening("jira-dc")
    ask = source.changes

    def with_issues_alone(id: str, shown: Any) -> Any:
        site.left_out.discard("changelog")
        if id == str(gone.id) and gone.key in site.keys:
            site.delete(gone.key)
        return ask(id, shown)

    monkeypatch.setattr(source, "changes", with_issues_alone)
    assert cycle_times(source) == {str(issue.id): [1.0], str(gone.id): []}


@BOTH
def test_changelogs_are_requested_only_if_a_measure_needs_them(box: Sandbox, opening: Open, service: str) -> None:
    tell(site_of(box, service), "In Progress", "Done", edits=45)
    pulled(opening(service), Stream(CYCLE.key, "records", frozenset({"lead_time", "status"}), START))
    assert asked(box, service) == ["search/jql" if service == "jira" else "search"]
    assert parse_qs(box.requests[-1].query)["expand"] == ["names"]


@BOTH
def test_statuses_are_requested_once_and_only_for_done_issues(box: Sandbox, opening: Open, service: str) -> None:
    site = site_of(box, service)
    site.page_cap = 5
    for _ in range(20):
        tell(site, "In Progress")
    pulled(opening(service))
    assert "status" not in asked(box, service)
    for issue in [*site.issues.values()]:
        site.transition(issue.key, "Done")
    pulled(opening(service))
    assert asked(box, service).count("status") == 1


@BOTH
def test_an_unchanged_list_costs_a_second_request(box: Sandbox, opening: Open, service: str) -> None:
    tell(site_of(box, service), "In Progress", "Done")
    cursor = [page.cursor for page in opening(service).pull(CYCLE, None) if page.cursor][-1]
    box.requests.clear()
    pulled(opening(service), CYCLE, cursor)
    assert asked(box, service) == ["search/jql" if service == "jira" else "search", "status"]


@BOTH
def test_a_long_query_requests_the_changelog_in_its_body(box: Sandbox, opening: Open, service: str) -> None:
    issue = tell(site_of(box, service), "In Progress", "Done")
    many = " OR ".join(f'summary ~ "nothing {number}"' for number in range(200))
    of = Stream(f"project = DEV OR ({many})", "records", CYCLE.needs, START)
    assert [*pulled(opening(service), of)[str(issue.id)].fields["cycle_time"]] == [1.0]
    assert {request.method for request in box.requests if "search" in request.path} == {"POST"}


@BOTH
def test_a_deleted_status_makes_the_cycle_time_unknown(
    box: Sandbox, opening: Open, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been a status in progress, in which work began."""
    real = jira_changelog.statuses
    monkeypatch.setattr(
        jira_changelog, "statuses", lambda base: [status for status in real(base) if status["name"] != "In Review"]
    )
    site = site_of(box, service)
    before, after = (tell(site, *way, "Done") for way in (("In Review", "In Progress"), ("In Progress", "In Review")))
    assert cycle_times(opening(service)) == {str(before.id): [], str(after.id): [2.0]}


def test_an_issue_deleted_while_it_is_read_does_not_break_the_pull(box: Sandbox, opening: Open) -> None:
    site = site_of(box, "jira")
    gone, stays = (tell(site, "In Progress", "Done", edits=45) for _ in range(2))
    box.fault(Fault("jira", status=404, body='{"errorMessages": ["Issue does not exist"]}', path=f"/{gone.id}/change"))
    assert cycle_times(opening("jira")) == {str(gone.id): [], str(stays.id): [1.0]}


@pytest.mark.parametrize("path", ["/status", "/changelog"])
@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"kind": "wrong_types", "form": "null_rows"}, {"kind": "malformed"}], ids=str
)
def test_an_unreadable_answer_fails_the_pull(box: Sandbox, opening: Open, path: str, fault: dict[str, Any]) -> None:
    tell(site_of(box, "jira"), "In Progress", "Done", edits=45)
    box.fault(Fault("jira", path=path, **fault))
    with pytest.raises(RetryLater):
        pulled(opening("jira"))


def test_changelog_pages_that_never_end_are_left(box: Sandbox, opening: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    real = jira_changelog.page
    monkeypatch.setattr(jira_changelog, "page", lambda *about: {**real(*about), "total": 10**9})
    issue = tell(site_of(box, "jira"), "In Progress", "Done", edits=45)
    assert cycle_times(opening("jira")) == {str(issue.id): [1.0]}


# The changelog alone

CATEGORIES = {"1": "new", "2": "indeterminate", "3": "done", "4": "undefined"}


def moves(*ways: tuple[str, str], field: str = "status", fieldtype: str = "jira") -> list[Change]:
    """A change a day."""
    return [
        Change.model_validate(
            {
                "id": str(number),
                "created": START + number * DAY,
                "items": [
                    {"field": "resolution", "fieldtype": "jira", "from": None, "to": "2"},
                    {"field": field, "fieldtype": fieldtype, "from": before, "to": after},
                ],
            }
        )
        for number, (before, after) in enumerate(ways, start=1)
    ]


def test_the_order_of_changes_makes_no_difference() -> None:
    changes = moves(("1", "2"), ("2", "1"), ("1", "2"), ("2", "3"))
    assert {work_began(START, order, CATEGORIES) for order in permutations(changes)} == {START + DAY}


@pytest.mark.parametrize(
    ("changes", "began"),
    [
        ([], None),
        (moves(("1", "3")), None),
        (moves(("4", "3")), None),
        (moves(("2", "3")), START),  # its workflow begins in progress
        (moves(("1", "2"), ("2", "3")), START + DAY),
        (moves(("1", "9"), ("9", "2"), ("2", "3")), None),
        (moves(("9", "2"), ("2", "3")), None),
        (moves(("1", "2"), field="resolution"), None),
        (moves(("1", "2"), fieldtype="custom"), None),  # somebody's own field of that name
    ],
)
def test_work_began_with_the_first_status_in_progress(changes: list[Change], began: datetime | None) -> None:
    assert work_began(START, changes, CATEGORIES) == began


# A mapping that adds cycle time


@BOTH
def test_a_mapping_that_adds_cycle_time_pulls_all_issues_again(
    box: Sandbox, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(box, service)
    for statuses in STORIES.values():
        tell(site, *statuses)
    secrets = box.credentials
    monkeypatch.setenv("TOKEN", secrets["jira_token" if service == "jira" else "jira_pat"])
    keys = (
        f'url: "{box.jira_url}", email: {secrets["jira_email"]}' if service == "jira" else f'url: "{box.jira_dc_url}"'
    )
    (tmp_path / "syncd.yaml").write_text(f"""\
mappings: okrs.yaml
clock: {DEMO_NOW.isoformat()}
connections:
  tickets: {{type: jira, {keys}, token: "${{TOKEN}}"}}
""")
    mapping = """\
period: 2026-Q4
objectives:
  - id: delivery
    title: Work flows
    key_results:
      - {id: done, title: Tasks are done, kind: output, target: 20, measure: {from: tickets, jql: project = DEV}}
"""
    more = (
        "      - {id: flow, title: Half of it takes a day, kind: outcome, baseline: 9, target: 1, unit: days,\n"
        "         measure: {from: tickets, jql: project = DEV, take: average, of: cycle_time}}\n"
    )
    ledger = open_ledger(f"sqlite:///{tmp_path}/syncd.db")
    assert ledger is not None
    for text in (mapping, mapping + more):
        (tmp_path / "okrs.yaml").write_text(text)
        config = load_config(tmp_path / "syncd.yaml")
        assert not run_cycle(CycleRequest(config, ledger, lambda: DEMO_NOW, RetryPolicy(sleep=lambda _: None))).failures
    flow = ledger.values.last("2026-Q4")["flow"]
    days = [took for issue in site.issues.values() for took in expected(issue)]
    assert flow.number == pytest.approx(sum(days) / len(days))
    assert flow.lacking == 2  # closed directly, once or twice
    ledger.close()
