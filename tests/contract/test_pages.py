"""The pages: every figure is the one that the commands print, past days are shown as they were, and text stays text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import StandingStill, browser
from starlette.testclient import TestClient

from syncd.review import review as review_of
from syncd.review import wording
from syncd.sdk.quota import QuotaLeft
from syncd.status.document import document

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find <answers>
    owner: support
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600 & stay there
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, cell: A1}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        drives: calls
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
  - id: speed
    title: Changes reach customers sooner
    owner: engineering
    key_results:
      - id: lead-time
        title: Lead time falls
        kind: outcome
        baseline: 3
        target: 1
        measure: {from: local, file: lead.csv, cell: A1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[CsvProject]:
    project = CsvProject(tmp_path, MAPPING, NOON)
    project.write("calls.csv", "1092")
    project.write("articles.csv", "Day,Articles", "2026-10-05,11", "2026-11-02,22.5")
    project.write("lead.csv", "n/a")
    project.cycle()
    yield project
    project.ledger.close()


@pytest.fixture
def client(project: CsvProject) -> TestClient:
    return browser(project.config, project.ledger, project.now)


def data_of(page: str) -> list[float]:
    return [float(value) for value in re.findall(r'<data value="([^"]+)">', page)]


def test_home_shows_the_values_of_status(project: CsvProject, client: TestClient) -> None:
    page = client.get("/").text
    lines = [line for objective in document(project.report())["objectives"] for line in objective["key_results"]]
    assert sorted(data_of(page)) == sorted(line["value"] for line in lines if line["value"] is not None)
    unknown = sum(line["value"] is None for line in lines)
    assert page.count('<span class="unknown">unknown</span>') == unknown == 2
    for objective in document(project.report())["objectives"]:
        for line in objective["key_results"]:
            assert f'href="/key-results/{line["id"]}"' in page


def test_home_opens_with_the_answer_and_what_is_in_doubt(client: TestClient) -> None:
    page = client.get("/").text
    answer = re.search(r'<h1 class="answer">(.*?)</h1>', page)
    assert answer is not None
    assert answer[1] == "1 of 2 objectives is off track. 1 watermelon. 2 numbers are unknown."
    assert page.index('id="objective-service"') < page.index('id="objective-speed"')
    assert "lead-time is unknown" in page


def test_filters_narrow_what_is_shown_and_never_the_answer(client: TestClient) -> None:
    for query, shown in (("owner=engineering", {"speed"}), ("health=off_track", {"service"}), ("q=LEAD", {"speed"})):
        page = client.get(f"/?{query}").text
        assert {name for name in ("service", "speed") if f'id="objective-{name}"' in page} == shown
        assert "1 of 2 objectives is off track" in page
    assert "No objective matches" in client.get("/?q=nothing").text


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sources",
        "/key-results/calls",
        "/api/status",
        "/healthz",
        "/readyz",
        "/metrics",
        "/static/syncd.css",
        "/absent",
        "/key-results/absent",
        "/api/absent",
        "/?at=never",
        "/hooks/absent",
    ],
)
def test_pages_errors_probes_and_metrics_forbid_frames_and_foreign_scripts(client: TestClient, path: str) -> None:
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(policy)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["/", "/sources", "/key-results/calls", "/objectives/service", "/reviews/week"])
def test_styles_and_scripts_are_files(client: TestClient, path: str) -> None:
    page = client.get(path).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", page))


def test_text_of_others_is_never_markup(client: TestClient) -> None:
    for path in ("/", "/objectives/service", "/key-results/calls", "/?q=%3Cscript%3E"):
        page = client.get(path).text
        assert "<answers>" not in page
        assert re.findall("<script[^>]*>", page) == ['<script type="module" src="/static/syncd.js">']
        assert "style=" not in page


def test_a_key_result_adds_up_to_its_number(client: TestClient) -> None:
    page = client.get("/key-results/articles").text
    assert data_of(page)[0] == 33.5
    assert "11 + 22.5 = 33.5" in page
    assert page.count("holds 11<") == page.count("holds 22.5<") == 1
    for tab in ("history", "definition"):
        assert client.get(f"/key-results/articles?tab={tab}").status_code == 200


def test_a_past_day_is_shown_as_it_was(project: CsvProject) -> None:
    project.now += timedelta(days=3)
    project.write("calls.csv", "900")
    project.cycle()
    client = browser(project.config, project.ledger, project.now)
    assert data_of(client.get("/key-results/calls").text)[0] == 900
    past = client.get("/key-results/calls?at=2026-11-21").text
    assert data_of(past)[0] == 1092
    assert '<body class="past"' in past
    assert 1092.0 in data_of(client.get("/key-results/calls?tab=history").text)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/?period=1999-Q1", 404),
        ("/key-results/nothing", 404),
        ("/objectives/nothing", 404),
        ("/nothing", 404),
        ("/styleguide", 404),
        ("/api/status?period=1999-Q1", 404),
        ("/key-results/calls?at=yesterday", 400),
        ("/key-results/calls?at=2026-11-30", 400),
        ("/key-results/calls?at=0001-01-01", 400),
        ("/key-results/calls?tab=nothing", 200),
    ],
)
def test_an_address_that_names_nothing_is_told_so(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_a_browser_gets_a_page_where_a_program_gets_a_line(client: TestClient) -> None:
    assert client.get("/nothing").text == "nothing is at /nothing; the dashboard is at /\n"
    page = client.get("/nothing", headers={"accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404
    assert '<h1 class="answer">There is no such page.</h1>' in page.text
    assert client.get("/api/nothing", headers={"accept": "text/html"}).json() == {
        "error": "nothing is at /api/nothing; /api/openapi.json lists every address"
    }


def test_every_page_stands_before_the_first_sync(project: CsvProject) -> None:
    client = browser(project.config, None, project.now)
    for path in ("/", "/objectives/service", "/key-results/calls", "/key-results/trust", "/reviews/week", "/sources"):
        page = client.get(path)
        assert page.status_code == 200
        assert data_of(page.text) == []
    assert "Nothing was pulled yet" in client.get("/").text


def test_reviews_are_those_of_the_command_with_links_to_the_evidence(project: CsvProject, client: TestClient) -> None:
    for address, whole in (("/reviews/week", False), ("/reviews/period", True)):
        page = client.get(address).text
        assert 'href="/objectives/service"' in page
        assert 'href="/key-results/lead-time"' in page
        summary = review_of(project.config, project.config.periods[0], project.ledger, project.now, None, whole=whole)
        for sentence in wording.headline(summary):
            assert html.escape(sentence) in page
        assert "<answers>" not in page
        assert "<style" not in page


def test_quota_is_a_bar_with_the_reserve_marked(project: CsvProject, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser(project.config, project.ledger, project.now)
    assert 'class="quota"' not in client.get("/sources").text
    monkeypatch.setattr(StandingStill, "quota_left", lambda *_: QuotaLeft(4300.0, 5000.0, NOON))
    page = client.get("/sources").text
    assert "4,300 of 5,000 requests left of its quota" in page
    (quota,) = re.findall(r'<div class="quota">(.*?)</div>', page)
    assert '<rect class="work" width="86%"/><rect class="expected" x="10%"/>' in quota
    (connection,) = client.get("/api/sources").json()["connections"]
    assert (connection["quota_left"], connection["quota"]) == (4300, 5000)


def test_sources_show_what_failed_and_why(project: CsvProject) -> None:
    (project.folder / "calls.csv").unlink()
    project.now += timedelta(hours=1)
    project.cycle()
    page = browser(project.config, project.ledger, project.now).get("/sources").text
    assert "1 of 1 connections did not come whole" in page
    assert "calls.csv" in page


def test_stream_that_was_never_pulled_did_not_come_whole(project: CsvProject) -> None:
    before = browser(project.config, project.ledger, project.now).get("/sources").text
    assert "The only connection came whole, just now." in re.sub(r"<[^>]*>", "", before)
    measure = "{from: local, file: trust.csv, cell: A1}"
    project.edit(
        "kind: outcome, baseline: 5, target: 9}", f"kind: outcome, baseline: 5, target: 9, measure: {measure}}}"
    )
    page = browser(project.config, project.ledger, project.now).get("/sources").text
    assert "1 of 1 connections was not pulled yet." in page
    assert "1 of 4 not pulled yet" in page
    assert "came whole" not in page
    assert "failing" not in page


def test_connection_that_no_measure_reads_is_not_counted(project: CsvProject) -> None:
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text() + "  spare: {type: files, root: .}\n")
    assert "The only connection came whole" in browser(project.config, project.ledger, project.now).get("/sources").text
