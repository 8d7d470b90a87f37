"""The unmodified jira library reads from both deployments."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
from jira import JIRA, JIRAError
from sandbox_clients import jira_cloud, jira_dc

from syncd.sandbox import DEMO_NOW, Sandbox


def test_cloud_search_pages_by_token(shared_box: Sandbox) -> None:
    client = jira_cloud(shared_box)
    fields = ["status", "resolutiondate"]
    everything = client.enhanced_search_issues("project = KB AND type = Article", maxResults=0, fields=fields)
    keys = [issue.key for issue in everything]
    assert len(keys) == len(set(keys)) > shared_box.world.jira.page_cap
    first = client.enhanced_search_issues("project = KB AND type = Article", maxResults=100, fields=["status"])
    assert len(first) == shared_box.world.jira.page_cap  # fewer than asked for
    assert first.nextPageToken


def test_cloud_sends_ids_alone_by_default(shared_box: Sandbox) -> None:
    answer = _cloud(shared_box, "/search/jql?jql=project%3DKB").json()
    assert set(answer) == {"issues", "isLast", "nextPageToken"}
    assert set(answer["issues"][0]) == {"id"}


def test_cloud_refuses_the_removed_search_and_unbounded_queries(shared_box: Sandbox) -> None:
    assert _cloud(shared_box, "/search?jql=project%3DKB").status_code == 410
    unbounded = _cloud(shared_box, "/search/jql?jql=order+by+created")
    assert unbounded.status_code == 400
    assert "Unbounded" in unbounded.json()["errorMessages"][0]


def test_cloud_refuses_a_token_of_another_query(shared_box: Sandbox) -> None:
    token = _cloud(shared_box, "/search/jql?jql=project%3DKB").json()["nextPageToken"]
    assert _cloud(shared_box, f"/search/jql?jql=project%3DWEB&nextPageToken={token}").status_code == 400


def test_cloud_counts_approximately(shared_box: Sandbox) -> None:
    assert jira_cloud(shared_box).approximate_issue_count("project = SUP AND type = Task") == 15


def test_times_are_in_the_accounts_zone(shared_box: Sandbox) -> None:
    client = jira_cloud(shared_box)
    assert client.myself()["timeZone"] == "America/New_York"
    jql = "project = KB AND resolved >= '2026-09-30' AND resolved < '2026-10-01' ORDER BY resolved"
    texts = [issue.fields.resolutiondate for issue in client.enhanced_search_issues(jql, fields=["resolutiondate"])]
    assert texts[-2:] == ["2026-09-30T17:59:59.999-0400", "2026-09-30T18:00:00.000-0400"]


def test_data_center_pages_by_offset(shared_box: Sandbox) -> None:
    client = jira_dc(shared_box)
    issues = client.search_issues("project = HELP ORDER BY key", maxResults=False, fields="resolution")
    assert len(issues) == len({issue.key for issue in issues}) == 144
    page = client.search_issues("project = HELP", maxResults=500, json_result=True)
    assert (page["maxResults"], page["total"]) == (100, 144)
    with pytest.raises(JIRAError, match="result window"):
        client.search_issues("project = HELP", startAt=10_001)


def test_data_center_lacks_what_cloud_alone_has(shared_box: Sandbox) -> None:
    client = jira_dc(shared_box)
    assert client.server_info()["deploymentType"] == "Server"
    assert "statuscategorychangedate" not in {field["id"] for field in client.fields()}
    assert not hasattr(client.issue("HELP-1").fields, "statuscategorychangedate")
    secrets = {"Authorization": f"Bearer {shared_box.credentials['jira_pat']}"}
    path = "/rest/api/2/search/jql?jql=project%3DHELP"
    assert httpx.get(shared_box.jira_dc_url + path, headers=secrets).status_code == 404


def test_wrong_credentials_are_refused(shared_box: Sandbox) -> None:
    wrong = httpx.get(f"{shared_box.jira_url}/rest/api/2/myself", auth=("bot@acme.example", "wrong"))
    assert wrong.status_code == 401
    assert wrong.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert httpx.get(f"{shared_box.jira_url}/rest/api/2/serverInfo").json()["deploymentType"] == "Cloud"
    with pytest.raises(JIRAError) as caught:
        JIRA(shared_box.jira_dc_url, token_auth="wrong", max_retries=0)
    assert caught.value.status_code == 401


def test_moved_issue_answers_to_both_keys(box: Sandbox) -> None:
    tickets, client = box.world.jira, jira_cloud(box)
    issue = tickets.create("KB", "Article", "Moves")
    old, new = issue.key, tickets.move(issue.key, "WEB")
    assert new.startswith("WEB-")
    assert client.issue(old).key == client.issue(new).key == new
    assert client.issue(old).id == str(issue.id)
    tickets.delete(new)
    with pytest.raises(JIRAError) as caught:
        client.issue(new)
    assert caught.value.status_code == 404


def test_workflow_decides_about_the_resolution(box: Sandbox) -> None:
    tickets = box.world.jira
    forgetful, keeping = tickets.create("KB", "Article").key, tickets.create("SUP", "Task").key
    unresolved = tickets.create("OPS", "Story").key
    for key in (forgetful, keeping, unresolved):
        tickets.transition(key, "Done")
    assert tickets.get(unresolved).resolved is None
    assert tickets.get(unresolved).category_changed_at == DEMO_NOW + timedelta(seconds=6)
    for key in (forgetful, keeping):
        tickets.reopen(key)
    assert tickets.get(forgetful).resolved is None
    assert tickets.get(keeping).resolved is not None
    assert tickets.get(keeping).category == "To Do"


def test_field_is_set_by_its_name(box: Sandbox) -> None:
    tickets = box.world.jira
    key = tickets.create("WEB", "Story").key
    tickets.set_field(key, "Story Points", 8.0)
    tickets.set_field(key, "labels", ["urgent"])
    issue = jira_cloud(box).issue(key)
    assert issue.fields.customfield_10016 == 8.0
    assert issue.fields.labels == ["urgent"]
    assert datetime.fromisoformat(issue.fields.updated) == DEMO_NOW + timedelta(seconds=3)
    with pytest.raises(ValueError, match="cannot be"):
        tickets.set_field(key, "status", "Done")


def test_issue_has_only_the_fields_asked_for(shared_box: Sandbox) -> None:
    def fields(text: str) -> set[str]:
        return set(_cloud(shared_box, f"/issue/KB-1?fields={text}").json()["fields"])

    assert fields("summary,status") == {"summary", "status"}
    assert "summary" not in fields("-summary")
    assert "status" in fields("-summary")
    assert "description" not in fields("*navigable")
    assert "description" in fields("*all")


def test_changelog_is_whole_on_data_center_and_the_newest_forty_on_cloud(box: Sandbox) -> None:
    for tickets, client in ((box.world.jira, jira_cloud(box)), (box.world.jira_dc, jira_dc(box))):
        tickets.add_project("LOG", "Log")
        key = tickets.create("LOG", "Task").key
        for points in range(45):
            tickets.set_field(key, "Story Points", float(points))
        tickets.transition(key, "In Progress")
        tickets.transition(key, "Done")
        search = client.enhanced_search_issues if tickets.cloud else client.search_issues
        (issue,) = search("project = LOG", fields=["updated"], expand="changelog")
        log = issue.changelog
        shown = [datetime.fromisoformat(history.created) for history in log.histories]
        assert (log.startAt, log.total) == (0, 47)
        assert (len(shown), shown == sorted(shown, reverse=tickets.cloud)) == (40 if tickets.cloud else 47, True)
        last = log.histories[0 if tickets.cloud else -1]
        assert [(item.field, item.fromString, item.toString) for item in last.items] == [
            ("status", "In Progress", "Done"),
            ("resolution", None, "Done"),
        ]
        assert last.created == issue.fields.updated
        categories = {status.id: status.statusCategory.key for status in client.statuses()}
        moved = vars(last.items[0])
        assert (categories[moved["from"]], categories[moved["to"]]) == ("indeterminate", "done")
        points = log.histories[-1 if tickets.cloud else 0].items[0]
        assert (points.field, points.fieldtype) == ("Story Points", "custom")
        assert hasattr(points, "fieldId") is tickets.cloud


def test_changelog_pages_exist_on_cloud_alone_the_oldest_first(box: Sandbox) -> None:
    tickets = box.world.jira
    key = tickets.create("KB", "Article").key
    for number in range(120):
        tickets.set_field(key, "summary", f"Edit {number}")
    first = _cloud(box, f"/issue/{key}/changelog?maxResults=500").json()
    assert (first["total"], first["maxResults"], first["isLast"]) == (120, 100, False)
    assert first["values"][0]["items"][0]["toString"] == "Edit 0"
    rest = _cloud(box, first["nextPage"].partition("/rest/api/2")[2]).json()
    assert (len(rest["values"]), rest["startAt"], rest["isLast"]) == (20, 100, True)
    secrets = {"Authorization": f"Bearer {box.credentials['jira_pat']}"}
    path = "/rest/api/2/issue/HELP-1/changelog"
    assert httpx.get(box.jira_dc_url + path, headers=secrets).status_code == 404


def test_edit_to_the_same_value_is_no_change(box: Sandbox) -> None:
    tickets = box.world.jira
    issue = tickets.create("KB", "Article", priority="High")
    tickets.set_field(issue.key, "priority", "High")
    tickets.set_field(issue.key, "assignee", "Ana")
    tickets.set_field(issue.key, "labels", ["a", "b"])
    edits = [(edit.field, edit.before, edit.after) for change in issue.changes for edit in change.edits]
    assert edits == [("assignee", None, "Ana"), ("labels", "", "a b")]


def _cloud(box: Sandbox, path: str) -> httpx.Response:
    auth = (box.credentials["jira_email"], box.credentials["jira_token"])
    return httpx.get(f"{box.jira_url}/rest/api/2{path}", auth=auth)
