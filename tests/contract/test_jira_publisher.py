"""Jira's publisher: the real library against the sandbox, Cloud and Data Center."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.jira import Jira
from connectors.jira.settings import JiraPublish
from connectors.jira.settings import JiraSettings as Settings
from syncd.publishing.overwriting import Decision, decide, mark
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.jira.ticket import CUSTOM_FIELDS, Comment
from syncd.sandbox.jira.tickets import Tickets
from syncd.sdk import Context, RetryLater, Scalar, SourceBroken, SourceError, Statement
from syncd.sdk.testing import Asked, Proxy, statement

BOTH = pytest.mark.parametrize("service", ["jira", "jira-dc"])
VALUE, PROGRESS, HEALTH, NOTE = (field.id for field in CUSTOM_FIELDS[3:])
FIELDS = {"value": "Current value", "progress": "Progress", "health": "OKR health", "note": "OKR note"}
MARK = "kept up to date by syncd: calls"
Marks = dict[str, Sequence[Scalar]]


class Desk:
    """An issue SUP-1 on a site, and syncd's delivery to it: read, decide, write, and again if that may help."""

    def __init__(self, box: Sandbox, service: str, context: Context, url: str | None = None) -> None:
        self.box, self.service, self.context = box, service, context
        self.site: Tickets = box.world.jira if service == "jira" else box.world.jira_dc
        self.url = url or (box.jira_url if service == "jira" else box.jira_dc_url)
        self.marks: Marks = {}
        if "SUP" not in self.site.projects:
            self.site.add_project("SUP", "Support")
            self.site.create("SUP", "Task")

    def deliver(self, check_in: Statement, *, token: str | None = None, timeout: float = 30, **keys: Any) -> Decision:
        """Delivers as syncd does. Returns what was written and what was left alone."""
        secrets = self.box.credentials
        if self.service == "jira":
            login = {"email": secrets["jira_email"], "token": token or secrets["jira_token"]}
        else:
            login = {"token": token or secrets["jira_pat"]}
        settings = {"type": "jira", "url": self.url, "timeout": timeout, **login}
        publisher = Jira.publisher(
            Settings.model_validate(settings, context={"resolved": True}),
            replace(self.context, retry=replace(self.context.retry.fresh(), attempts=1)),
            JiraPublish.model_validate({"issues": {"calls": "SUP-1", "waits": "SUP-1"}, **keys}),
        )
        name = check_in.key_result
        content = publisher.content(check_in)

        def attempt() -> Decision:
            stands = publisher.read({name: content})[name].content
            decision = decide(stands, content, self.marks, override=False)
            for place, value in decision.write.items():
                self.marks[place] = [*self.marks.get(place, ()), *([] if value is None else [mark(value)])]
            if decision.write:
                publisher.write({name: decision.write})
            return decision

        try:
            return self.context.retry.call(attempt)
        finally:
            publisher.close()

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.site.get("SUP-1").custom

    @property
    def comments(self) -> Sequence[Comment]:
        return self.site.get("SUP-1").comments

    @property
    def ours(self) -> Sequence[Comment]:
        return [comment for comment in self.comments if comment.author == self.site.me]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that write, with the last part of their address."""
        base = f"/{self.service}/rest/api/2/issue/"
        return [
            (request.method, request.path.removeprefix(base))
            for request in self.box.requests
            if request.method != "GET"
        ]

    def fault(self, **keys: Any) -> None:
        self.box.fault(Fault(self.service, **keys))  # type: ignore[arg-type]


@pytest.fixture(params=["jira", "jira-dc"])
def desk(request: pytest.FixtureRequest, box: Sandbox, context: Context) -> Desk:
    return Desk(box, request.param, context)


ISSUE = {"issues": {"calls": "SUP-1"}}
ALL = {**ISSUE, "fields": FIELDS, "comment": True}


# What is written


def test_all_fields_are_written_in_a_single_request(desk: Desk) -> None:
    desk.deliver(statement(), **ISSUE, fields=FIELDS)
    assert desk.fields == {VALUE: 1092.0, PROGRESS: 0.18, HEALTH: "Off track", NOTE: "The second release is out"}
    assert [(request.method, request.status) for request in desk.box.requests] == [
        ("GET", 200),
        ("GET", 200),
        ("PUT", 204),
    ]
    assert "notifyUsers" not in "".join(request.query for request in desk.box.requests)


def test_only_changed_values_are_written(desk: Desk) -> None:
    desk.deliver(statement(), **ISSUE, fields=FIELDS)
    decision = desk.deliver(statement(value=0.0), **ISSUE, fields=FIELDS)
    assert decision.write == {"field Current value": 0.0}
    assert desk.fields == {VALUE: 0.0, PROGRESS: 0.18, HEALTH: "Off track", NOTE: "The second release is out"}
    desk.box.requests.clear()
    assert desk.deliver(statement(value=0.0), **ISSUE, fields=FIELDS).write == {}
    assert desk.writes == []


@pytest.mark.parametrize("name", [VALUE, "current VALUE"])
def test_a_field_is_named_by_its_id_or_its_name_in_any_case(desk: Desk, name: str) -> None:
    desk.deliver(statement(), **ISSUE, fields={"value": name})
    assert desk.fields == {VALUE: 1092.0}


def test_a_number_in_a_text_field_is_recognized(desk: Desk) -> None:
    desk.deliver(statement(value=0.0), **ISSUE, fields={"value": "OKR note"})
    assert desk.fields == {NOTE: "0"}
    desk.deliver(statement(value=1092.25), **ISSUE, fields={"value": "OKR note"})
    assert desk.fields == {NOTE: "1092.25"}


def test_an_unknown_number_leaves_its_field_and_a_removed_note_empties_it(desk: Desk) -> None:
    desk.deliver(statement(), **ISSUE, fields=FIELDS)
    desk.deliver(statement(value=None, progress=None, note=None, health="unknown"), **ISSUE, fields=FIELDS)
    assert desk.fields == {VALUE: 1092.0, PROGRESS: 0.18, HEALTH: "Unknown", NOTE: None}


def test_a_single_comment_is_kept_up_to_date(desk: Desk) -> None:
    desk.site.add_comment("SUP-1", "When will this be done?")
    desk.deliver(statement(), **ISSUE, comment=True)
    desk.site.add_comment("SUP-1", "Thank you")
    desk.deliver(statement(value=900.0, note="Search is *new*"), **ISSUE, comment=True)
    assert [comment.body for comment in desk.comments if comment not in desk.ours] == [
        "When will this be done?",
        "Thank you",
    ]
    assert [comment.body.split("\n") for comment in desk.ours] == [
        [
            "The number of calls falls",
            "900 calls/week, 18 % of the way (56 % expected): off track",
            "goal: 1,200 → 600 calls/week",
            "confidence 40 %",
            r"note: Search is \*new\*",
            "as of 2030-01-01 10:00",
            "why: https://okr.example/?period=2030-Q1#calls",
            MARK,
        ]
    ]
    number = desk.site.get("SUP-1").id
    assert desk.writes == [("POST", f"{number}/comment"), ("PUT", f"{number}/comment/{desk.ours[0].id}")]


def test_number_of_another_period_leaves_its_field(desk: Desk) -> None:
    desk.deliver(statement(), **ALL)
    unknown = {"value": None, "progress": None, "score": None, "health": "unknown", "period": "2030-Q2"}
    desk.deliver(statement(**unknown, blank_unknown=True), **ALL)
    assert desk.fields[VALUE] is None
    assert "value unknown" in desk.ours[0].body


# -- Who sees the comment


DEVELOPERS = {"role": "Developers"}


def test_comment_is_restricted_to_a_role_or_a_group(desk: Desk) -> None:
    desk.deliver(statement(), comment=True, visibility=DEVELOPERS)
    (comment,) = desk.ours
    assert comment.visibility == ("role", "Developers")
    desk.deliver(statement(value=900.0), comment=True, visibility={"group": "jira-users"})
    (comment,) = desk.ours
    assert comment.visibility == ("group", "jira-users")


def test_comment_that_everybody_sees_is_restricted_once_the_entry_says_so(desk: Desk) -> None:
    desk.site.projects["SUP"].has_customers = True
    desk.deliver(statement(), comment=True)
    desk.deliver(statement(), comment=True, visibility=DEVELOPERS, internal=True)
    (comment,) = desk.ours
    assert (comment.visibility, comment.internal) == (("role", "Developers"), True)
    assert desk.deliver(statement(), comment=True, visibility=DEVELOPERS, internal=True).write == {}


def test_edit_shows_a_comment_to_nobody_else(desk: Desk) -> None:
    """Somebody restricted it by hand, or the key was taken out: an edit without it would show it to everybody."""
    desk.deliver(statement(), comment=True)
    desk.ours[0].visibility = ("role", "Developers")
    desk.deliver(statement(value=900.0), comment=True)
    assert desk.ours[0].visibility == ("role", "Developers")
    assert "900" in desk.ours[0].body


def test_comment_is_hidden_from_the_customers_of_a_service_project(desk: Desk) -> None:
    desk.site.projects["SUP"].has_customers = True
    desk.deliver(statement(), comment=True, internal=True)
    desk.deliver(statement(value=900.0), comment=True, internal=True)
    (comment,) = desk.ours
    assert comment.internal
    assert "900" in comment.body


def test_internal_is_refused_where_it_hides_nothing(desk: Desk) -> None:
    message = refusal(desk, comment=True, internal=True)
    assert message.startswith("SUP-1 is in no service project, so internal hides nothing there; write visibility:")
    assert desk.comments == []


def test_role_that_the_account_does_not_have_is_named(desk: Desk) -> None:
    assert "You are currently not a member of the project role: Administrators." in refusal(
        desk, comment=True, visibility={"role": "Administrators"}
    )
    assert desk.comments == []


def test_edits_notify_nobody_if_the_account_may_decide_that(desk: Desk) -> None:
    desk.site.projects["SUP"].administered = True
    keys = {**ALL, "notify": False}
    desk.deliver(statement(), **keys)
    desk.deliver(statement(value=900.0), **keys)
    queries = [request.query for request in desk.box.requests if request.method == "PUT"]
    assert len(queries) == 3
    assert set(queries) == {"notifyUsers=false"}


@pytest.mark.parametrize("keys", [{**ISSUE, "fields": FIELDS}, {"comment": True}])
def test_account_that_may_not_decide_that_is_named(desk: Desk, keys: dict[str, Any]) -> None:
    desk.deliver(statement(), comment=True)
    message = refusal(desk, statement(value=900.0), notify=False, **keys)
    assert "either admin or project admin permissions are required" in message
    assert "for notify: false also Administer Projects, or leave notify out" in message


def test_each_key_result_has_its_own_comment_on_an_issue(desk: Desk) -> None:
    for value in (1092.0, 900.0):
        for name in ("calls", "waits"):
            desk.marks = {}
            desk.deliver(statement(name, value=value), comment=True)
            desk.deliver(statement(name, value=value), comment=True)
    assert len(desk.ours) == 2


def test_a_comment_after_hundreds_of_others_is_recognized(desk: Desk) -> None:
    for number in range(230):
        desk.site.add_comment("SUP-1", f"Remark {number}")
    desk.deliver(statement(), **ISSUE, comment=True)
    for number in range(230):
        desk.site.add_comment("SUP-1", f"Remark {number}")
    desk.box.requests.clear()
    desk.deliver(statement(value=900.0), **ISSUE, comment=True)
    assert len(desk.ours) == 1
    assert len([request for request in desk.box.requests if request.path.endswith("/comment")]) == 3, (
        "no page after the one with the comment"
    )


def test_a_copy_by_somebody_else_is_not_ours(desk: Desk) -> None:
    copy = desk.site.add_comment("SUP-1", f"Look:\n{MARK}")
    desk.deliver(statement(), **ISSUE, comment=True)
    desk.deliver(statement(value=900.0), **ISSUE, comment=True)
    assert copy.body == f"Look:\n{MARK}"
    assert len(desk.ours) == 1
    assert "900" in desk.ours[0].body


def test_a_comment_that_somebody_deleted_is_written_anew(desk: Desk) -> None:
    desk.deliver(statement(), **ISSUE, comment=True)
    desk.site.delete_comment("SUP-1", desk.ours[0].id)
    desk.deliver(statement(), **ISSUE, comment=True)
    assert len(desk.ours) == 1


def test_edits_of_people_are_left_alone(desk: Desk) -> None:
    desk.deliver(statement(), **ALL)
    desk.site.set_field("SUP-1", VALUE, 7.0)
    desk.site.edit_comment("SUP-1", desk.ours[0].id, f"It is seven, really.\n{MARK}")
    desk.box.requests.clear()
    decision = desk.deliver(statement(value=900.0, progress=0.5), **ALL)
    assert decision.foreign == {"field Current value": 7.0, "comment": f"It is seven, really.\n{MARK}"}
    assert (desk.fields[VALUE], desk.fields[PROGRESS]) == (7.0, 0.5)
    assert [comment.body for comment in desk.ours] == [f"It is seven, really.\n{MARK}"]


def test_a_comment_that_the_site_rewrote_is_still_recognized(desk: Desk) -> None:
    desk.deliver(statement(), **ISSUE, comment=True)
    ours, address = desk.ours[0], "https://okr.example/?period=2030-Q1#calls"
    body = ours.body.replace(address, f"[{address}|{address}|smart-link]").replace("(", r"\(").replace("\n", " \n\n")
    desk.site.edit_comment("SUP-1", ours.id, body)
    desk.box.requests.clear()
    assert desk.deliver(statement(), **ISSUE, comment=True).write == {}
    assert set(desk.deliver(statement(value=900.0), **ISSUE, comment=True).write) == {"comment"}
    assert len(desk.ours) == 1


def test_an_issue_that_was_moved_is_written_to_where_it_is(desk: Desk) -> None:
    desk.deliver(statement(), **ALL)
    desk.site.add_project("HELP", "Helpdesk")
    desk.site.move("SUP-1", "HELP")
    desk.deliver(statement(value=900.0), **ALL)
    assert desk.fields[VALUE] == 900.0
    assert len(desk.ours) == 1
    desk.site.projects["HELP"].read_only = True
    with pytest.raises(SourceBroken, match=r"^SUP-1 \(now HELP-1\) has no field that this account may edit"):
        desk.deliver(statement(value=800.0), **ALL)


# What cannot be written


def refusal(desk: Desk, check_in: Statement | None = None, **keys: Any) -> str:
    before = dict(desk.fields), [comment.body for comment in desk.comments]
    with pytest.raises(SourceError) as caught:
        desk.deliver(check_in or statement(), **keys)
    assert type(caught.value) is not RetryLater
    assert before == (dict(desk.fields), [comment.body for comment in desk.comments]), "nothing was written"
    return str(caught.value)


def test_a_missing_renamed_or_hidden_field_is_named(desk: Desk) -> None:
    problem = "SUP-1 has no field 'Current value'; its edit screen has: "
    assert refusal(desk, **ISSUE, fields={"value": "Customer"}).startswith("SUP-1 has no field 'Customer'; its edit")
    desk.site.rename_field("Current value", "Current value (old)")
    renamed = refusal(desk, **ISSUE, fields=FIELDS)
    assert renamed.startswith(f"{problem}Current value (old)")
    desk.site.rename_field(VALUE, "Current value")
    desk.site.hide_field("SUP", "Current value")
    hidden = refusal(desk, **ISSUE, fields=FIELDS)
    assert hidden.startswith(problem)
    assert "Current value" not in hidden.removeprefix(problem)


def test_two_fields_of_the_same_name_need_an_id(desk: Desk) -> None:
    desk.site.rename_field("Progress", "Current value")
    assert refusal(desk, **ISSUE, fields={"value": "Current value"}) == (
        f"SUP-1 has 2 fields named 'Current value'; write an id instead: {VALUE}, {PROGRESS}"
    )
    desk.deliver(statement(), **ISSUE, fields={"value": VALUE})
    assert desk.fields == {VALUE: 1092.0}


def test_a_field_with_two_names_is_refused(desk: Desk) -> None:
    assert refusal(desk, **ISSUE, fields={"value": "Current value", "progress": VALUE}) == (
        f"'Current value' and '{VALUE}' are the same field of SUP-1, {VALUE}; name a field for each"
    )


def test_a_missing_option_is_named_with_those_of_the_field(desk: Desk) -> None:
    assert refusal(desk, **ISSUE, fields={"health": "Team"}) == (
        "SUP-1's field 'Team' has no option 'Off track'; it has: Discovery, Payments"
    )


def test_a_field_of_another_kind_is_refused(desk: Desk) -> None:
    problem = "SUP-1's field 'Current value' takes numbers, and not 'Off track'"
    assert refusal(desk, **ISSUE, fields={"health": "Current value"}) == problem
    assert refusal(desk, **ISSUE, fields={"note": "Labels"}) == (
        "SUP-1's field 'Labels' holds 'array'; name a number, text or single-select field"
    )


def test_a_missing_issue_is_named(desk: Desk) -> None:
    problem = refusal(desk, issues={"calls": "SUP-99"}, comment=True)
    assert problem.startswith("SUP-99 is not found, or not visible to these credentials (HTTP 404: ")


def test_a_missing_permission_is_named(desk: Desk) -> None:
    desk.deliver(statement(), **ALL)
    desk.site.forbid_edits("SUP")
    assert refusal(desk, statement(value=900.0), **ISSUE, fields=FIELDS) == (
        "SUP-1 has no field that this account may edit; grant it Edit Issues"
    )
    assert refusal(desk, statement(value=900.0), **ISSUE, comment=True).endswith(
        "; grant the account Edit Own Comments"
    )
    assert refusal(desk, statement("waits"), issues={"waits": "SUP-1"}, comment=True).endswith(
        "; grant the account Add Comments"
    )


def test_missing_permission_is_told_by_its_phrase_and_not_by_a_word(desk: Desk) -> None:
    """Jira's messages quote the names of fields."""
    body = '{"errorMessages": [], "errors": {"customfield_1": "Field \'permissions\' cannot be set."}}'
    desk.fault(method="PUT", status=400, body=body)
    assert "grant" not in refusal(desk, **ISSUE, fields=FIELDS)


def test_a_token_that_may_only_read_is_refused(desk: Desk) -> None:
    token = desk.box.credentials["jira_readonly_token" if desk.service == "jira" else "jira_readonly_pat"]
    assert refusal(desk, **ISSUE, comment=True, token=token) == (
        "SUP-1: the credentials lack a permission (HTTP 403: You do not have permission to edit issues in this "
        "project.); grant the account Add Comments"
    )
    assert "Edit Issues" in refusal(desk, **ISSUE, fields=FIELDS, token=token)


def test_a_comment_is_written_only_if_the_account_is_certain(desk: Desk) -> None:
    desk.deliver(statement(), **ISSUE, comment=True)
    desk.fault(path="/myself", status=403)
    assert "by which syncd recognizes its comments" in refusal(desk, statement(value=900.0), **ISSUE, comment=True)


# Faults: how often a check-in is sent, and what the issue has in the end


@pytest.mark.sampled(4)
@pytest.mark.parametrize("request_of", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("fault", "tried"),
    [
        ({"kind": "unauthorized"}, 1),
        ({"status": 403}, 1),
        ({"status": 404}, 1),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, 1),
        ({"status": 409}, 3),
        ({"kind": "too_many", "seconds": 7}, 3),
        ({"status": 429}, 3),
        ({"kind": "too_many", "seconds": 3600}, 1),
        ({"status": 500}, 3),
        ({"kind": "html"}, 3),
        ({"status": 503, "headers": {"Retry-After": "7"}}, 3),
        ({"kind": "reset"}, 3),
        ({"kind": "hang"}, 3),
        ({"kind": "malformed"}, 3),
    ],
    ids=lambda value: " ".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value),
)
def test_a_failed_write_is_tried_only_as_often_as_may_help(
    desk: Desk, slept: list[float], request_of: str, fault: dict[str, Any], tried: int
) -> None:
    keys = {**ISSUE, "fields": FIELDS} if request_of == "PUT" else {**ISSUE, "comment": True}
    timeout = 0.5 if fault.get("kind") == "hang" else 30
    desk.fault(method=request_of, **fault)
    with pytest.raises(RetryLater if tried > 1 or fault.get("seconds") else SourceBroken) as caught:
        desk.deliver(statement(), timeout=timeout, **keys)
    assert [method for method, _ in desk.writes] == [request_of] * tried
    assert (dict(desk.fields), desk.comments) == ({}, [])
    if "too_many" in fault.values() or 429 in fault.values():
        assert slept == [fault.get("seconds", 60.0)] * (tried - 1)
    assert (str(caught.value).startswith("SUP-1: ") or fault.get("status") == 404) == isinstance(
        caught.value, SourceBroken
    )
    desk.box.heal()
    desk.deliver(statement(), **keys)
    assert len(desk.ours) == (request_of == "POST")
    assert bool(desk.fields) == (request_of == "PUT")


@pytest.mark.parametrize("kind", ["reset_after", "truncate"])
def test_a_write_whose_answer_was_lost_is_not_made_again(desk: Desk, kind: str) -> None:
    desk.fault(method="POST", kind=kind, times=1)
    desk.deliver(statement(), **ALL)
    assert [method for method, _ in desk.writes] == ["PUT", "POST"]
    assert len(desk.ours) == 1
    desk.fault(method="PUT", path=r"issue/\d+$", kind="reset_after", times=1)
    desk.fault(method="PUT", path="/comment/", kind=kind, times=1)
    desk.deliver(statement(value=900.0), **ALL)
    assert [method for method, _ in desk.writes] == ["PUT", "POST", "PUT", "PUT"]
    assert desk.fields[VALUE] == 900.0
    assert ["900" in comment.body for comment in desk.ours] == [True]


def test_fields_that_were_written_before_the_comment_failed_are_not_written_again(desk: Desk) -> None:
    desk.fault(method="POST", status=500, times=2)
    desk.deliver(statement(), **ALL)
    assert [method for method, _ in desk.writes] == ["PUT", "POST", "POST", "POST"]
    assert len([request for request in desk.box.requests if "editmeta" in request.query]) == 1, (
        "its screen is asked for once"
    )
    assert len(desk.ours) == 1


# Fields that show markup


TEXT = "see *this* {code} [~ann] !x.png! -5 C:\\new https://okr.example/a_b"


@pytest.mark.parametrize("field", ["OKR note", "Description"])
def test_text_of_a_field_with_markup_is_escaped_as_in_comments(desk: Desk, field: str) -> None:
    keys = {**ISSUE, "fields": {"note": field}}
    desk.site.edit("SUP-1", {"description": ""})
    desk.deliver(statement(note=TEXT), **keys)
    issue = desk.site.get("SUP-1")
    written = issue.custom[NOTE] if field == "OKR note" else issue.description
    assert written == r"see \*this\* \{code\} \[\~ann\] \!x.png\! \-5 C:&#92;new https://okr.example/a_b"
    assert desk.deliver(statement(note=TEXT), **keys).write == {}


def test_text_of_a_field_of_one_line_is_written_as_it_is(desk: Desk) -> None:
    keys = {**ISSUE, "fields": {"note": "Summary"}}
    desk.marks["field Summary"] = [mark(desk.site.get("SUP-1").summary)]
    desk.deliver(statement(note=TEXT), **keys)
    assert desk.site.get("SUP-1").summary == TEXT
    assert desk.deliver(statement(note=TEXT), **keys).write == {}


@pytest.mark.parametrize("value", [-12.5, 0.0, 1092.25])
def test_number_in_a_text_field_is_read_back(desk: Desk, value: float) -> None:
    keys = {**ISSUE, "fields": {"value": "OKR note"}}
    desk.deliver(statement(value=value), **keys)
    assert desk.deliver(statement(value=value), **keys).write == {}


# What an answer leaves out


def test_screen_that_an_answer_leaves_out_is_asked_for_by_itself(desk: Desk) -> None:
    desk.site.left_out.add("editmeta")
    desk.deliver(statement(), **ALL)
    assert (desk.fields[VALUE], len(desk.ours)) == (1092.0, 1)
    assert len([request for request in desk.box.requests if request.path.endswith("/editmeta")]) == 1


def test_comment_needs_no_screen(desk: Desk) -> None:
    desk.site.left_out.add("editmeta")
    desk.deliver(statement(), **ISSUE, comment=True)
    assert not [request for request in desk.box.requests if "editmeta" in request.path]


def test_screen_without_a_field_is_not_a_screen_that_was_left_out(desk: Desk) -> None:
    desk.site.projects["SUP"].read_only = True
    with pytest.raises(SourceBroken, match="grant it Edit Issues"):
        desk.deliver(statement(), **ISSUE, fields=FIELDS)
    desk.site.left_out.add("editmeta")
    with pytest.raises(SourceBroken, match="grant it Edit Issues"):
        desk.deliver(statement(), **ISSUE, fields=FIELDS)
    assert len([request for request in desk.box.requests if request.path.endswith("/editmeta")]) == 1


@pytest.mark.parametrize("body", ["{}", '{"fields": null}', "null", "[]"])
def test_screen_that_no_answer_has_is_not_an_empty_one(desk: Desk, body: str) -> None:
    desk.site.left_out.add("editmeta")
    desk.fault(status=200, body=body, path="/editmeta$")
    with pytest.raises(RetryLater, match="not what Jira documents"):
        desk.deliver(statement(), **ISSUE, fields=FIELDS)
    assert desk.writes == []


def test_field_that_an_answer_leaves_out_is_not_written_over(desk: Desk) -> None:
    desk.site.edit("SUP-1", {VALUE: 7.0})
    desk.site.left_out.add(VALUE)
    with pytest.raises(RetryLater, match=f"leaves out the field {VALUE}"):
        desk.deliver(statement(), **ISSUE, fields=FIELDS)
    assert (desk.fields[VALUE], desk.writes) == (7.0, [])


class Meddling(Proxy):
    """Deletes a comment before the second page of comments is requested, so that a comment moves to the first page."""

    site: Tickets

    def strike(self, asked: Asked) -> None:
        if "startAt=100" in asked.target and len(self.site.get("SUP-1").comments) > 120:
            self.site.delete_comment("SUP-1", self.site.get("SUP-1").comments[0].id)


def test_a_comment_that_moves_while_comments_are_read_is_not_missed(box: Sandbox, context: Context) -> None:
    desk = Desk(box, "jira", context)
    for number in range(100):
        desk.site.add_comment("SUP-1", f"Remark {number}")
    desk.deliver(statement(), **ISSUE, comment=True)
    for number in range(20):
        desk.site.add_comment("SUP-1", f"Remark {number}")
    proxy = Meddling(desk.url)
    proxy.site = desk.site
    with proxy.running():
        desk.url = proxy.url
        desk.deliver(statement(value=900.0), **ISSUE, comment=True)
    assert ["900" in comment.body for comment in desk.ours] == [True]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "wrong_types"},
        {"kind": "malformed"},
        {"status": 200, "body": '{"comments": [], "total": 1}'},
        {"status": 200, "body": '{"comments": [{"id": "1", "body": "No"}], "total": 2}'},
        {"status": 200, "body": '{"comments": []}'},
        {"status": 200, "body": "{}"},
    ],
    ids=str,
)
def test_an_inconsistent_list_of_comments_adds_no_comment(desk: Desk, fault: dict[str, Any]) -> None:
    desk.deliver(statement(), **ISSUE, comment=True)
    desk.fault(path=r"/comment\?", **fault)
    with pytest.raises(SourceError):
        desk.deliver(statement("waits"), issues={"waits": "SUP-1"}, comment=True)
    assert len(desk.ours) == 1


# Keys


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"issues": {"calls": "sup-12"}, "comment": True}, "not an issue key; write a key such as SUP-12"),
        ({"issues": {"calls": "SUP"}, "comment": True}, "not an issue key"),
        ({"issues": {}, "comment": True}, "at least 1 item"),
        ({"issues": {"calls": "SUP-1"}}, "fields, or comment: true, or both"),
        ({"issues": {"calls": "SUP-1"}, "fields": {"valu": "Value"}}, "'value'"),
        (
            {"issues": {"calls": "SUP-1"}, "fields": {"value": "X", "score": "X"}},
            "write another field for one of value and score",
        ),
        (
            {**ISSUE, "fields": {"value": "X"}, "internal": True},
            "internal says who sees the comment; write comment: true",
        ),
        ({**ISSUE, "fields": {"value": "X"}, "visibility": {"role": "A"}}, "visibility says who sees the comment"),
        ({**ISSUE, "comment": True, "visibility": {}}, "takes a role or a group; write such as {role: Developers}"),
        ({**ISSUE, "comment": True, "visibility": {"role": "A", "group": "B"}}, "takes a role or a group"),
        ({"issues": {"a": "SUP-1", "b": "SUP-1"}, "fields": {"value": "X"}}, "write another issue for one of a and b"),
    ],
)
def test_wrong_keys_are_refused_with_what_to_write(keys: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        JiraPublish.model_validate(keys)


def test_an_entry_names_its_key_results_uses_and_targets() -> None:
    keys = JiraPublish.model_validate({"issues": {"calls": "SUP-12", "waits": "SUP-12"}, "comment": True})
    assert keys.target("calls") == "SUP-12 (calls)"
    assert set(keys.names()) == {"calls", "waits"}
    assert "note" in keys.uses()
    fields = JiraPublish.model_validate({"issues": {"calls": "SUP-12"}, "fields": {"value": "Current value"}})
    assert fields.uses() == {"value"}


def test_the_comment_of_a_former_id_goes_on_under_the_new_one(desk: Desk) -> None:
    desk.deliver(statement("calls"), comment=True)
    desk.deliver(statement("waits", value=900.0, former=("rings", "calls")), comment=True)
    (comment,) = desk.comments
    assert comment.body.endswith("kept up to date by syncd: waits")
    desk.deliver(statement("waits", value=800.0, former=("rings", "calls")), comment=True)
    assert len(desk.comments) == 1
