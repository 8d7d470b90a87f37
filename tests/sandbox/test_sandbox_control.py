"""Control over HTTP, the metrics API, and running the sandbox itself."""

from __future__ import annotations

import threading

import httpx
import pytest

from syncd.sandbox import DEMO_NOW, Sandbox, serve


def test_metrics_api_answers_with_the_key_alone(shared_box: Sandbox) -> None:
    with httpx.Client(base_url=shared_box.metrics_url, headers={"X-Api-Key": "wrong"}) as client:
        assert client.get("/v1/error-rate").status_code == 401
        client.headers["X-Api-Key"] = shared_box.credentials["metrics_key"]
        assert client.get("/v1/error-rate").json() == {
            "service": "checkout", "window": "7d", "error_rate": {"percent": 0.42},
        }  # fmt: skip
        points = client.get("/v1/uptime").json()["points"]
        assert points[0]["day"] == "2026-10-05"
        assert [point["uptime"] for point in points].count(None) == 1
        assert client.post("/v1/query", json={"metric": "error_rate"}).json()["value"] == 0.42
        assert client.post("/v1/query", json={"metric": "mood"}).status_code == 404
        assert client.post("/v1/query", content=b"{").status_code == 400
        assert client.get("/v2").status_code == 404


def test_control_sets_faults_and_shows_requests(box: Sandbox) -> None:
    with httpx.Client(base_url=box.url) as client:
        assert client.post("/control/fault", json={"service": "metrics", "kind": "status", "status": 503}).json()["ok"]
        assert client.get("/metrics-api/v1/error-rate").status_code == 503
        assert client.post("/control/heal").json()["ok"]
        assert client.get("/metrics-api/v1/error-rate").status_code == 401
        log = client.get("/control/requests").json()
        assert [request["status"] for request in log if request["service"] == "metrics"] == [503, 401]
        assert client.post("/control/fault", json={"service": "gitea"}).status_code == 400
        assert client.post("/control/fault", json={"kind": "status"}).status_code == 400
        assert client.get("/elsewhere").status_code == 404


def test_truth_follows_changes_made_over_http(box: Sandbox) -> None:
    def value(id: str) -> float | None:
        number: float | None = httpx.get(f"{box.url}/truth").json()["key_results"][id]["value"]
        return number

    def change(**what: object) -> int:
        return httpx.post(f"{box.url}/control/change", json=what).status_code

    number = box.world.github.add_issue("acme/web", labels=["bug"]).number
    assert change(do="close_issue", repo="acme/web", number=number) == 200
    assert value("reliability-bugs") == 14
    open_article = next(
        i.key for i in box.world.jira.issues.values() if i.type == "Article" and i.status == "In Review"
    )
    assert change(do="transition", key=open_article, status="Published", at="2026-11-20T12:00:00+01:00") == 200
    assert value("articles") == 34
    assert change(do="transition", site="jira-dc", key="HELP-1", status="To Do") == 200
    book = {"spreadsheet": "1AbC-acme-okr-numbers-2026q4", "sheet": "Support"}
    assert change(do="append_row", values=["2026-11-20", None, 900], **book) == 200
    assert value("calls") == 900
    assert change(do="insert_column", before="Calls", name="Chats", **book) == 200
    assert change(do="rename_column", column="Chats", name="Mails", **book) == 200
    assert change(do="delete_column", column="Mails", **book) == 200
    assert value("calls") == 900
    assert change(do="delete_column", column="Mails", **book) == 400
    assert change(do="set_field", key="KB-1", name="OKR health", value="At risk") == 200
    assert change(do="set_field", key="KB-1", name="OKR health", value="Splendid") == 400
    assert change(do="rename_field", field="OKR health", name="Mood") == 200
    assert change(do="set_field", site="jira-dc", key="HELP-1", name="OKR health", value="Done") == 200
    assert change(do="add_comment", key="KB-1", body="Hm") == 200
    (comment,) = box.world.jira.get("KB-1").comments
    assert change(do="edit_comment", key="KB-1", comment=comment.id, body="Ah") == 200
    assert comment.body == "Ah"
    assert change(do="delete_comment", key="KB-1", comment=7) == 400
    assert change(do="edit_item", repo="acme/web", number=number, body="New") == 200
    assert change(do="add_comment", repo="acme/web", number=number, body="Hm") == 200
    (comment,) = box.world.github.issue("acme/web", number).comments
    assert change(do="edit_comment", repo="acme/web", comment=comment.id, body="Ah") == 200
    assert (comment.body, box.world.github.issue("acme/web", number).body) == ("Ah", "New")
    assert change(do="unlabel", repo="acme/web", number=number, name="bug") == 200
    assert change(do="unlabel", repo="acme/web", number=number, name="bug") == 400
    assert change(do="delete_everything") == 400
    assert change(do="close_issue", repo="acme/nowhere", number=1) == 400
    assert change(do="close_issue", repo="acme/web") == 400


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"do": "publish_release", "repo": "acme/web", "tag": "v99"}, "v99"),
        (
            {
                "do": "set_cell",
                "spreadsheet": "1AbC-acme-okr-numbers-2026q4",
                "sheet": "Nowhere",
                "at": "A1",
                "value": 1,
            },
            "Nowhere",
        ),
        ({"do": "rename_field", "field": "Mood", "name": "Spirit"}, "Mood"),
        ({"do": "close_everything"}, "close_everything"),
    ],
)
def test_control_names_what_a_change_does_not_find(shared_box: Sandbox, change: dict[str, object], name: str) -> None:
    answer = httpx.post(f"{shared_box.url}/control/change", json=change)
    assert answer.status_code == 400
    assert name in answer.json()["error"]


def test_truth_without_a_sheet_that_it_needs_is_an_error_with_its_name(box: Sandbox) -> None:
    box.world.sheets.rename_sheet("1AbC-acme-okr-numbers-2026q4", "Survey", "Poll")
    answer = httpx.get(f"{box.url}/truth")
    assert (answer.status_code, "Survey" in answer.json()["message"]) == (500, True)


def test_truth_takes_a_time_with_an_offset(shared_box: Sandbox) -> None:
    early = httpx.get(f"{shared_box.url}/truth", params={"at": "2026-10-11T23:59:59+02:00"}).json()
    assert early["key_results"]["articles"]["value"] == 4
    assert early["as_of"] == "2026-10-11T23:59:59+02:00"
    assert httpx.get(f"{shared_box.url}/truth", params={"at": "2026-10-11T12:00:00"}).status_code == 400
    assert httpx.get(f"{shared_box.url}/truth", params={"at": "soon"}).status_code == 400


def test_clock_ticks_with_changes_or_with_the_machine() -> None:
    with serve(now=DEMO_NOW) as box:
        first, second = (box.world.github.add_issue("acme/web").created_at for _ in range(2))
        assert DEMO_NOW < first < second
    with serve() as box:
        before = box.world.clock.now()
        box.world.github.add_issue("acme/web")
        assert box.world.clock.now() >= before
    with pytest.raises(ValueError, match="zone"), serve(now=DEMO_NOW.replace(tzinfo=None)):
        pass


def test_two_sandboxes_run_at_once_and_leave_nothing_behind() -> None:
    before = threading.active_count()
    with serve(now=DEMO_NOW) as first, serve(3, DEMO_NOW) as second:
        assert first.url != second.url
        with httpx.Client() as client:
            assert client.get(f"{first.url}/truth").status_code == client.get(f"{second.url}/truth").status_code == 200
        address = first.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)
    assert threading.active_count() <= before + 2  # connection threads may take a moment to notice


def test_many_clients_are_served_at_once(box: Sandbox) -> None:
    statuses: list[int] = []

    def ask() -> None:
        headers = {"Authorization": f"Bearer {box.credentials['github']}"}
        with httpx.Client(base_url=box.github_url, headers=headers) as client:
            statuses.extend(
                client.get(f"/repos/acme/web/pulls?state=all&page={page}").status_code for page in range(1, 6)
            )

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
    assert len(box.requests) == 40
