"""The unmodified jira library edits issues and comments in both deployments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
import requests
from jira import JIRA, JIRAError
from sandbox_clients import jira_cloud, jira_dc

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.jira.tickets import Tickets

VALUE, PROGRESS, HEALTH, NOTE = (f"customfield_{number}" for number in (10101, 10102, 10103, 10104))
CHECK_IN: dict[str, Any] = {
    VALUE: 1092,
    PROGRESS: 0.18,
    HEALTH: {"value": "At risk"},
    NOTE: "Fewer calls.\nStill late.",
}
OFF_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


class Site:
    """A deployment, with an issue to write to."""

    def __init__(self, box: Sandbox, kind: str) -> None:
        self.cloud = kind == "cloud"
        self.tickets: Tickets = box.world.jira if self.cloud else box.world.jira_dc
        self.url = box.jira_url if self.cloud else box.jira_dc_url
        self.service = "jira" if self.cloud else "jira-dc"
        self.client: JIRA = (jira_cloud if self.cloud else jira_dc)(box)
        self.reader: JIRA = jira_cloud(box, "jira_readonly_token") if self.cloud else jira_dc(box, "jira_readonly_pat")
        self.key = self.tickets.create("KB" if self.cloud else "HELP", "Article" if self.cloud else "Incident").key
        secret = box.credentials["jira_token" if self.cloud else "jira_pat"]
        auth = (box.credentials["jira_email"], secret) if self.cloud else None
        self.http = httpx.Client(
            base_url=self.url, auth=auth, headers={} if self.cloud else {"Authorization": f"Bearer {secret}"}
        )


@pytest.fixture(params=["cloud", "data center"])
def site(box: Sandbox, request: pytest.FixtureRequest) -> Site:
    return Site(box, request.param)


def refused(call: Callable[[], object], status: int = 400) -> dict[str, Any]:
    """The JSON of the refusal that the call meets."""
    with pytest.raises(JIRAError) as caught:
        call()
    assert caught.value.status_code == status
    content: dict[str, Any] = caught.value.response.json()
    assert set(content) == {"errorMessages", "errors"}
    return content


# -- fields


def test_fields_are_set_read_back_and_cleared(site: Site) -> None:
    issue = site.client.issue(site.key)
    before = datetime.fromisoformat(issue.fields.updated)
    issue.update(fields={**CHECK_IN, "labels": ["okr", "okr-at-risk"]})  # which reads the issue again
    fields = issue.raw["fields"]
    assert {name: fields[name] for name in (VALUE, PROGRESS, NOTE)} == {
        VALUE: 1092.0, PROGRESS: 0.18, NOTE: "Fewer calls.\nStill late.",
    }  # fmt: skip
    assert (fields[HEALTH]["value"], fields["labels"]) == ("At risk", ["okr", "okr-at-risk"])
    assert datetime.fromisoformat(fields["updated"]) > before
    issue.update(fields={HEALTH: {"id": fields[HEALTH]["id"]}, VALUE: None, NOTE: None})
    assert issue.raw["fields"][HEALTH]["value"] == "At risk"
    assert (issue.raw["fields"][VALUE], issue.raw["fields"][NOTE]) == (None, None)


def test_request_makes_a_single_change_by_its_account(site: Site) -> None:
    site.client.issue(site.key).update(fields=CHECK_IN)
    issue = site.client.issue(site.key, expand="changelog")
    (history,) = issue.changelog.histories
    assert history.author.displayName == "syncd bot"
    edits = {item.field: (item.fromString, item.toString, vars(item)["to"]) for item in history.items}
    assert edits["Current value"] == (None, "1092", None)
    assert edits["OKR health"] == (None, "At risk", issue.raw["fields"][HEALTH]["id"])
    assert set(edits) == {"Current value", "Progress", "OKR health", "OKR note"}


def test_verbs_change_labels_and_add_comments(site: Site) -> None:
    site.tickets.set_field(site.key, "labels", ["a", "b"])
    issue = site.client.issue(site.key)
    issue.update(update={"labels": [{"add": "c"}, {"remove": "a"}], "comment": [{"add": {"body": "Moved."}}]})
    assert issue.fields.labels == ["b", "c"]
    assert [comment.body for comment in issue.fields.comment.comments] == ["Moved."]
    issue.update(labels=[{"set": ["z"]}])
    assert issue.fields.labels == ["z"]
    both = {"fields": {"labels": []}, "update": {"labels": [{"add": "x"}]}}
    assert "cannot appear in both" in refused(lambda: issue.update(**both))["errors"]["labels"]


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (VALUE, "1092", "Operation value must be a number"),
        (VALUE, True, "Operation value must be a number"),
        (VALUE, {"value": 1}, "Operation value must be a number"),
        (NOTE, 5, "Operation value must be a string"),
        (HEALTH, {"value": "Splendid"}, "Option value 'Splendid' is not valid"),
        (HEALTH, {"id": "7"}, "Option id '7' is not valid"),
        (HEALTH, "At risk", "Could not find valid 'id' or 'value' in the Parent Option object."),
        ("labels", "okr", "data was not an array"),
        ("labels", ["on track"], "The label 'on track' contains spaces which is invalid."),
        ("summary", "", "You must specify a summary of the issue."),
        ("customfield_99999", 1, OFF_SCREEN.format("customfield_99999")),
        ("status", "Done", OFF_SCREEN.format("status")),
    ],
)  # fmt: skip
def test_wrong_field_is_named_and_nothing_is_set(site: Site, field: str, value: object, message: str) -> None:
    issue = site.client.issue(site.key)
    answer = refused(lambda: issue.update(fields={PROGRESS: 0.5, field: value}))
    assert (answer["errors"], answer["errorMessages"]) == ({field: message}, [])
    assert site.tickets.get(site.key).custom.get(PROGRESS) is None
    assert site.tickets.get(site.key).changes == []


def test_field_off_the_screen_can_be_read_and_not_set(site: Site) -> None:
    site.tickets.set_field(site.key, "OKR note", "kept")
    site.tickets.hide_field(site.tickets.get(site.key).project, "OKR note")
    issue = site.client.issue(site.key)
    assert refused(lambda: issue.update(fields=CHECK_IN))["errors"] == {NOTE: OFF_SCREEN.format(NOTE)}
    assert issue.raw["fields"][NOTE] == "kept"
    assert NOTE not in site.client.editmeta(site.key)["fields"]


def test_editmeta_lists_the_fields_that_can_be_set(site: Site) -> None:
    fields = site.client.editmeta(site.key)["fields"]
    assert [option["value"] for option in fields[HEALTH]["allowedValues"]] == [
        "On track", "At risk", "Off track", "Done", "Unknown",
    ]  # fmt: skip
    assert (fields[VALUE]["schema"]["type"], fields[NOTE]["name"]) == ("number", "OKR note")
    assert fields["labels"]["operations"] == ["add", "set", "remove"]
    listed = {field["id"]: field["name"] for field in site.client.fields()}
    assert {name: listed[name] for name in (VALUE, PROGRESS, HEALTH, NOTE)} == {
        VALUE: "Current value", PROGRESS: "Progress", HEALTH: "OKR health", NOTE: "OKR note",
    }  # fmt: skip


def test_renamed_field_keeps_its_id(site: Site) -> None:
    site.tickets.rename_field("Current value", "Reading")
    site.client.issue(site.key).update(fields={VALUE: 7})
    assert {field["id"]: field["name"] for field in site.client.fields()}[VALUE] == "Reading"
    matches = site.http.get("/rest/api/2/search" + ("/jql" if site.cloud else ""), params={"jql": "Reading = 7"}).json()
    assert [issue["id"] for issue in matches["issues"]] == [str(site.tickets.get(site.key).id)]
    assert site.http.get("/rest/api/2/field").json()[-1]["name"] == "OKR note"


def test_text_field_is_searched_for_words(site: Site) -> None:
    site.client.issue(site.key).update(fields={NOTE: "Fewer calls"})
    search = site.client.enhanced_search_issues if site.cloud else site.client.search_issues
    assert [issue.key for issue in search("'OKR note' ~ calls", fields="key")] == [site.key]
    with pytest.raises(JIRAError, match="operator '=' is not supported"):
        search("'OKR note' = calls")


def test_responses_have_jiras_statuses(site: Site) -> None:
    path = f"/rest/api/2/issue/{site.key}"
    answer = site.http.put(path, json={"fields": {PROGRESS: 1}})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "one of 'fields' or 'update' required" in site.http.put(path, json={}).json()["errorMessages"]
    assert site.http.put(path, content=b"{").status_code == 400
    assert site.http.put("/rest/api/2/issue/KB-99999", json={}).status_code == 404
    assert site.http.put(path + "/editmeta", json={}).status_code == 404
    assert site.http.get(path + "/watchers").status_code == 404
    silent = site.http.put(path, params={"notifyUsers": "false"}, json={"fields": {PROGRESS: 2}})
    assert (silent.status_code, "admin" in silent.text) == (403, True)


# -- comments


def test_comments_are_written_edited_and_paged(site: Site) -> None:
    client, before = site.client, site.tickets.get(site.key).updated
    first = client.add_comment(site.key, "1,092 of 600")
    assert (first.body, first.author.displayName) == ("1,092 of 600", "syncd bot")
    assert first.created == first.updated
    assert site.tickets.get(site.key).updated > before
    first.update(body="900 of 600\nOn track")  # which reads the comment again
    again = client.comment(site.key, first.id)
    assert again.body == "900 of 600\nOn track"
    assert again.created == first.created
    assert datetime.fromisoformat(again.updated) > datetime.fromisoformat(again.created)
    for number in range(4):
        client.add_comment(site.key, f"No. {number}")
    assert [comment.body for comment in client.comments(site.key)][1:] == [f"No. {number}" for number in range(4)]
    assert [comment.body for comment in client.comments(site.key, start_at=1, max_results=2)] == ["No. 0", "No. 1"]
    assert [comment.body for comment in client.comments(site.key, max_results=1, order_by="-created")] == ["No. 3"]
    page = site.http.get(f"/rest/api/2/issue/{site.key}/comment", params={"startAt": 4}).json()
    assert (page["startAt"], page["total"], len(page["comments"])) == (4, 5, 1)
    assert page["maxResults"] == (100 if site.cloud else 1_048_576)
    assert site.tickets.get(site.key).changes == []


def test_invalid_comment_is_refused(site: Site) -> None:
    client = site.client
    assert refused(lambda: client.add_comment(site.key, " "))["errors"] == {"comment": "Comment body can not be empty!"}
    assert "Can not find a comment" in refused(lambda: client.comment(site.key, "7"), 404)["errorMessages"][0]
    path = f"/rest/api/2/issue/{site.key}/comment/7"
    assert site.http.put(path, json={"body": "x"}).status_code == 404


def test_comment_of_somebody_else_cannot_be_edited(site: Site) -> None:
    site.tickets.add_comment(site.key, "Mine", author="Kim Writer")
    (comment,) = site.client.comments(site.key)
    answer = refused(lambda: comment.update(body="Yours"))
    assert answer["errorMessages"] == ["syncd bot, you do not have the permission to edit this comment."]
    assert site.client.comment(site.key, comment.id).body == "Mine"


def test_comment_is_restricted_until_an_edit_leaves_that_out(site: Site) -> None:
    site.tickets.projects[site.key.partition("-")[0]].has_customers = True
    parts = {"visibility": {"type": "role", "value": "Developers"},
             "properties": [{"key": "sd.public.comment", "value": {"internal": True}}]}  # fmt: skip
    path = f"/rest/api/2/issue/{site.key}/comment"
    made = site.http.post(path, json={"body": "one", **parts}).json()
    assert made["visibility"] == parts["visibility"]
    (shown,) = site.http.get(path, params={"expand": "properties"}).json()["comments"][-1:]
    assert shown["properties"] == parts["properties"]
    assert shown.get("jsdPublic") is (False if site.cloud else None)
    edited = site.http.put(f"{path}/{made['id']}", json={"body": "two"}).json()
    assert "visibility" not in edited
    assert edited.get("jsdPublic") is (False if site.cloud else None)
    for kind, name, message in (("role", "Admins", "not a member of the project role: Admins."),
                                ("group", "admins", "not a member of the group: admins.")):  # fmt: skip
        answer = site.http.post(path, json={"body": "x", "visibility": {"type": kind, "value": name}})
        assert (answer.status_code, message in answer.json()["errors"]["commentLevel"]) == (400, True)


def test_administrator_edits_without_notifying_people(site: Site) -> None:
    path, body = f"/rest/api/2/issue/{site.key}?notifyUsers=false", {"fields": {"summary": "New"}}
    assert site.http.put(path, json=body).status_code == 403
    site.tickets.projects[site.key.partition("-")[0]].administered = True
    assert site.http.put(path, json=body).status_code == 204


def test_people_edit_and_delete_comments(site: Site) -> None:
    comment = site.client.add_comment(site.key, "900 of 600")
    site.tickets.edit_comment(site.key, int(comment.id), "Tampered with")
    assert site.client.comment(site.key, comment.id).body == "Tampered with"
    site.tickets.delete_comment(site.key, int(comment.id))
    assert site.client.comments(site.key) == []


def test_version_3_shows_documents_and_takes_no_writes(box: Sandbox) -> None:
    site = Site(box, "cloud")
    site.client.issue(site.key).update(fields=CHECK_IN)
    site.client.add_comment(site.key, "One\nTwo")
    path = f"/rest/api/3/issue/{site.key}"
    fields = site.http.get(path).json()["fields"]
    assert len(fields[NOTE]["content"]) == len(fields["comment"]["comments"][0]["body"]["content"]) == 2
    assert site.http.put(path, json={"fields": {PROGRESS: 1}}).status_code == 404


# -- who may


def test_token_for_reading_cannot_write(site: Site) -> None:
    comment = site.client.add_comment(site.key, "Ours")
    issue = site.reader.issue(site.key)
    refused(lambda: issue.update(fields=CHECK_IN), 403)
    refused(lambda: site.reader.add_comment(site.key, "x"), 403)
    refused(lambda: site.reader.comment(site.key, comment.id).update(body="x"), 403)
    assert site.reader.editmeta(site.key) == {"fields": {}}
    assert [comment.body for comment in site.reader.comments(site.key)] == ["Ours"]


def test_screens_have_no_fields_without_the_permission_to_edit(site: Site) -> None:
    comment = site.client.add_comment(site.key, "Ours")
    site.tickets.forbid_edits(site.tickets.get(site.key).project)
    issue = site.client.issue(site.key)
    errors = refused(lambda: issue.update(fields={VALUE: 1, "labels": []}))["errors"]
    assert set(errors) == {VALUE, "labels"}
    assert all("not on the appropriate screen" in error for error in errors.values())
    assert site.client.editmeta(site.key) == {"fields": {}}
    for write in (lambda: site.client.add_comment(site.key, "x"), lambda: comment.update(body="x")):
        assert "do not have the permission" in refused(write)["errorMessages"][0]


def test_response_to_a_comment_can_get_lost(box: Sandbox, site: Site) -> None:
    box.fault(Fault(site.service, "reset_after", method="POST", path="/comment$", times=1))  # type: ignore[arg-type]
    with pytest.raises(requests.ConnectionError):
        site.client.add_comment(site.key, "Written")
    assert [comment.body for comment in site.client.comments(site.key)] == ["Written"]
    writes = [(request.method, request.path, request.status) for request in box.requests if request.method != "GET"]
    assert writes == [("POST", f"/{site.service}/rest/api/2/issue/{site.key}/comment", 0)]
