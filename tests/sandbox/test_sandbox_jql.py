"""JQL: which issues queries match, and the refusal of every other text."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox import DEMO_NOW, World
from syncd.sandbox.jira import jql
from syncd.sandbox.jira.jql_fields import Context, JqlError, moment
from syncd.sandbox.story import build

WORLD: World = build(7, DEMO_NOW)


def keys(text: str, world: World = WORLD, *, cloud: bool = True) -> list[str]:
    site = world.jira if cloud else world.jira_dc
    return [issue.key for issue in jql.parse(text, Context(site, DEMO_NOW)).find(site)]


ALL = set(keys("created > 2020-01-01"))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("project = KB", "project in ('Knowledge base')"),
        ("type = Story", "issuetype in (story)"),
        ("statusCategory = Done", "status in (Done, Published, Closed)"),
        ("statusCategory != Done", "NOT statusCategory = done"),
        ("resolution is EMPTY", "resolution = Unresolved"),
        ("resolution not in ('Unresolved', Fixed)", "resolution is not empty and resolution != Fixed"),
        ("resolution is not empty", "resolved > 2020-01-01"),
        ("project = KB and type = Task or project = SUP", "(project = KB and type = Task) or project = SUP"),
        ('"Story Points" >= 5', "cf[10016] > 3"),
        ("Team = Payments", "'Team' not in (Discovery)"),
        ("labels = help", "labels not in (other)"),
        ("assignee is null", "not assignee is not null"),
        ("summary ~ 'invoices work'", "text ~ invoices"),
        ("project = KB and created >= startOfYear()", "project = KB and created >= '2026-01-01'"),
        ("updated >= -7d", "updated >= '2026-11-14 04:15'"),
        ("created < startOfMonth(-1)", "created < 2026/10/01"),
        ("updated <= endOfWeek(-1)", "updated < startOfWeek()"),
        ("statusCategoryChangedDate >= 2026-11-16", "statusCategoryChangedDate >= startOfWeek()"),
    ],
)
def test_queries_with_the_same_meaning_match_the_same_issues(text: str, same: str) -> None:
    assert keys(text) == keys(same)
    assert set() < set(keys(text)) < ALL


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = red", "Field 'colour' does not exist"),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'"),
        ("id not in (1)", "A value with ID '1' does not exist for the field 'id'"),
        ("status = Sleeping", "does not exist for the field 'status'"),
        ("project ~ KB", "operator '~' is not supported by the 'project' field"),
        ("summary = x", "operator '=' is not supported"),
        ("labels > a", "operator '>' is not supported"),
        ("created > tomorrow", "Date value 'tomorrow'"),
        ("created > lastLogin()", "Date value 'lastLogin()'"),
        ("project = KB type = Task", "Expecting 'OR' or 'AND' but got 'type'"),
        ("project = ", "before the end of the query"),
        ("project KB", "but got 'KB'"),
        ("(project = KB", "Expecting ')'"),
        ("project = 'KB", "has not been completed"),
        ("status was Done", "but got 'was'"),
        ("'Story Points' > many", "is not a number"),
        ("key > first", "is invalid"),
        ("assignee = membersOf(x)", "Unable to find JQL function"),
        ("project = KB order by", "Expecting a field name"),
    ],
)
def test_invalid_query_is_refused_in_jiras_words(text: str, message: str) -> None:
    with pytest.raises(JqlError) as caught:
        keys(text)
    assert message in str(caught.value)


def test_data_center_has_no_category_date() -> None:
    with pytest.raises(JqlError, match="does not exist"):
        keys("statusCategoryChangedDate > -7d", cloud=False)


def test_negations_leave_out_blanks() -> None:
    assert set(keys("resolution != Done")) < set(keys("not resolution = Done"))
    assert not set(keys("assignee not in ('Ana')")) & set(keys("assignee is empty"))


def test_dates_are_read_in_the_accounts_zone() -> None:
    context = Context(WORLD.jira, DEMO_NOW)
    assert moment("2026-10-01", "created", context) == datetime(2026, 10, 1, 4, tzinfo=UTC)
    assert moment("2026-12-01 08:30", "created", context) == datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
    assert moment("-4h", "created", context) == datetime(2026, 11, 21, 5, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "created > 2020-01-01 ORDER BY updated",
        "updated >= 2026-11-10 ORDER BY updated ASC, key DESC",
        "updated > 2026-11-10 AND (updated >= 2026-11-12 AND type = Story) ORDER BY updatedDate, key",
        "NOT updated >= 2026-11-10 ORDER BY updated",
        "(updated >= 2026-11-10 OR type = Bug) AND project = WEB ORDER BY updated",
    ],
)
def test_list_by_update_equals_the_sorted_list(text: str) -> None:
    query = jql.parse(text, Context(WORLD.jira, DEMO_NOW))
    wanted = query.sort([issue for issue in WORLD.jira.issues.values() if query.matches(issue)])
    assert wanted
    assert list(query.find(WORLD.jira)) == wanted


def test_order_by_puts_blanks_last() -> None:
    ordered = keys('project in (WEB, OPS) AND type = Story ORDER BY "Story Points" DESC, key ASC')
    points = [WORLD.jira.get(key).custom.get("customfield_10016") for key in ordered]
    estimates = [point for point in points if isinstance(point, float)]
    assert estimates == sorted(estimates, reverse=True)
    assert points[len(estimates) :] == [None] * (len(points) - len(estimates))
    # Blanks go last in the other direction too, as in Jira.
    assert WORLD.jira.get(keys("type = Story ORDER BY cf[10016]")[-1]).custom.get("customfield_10016") is None


clauses = st.sampled_from(
    ["project = KB", "type = Story", "statusCategory = Done", "resolved is empty", "created > -30d", "labels = help"]
)
queries = st.recursive(
    clauses,
    lambda inner: (
        inner.map(lambda query: f"NOT ({query})")
        | st.tuples(inner, st.sampled_from(["AND", "or"]), inner).map(lambda three: f"({' '.join(three)})")
    ),
    max_leaves=6,
)


@given(queries, queries)
def test_logic_equals_that_of_sets(first: str, second: str) -> None:
    assert set(keys(f"{first} AND {second}")) == set(keys(first)) & set(keys(second))
    assert set(keys(f"{first} OR {second}")) == set(keys(first)) | set(keys(second))
    assert set(keys(f"NOT {first}")) == ALL - set(keys(first))


@given(st.text(alphabet="projectKB=!<>~()'\", inornd.-1\\", max_size=25))
def test_any_other_text_raises_no_other_error(text: str) -> None:
    with contextlib.suppress(JqlError):
        keys(text)
