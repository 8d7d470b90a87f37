"""Jira: the real library against the sandbox, Cloud and Data Center."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.jira import Jira
from connectors.jira.fields import elements
from connectors.jira.jql import jql_time
from connectors.jira.settings import JiraMeasure as Measure
from connectors.jira.settings import JiraSettings as Settings
from connectors.jira.source import JiraSource
from syncd.sandbox import DEMO_NOW, Fault, Sandbox, serve
from syncd.sandbox.jira.rows import fields as listed_fields
from syncd.sandbox.jira.ticket import Ticket
from syncd.sandbox.jira.tickets import Tickets
from syncd.sdk import (
    ConfigError,
    Context,
    Json,
    Record,
    RecordKeys,
    RetryLater,
    RetryPolicy,
    SourceBroken,
    SourceError,
    Stream,
    UnknownField,
)

SINCE = datetime(2026, 9, 30, 22, tzinfo=UTC)  # midnight in Berlin; both accounts are in other zones
CONTEXT = Context(RetryPolicy(sleep=lambda _: None), ZoneInfo("Europe/Berlin"), lambda: DEMO_NOW)
Opened = Callable[..., JiraSource]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with serve(seed=7, now=DEMO_NOW) as sandbox:
        yield sandbox


@pytest.fixture
def cloud(box: Sandbox) -> Iterator[JiraSource]:
    source = opened(box)
    yield source
    source.close()


@pytest.fixture
def server(box: Sandbox) -> Iterator[JiraSource]:
    source = opened(box, "jira-dc")
    yield source
    source.close()


def opened(box: Sandbox, service: str = "jira", **keys: Any) -> JiraSource:
    secrets = box.credentials
    if service == "jira":
        keys = {"url": box.jira_url, "email": secrets["jira_email"], "token": secrets["jira_token"], **keys}
    else:
        keys = {"url": box.jira_dc_url, "token": secrets["jira_pat"], **keys}
    return Jira.open(Settings.model_validate({"type": "jira", **keys}, context={"resolved": True}), CONTEXT)


def stream(jql: str, *needs: str, since: datetime | None = SINCE) -> Stream:
    return Stream(jql, "records", frozenset(needs), since)


def pulled(source: JiraSource, of: Stream, cursor: Mapping[str, Json] | None = None) -> dict[str, Record]:
    return {record.id: record for page in source.pull(of, cursor) for record in page.records}


def cursor_of(source: JiraSource, of: Stream, cursor: Mapping[str, Json] | None = None) -> Mapping[str, Json]:
    moved = [page.cursor for page in source.pull(of, cursor) if page.cursor is not None]
    return moved[-1]


def census(source: JiraSource, of: Stream) -> set[str]:
    return {issue_id for page in source.census(of) for issue_id in page.present or ()}


def wanted(site: Tickets, matches: Callable[[Ticket], bool], since: datetime = SINCE) -> dict[str, Ticket]:
    """The tickets that a stream should hold, from the sandbox's world rather than its answers."""
    return {str(ticket.id): ticket for ticket in site.issues.values() if matches(ticket) and ticket.updated >= since}


def done_moment(site: Tickets, ticket: Ticket) -> datetime | None:
    if ticket.category != "Done":
        return None
    return ticket.resolved or (ticket.category_changed_at if site.cloud else None)


def queries(box: Sandbox) -> list[str]:
    return [request.path.rpartition("/rest/api/2/")[2] for request in box.requests]


def world_of(box: Sandbox, service: str) -> tuple[Tickets, str]:
    return (box.world.jira, "KB") if service == "jira" else (box.world.jira_dc, "HELP")


BOTH = pytest.mark.parametrize("service", ["jira", "jira-dc"])


# Pulls


@pytest.mark.parametrize(
    ("service", "project"), [("jira", "KB"), ("jira", "WEB"), ("jira", "OPS"), ("jira-dc", "HELP")]
)
def test_every_issue_is_pulled_with_the_time_it_counts_on(box: Sandbox, service: str, project: str) -> None:
    site = box.world.jira if service == "jira" else box.world.jira_dc
    source = opened(box, service)
    records = pulled(source, stream(f"project = {project}", "type", "lead_time"))
    expected = wanted(site, lambda ticket: ticket.project == project)
    assert len(expected) > 20
    assert {key: record.done_at for key, record in records.items()} == {
        key: done_moment(site, ticket) for key, ticket in expected.items()
    }
    for key, record in records.items():
        ticket = expected[key]
        assert (record.label, record.title, record.updated_at) == (ticket.key, ticket.summary, ticket.updated)
        assert record.url == f"{box.url}/{service}/browse/{ticket.key}"
        assert record.created_at == ticket.created
        assert record.fields["type"] == [ticket.type]
        assert (record.not_done is None) == (record.done_at is not None)
        if record.done_at:
            assert list(record.fields["lead_time"]) == [
                pytest.approx((record.done_at - ticket.created) / timedelta(days=1))
            ]
        else:
            assert record.fields["lead_time"] == []
    source.close()


def test_cloud_and_data_center_give_equal_records(box: Sandbox) -> None:
    made: dict[str, list[tuple[Any, ...]]] = {}
    for service in ("jira", "jira-dc"):
        site = box.world.jira if service == "jira" else box.world.jira_dc
        site.add_project("SAME", "The same")
        for number in range(130):
            at = SINCE + timedelta(hours=number, seconds=7 * number)
            key = site.create("SAME", "Bug" if number % 3 else "Task", points=number / 2, labels=["a", "b"], at=at).key
            if number % 4:
                site.transition(key, "Done", at=at + timedelta(hours=2))
        source = opened(box, service)
        jql = "project = SAME AND type = Bug ORDER BY rank"
        records = pulled(source, stream(Measure(jql=jql).streams()[0], "Story Points", "label", "lead_time"))
        made[service] = sorted(
            (
                record.label,
                record.title,
                record.updated_at,
                record.created_at,
                record.done_at,
                record.not_done,
                sorted(record.fields.items()),
            )
            for record in records.values()
        )
        source.close()
    assert made["jira"] == made["jira-dc"]
    assert len(made["jira"]) == 86


@BOTH
def test_an_edit_is_seen_at_the_next_pull_and_a_reopened_issue_is_no_longer_done(box: Sandbox, service: str) -> None:
    site, project = world_of(box, service)
    of, source = stream(f"project = {project}"), opened(box, service)
    cursor = cursor_of(source, of)
    done = next(
        ticket
        for ticket in site.issues.values()
        if ticket.project == project and ticket.resolved and ticket.updated > SINCE
    )
    site.reopen(done.key)
    later = pulled(source, of, cursor)
    assert later[str(done.id)].done_at is None
    # The helpdesk's workflow keeps the resolution of a reopened issue.
    assert later[str(done.id)].not_done == (
        "status is To Do" if service == "jira" else "resolved, yet its status is To Do"
    )


def test_an_issue_done_without_any_date_is_not_counted_and_says_why(box: Sandbox, server: JiraSource) -> None:
    reasons = {
        record.title: record.not_done for record in pulled(server, stream("project = HELP")).values() if record.not_done
    }
    undated = "Done, with neither a resolution date nor a status category change date"
    assert reasons["Closed without a word"] == undated
    assert reasons["Still open"] == "status is To Do"


def test_a_moved_issue_keeps_its_id(box: Sandbox, cloud: JiraSource) -> None:
    of = stream("project in (KB, OPS) AND type = Article")
    cursor = cursor_of(cloud, of)
    article = next(ticket for ticket in box.world.jira.issues.values() if ticket.key == "KB-5")
    box.world.jira.move("KB-5", "OPS")
    later = pulled(cloud, of, cursor)
    assert later[str(article.id)].label == article.key
    assert article.key.startswith("OPS-")
    assert str(article.id) in census(cloud, of)
    assert str(article.id) not in census(cloud, stream("project = KB"))


@BOTH
def test_an_edit_that_the_search_shows_minutes_late_is_pulled(box: Sandbox, service: str) -> None:
    site, project = world_of(box, service)
    of, source = stream(f"project = {project}"), opened(box, service)
    newest = max(ticket.updated for ticket in wanted(site, _in(project)).values())
    cursor = cursor_of(source, of)
    late = site.create(project, "Task", at=newest - timedelta(minutes=4))
    assert str(late.id) in pulled(source, of, cursor)


# Census


@pytest.mark.sampled(2)
@BOTH
def test_a_census_holds_what_was_pulled_but_for_what_left(box: Sandbox, service: str) -> None:
    site, project = world_of(box, service)
    of, source = stream(f"project = {project}"), opened(box, service)
    ids = set(pulled(source, of))
    assert ids <= census(source, of)
    first, second = sorted(ids, key=int)[:2]
    site.delete(site.issues[int(first)].key)
    site.add_project("AWAY", "Elsewhere")
    site.move(site.issues[int(second)].key, "AWAY")
    assert ids - census(source, of) == {first, second}


def test_a_census_of_a_single_page_is_a_search_for_ids(box: Sandbox, cloud: JiraSource) -> None:
    box.world.jira.page_cap = 5000
    of = stream("project = KB")
    ids = set(pulled(cloud, of))
    box.requests.clear()
    assert ids <= census(cloud, of)
    assert queries(box) == ["myself", "search/jql"]
    assert parse_qs(box.requests[-1].query)["fields"] == ["id"]


@pytest.mark.sampled(2)
@BOTH
@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1), timedelta(minutes=3)])
def test_an_issue_that_leaves_while_a_list_is_walked_hides_no_other(
    box: Sandbox, service: str, apart: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each page, an issue that was already read is deleted and another is edited: neither may hide an issue."""
    site, _ = world_of(box, service)
    site.page_cap = 10
    site.add_project("MANY", "Many")
    issues = [site.create("MANY", "Task", at=SINCE + number * apart) for number in range(100)]
    source, gone, edited, asked = opened(box, service), set(), set(), 0
    ask = JiraSource._once

    def ask_of_a_moving_list(self: JiraSource, call: Callable[[], Any]) -> Any:
        nonlocal asked
        answer = ask(self, call)
        if isinstance(answer, dict) and "issues" in answer and asked < 4:
            victim, other = issues[asked], issues[50 + asked]
            site.delete(victim.key)
            gone.add(str(victim.id))
            site.set_field(other.key, "summary", "Edited")
            edited.add(str(other.id))
            asked += 1
        return answer

    monkeypatch.setattr(JiraSource, "_once", ask_of_a_moving_list)
    of = stream("project = MANY")
    stay = {str(issue.id) for issue in issues[4:]}
    records = pulled(source, of)
    assert stay <= set(records)
    assert {issue_id for issue_id in records if records[issue_id].title == "Edited"} == edited
    assert len(gone) == 4
    asked = 4
    assert census(source, of) == stay


@BOTH
def test_a_long_list_is_read_page_by_page_and_no_issue_twice(box: Sandbox, service: str) -> None:
    """Four issues share each minute: a page that ends within a minute is followed by the rest of that minute."""
    site, _ = world_of(box, service)
    site.page_cap = 10
    site.add_project("LONG", "Long")
    for number in range(100):
        site.create("LONG", "Task", at=SINCE + timedelta(seconds=15 * number))
    source, of = opened(box, service), stream("project = LONG")
    source.ask_site()
    box.requests.clear()
    rows = [record.id for page in source.pull(of, None) for record in page.records]
    assert sorted(rows) == sorted(wanted(site, _in("LONG")))
    assert len([query for query in queries(box) if query.startswith("search")]) == 10


@pytest.mark.sampled(2)
@BOTH
@pytest.mark.parametrize("leaves", [True, False])
def test_the_issue_that_leads_on_may_be_deleted_or_edited(
    box: Sandbox, service: str, leaves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next request leaves it out. Jira refuses its id after it is deleted; after an edit it is listed again."""
    site, _ = world_of(box, service)
    site.page_cap = 10
    site.add_project("LONG", "Long")
    issues = [site.create("LONG", "Task", at=SINCE + timedelta(seconds=15 * number)) for number in range(15)]
    leading, ask = issues[9], JiraSource._once
    changes = [lambda: site.delete(leading.key) if leaves else site.set_field(leading.key, "summary", "Edited")]

    def ask_and_change(self: JiraSource, call: Callable[[], Any]) -> Any:
        answer = ask(self, call)
        if isinstance(answer, dict) and answer.get("issues") and changes:
            changes.pop()()
        return answer

    monkeypatch.setattr(JiraSource, "_once", ask_and_change)
    records = pulled(opened(box, service), stream("project = LONG"))
    assert set(records) == {str(issue.id) for issue in issues}
    assert [record.title for record in records.values() if record.title == "Edited"] == ([] if leaves else ["Edited"])


@BOTH
def test_a_list_of_any_length_is_read(box: Sandbox, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data Center refuses a startAt past 10,000; here the limit is 100."""
    monkeypatch.setattr("syncd.sandbox.jira.api.RESULT_WINDOW", 100)
    site, _ = world_of(box, service)
    site.page_cap = 30
    site.add_project("BIG", "Big")
    for number in range(500):
        site.create("BIG", "Task", at=SINCE + timedelta(seconds=number * 9))
    source, of = opened(box, service), stream("project = BIG")
    assert len(pulled(source, of)) == len(census(source, of)) == 500


@BOTH
def test_a_search_that_lags_hides_no_issue(box: Sandbox, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last issue of the first page was just edited: it shows the new time, but is still listed by the old one."""
    site, _ = world_of(box, service)
    site.page_cap = 10
    site.add_project("LATE", "Late")
    for number in range(50):
        site.create("LATE", "Task", at=SINCE + timedelta(hours=number))
    ask, asked = JiraSource._once, 0

    def ask_a_late_index(self: JiraSource, call: Callable[[], Any]) -> Any:
        nonlocal asked
        answer = ask(self, call)
        if isinstance(answer, dict) and "issues" in answer:
            asked += 1
            if asked == 1:
                answer["issues"][-1]["fields"]["updated"] = DEMO_NOW.isoformat()
        return answer

    monkeypatch.setattr(JiraSource, "_once", ask_a_late_index)
    assert set(pulled(opened(box, service), stream("project = LATE"))) == set(wanted(site, _in("LATE")))


@BOTH
def test_a_list_in_another_order_is_read_to_its_end(
    box: Sandbox, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "syncd.sandbox.jira.jql.Query.sort", lambda _, issues: sorted(issues, key=lambda ticket: -ticket.id)
    )
    site, project = world_of(box, service)
    source, of = opened(box, service), stream(f"project = {project}")
    assert set(pulled(source, of)) == set(wanted(site, _in(project)))
    assert set(wanted(site, _in(project))) <= census(source, of)


@pytest.mark.sampled(1)
@BOTH
def test_a_list_that_never_holds_still_makes_a_partial_pull(
    box: Sandbox, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before every request an issue appears that should have been listed already."""
    site, _ = world_of(box, service)
    site.page_cap = 10
    site.add_project("FAST", "Fast")
    for _ in range(100):
        site.create("FAST", "Task", at=SINCE)
    ask = JiraSource._once

    def ask_after_an_import(self: JiraSource, call: Callable[[], Any]) -> Any:
        site.create("FAST", "Task", at=SINCE)
        return ask(self, call)

    monkeypatch.setattr(JiraSource, "_once", ask_after_an_import)
    with pytest.raises(RetryLater, match="edited faster"):
        pulled(opened(box, service), stream("project = FAST"))


# Fields


@pytest.mark.parametrize("name", ["Story Points", "story points", "customfield_10016"])
def test_a_custom_field_is_named_by_its_name_or_id(box: Sandbox, cloud: JiraSource, name: str) -> None:
    of = stream("project = WEB", name)
    cloud.verify(of)
    records = pulled(cloud, of)
    tickets = wanted(box.world.jira, _in("WEB"))
    points = {key: ticket.custom.get("customfield_10016") for key, ticket in tickets.items()}
    assert {key: list(record.fields[name]) for key, record in records.items()} == {
        key: [] if value is None else [value] for key, value in points.items()
    }
    assert None in points.values()


def test_fields_hold_the_texts_that_people_see(box: Sandbox, cloud: JiraSource) -> None:
    needs = (
        "type",
        "status",
        "priority",
        "label",
        "component",
        "assignee",
        "Team",
        "Sprint",
        "Fix versions",
        "Resolution",
    )
    records = pulled(cloud, stream("project = WEB", *needs))
    for key, ticket in wanted(box.world.jira, _in("WEB")).items():
        assert ticket.assignee
        assert records[key].fields == {
            "type": [ticket.type], "status": [ticket.status], "priority": [ticket.priority], "label": ticket.labels,
            "component": ticket.components, "assignee": [ticket.assignee.name],
            "Team": [ticket.custom["customfield_10001"]],
            "Sprint": [ticket.custom["customfield_10020"]], "Fix versions": [],
            "Resolution": [ticket.resolution] if ticket.resolution else [],
        }  # fmt: skip


def test_an_unknown_field_is_named_with_those_there_are(cloud: JiraSource) -> None:
    with pytest.raises(UnknownField, match="Story Pints") as caught:
        cloud.verify(stream("project = KB", "type", "Story Pints"))
    assert {"Story Points", "lead_time", "assignee"} <= set(caught.value.fields)
    assert caught.value.field == "Story Pints"


def test_two_fields_of_the_same_name_need_an_id(
    box: Sandbox, cloud: JiraSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = listed_fields(box.world.jira)
    twin = {**next(field for field in listed if field["name"] == "Team"), "id": "customfield_10077"}
    monkeypatch.setattr("syncd.sandbox.jira.api.rows.fields", lambda _: [*listed, twin])
    with pytest.raises(ConfigError, match=r"2 fields are named 'Team'.*customfield_10001, customfield_10077"):
        cloud.verify(stream("project = KB", "Team"))
    cloud.verify(stream("project = KB", "customfield_10077"))


def test_built_in_fields_need_no_request(box: Sandbox, cloud: JiraSource) -> None:
    cloud.verify(stream("project = KB", "type", "status", "priority", "label", "component", "assignee", "lead_time"))
    assert box.requests == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ([], []),
        (3, [3.0]),
        (0, [0.0]),
        (0.5, [0.5]),
        (True, ["true"]),
        (False, ["false"]),
        ("2026-10-01", ["2026-10-01"]),
        ("", [""]),
        (["a", "b"], ["a", "b"]),
        ({"id": "1", "value": "Payments"}, ["Payments"]),
        ({"id": "1", "name": "High"}, ["High"]),
        ({"accountId": "5b", "displayName": "Ana"}, ["Ana"]),
        ({"name": "ana", "key": "ana", "displayName": "Ana"}, ["Ana"]),
        ({"name": "ana"}, ["ana"]),
        ({"id": "1", "key": "KB-1", "fields": {}}, ["KB-1"]),
        ({"value": "Europe", "child": {"value": "Germany"}}, ["Europe", "Germany"]),
        ([{"value": "a"}, {"name": "b"}, None, 4], ["a", "b", 4.0]),
        ({"progress": 0, "total": 0}, []),
        (
            ["com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,rapidViewId=7,state=ACTIVE,name=Sprint 4,goal=]"],
            ["Sprint 4"],
        ),
    ],
)
def test_a_value_has_the_elements_that_people_see(value: Any, expected: list[Any]) -> None:
    actual = elements(value)
    assert actual == expected
    assert list(map(type, actual)) == list(map(type, expected))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["value", "name", "child", "key", "id"]), inner),
)


@given(_json)
def test_any_json_has_elements_that_are_texts_or_numbers(value: Any) -> None:
    assert all(type(element) in (str, float) for element in elements(value))


@BOTH
def test_a_renamed_field_is_missing_and_its_name_may_mean_another(box: Sandbox, service: str) -> None:
    site, project = world_of(box, service)
    of, source = stream(f"project = {project}", "Story Points"), opened(box, service)
    cursor = cursor_of(source, of)
    site.rename_field("Story Points", "Old points")
    with pytest.raises(UnknownField, match="Story Points"):
        pulled(opened(box, service), of, cursor)
    by_id = stream(f"project = {project}", "customfield_10016")
    assert pulled(opened(box, service), by_id, cursor_of(opened(box, service), by_id)), "an id stays"
    new = replace(site.fields["customfield_10016"], id="customfield_10099", name="Story points")
    site.add_field(new)
    again = pulled(opened(box, service), of, cursor)
    assert len(again) == len(pulled(opened(box, service), of)), "every row, because all have another value now"
    assert {tuple(record.fields["Story Points"]) for record in again.values()} == {()}


@BOTH
def test_an_edit_in_the_future_hides_no_later_edits(box: Sandbox, service: str) -> None:
    """An import, or a clock that was wrong for a while, can leave an issue with such a time."""
    site, project = world_of(box, service)
    of, ahead = stream(f"project = {project}", "type"), datetime.now(UTC) + timedelta(days=20)
    first, *_, last = [ticket.key for ticket in site.issues.values() if ticket.project == project]
    site.set_field(first, "summary", "From elsewhere", at=ahead)
    source = opened(box, service)
    cursor = cursor_of(source, of)
    site.set_field(last, "summary", "Edited later", at=datetime.now(UTC))
    for start in (cursor, {**cursor, "mark": ahead.isoformat()}):  # an older version stored such a mark
        rows = {record.label for record in pulled(source, of, start).values()}
        assert {first, last} <= rows
    assert datetime.fromisoformat(str(cursor_of(source, of, cursor)["mark"])) <= datetime.now(UTC)


# How many requests are made


@BOTH
def test_an_unchanged_list_costs_a_single_request_even_after_a_restart(box: Sandbox, service: str) -> None:
    _, project = world_of(box, service)
    of, source = stream(f"project = {project}", "type", "Story Points"), opened(box, service)
    cursor = cursor_of(source, of)
    source.close()
    box.requests.clear()
    assert cursor_of(opened(box, service), of, cursor) == cursor
    assert len(box.requests) == 1


@BOTH
def test_a_first_pull_makes_no_needless_request(box: Sandbox, service: str) -> None:
    site, project = world_of(box, service)
    site.page_cap = 500
    pulled(opened(box, service), stream(f"project = {project}", "type"))
    assert queries(box) == ["myself", "search/jql" if service == "jira" else "search"]
    local = "2026-09-30 17:59" if service == "jira" else "2026-10-01 06:59"
    query = f'(project = {project}) AND updated >= "{local}" ORDER BY updated ASC, key ASC'
    assert parse_qs(box.requests[-1].query)["jql"] == [query]
    asked = parse_qs(box.requests[-1].query)["fields"]
    assert sorted(asked) == sorted(
        [
            "summary",
            "status",
            "resolution",
            "resolutiondate",
            "statuscategorychangedate",
            "created",
            "updated",
            "issuetype",
        ]
    )


@BOTH
def test_an_interrupted_pull_continues_from_where_it_was(box: Sandbox, service: str) -> None:
    site, _ = world_of(box, service)
    site.page_cap = 20
    site.add_project("LONG", "Long")
    for number in range(200):
        site.create("LONG", "Task", at=SINCE + timedelta(minutes=10 * number))
    of, source = stream("project = LONG"), opened(box, service)
    box.fault(Fault(service, "status", status=503, path="search", after=6))  # type: ignore[arg-type]
    rows: set[str] = set()
    cursor: Mapping[str, Json] | None = None
    with contextlib.suppress(RetryLater):
        for page in source.pull(of, None):
            rows |= {record.id for record in page.records}
            cursor = page.cursor or cursor
    assert 60 < len(rows) < 200
    box.heal()
    box.requests.clear()
    rest = pulled(source, of, cursor)
    assert len(rest) < 160
    assert rows | set(rest) == set(wanted(site, _in("LONG")))


@BOTH
def test_a_long_query_is_posted(box: Sandbox, service: str) -> None:
    site, project = world_of(box, service)
    many = " OR ".join(f'summary ~ "nothing {number}"' for number in range(200))
    of = stream(f"project = {project} OR ({many})")
    assert set(pulled(opened(box, service), of)) == set(wanted(site, _in(project)))
    assert {request.method for request in box.requests if "search" in request.path} == {"POST"}


def test_a_cursor_of_another_address_does_not_count(box: Sandbox, cloud: JiraSource) -> None:
    of = stream("project = KB")
    cursor = cursor_of(cloud, of)
    records = pulled(opened(box, url=box.jira_url.replace("127.0.0.1", "localhost")), of, cursor)
    assert set(records) == set(wanted(box.world.jira, _in("KB")))
    assert all(record.url.startswith("http://localhost") for record in records.values())


# Zones


@pytest.mark.sampled(4)
@BOTH
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_edge_of_the_period_is_exact_in_any_zone_of_the_account(box: Sandbox, service: str, zone: str) -> None:
    site, _ = world_of(box, service)
    site.zone = ZoneInfo(zone)
    site.add_project("EDGE", "Edge")
    inside = site.create("EDGE", "Task", at=SINCE)
    before = site.create("EDGE", "Task", at=SINCE - timedelta(milliseconds=1))
    records = pulled(opened(box, service), stream("project = EDGE"))
    assert str(inside.id) in records
    assert str(before.id) not in records
    assert records[str(inside.id)].updated_at == SINCE


def test_an_account_that_changes_its_zone_loses_nothing(box: Sandbox, cloud: JiraSource) -> None:
    """From Tokyo to New York, where a JQL time of the old zone is 14 hours too late."""
    site = box.world.jira
    site.zone = ZoneInfo("Asia/Tokyo")
    of = stream("project = KB")
    cursor = cursor_of(cloud, of)
    site.zone = ZoneInfo("America/New_York")
    site.set_field("KB-7", "summary", "New", at=DEMO_NOW - timedelta(hours=20))
    site.set_field("KB-8", "summary", "Newer", at=DEMO_NOW - timedelta(hours=1))
    later = pulled(cloud, of, cursor)
    assert {"New", "Newer"} <= {record.title for record in later.values()}
    moved = cursor_of(cloud, of, cursor)
    assert moved["site"]["zone"] == "America/New_York"  # type: ignore[index, call-overload]


def test_an_interrupted_pull_in_the_wrong_zone_loses_nothing(box: Sandbox, cloud: JiraSource) -> None:
    site = box.world.jira
    site.page_cap = 10
    site.zone = ZoneInfo("Asia/Tokyo")
    of = stream("project = KB")
    cursor = cursor_of(cloud, of)
    site.zone = ZoneInfo("America/New_York")
    new = [site.create("KB", "Task", at=DEMO_NOW - timedelta(minutes=20 * number)) for number in range(1, 60)]
    box.fault(Fault("jira", "status", status=503, path="search", after=2))
    with contextlib.suppress(RetryLater):
        for page in cloud.pull(of, cursor):
            cursor = page.cursor or cursor
    box.heal()
    assert {str(ticket.id) for ticket in new} <= set(pulled(cloud, of, cursor))


def test_an_unknown_zone_changes_no_record(box: Sandbox, cloud: JiraSource) -> None:
    expected = set(wanted(box.world.jira, _in("KB")))
    box.fault(Fault("jira", "status", status=403, body="{}", path="myself"))
    of = stream("project = KB")
    assert set(pulled(cloud, of)) == expected
    assert expected <= census(cloud, of)


@BOTH
def test_the_hour_that_clocks_repeat_is_read_completely(box: Sandbox, service: str) -> None:
    site, _ = world_of(box, service)
    site.zone = ZoneInfo("Europe/Berlin")
    site.page_cap = 10
    site.add_project("FOLD", "Fold")
    start = datetime(2026, 10, 24, 23, tzinfo=UTC)
    for number in range(90):
        site.create("FOLD", "Task", at=start + timedelta(minutes=2 * number))
    of = stream("project = FOLD")
    source = opened(box, service)
    assert set(pulled(source, of)) == set(wanted(site, _in("FOLD"))) == census(source, of)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Berlin")
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin")
@example(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Europe/Berlin")
def test_a_time_in_a_query_is_never_later_than_was_meant(moment: datetime, zone: str) -> None:
    written = datetime.strptime(jql_time(moment, zone), "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
    for fold in (0, 1):
        read = written.replace(fold=fold).astimezone(UTC)
        assert moment - timedelta(hours=2, minutes=1) < read <= moment


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]),
)
def test_a_time_for_an_unknown_zone_is_early_enough_in_any(moment: datetime, zone: str) -> None:
    written = datetime.strptime(jql_time(moment, None), "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone))
    assert written.astimezone(UTC) <= moment


# What goes wrong


@pytest.mark.sampled(4)
@BOTH
@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (
            {"kind": "status", "status": 400, "body": '{"errorMessages": ["No such field."]}'},
            SourceBroken,
            "No such field",
        ),
        ({"kind": "status", "status": 500, "body": "null"}, RetryLater, ""),
        ({"kind": "status", "status": 500, "body": '["errors"]'}, RetryLater, ""),
        ({"kind": "status", "status": 200, "body": ""}, RetryLater, "not what Jira documents: issues"),
        ({"kind": "status", "status": 200, "body": "[]"}, RetryLater, "not what Jira documents"),
        ({"kind": "wrong_types"}, RetryLater, "not what Jira documents: issues"),
        ({"kind": "wrong_types", "form": "null_rows"}, RetryLater, "not what Jira documents: issues.0"),
        ({"kind": "page_loop"}, SourceError, "circle|issues are missing"),
        ({"kind": "page_flood"}, SourceError, "circle|empty pages|issues are missing"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("after", [0, 1])
def test_an_answer_unlike_jiras_ends_the_pull_on_any_page(
    box: Sandbox, service: str, fault: dict[str, Any], error: type[SourceError], says: str, after: int
) -> None:
    site, project = world_of(box, service)
    site.page_cap = 15
    source, of = opened(box, service), stream(f"project = {project}")
    box.fault(Fault(service, path="search", after=after, **fault))  # type: ignore[arg-type]
    for ask in (lambda: pulled(source, of), lambda: census(source, of)):
        with pytest.raises(error) as caught:
            ask()
        assert re.search(says, str(caught.value))
        assert not any(secret in str(caught.value) for secret in box.credentials.values())


@pytest.mark.sampled(1)
@BOTH
def test_a_search_that_fails_once_with_410_does_not_change_the_kind_of_site(box: Sandbox, service: str) -> None:
    """Cloud answers the old search with 410."""
    site, project = world_of(box, service)
    source, of = opened(box, service), stream(f"project = {project}")
    box.fault(Fault(service, status=410, path="search", times=1))  # type: ignore[arg-type]
    with pytest.raises(SourceBroken):
        pulled(source, of)
    assert set(pulled(source, of)) == set(wanted(site, _in(project)))


@pytest.mark.sampled(4)
@BOTH
@pytest.mark.parametrize("essential", ["id", "key", "updated", "status", "statusCategory"])
def test_an_issue_without_an_essential_field_is_refused(
    box: Sandbox, service: str, essential: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import syncd.sandbox.jira.rows as rows

    real = rows.issue

    def lacking(*asked: Any) -> dict[str, Any]:
        row = real(*asked)
        for part in (row, row["fields"], row["fields"].get("status", {})):
            part.pop(essential, None)
        return row

    monkeypatch.setattr(rows, "issue", lacking)
    _, project = world_of(box, service)
    with pytest.raises(RetryLater, match=f"not what Jira documents.*{essential}: Field required"):
        pulled(opened(box, service), stream(f"project = {project}"))


def test_a_token_that_has_expired_does_not_empty_the_list(box: Sandbox, cloud: JiraSource) -> None:
    """Cloud answers a search without credentials with 200 and only what an anonymous visitor may see."""
    of = stream("project = KB")
    cursor = cursor_of(cloud, of)
    box.fault(Fault("jira", "status", status=200, body='{"issues": [], "isLast": true}', path="search"))
    box.fault(Fault("jira", "unauthorized", path="myself"))
    for ask in (lambda: pulled(cloud, of, cursor), lambda: pulled(cloud, of), lambda: census(cloud, of)):
        with pytest.raises(SourceBroken, match="credentials were refused"):
            ask()


def test_issues_missing_from_a_page_break_the_pull(box: Sandbox, server: JiraSource) -> None:
    body = '{"issues": [], "startAt": 0, "maxResults": 50, "total": 7}'
    box.fault(Fault("jira-dc", "status", status=200, body=body, path="search"))
    with pytest.raises(RetryLater, match="issues are missing"):
        pulled(server, stream("project = HELP"))


def test_a_page_without_its_promised_successor_breaks_the_pull(box: Sandbox, cloud: JiraSource) -> None:
    box.fault(Fault("jira", "status", status=200, body='{"issues": [], "isLast": false}', path="search"))
    with pytest.raises(RetryLater, match="but not where"):
        pulled(cloud, stream("project = KB"))


def test_a_site_of_unknown_kind_is_cloud_if_it_removed_the_old_search(box: Sandbox) -> None:
    box.fault(Fault("jira", "status", status=200, body='{"version": "9"}', path="serverInfo"))
    box.fault(Fault("jira", "status", status=200, body='{"name": "bot"}', path="myself"))
    source = opened(box)
    of = stream("project = KB")
    assert set(pulled(source, of)) == set(wanted(box.world.jira, _in("KB")))
    cursor = cursor_of(source, of)
    assert cursor["site"]["cloud"] is True  # type: ignore[index, call-overload]


def test_links_of_records_lead_to_the_site_even_through_the_gateway(
    box: Sandbox, cloud: JiraSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = box._server.services
    monkeypatch.setitem(services, "/ex/jira/1f2e", services["/jira"])
    info = '{"baseUrl": "https://acme.atlassian.net"}'
    box.fault(Fault("jira", "status", status=200, body=info, path="serverInfo"))
    source = opened(box, url=f"{box.url}/ex/jira/1f2e/")
    records = pulled(source, stream("project = KB"))
    assert set(records) == set(wanted(box.world.jira, _in("KB")))
    assert all(record.url == f"https://acme.atlassian.net/browse/{record.label}" for record in records.values())


# Doctor


@BOTH
def test_the_doctor_shows_site_and_account(box: Sandbox, service: str) -> None:
    checks = {check.name: check for check in opened(box, service).check()}
    assert checks["reachable"].ok
    assert ("Cloud 1001" if service == "jira" else "Server 10.3") in checks["reachable"].detail
    zone = "America/New_York" if service == "jira" else "Asia/Tokyo"
    assert checks["authenticated"].detail == f"as syncd bot, in the zone {zone}"
    assert "clock" in checks


def test_the_doctor_refuses_a_wrong_token(box: Sandbox) -> None:
    with pytest.raises(SourceBroken, match="credentials were refused"):
        list(opened(box, token="wrong").check())


# Configuration


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("project = KB", "project = KB"),
        ("  project = KB\n", "project = KB"),
        ("project = KB ORDER BY created", "project = KB"),
        ("project = KB\norder  by created DESC, key", "project = KB"),
        ('summary ~ "order by"', 'summary ~ "order by"'),
        ("summary ~ 'x order by y' Order By rank", "summary ~ 'x order by y'"),
        (r'summary ~ "a \" order by b" ORDER BY key', r'summary ~ "a \" order by b"'),
        ('"order by" = 1', '"order by" = 1'),
        ("labels = border AND x = byte", "labels = border AND x = byte"),
        ("assignee = currentUser() order by key", "assignee = currentUser()"),
        ('summary ~ ")" order by key', 'summary ~ ")"'),
    ],
)
def test_the_order_of_a_query_is_dropped(written: str, key: str) -> None:
    assert Measure(jql=written).streams() == [key]
    assert Measure(jql=key).streams() == [key]


_quoted = st.text(st.characters(exclude_characters='"\\')).map(lambda text: f'summary ~ "{text}"')


@given(_quoted, st.sampled_from(["", " ORDER BY key", " order\tby created DESC, key ASC"]))
def test_a_quoted_text_stays_as_it_is(clause: str, order: str) -> None:
    assert Measure(jql=clause + order).streams() == [clause]


@pytest.mark.parametrize("jql", ["", "  ", "ORDER BY created", " order by key"])
def test_a_query_that_restricts_nothing_is_refused(jql: str) -> None:
    with pytest.raises(ValidationError, match="restricts nothing; write which issues"):
        Measure(jql=jql)


@pytest.mark.parametrize("jql", ["project = KB) OR (project = WEB", "(project = KB", "project = KB)"])
def test_brackets_that_do_not_match_are_refused(jql: str) -> None:
    with pytest.raises(ValidationError, match="brackets do not match"):
        Measure(jql=jql)


def test_only_the_server_knows_the_fields() -> None:
    keys: RecordKeys = Measure(jql="project = KB")
    assert keys.fields() is None


def test_only_allowed_projects_are_read(box: Sandbox) -> None:
    source, everything = opened(box, allow=["kb"]), stream("project in (KB, WEB) OR type = Story")
    records = pulled(source, everything)
    assert {record.label.partition("-")[0] for record in records.values()} == {"KB"}
    assert census(source, everything) == set(records)
    assert set(records) < set(pulled(opened(box), everything))


@pytest.mark.parametrize("named", ["Nowhere", "Web site", "web", "10009"])
def test_a_name_that_no_allowed_project_has_fails_instead_of_counting_nothing(box: Sandbox, named: str) -> None:
    box.world.jira.add_project("WEBS", "Web site")
    with pytest.raises(SourceBroken, match=f"asks for the project '{named}', and its connection allows KB, none of"):
        pulled(opened(box, allow=["KB"]), stream(f'project = "{named}"'))


def test_an_allowed_project_may_be_named_as_jira_lets_people_name_it(box: Sandbox) -> None:
    project = box.world.jira.projects["KB"]
    source, named = opened(box, allow=["KB"]), stream(f'project = "{project.name.upper()}"')
    assert {record.label.partition("-")[0] for record in pulled(source, named).values()} == {"KB"}
    cursor = cursor_of(source, named)
    box.requests.clear()
    assert cursor_of(opened(box, allow=["KB"]), named, cursor) == cursor
    assert len(box.requests) == 1  # the names were compared


def test_issue_beyond_the_allowed_projects_is_refused_whatever_made_jira_send_it(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.jira.source.within", lambda jql, _: jql)  # no Jira is known to ignore its query
    with pytest.raises(SourceBroken, match=r"has WEB-\d+, of a project that 'allow'"):
        pulled(opened(box, allow=["KB"]), stream("project in (KB, WEB)"))


def test_settings_have_defaults_and_refuse_secrets_written_out() -> None:
    site = Settings.model_validate({"type": "jira", "url": "https://acme.atlassian.net/", "token": "${JIRA_TOKEN}"})
    assert site.url == "https://acme.atlassian.net"
    assert site.reconcile == timedelta(hours=1)
    with pytest.raises(ValidationError, match="write it with https:// in front"):
        Settings.model_validate({"type": "jira", "url": "acme.atlassian.net", "token": "${JIRA_TOKEN}"})
    with pytest.raises(ValidationError, match="secret written out"):
        Settings.model_validate({"type": "jira", "url": "https://acme.atlassian.net", "token": "abc"})


def _in(project: str) -> Callable[[Ticket], bool]:
    return lambda ticket: ticket.project == project
