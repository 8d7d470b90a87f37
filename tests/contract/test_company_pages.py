"""The pages of a deployment: each workspace's below `/w/NAME/`, and the company page above them."""

from __future__ import annotations

import gc
import html
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from standing_workspaces import StandingWorkspaces
from starlette.testclient import TestClient

from syncd.workspaces import kept_overviews

HEALTHY = ("Day,Calls,Articles", "2026-10-05,1000,2", "2026-11-16,850,2")
FOR_ALL = re.compile(r"/(?:static/[\w.]+|)$")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[StandingWorkspaces]:
    """Alpha has a watermelon; bravo is on track."""
    company = StandingWorkspaces(tmp_path)
    company.write("bravo", *HEALTHY)
    for name in company.names():
        company.sync(name)
    yield company
    company.close()


@pytest.fixture
def client(company: StandingWorkspaces) -> TestClient:
    return company.client()


def addresses_in(page: str) -> set[str]:
    return {html.unescape(each) for each in re.findall(r'(?:href|src|action|formaction|data-live)="([^"]*)"', page)}


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def row_of(page: str, name: str) -> str:
    return text_of(next(row for row in page.split("<tr>") if f'href="/w/{name}/"' in row))


@pytest.mark.nightly
def test_no_link_of_a_workspace_leads_out_of_it_but_to_the_company_page(client: TestClient) -> None:
    waiting, seen, out = ["/w/alpha/"], set[tuple[str, str]](), set[str]()
    while waiting:
        path = waiting.pop()
        answer = client.get(path)
        assert answer.status_code == 200, path
        if "text/html" not in answer.headers["content-type"]:
            continue
        for link in addresses_in(answer.text):
            parts = urlsplit(urljoin(path, link))
            if parts.netloc or not parts.path.startswith("/w/alpha/"):
                out.add(link)
            elif (key := (parts.path, parts.query.partition("=")[0])) not in seen:
                seen.add(key)
                if not parts.path.endswith("/events"):
                    waiting.append(f"{parts.path}?{parts.query}")
    assert {link for link in out if not FOR_ALL.match(link)} == set()
    assert "/" in out
    rooms = {path.split("/")[3] for path, _ in seen}
    assert rooms >= {"", "events", "objectives", "key-results", "reviews", "sources"}


@pytest.mark.parametrize("path", ["/w/alpha", "/w/alpha/sources/"])
def test_a_redirection_stays_in_the_workspace(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.is_redirect
    assert client.get(answer.headers["location"]).status_code == 200
    assert urlsplit(answer.headers["location"]).path.startswith("/w/alpha")


def test_a_form_of_a_workspace_is_sent_to_it(company: StandingWorkspaces, client: TestClient) -> None:
    page = client.get("/w/alpha/key-results/alpha-trust").text
    form = re.search(r'<form class="check-in" method="post" action="([^"]+)".*?</form>', page, re.DOTALL)
    assert form is not None
    fields = dict(re.findall(r'name="(form_token|form|do)" value="([^"]*)"', form[0]))
    answer = client.post(form[1], data={**fields, "value": "6"}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/w/alpha/key-results/alpha-trust?done=")
    assert 'role="status"' in client.get(answer.headers["location"]).text
    assert len(requests_of(company, "alpha")) == 1
    assert requests_of(company, "bravo") == []


def requests_of(company: StandingWorkspaces, name: str) -> list[object]:
    daemon = company.daemon(name)
    assert daemon is not None
    assert daemon.ledger is not None
    return list(daemon.ledger.requests.of_key_result("2026-Q4", f"{name}-trust"))


def test_each_page_of_a_workspace_names_it(client: TestClient) -> None:
    for path in ("", "objectives/alpha-service", "key-results/alpha-calls", "reviews/week", "sources", "absent"):
        page = client.get(f"/w/alpha/{path}").text
        assert '<a href="/">All teams</a> / <a href="/w/alpha/' in page, path


def test_the_company_page_answers_in_a_sentence_and_shows_the_worst_first(client: TestClient) -> None:
    page = client.get("/").text
    assert "<h1" in page
    assert "1 of 2 teams has an objective off track. 1 watermelon." in text_of(page)
    assert re.findall(r'<a href="/w/(\w+)/"', page) == ["alpha", "bravo"]
    assert "! 1 watermelon" in row_of(page, "alpha")
    assert "watermelon" not in row_of(page, "bravo")
    assert "<script" not in page


def test_the_company_page_says_what_fails_and_what_is_stale(company: StandingWorkspaces, client: TestClient) -> None:
    (company.folder / "teams" / "bravo" / "bravo.csv").unlink()
    company.sync("bravo")
    page = client.get("/").text
    assert "1 fails." in text_of(page)
    assert "the last pull failed: bravo-files" in row_of(page, "bravo")
    assert "stale" not in page
    company.now = company.now.replace(hour=14)
    company.reload()
    page = company.client().get("/").text
    assert "2 are stale." in text_of(page)
    assert "2 h ago · stale" in row_of(page, "alpha")


def test_the_company_page_says_how_many_workers_there_are(company: StandingWorkspaces, client: TestClient) -> None:
    def note(workers: int | None) -> str:
        company.workers = workers
        return text_of(client.get("/").text)

    assert "worker" not in note(None)
    assert "1 worker runs the cycles." in note(1)
    assert "2 workers run the cycles." in note(2)


def test_before_the_first_sync_the_company_page_says_so(tmp_path: Path) -> None:
    company = StandingWorkspaces(tmp_path)
    page = text_of(company.client().get("/").text)
    assert "No team has a score yet. Nothing was pulled yet." in page
    assert "never synced" in page
    company.close()


def test_a_workspace_whose_files_are_wrong_is_shown_with_its_sentence(company: StandingWorkspaces) -> None:
    (company.folder / "teams" / "bravo" / "okrs.yaml").write_text("period: nonsense\n")
    (company.folder / "teams" / "Bad_Name").mkdir()
    (company.folder / "teams" / "Bad_Name" / "syncd.yaml").write_text("")
    company.reload()
    client = company.client()
    page = client.get("/").text
    assert "The configuration is wrong; the last good one is in use." in row_of(page, "bravo")
    assert "1 watermelon. 2 fail." in text_of(page)
    assert "is in the folder 'Bad_Name'" in row_of(page, "Bad_Name")
    assert client.get("/w/bravo/").status_code == 200
    company.config_problem = "syncd.yaml:1: schedule is wrong"
    assert "schedule is wrong" in client.get("/").text
    broken = client.get("/w/Bad_Name/")
    assert broken.status_code == 503
    assert "Write lower-case letters" in text_of(broken.text)


def test_a_workspace_that_is_being_opened_does_not_fail(company: StandingWorkspaces) -> None:
    company.opening = {"bravo"}
    client = company.client()
    assert "is being opened" in row_of(client.get("/").text, "bravo")
    assert "fail" not in client.get("/").text
    assert client.get("/w/bravo/").status_code == 503


def test_an_overview_is_read_again_only_if_something_changed(
    company: StandingWorkspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    make = kept_overviews.overview_of_workspace

    def counted(config: object, ledger: object, name: str, now: object) -> object:
        read.append(name)
        return make(config, ledger, name, now)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_overviews, "overview_of_workspace", counted)
    client = company.client()
    for _ in range(3):
        client.get("/")
        client.get("/api/workspaces")
    assert sorted(read) == ["alpha", "bravo"]
    company.sync("alpha")
    client.get("/")
    assert sorted(read) == ["alpha", "alpha", "bravo"]


def test_a_workspace_that_was_removed_is_not_kept(company: StandingWorkspaces) -> None:
    client, bravo = company.client(), company.daemon("bravo")
    assert bravo is not None
    for path in ("/", "/w/alpha/", "/w/bravo/"):
        assert client.get(path).status_code == 200
    assert bravo.ledger is not None
    bravo.ledger.close()
    gone = weakref.ref(bravo)
    bravo.stopping = True
    del company._daemons["bravo"], bravo
    company.sync("alpha")
    for path in ("/", "/w/alpha/"):
        assert client.get(path).status_code == 200
    gc.collect()
    assert gone() is None


def test_the_document_of_all_is_that_of_status_all(client: TestClient) -> None:
    answer = client.get("/api/workspaces").json()
    assert [each["name"] for each in answer["workspaces"]] == ["alpha", "bravo"]
    alpha = answer["workspaces"][0]
    assert alpha["objectives"] == {"off_track": 1, "at_risk": 0, "unknown": 0, "on_track": 0, "done": 0}
    assert (alpha["watermelons"], alpha["failing"], alpha["problem"]) == (1, [], None)
    assert client.get("/api/workspaces?x=1").status_code == 400
    assert client.get("/api/").json() == {"openapi.json": "/api/openapi.json", "workspaces": "/api/workspaces"}


def test_each_api_describes_its_own_addresses(client: TestClient) -> None:
    of_all, own = client.get("/api/openapi.json").json(), client.get("/w/alpha/api/openapi.json").json()
    assert set(of_all["paths"]) == {"/api/", "/api/openapi.json", "/api/workspaces"}
    assert own["servers"] == [{"url": "/w/alpha"}]
    assert client.get("/w/alpha/api/").json()["status"] == "/w/alpha/api/status"
    assert client.get("/w/alpha/api/status").json()["objectives"][0]["id"] == "alpha-service"
    absent = client.get("/w/alpha/api/absent").json()
    assert absent == {"error": "nothing is at /w/alpha/api/absent; /w/alpha/api/openapi.json lists every address"}


def test_probes_metrics_and_files_are_of_all(client: TestClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ready\n"
    assert client.get("/metrics").text == "# of all\n"
    assert client.get("/static/syncd.css").status_code == 200
    for path in ("healthz", "readyz", "metrics", "static/syncd.css", "login", "styleguide"):
        assert client.get(f"/w/alpha/{path}").status_code == 404


def test_pages_are_in_the_language_of_the_reader_and_the_api_in_english(client: TestClient) -> None:
    german = {"Accept-Language": "de"}
    assert client.get("/w/alpha/", headers=german).headers["content-language"] == "de"
    assert client.get("/", headers=german).headers["content-language"] == "de"
    assert "error" in client.get("/w/alpha/api/absent", headers=german).json()
    assert "content-language" not in client.get("/w/alpha/api/absent", headers=german).headers
