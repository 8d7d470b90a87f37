"""People act on pages and programs by the API: stored at once, shown, done by the next cycle; who may, and what not."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from standing_still import browser
from starlette.testclient import TestClient

from syncd.cli import explain, history, publish
from syncd.ledger import cycle_lock
from syncd.ledger.outbox import STUCK
from syncd.review import review as review_of
from syncd.review.markdown import markdown
from syncd.web.openapi import openapi

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    owner: support
    key_results:
      - id: trust
        title: Customers trust us
        kind: outcome
        baseline: 0
        target: 100
        confidence: 0.5
        plausible: {at_most: 100}
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {jump: 100}
        measure: {from: local, file: calls.csv, cell: A1}
        guard: {measure: {from: local, file: calls.csv, cell: A1}, keep: {at_least: 1}}
"""
WEB = """\
web:
  login: {tokens: {vera: "${VERA}", ed: "${ED}", olga: "${OLGA}", support: "${SUPPORT}"}}
  roles: {viewer: [vera, support], editor: [ed], operator: [olga]}
  owners_check_in: true
"""
OWN = {"Origin": "http://localhost"}
FORM = "application/x-www-form-urlencoded"
DEEP = b"[" * 1020 + b"]" * 1020  # too deep for the parsers of some versions of Python
CHECK_INS, APPROVAL = "/api/key-results/trust/check-ins", "/api/key-results/calls/approval"


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-of-{name}"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CsvProject]:
    for name in ("vera", "ed", "olga", "support"):
        monkeypatch.setenv(name.upper(), f"token-of-{name}")
    project = CsvProject(tmp_path, MAPPING, NOON, settings=WEB)
    project.write("calls.csv", "1092")
    project.cycle()
    yield project
    project.ledger.close()


def client_of(project: CsvProject) -> TestClient:
    return browser(project.config, project.ledger, project.now)


def opened(project: CsvProject) -> TestClient:
    """A client of the same project without a login, on loopback."""
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text().replace(WEB, ""))
    return client_of(project)


def post(client: TestClient, path: str, body: dict[str, Any], who: str = "olga") -> tuple[int, dict[str, Any]]:
    answer = client.post(path, json=body, headers=bearer(who))
    return answer.status_code, answer.json()


def form_of(page: str, button: str) -> dict[str, str]:
    """The fields of the form with this button, filled in as the page has them."""
    form = next(part for part in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'value="{button}"' in part)
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        if 'type="checkbox"' not in tag:
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            fields[attributes["name"]] = html.unescape(attributes["value"])
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', form, re.DOTALL):
        selected = re.search(r'value="([^"]*)" selected', options)
        fields[name] = selected[1] if selected else ""
    return fields | {"do": button}


def value(project: CsvProject, name: str) -> float | None:
    line = project.report().line(name)
    assert line is not None
    return line.value


# -- by the API


def test_too_many_wrong_tokens_are_an_answer_that_the_api_describes(project: CsvProject) -> None:
    client = client_of(project)
    answers = [client.get("/api/status", headers=bearer(f"nobody-{number}")) for number in range(11)]
    assert [answer.status_code for answer in answers[-2:]] == [401, 429]
    assert list(answers[-1].json()) == ["error"]
    assert "429" in openapi()["paths"]["/api/status"]["get"]["responses"]
    assert "429" in openapi()["paths"]["/api/key-results/{id}/check-ins"]["post"]["responses"]


def test_a_check_in_is_stored_while_a_cycle_runs_and_counts_from_the_next(project: CsvProject) -> None:
    client = client_of(project)
    with cycle_lock(project.ledger.engine):
        status, stored = post(client, CHECK_INS, {"value": 45, "note": "a survey", "confidence": 0.7}, "ed")
    assert (status, stored["state"], stored["message"]) == (202, "waiting", "stored; it counts from the next cycle")
    assert (stored["author"], stored["entered_by"], stored["at"]) == ("ed", "ed", "2026-11-20T12:00:00+00:00")
    assert value(project, "trust") is None
    (waiting,) = client.get("/api/key-results/trust", headers=bearer("vera")).json()["requests"]
    assert waiting == {name: stored[name] for name in waiting}
    project.cycle()
    document = client.get("/api/key-results/trust", headers=bearer("vera")).json()
    assert (document["value"], document["requests"][0]["state"]) == (45, "applied")
    assert document["requests"][0]["before"] == {"value": None, "confidence": None}
    assert document["requests"][0]["after"] == {"value": 45, "confidence": 0.7, "checkin": 1}
    (event,) = client.get("/api/key-results/trust/history", headers=bearer("vera")).json()["events"]
    assert (event["event"], event["before"], event["after"]) == ("checked_in", None, 45)


def test_an_author_is_a_claim_beside_who_sent_it(project: CsvProject) -> None:
    status, stored = post(client_of(project), CHECK_INS, {"note": "fine", "author": "Dana", "date": "2026-11-02"}, "ed")
    assert (status, stored["author"], stored["entered_by"]) == (202, "Dana", "ed")
    assert stored["asked"]["dated"] == "2026-11-02T23:59:59.999999+00:00"


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 400, "a check-in needs a value, a note or a confidence; write value N, note TEXT or confidence 0.6"),
        ({"value": "1,050"}, 400, "value is '1,050'; write a plain number, such as 1050 or -0.5"),
        ({"value": True}, 400, "value is 'true'; write a plain number"),
        ({"value": "1_0"}, 400, "value is '1_0'; write a plain number"),
        ({"value": "٤٥"}, 400, "value is '٤٥'; write a plain number"),
        ({"value": [1]}, 400, "value must be a text or a number"),
        ({"value": 1e17}, 400, "check in with a larger unit"),
        ({"confidence": 60}, 400, "confidence is '60'; write a number from 0 to 1, such as 0.6"),
        ({"value": 1, "date": "2.11.2026"}, 400, "date is '2.11.2026'; write a day as 2026-11-02"),
        ({"value": 1, "date": "2026-09-30"}, 400, "date is 2026-09-30, which is not in 2026-Q4"),
        ({"value": 1, "expires": "0d"}, 400, "expires is '0d'; write a duration above 0"),
        ({"valeu": 1}, 400, "there is no field 'valeu'; did you mean 'value'?"),
        ({"value": 1, "force": "maybe"}, 400, "force is 'maybe'; write true or false"),
        ({"note": "n" * 2001}, 400, "the note has 2,001 characters; write at most 2,000"),
        ({"note": "a\0b"}, 400, "'note' holds a character that no ledger keeps (NUL)"),
        ({"note": "x", "author": "a" * 101}, 400, "author is longer than 100 characters"),
        ({"note": "x", "form": "f" * 201}, 400, "form is longer than 200 characters"),
        ({"value": 120}, 409, "120 is outside plausible (at most 100); correct it, or send it with force if it is"),
    ],
)
def test_a_check_in_that_cannot_be_taken_is_refused_in_a_sentence(
    project: CsvProject, body: dict[str, Any], status: int, sentence: str
) -> None:
    got, answer = post(client_of(project), CHECK_INS, body)
    assert (got, sentence in answer["error"]) == (status, True), answer
    assert project.ledger.requests.waiting() == []


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("path", "content", "kind", "status", "sentence"),
    [
        (CHECK_INS, b"{", "application/json", 400, "the body is no JSON"),
        (CHECK_INS, b"[]", "application/json", 400, "the body must be a JSON object"),
        (CHECK_INS, b"value=1", "text/plain", 415, "send application/json or application/x-www-form-urlencoded"),
        (CHECK_INS, b"", "", 400, "a check-in needs a value, a note or a confidence"),
        ("/api/key-results/nobody/check-ins", b"{}", "application/json", 404, "2026-Q4 has no such key result"),
        ("/api/key-results/calls:guard/check-ins", b'{"note": "x"}', "application/json", 400, "calls:guard is a guard"),
        (f"{CHECK_INS}?period=2020-Q1", b"{}", "application/json", 404, "there is no period"),
        (f"{CHECK_INS}?preiod=2026-Q4", b"{}", "application/json", 400, "has no parameter 'preiod'; it takes period"),
        (f"{CHECK_INS}?at=2026-11-02", b"{}", "application/json", 400, "has no parameter 'at'; it takes period"),
        ("/api/deliveries/7/retry?at=x", b"{}", "application/json", 400, "has no parameter 'at'; it takes none"),
        ("/api/deliveries/7/retry", b"{}", "application/json", 404, "there is no delivery 7"),
        ("/api/deliveries/99999999999/allow", b"{}", "application/json", 404, "there is no delivery"),
        ("/api/deliveries/x/retry", b"{}", "application/json", 404, "there is no delivery x"),
        (APPROVAL, b"{}", "application/json", 400, "an approval names its candidate"),
        (APPROVAL, b"", "", 400, "an approval names its candidate"),
        (APPROVAL, b'{"candidate": "much"}', "application/json", 400, "candidate is 'much'"),
        (APPROVAL, b'{"candidate": 1092}', "application/json", 409, "calls is not held: its value 1,092 is complete"),
    ],
)
def test_other_wrong_requests_are_refused_in_a_sentence(
    project: CsvProject, path: str, content: bytes, kind: str, status: int, sentence: str
) -> None:
    answer = client_of(project).post(path, content=content, headers=bearer("olga") | {"Content-Type": kind})
    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True), answer.text
    assert project.ledger.requests.waiting() == []


def test_a_field_that_is_given_twice_is_refused(project: CsvProject) -> None:
    client, json = client_of(project), "application/json"
    for path, content, kind, sentence in (
        (CHECK_INS, b'{"value": 3, "value": 4}', json, "value stands there 2 times; write it once"),
        (CHECK_INS, b'{"value": 3, "v\\u0061lue": 3}', json, "value stands there 2 times; write it once"),
        (CHECK_INS, b'{"note": {"a": 1}, "note": "x"}', json, "note stands there 2 times; write it once"),
        (CHECK_INS, b'{"form": %s, "form": "x"}' % DEEP, json, "once"),
        (CHECK_INS, b"value=3&value=4&value=", FORM, "value stands there 3 times; write it once"),
        ("/api/deliveries/7/retry", b"form=x&form=x", FORM, "form stands there 2 times; write it once"),
        (APPROVAL, b'{"candidate": null, "candidate": 1}', json, "candidate stands there 2 times; write it once"),
    ):
        answer = client.post(path, content=content, headers=bearer("olga") | {"Content-Type": kind})
        assert (answer.status_code, sentence in answer.json()["error"]) == (400, True), answer.text
    assert project.ledger.requests.waiting() == []


def test_editors_and_owners_check_in_and_operators_decide(project: CsvProject) -> None:
    client = client_of(project)
    for who, may in {"vera": False, "support": True, "ed": True, "olga": True}.items():
        status, answer = post(client, CHECK_INS, {"note": f"of {who}"}, who)
        assert status == (202 if may else 403)
        assert may or answer["error"] == "vera may look here, and not check in"
    project.write("calls.csv", "1950")
    project.cycle()
    for who, status in {"vera": 403, "support": 403, "ed": 403, "olga": 202}.items():
        assert post(client, APPROVAL, {"candidate": 1950}, who)[0] == status
        retried, answer = post(client, "/api/deliveries/7/retry", {}, who)
        assert retried == (404 if status == 202 else 403), answer


def test_the_same_form_counts_once_and_never_with_other_content(project: CsvProject) -> None:
    client = client_of(project)
    first = post(client, CHECK_INS, {"value": 45, "form": "a"})
    assert post(client, CHECK_INS, {"value": 45, "form": "a"}) == first
    project.cycle()
    assert post(client, CHECK_INS, {"value": 45, "form": "a"})[1]["state"] == "applied"
    status, answer = post(client, CHECK_INS, {"value": 46, "form": "a"})
    assert (status, "was sent before with something else" in answer["error"]) == (409, True)
    assert post(client, CHECK_INS, {"value": 45, "form": "a"}, "ed")[1]["id"] != first[1]["id"]
    for _ in range(2):
        assert post(client, CHECK_INS, {"note": "without a form each counts"})[0] == 202
    project.cycle()
    assert len(project.ledger.checkins.of("2026-Q4", "trust", NOON)) == 4


@pytest.mark.parametrize(
    ("sent", "again"),
    [
        ({"expires": "1d"}, {"expires": "90d"}),
        ({"expires": "1d"}, {}),
        ({}, {"expires": "1d"}),
        ({"date": "2026-11-02"}, {"date": "2026-11-03"}),
        ({"date": "2026-11-02"}, {}),
        ({"note": "it holds"}, {"note": "it fell"}),
    ],
)
def test_form_with_another_text_is_refused_and_with_the_same_is_the_same_on_the_next_day(
    project: CsvProject, sent: dict[str, str], again: dict[str, str]
) -> None:
    form = {"value": 45, "form": "a"}
    first = post(client_of(project), CHECK_INS, form | sent)
    assert first[0] == 202
    for _ in range(2):
        assert post(client_of(project), CHECK_INS, form | again)[0] == 409
        assert post(client_of(project), CHECK_INS, form | sent) == first
        project.now += timedelta(days=1)


def test_form_of_today_is_the_same_form_after_midnight(project: CsvProject) -> None:
    form = {"value": 45, "form": "a", "date": project.now.date().isoformat()}
    first = post(client_of(project), CHECK_INS, form)
    assert first[1]["asked"]["dated"] is None
    project.now += timedelta(days=1)
    assert post(client_of(project), CHECK_INS, form) == first
    assert post(client_of(project), CHECK_INS, {"value": 45, "form": "a"})[0] == 409


def test_an_approval_takes_the_candidate_that_was_shown_and_no_other(project: CsvProject) -> None:
    client = client_of(project)
    project.write("calls.csv", "1950")
    project.cycle()
    status, answer = post(client, APPROVAL, {"candidate": 1960})
    assert (status, answer["error"]) == (409, "calls waits with 1,950, not with 1,960")
    assert post(client, APPROVAL, {"candidate": 1950})[0] == 202
    project.cycle()
    assert value(project, "calls") == 1950


def test_a_candidate_without_a_number_is_approved_as_null(project: CsvProject) -> None:
    (project.folder / "calls.csv").write_text("Day,Calls\n" + "".join(f"2026-11-{day:02},9\n" for day in range(1, 9)))
    project.edit("cell: A1}\n        guard", "series: {dates: Day, values: Calls}, take: latest}\n        guard")
    project.cycle()
    (project.folder / "calls.csv").write_text("Day,Calls\n")
    project.cycle()
    line = project.report().line("calls")
    assert line is not None
    assert (line.quality, line.candidate) == ("held", None)
    assert post(client_of(project), APPROVAL, {"candidate": None})[0] == 202
    project.cycle()
    assert value(project, "calls") is None


# -- on pages


def test_forms_of_two_key_results_are_two_forms(project: CsvProject) -> None:
    """Before anything was asked for, too: the second would else be the first one sent again."""
    client = opened(project)
    for name in ("trust", "calls"):
        fields = form_of(client.get(f"/key-results/{name}").text, "check-in")
        answer = client.post(f"/key-results/{name}", data=fields | {"value": "", "note": "fine"}, headers=OWN)
        assert answer.status_code == 303, answer.text
    assert len(project.ledger.requests.waiting()) == 2


@pytest.mark.sampled(2)
@pytest.mark.parametrize("done", ["²", "9" * 5_000, "1 ", "-1", ""])
def test_a_number_of_a_request_that_nobody_made_is_no_error(project: CsvProject, done: str) -> None:
    client = opened(project)
    post(client, CHECK_INS, {"note": "fine"})
    assert client.get("/key-results/trust", params={"done": done}).status_code == 200


def test_the_form_is_filled_in_sent_and_shown_until_it_counts(project: CsvProject) -> None:
    client = opened(project)
    fields = form_of(client.get("/key-results/trust").text, "check-in")
    assert (fields["value"], fields["confidence"], fields["note"]) == ("", "0.5", "")
    answer = client.post("/key-results/trust", data=fields | {"value": "45", "author": "Dana"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/key-results/trust?done=1")
    page = client.get(answer.headers["location"]).text
    waiting = "check-in of 45, confidence 50 %, by Dana (entered by loopback): stored; it counts from the next cycle"
    assert page.count(waiting) == 1
    assert waiting in client.get("/key-results/trust").text
    project.cycle()
    assert waiting not in client.get("/key-results/trust").text
    assert "by Dana (entered by loopback): done" in client.get("/key-results/trust?done=1").text
    fields = form_of(client.get("/key-results/trust").text, "check-in")
    assert (fields["value"], fields["confidence"]) == ("45", "0.5")
    history = client.get("/key-results/trust?tab=history").text
    assert "checked in 20 Nov 12:00 by Dana (entered by loopback): 45, confidence 50 %" in history


def test_once_the_period_is_over_a_check_in_needs_one_of_its_days(project: CsvProject) -> None:
    assert "date" not in form_of(client_of(project).get("/key-results/trust", headers=bearer("ed")).text, "check-in")
    project.now = datetime(2027, 1, 5, 12, tzinfo=UTC)
    over = "2026-Q4 is over, and a check-in describes one of its days; write date 2026-12-31 for the last"
    for body in ({"value": 58}, {"value": 58, "date": "2027-01-05"}):
        assert post(client_of(project), CHECK_INS, body) == (400, {"error": over})
    assert post(client_of(project), CHECK_INS, {"value": 57, "date": "2026-12-30"})[0] == 202
    client = opened(project)
    fields = form_of(client.get("/key-results/trust").text, "check-in") | {"value": "58"}
    assert fields["date"] == "2026-12-31"
    refused = client.post("/key-results/trust", data=fields | {"date": ""}, headers=OWN)
    assert (refused.status_code, over in refused.text) == (400, True)
    assert form_of(refused.text, "check-in")["date"] == "2026-12-31"
    assert client.post("/key-results/trust", data=fields, headers=OWN).status_code == 303
    project.cycle()
    line = project.report().line("trust")
    assert line is not None
    assert (line.value, line.as_of) == (58, datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))


def test_a_form_sent_twice_counts_once(project: CsvProject) -> None:
    client = opened(project)
    fields = form_of(client.get("/key-results/trust").text, "check-in") | {"value": "45"}
    places = {client.post("/key-results/trust", data=fields, headers=OWN).headers["location"] for _ in range(2)}
    assert places == {"/key-results/trust?done=1"}
    again = form_of(client.get("/key-results/trust").text, "check-in") | {"value": "45"}
    assert client.post("/key-results/trust", data=again, headers=OWN).headers["location"].endswith("done=2")


def test_a_form_that_is_refused_keeps_what_was_typed(project: CsvProject) -> None:
    client = opened(project)
    fields = form_of(client.get("/key-results/trust").text, "check-in")
    wrong = client.post("/key-results/trust", data=fields | {"value": "1,050", "note": '"a" <b>'}, headers=OWN)
    assert wrong.status_code == 400
    assert "write a plain number, such as 1050 or -0.5" in html.unescape(wrong.text)
    typed = form_of(wrong.text, "check-in")
    assert (typed["value"], typed["note"]) == ("1,050", '"a" <b>')
    assert 'name="force"' not in wrong.text
    far = client.post("/key-results/trust", data=fields | {"value": "120"}, headers=OWN)
    assert (far.status_code, 'name="force"' in far.text) == (409, True)
    forced = form_of(far.text, "check-in") | {"force": "true"}
    assert client.post("/key-results/trust", data=forced, headers=OWN).status_code == 303


def test_a_held_number_is_approved_by_a_button_once(project: CsvProject) -> None:
    client = opened(project)
    assert 'value="approve"' not in client.get("/key-results/calls").text
    project.write("calls.csv", "1950")
    project.cycle()
    fields = form_of(client.get("/key-results/calls").text, "approve")
    assert fields["candidate"] == "1950"
    assert '1,950?<span class="hidden"> waits for approval</span>' in client.get("/").text
    place = client.post("/key-results/calls", data=fields, headers=OWN).headers["location"]
    page = client.get(place).text
    assert "approval of 1,950, by loopback: stored; it counts from the next cycle" in page
    assert 'value="approve"' not in page
    project.write("calls.csv", "2500")
    project.cycle()
    assert value(project, "calls") == 1950
    late = client.post("/key-results/calls", data=fields | {"form": "new"}, headers=OWN)
    assert (late.status_code, "calls waits with 2,500, not with 1,950" in late.text) == (409, True)


def test_a_late_refusal_is_shown_with_its_reason(project: CsvProject) -> None:
    client = opened(project)
    project.write("calls.csv", "1950")
    project.cycle()
    fields = form_of(client.get("/key-results/calls").text, "approve")
    for form in "ab":
        client.post("/key-results/calls", data=fields | {"form": form}, headers=OWN)
    project.cycle()
    reason = "approval of 1,950, by loopback: refused: calls is not held: its value 1,950 is complete"
    assert reason in client.get("/key-results/calls").text
    assert f"asked 20 Nov 12:00 by loopback: {reason.replace(', by loopback:', ';')}" in html.unescape(
        client.get("/key-results/calls?tab=history").text
    )


def test_nobody_is_offered_what_they_may_not_do(project: CsvProject) -> None:
    client = client_of(project)
    project.write("calls.csv", "1950")
    project.cycle()
    for who, buttons in {
        "vera": [], "support": ["check-in"], "ed": ["check-in"], "olga": ["approve", "check-in"]
    }.items():  # fmt: skip
        page = client.get("/key-results/calls", headers=bearer(who)).text
        assert re.findall(r'name="do" value="([\w-]+)"', page) == buttons
        assert 'name="author"' not in page
    past = client.get("/key-results/calls?at=2026-11-02", headers=bearer("olga")).text
    assert '<form class="check-in"' not in past


def test_a_notice_is_of_the_page_s_own_requests_and_never_free_text(project: CsvProject) -> None:
    client = opened(project)
    client.post("/key-results/trust", data=form_of(client.get("/key-results/trust").text, "check-in"), headers=OWN)
    for done in ("1", "99", "<b>", "-1", "9" * 30):
        page = client.get("/key-results/calls", params={"done": done})
        assert (page.status_code, 'role="status"' in page.text) == (200, False)


# -- the page of the sources


@pytest.fixture
def publishing(project: CsvProject) -> CsvProject:
    """Two files that somebody else wrote stand where two publishers write."""
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text() + "publish:\n  - {to: local, file: okrs.json}\n  - {to: local, file: okrs.md}\n")
    for name in ("okrs.json", "okrs.md"):
        (project.folder / name).write_text("somebody else's\n")
    project.cycle()
    return project


def buttons(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<button name="(retry|allow)" value="([\d,-]+)"', page)


def test_sources_shows_what_is_not_written_and_takes_a_decision(publishing: CsvProject) -> None:
    client = opened(publishing)
    page = client.get("/sources").text
    assert "2 check-ins not written" in page
    assert buttons(page) == [
        ("retry", "1-0-0"), ("allow", "1-0-0"), ("retry", "2-0-0"), ("allow", "2-0-0"), ("retry", "1-0-0,2-0-0"),
    ]  # fmt: skip
    token = re.search(r'name="form_token" value="(\w+)"', page)
    assert token is not None
    fields = {"form_token": token[1], "allow": "1-0-0"}
    places = {client.post("/sources", data=fields, headers=OWN).headers["location"] for _ in range(2)}
    assert places == {"/sources?done=1"}
    page = client.get("/sources?done=1").text
    words = "leave to write over local: okrs.json, by loopback: stored; it counts from the next cycle"
    assert page.count(words) == 2  # the notice, and the list of decisions
    assert "A decision is stored" in page
    assert [seen for _, seen in buttons(page)] == ["2-0-0", "2-0-0"]
    publishing.cycle()
    assert (publishing.folder / "okrs.json").read_text().startswith("{")
    page = client.get("/sources").text
    assert "leave to write over local: okrs.json, by loopback: done" in page
    assert "1 check-in not written" in page
    late = client.post("/sources", data=fields | {"allow": "2-1-0"}, headers=OWN)
    assert (late.status_code, "okrs.md has changed since; look at it once more" in late.text) == (409, True)
    for nothing in ({}, {"retry": ""}, {"allow": ","}):
        assert client.post("/sources", data={"form_token": token[1]} | nothing, headers=OWN).status_code == 400
    gone = client.post("/sources", data=fields | {"allow": "77-0-0"}, headers=OWN)
    assert gone.status_code == 404


def test_all_of_a_publisher_is_retried_by_one_button(publishing: CsvProject) -> None:
    client = opened(publishing)
    page = client.get("/sources").text
    token = re.search(r'name="form_token" value="(\w+)"', page)
    assert token is not None
    for name in ("okrs.json", "okrs.md"):
        (publishing.folder / name).unlink()
    client.post("/sources", data={"form_token": token[1], "retry": buttons(page)[-1][1]}, headers=OWN)
    publishing.cycle()
    assert "every check-in is written" in client.get("/sources").text
    assert [request.state for request in publishing.ledger.requests.last_of_deliveries(9)] == ["applied", "applied"]


def test_sources_offers_decisions_to_operators_alone(publishing: CsvProject) -> None:
    client = client_of(publishing)
    assert buttons(client.get("/sources", headers=bearer("olga")).text)
    page = client.get("/sources", headers=bearer("ed")).text
    assert (buttons(page), "left alone" in page) == ([], True)


def test_a_delivery_is_decided_about_by_the_api(publishing: CsvProject) -> None:
    client = client_of(publishing)
    (publisher,) = client.get("/api/sources", headers=bearer("vera")).json()["publishers"]
    ids = {each["target"]: each["id"] for each in publisher["deliveries"]}
    assert post(client, f"/api/deliveries/{ids['okrs.json']}/allow", {})[1]["asked"]["target"] == "okrs.json"
    publishing.cycle()
    assert (publishing.folder / "okrs.json").read_text().startswith("{")
    document = client.get("/api/sources", headers=bearer("vera")).json()
    assert [(decision["kind"], decision["state"]) for decision in document["decisions"]] == [("allow", "applied")]
    assert document["decisions"][0]["before"]["state"] == "refused"
    assert document["publishers"][0]["last_written"] is not None


@pytest.mark.parametrize("decision", ["retry", "allow"])
def test_a_decision_needs_no_body(publishing: CsvProject, decision: str) -> None:
    client = client_of(publishing)
    (publisher,) = client.get("/api/sources", headers=bearer("vera")).json()["publishers"]
    number = next(each["id"] for each in publisher["deliveries"] if each["target"] == "okrs.json")
    for kind in ({}, *({"Content-Type": name} for name in ("application/json", FORM, "text/plain"))):
        answer = client.post(f"/api/deliveries/{number}/{decision}", headers=bearer("olga") | kind)
        assert (answer.status_code, answer.json()["kind"]) == (202, decision)
    described = openapi()["paths"][f"/api/deliveries/{{id}}/{decision}"]["post"]["requestBody"]
    assert described["required"] is False


def test_sources_shows_ages_against_the_schedule_rows_and_changes_of_the_past(project: CsvProject) -> None:
    project.edit("cell: A1}\n        guard", "series: {dates: Day, values: Calls}, take: latest}\n        guard")
    project.edit("cell: A1}, keep", "cell: B2}, keep")
    for last in (1092, 1090):
        project.write("calls.csv", "Day,Calls", "2026-11-02,1100", f"2026-11-09,{last}")
        project.cycle()
        project.now += timedelta(minutes=5)
    client = opened(project)
    (connection,) = client.get("/api/sources").json()["connections"]
    (stream,) = connection["streams"]
    assert (stream["rows"], stream["late"], connection["restated"]) == (4, False, 1)
    page = client.get("/sources").text
    assert "1 row of the past changed in 7 days" in page
    assert "The next pull is due 20 Nov 12:20." in re.sub(r"<[^>]*>", "", page)
    project.now += timedelta(hours=1)
    client = client_of(project)
    assert client.get("/api/sources").json()["connections"][0]["streams"][0]["late"]
    assert "1 of 1 connections were not pulled when they were due" in client.get("/sources").text


# -- where commands show it


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_explain_history_and_review_tell_of_requests(
    publishing: CsvProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = publishing
    path = project.folder / "syncd.yaml"
    path.write_text(f"clock: {NOON.isoformat()}\n{path.read_text()}")
    client = client_of(project)
    project.write("calls.csv", "1950")
    project.cycle()
    for form in "ab":
        post(client, APPROVAL, {"candidate": 1950, "form": form})
    project.cycle()
    post(client, "/api/key-results/calls/check-ins", {"note": "a strike"}, "ed")
    refused = "approval of 1,950, by olga: refused: calls is not held: its value 1,950 is complete"
    waits = "check-in of a note: a strike, by ed: stored; it counts from the next cycle"
    explain.run(path, "calls", at=None, period=None, as_json=False)
    text = printed(capsys)
    assert f"asked 20 Nov 12:00: {refused}" in text
    assert f"asked 20 Nov 12:00: {waits}" in text
    history.run(path, "calls", backfill=False, period=None, as_csv=False, as_json=False, as_chart=False)
    text = printed(capsys)
    assert "approved 20 Nov 12:00 by olga: 1,092 → 1,950" in text
    assert f"asked 20 Nov 12:00 by ed: {waits.replace(', by ed:', ';')}" in text
    stuck = next(each for each in project.ledger.outbox.in_state(STUCK) if each.target == "okrs.json")
    post(client, f"/api/deliveries/{stuck.id}/retry", {})
    project.cycle()
    page = client.get("/reviews/week", headers=bearer("vera")).text
    for words in (refused, "another try of local: okrs.json, by olga: "):
        assert words in html.unescape(page)
    made = review_of(project.config, project.config.periods[0], project.ledger, NOON, NOON.date())
    assert [(request.kind, request.state) for request in made.requests] == [
        ("approve", "refused"),
        ("retry", "applied"),
    ]
    assert refused in " ".join(markdown(made).split())


def test_a_retry_by_command_is_kept_as_a_request(publishing: CsvProject) -> None:
    for name in ("okrs.json", "okrs.md"):
        (publishing.folder / name).unlink()
    publish.run(publishing.folder / "syncd.yaml", only=None, retry=True, log_format="text")
    assert (publishing.folder / "okrs.json").read_text().startswith("{")
    kept = publishing.ledger.requests.last_of_deliveries(9)[::-1]
    assert [(request.kind, request.state) for request in kept] == [("retry", "applied"), ("retry", "applied")]
    assert all(request.author and "@" in request.entered_by for request in kept)
