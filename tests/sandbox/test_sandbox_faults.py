"""Each kind of fault does what its description says, to the requests that it matches alone."""

from __future__ import annotations

import json
import threading
import time
from email.utils import parsedate_to_datetime

import gspread
import httpx
import pytest
import requests
from google.oauth2.credentials import Credentials as GoogleCredentials
from sandbox_clients import github, jira_cloud, sheets_http
from waiting import HANG, wait_for

from syncd.sandbox import DEMO_NOW, Fault, Sandbox, serve
from syncd.sandbox.faults import Kind
from syncd.sandbox.story.numbers import OKR_BOOK

PATH = "/repos/acme/web/pulls?state=all&per_page=100"


@pytest.fixture
def client(box: Sandbox) -> httpx.Client:
    headers = {"Authorization": f"Bearer {box.credentials['github']}"}
    return httpx.Client(base_url=box.github_url, headers=headers, timeout=HANG)


def test_status_fault_hits_as_many_requests_as_it_names(box: Sandbox, client: httpx.Client) -> None:
    box.fault(
        Fault("github", path="/pulls", status=503, body='{"a": 1}', headers={"Retry-After": "7"}, after=1, times=2)
    )
    assert [client.get(PATH).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert client.get("/user").status_code == 200
    box.fault(Fault("github", status=503, headers={"Retry-After": "7"}))
    assert client.get("/user").headers["Retry-After"] == "7"
    box.heal()
    assert client.get("/user").status_code == 200


def test_fault_hits_the_page_that_its_path_names(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "html", path=r"page=2\b"))
    assert client.get(PATH).status_code == 200
    page = client.get(PATH + "&page=2")
    assert page.status_code == 502
    assert page.headers["Content-Type"] == "text/html"


def test_reset_ends_the_connection_without_a_response(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "reset", times=1))
    with pytest.raises(httpx.ReadError):
        client.get("/user")
    assert box.requests[0].status == 0
    assert client.get("/user").status_code == 200


def test_reset_after_carries_the_request_out_and_loses_the_response(box: Sandbox) -> None:
    token = GoogleCredentials(token=box.credentials["google_token"])
    http = gspread.Client(auth=token, http_client=sheets_http(box)).http_client
    box.fault(Fault("sheets", "reset_after", method="PUT", path="OKRs", times=1))

    def write() -> None:
        http.values_update(OKR_BOOK, "OKRs!D2", {"valueInputOption": "RAW"}, {"values": [[42]]})

    assert "values" not in http.values_get(OKR_BOOK, "OKRs!D2")  # another method passes
    with pytest.raises(requests.ConnectionError):
        write()
    assert [(request.method, request.status) for request in box.requests] == [("GET", 200), ("PUT", 0)]
    assert http.values_get(OKR_BOOK, "OKRs!D2")["values"] == [["42"]]
    write()
    assert sum(request.method == "PUT" for request in box.requests) == 2


def test_reset_carries_nothing_out(box: Sandbox) -> None:
    token = GoogleCredentials(token=box.credentials["google_token"])
    http = gspread.Client(auth=token, http_client=sheets_http(box)).http_client
    box.fault(Fault("sheets", "reset", times=1))
    with pytest.raises(requests.ConnectionError):
        http.values_update(OKR_BOOK, "OKRs!D2", {"valueInputOption": "RAW"}, {"values": [[42]]})
    assert "values" not in http.values_get(OKR_BOOK, "OKRs!D2")


@pytest.mark.parametrize("kind", ["status", "too_many", "hang", "reset"])
def test_fault_of_every_kind_keeps_to_its_method_and_path(box: Sandbox, client: httpx.Client, kind: Kind) -> None:
    box.fault(Fault("github", kind, method="PATCH", path="/issues/1$", status=500))
    assert client.get("/repos/acme/web/issues/1").status_code in (200, 404)
    assert client.patch("/repos/acme/web/issues/2").status_code not in (429, 500)
    if kind in ("hang", "reset"):
        with pytest.raises(httpx.TransportError):
            client.patch("/repos/acme/web/issues/1", timeout=0.1)
    else:
        assert client.patch("/repos/acme/web/issues/1").status_code == {"status": 500, "too_many": 429}[kind]
    wait_for(lambda: len(box.requests) > 2)  # a client that gave up may be sooner than the log
    assert [request.method for request in box.requests] == ["GET", "PATCH", "PATCH"]


def test_sheets_names_a_quota_for_writes_and_another_for_reads(box: Sandbox) -> None:
    box.fault(Fault("sheets", "too_many"))
    messages = [httpx.request(method, f"{box.sheets_url}/x").json()["error"]["message"] for method in ("GET", "PUT")]
    assert ["Read requests" in message for message in messages] == [True, False]
    assert "Write requests" in messages[1]


def test_truncate_ends_within_the_body(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "truncate"))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(PATH)
    assert box.requests[0].status == 200


def test_drip_and_delay_send_the_whole_response(box: Sandbox, client: httpx.Client) -> None:
    whole = client.get("/rate_limit").content
    box.fault(Fault("github", "drip", rate=5000, times=1))
    box.fault(Fault("github", "delay", seconds=0.01, times=1))
    assert len(client.get("/rate_limit").content) == len(whole)
    with client.stream("GET", "/user") as answer:
        assert json.loads(b"".join(answer.iter_bytes()))["login"] == "syncd-bot"


def test_malformed_and_wrong_types_replace_the_body(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "malformed", times=1))
    with pytest.raises(json.JSONDecodeError):
        client.get(PATH).json()
    box.heal()
    box.fault(Fault("github", "wrong_types", times=1))
    assert isinstance(client.get(PATH).json(), dict)
    box.heal()
    box.fault(Fault("github", "wrong_types", form="null_rows"))
    assert client.get(PATH).json() == [None] * 100


def test_page_loop_names_the_same_page_as_the_next(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "page_loop"))
    first = client.get(PATH)
    again = client.get(first.links["next"]["url"])
    assert again.links["next"]["url"] == first.links["next"]["url"]
    box.fault(Fault("jira", "page_loop", path="search"))
    jira, jql = jira_cloud(box), "project = KB"
    page = jira.enhanced_search_issues(jql, maxResults=50)
    second = jira.enhanced_search_issues(jql, maxResults=50, nextPageToken=page.nextPageToken)
    assert second.nextPageToken == page.nextPageToken
    assert second[0].id == page[0].id
    box.fault(Fault("jira-dc", "page_loop", path="search"))
    secret = {"Authorization": f"Bearer {box.credentials['jira_pat']}"}
    url = f"{box.jira_dc_url}/rest/api/2/search?jql=project%3DHELP&startAt="
    first, second = (httpx.get(url + start, headers=secret).json() for start in ("0", "100"))
    assert first["issues"] == second["issues"]
    assert first["total"] > 10_000


def test_page_flood_sends_the_first_page_under_new_addresses(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "page_flood"))
    first = client.get(PATH)
    second = client.get(first.links["next"]["url"])
    assert second.json() == first.json()
    assert "page=3" in second.links["next"]["url"]
    box.fault(Fault("jira", "page_flood", path="search"))
    jira = jira_cloud(box)
    page = jira.enhanced_search_issues("project = KB", maxResults=50)
    again = jira.enhanced_search_issues("project = KB", maxResults=50, nextPageToken=page.nextPageToken)
    assert [issue.id for issue in again] == [issue.id for issue in page]
    assert again.nextPageToken not in (None, page.nextPageToken)
    box.fault(Fault("jira-dc", "page_flood", path="search"))
    secret = {"Authorization": f"Bearer {box.credentials['jira_pat']}"}
    far = httpx.get(f"{box.jira_dc_url}/rest/api/2/search?jql=project%3DHELP&startAt=500", headers=secret).json()
    assert (far["startAt"], far["total"]) == (500, 10_500)
    assert far["issues"]


def test_skew_moves_the_dates_in_headers(box: Sandbox, client: httpx.Client) -> None:
    real = client.get("/user").headers
    box.fault(Fault("github", "skew", seconds=-600))
    off = client.get("/user").headers
    assert off.get_list("date") == [off["date"]]
    assert -605 < (parsedate_to_datetime(off["date"]) - parsedate_to_datetime(real["date"])).total_seconds() < -590
    assert int(off["X-RateLimit-Reset"]) == int(real["X-RateLimit-Reset"]) - 600


def test_github_limits_send_githubs_headers(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "primary_limit", seconds=120, times=1))
    primary = client.get(PATH)
    assert (primary.status_code, primary.headers["X-RateLimit-Remaining"]) == (403, "0")
    assert int(primary.headers["X-RateLimit-Reset"]) > time.time() + 60
    assert "Retry-After" not in primary.headers
    box.heal()
    box.fault(Fault("github", "secondary_limit", seconds=30))
    secondary = client.get(PATH)
    assert (secondary.status_code, secondary.headers["Retry-After"]) == (403, "30")
    assert "secondary rate limit" in secondary.json()["message"]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("service", ["github", "gitlab", "jira", "jira-dc", "sheets", "metrics"])
def test_too_many_sends_retry_after_if_it_has_seconds(box: Sandbox, service: str) -> None:
    url = {"github": box.github_url, "gitlab": box.gitlab_url, "jira": box.jira_url, "jira-dc": box.jira_dc_url}.get(
        service
    )
    url = url or {"sheets": box.sheets_url, "metrics": box.metrics_url}[service]
    box.fault(Fault(service, "too_many", times=1))  # type: ignore[arg-type]
    bare = httpx.get(f"{url}/x")
    assert bare.status_code == 429
    assert "Retry-After" not in bare.headers
    box.fault(Fault(service, "too_many", seconds=9, http_date=True))  # type: ignore[arg-type]
    assert parsedate_to_datetime(httpx.get(f"{url}/x").headers["Retry-After"]).tzinfo is not None


@pytest.mark.sampled(4)
@pytest.mark.parametrize("service", ["github", "gitlab", "jira", "jira-dc", "sheets", "metrics", "token"])
def test_unauthorized_refuses_every_credential(box: Sandbox, service: str) -> None:
    box.fault(Fault(service, "unauthorized"))  # type: ignore[arg-type]
    secrets = box.credentials
    paths = {
        "github": "/github/user", "gitlab": "/gitlab/api/v4/user", "jira": "/jira/rest/api/2/myself",
        "jira-dc": "/jira-dc/rest/api/2/myself",
        "sheets": "/sheets/v4/spreadsheets/x", "metrics": "/metrics-api/v1/uptime", "token": "/token",
    }  # fmt: skip
    headers = {"X-Api-Key": secrets["metrics_key"], "x-goog-api-key": secrets["google_api_key"]}
    assert httpx.get(box.url + paths[service], headers=headers).status_code == 401


def test_unauthorized_answers_in_the_vendors_words(box: Sandbox, client: httpx.Client) -> None:
    box.fault(Fault("github", "unauthorized"))
    assert client.get("/user").json()["message"] == "Bad credentials"
    box.fault(Fault("sheets", "unauthorized"))
    token = {"Authorization": f"Bearer {box.credentials['google_token']}"}
    answer = httpx.get(f"{box.sheets_url}/v4/spreadsheets/x", headers=token)
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_token_endpoint_takes_faults(box: Sandbox) -> None:
    box.fault(Fault("token", status=500))
    assert httpx.post(box.token_url).status_code == 500


def test_hang_ends_with_the_client_and_with_the_server() -> None:
    with serve(now=DEMO_NOW) as box:
        box.fault(Fault("github", "hang"))
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{box.github_url}/user", timeout=0.1)
        failed: list[Exception] = []

        def wait() -> None:
            try:
                httpx.get(f"{box.github_url}/user", timeout=HANG)
            except httpx.TransportError as error:
                failed.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while len(box.requests) < 2:
            time.sleep(0.005)
    waiting.join(timeout=HANG)
    assert failed
    assert not waiting.is_alive()


def test_client_library_raises_a_fault(box: Sandbox) -> None:
    repo = github(box).get_repo("acme/web")
    box.fault(Fault("github", "reset", path="page=2"))
    with pytest.raises(OSError):
        list(repo.get_pulls(state="all"))


@pytest.mark.parametrize("wrong", [{"service": "gitea"}, {"service": "github", "kind": "sulk"}])
def test_fault_of_an_unknown_service_or_kind_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        Fault(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", [Fault("github", "delay", seconds=60), Fault("github", "drip", rate=10)])
def test_stop_does_not_wait_for_slow_responses(fault: Fault) -> None:
    before = set(threading.enumerate())
    with serve(now=DEMO_NOW) as box:
        box.fault(fault)
        headers = {"Authorization": f"Bearer {box.credentials['github']}"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{box.github_url}/user", headers=headers, timeout=httpx.Timeout(HANG, read=0.05))
    left = [thread for thread in set(threading.enumerate()) - before if "process_request" in thread.name]
    for thread in left:
        thread.join(timeout=HANG)
    assert not any(thread.is_alive() for thread in left)
