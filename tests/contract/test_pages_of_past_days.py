"""Pages of a past day: every figure, line and notice is that of then, and every link keeps the day and the period."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from csv_project import CsvProject
from standing_still import StandingStill, browser
from starlette.testclient import TestClient

from syncd.cli.status_view import render
from syncd.explain.documents import explanation
from syncd.okr.spans import midnight
from syncd.status.overview import Overview, overview_of
from syncd.status.report import report_of
from syncd.status.unwritten import Trouble
from syncd.web import charts, make_app

MAPPING = """\
period: 2026-Q4
objectives:
  - {id: company, title: Customers stay, owner: board}
  - id: service
    title: Customers find answers
    supports: company
    owner: support
    key_results:
      - id: calls
        title: Calls fall to 600
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        drives: calls
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
"""
THEN, AT = datetime(2026, 11, 10, 12, tzinfo=UTC), "period=2026-Q4&at=2026-11-12"
PAGES = (
    "/",
    "/objectives/service",
    "/objectives/service?range=28d&by=week",
    "/key-results/calls",
    "/key-results/calls?tab=history&range=28d&by=week",
    "/key-results/articles?tab=definition",
    "/reviews/week",
    "/reviews/period",
    "/reviews/week?present=2",
    "/sources",
)


class Project(CsvProject):
    """Calls fell on 9 and on 19 November; then a target was edited, and a row of the past was restated."""

    def client(self, **troubles: object) -> TestClient:
        daemon = StandingStill(self.config, self.ledger, self.now)
        vars(daemon).update(troubles)
        return TestClient(make_app(daemon), base_url="http://localhost", client=("127.0.0.1", 50_000))

    def overview(self, day: date | None = None) -> Overview:
        snapshots = self.snapshots()
        if day is None:
            return overview_of(snapshots.now(self.now), self.ledger)
        return overview_of(snapshots.at_end(midnight(day + timedelta(days=1), self.config.zone)), self.ledger)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(tmp_path_factory.mktemp("project"), MAPPING, THEN)
    project.write("calls.csv", "Day,Calls", "2026-10-05,1190", "2026-10-20,1150", "2026-11-09,1000")
    project.write("articles.csv", "Day,Articles", "2026-10-05,11", "2026-11-02,9")
    project.cycle()
    project.now += timedelta(days=9)
    project.write("calls.csv", "Day,Calls", "2026-10-05,1190", "2026-10-20,700", "2026-11-09,1000", "2026-11-19,800")
    project.edit("target: 40", "target: 30")
    project.cycle()
    yield project
    project.ledger.close()


@pytest.fixture
def client(project: Project) -> TestClient:
    return project.client()


def with_day(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{AT}"


def without_times(page: str) -> str:
    """A page whose moments are texts alone."""
    return re.sub(r"</?time[^>]*>", "", page)


def text_of(page: str) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", without_times(page)).split()))


def strip_of(page: str) -> str:
    return text_of(page.partition('class="strip"')[2].partition("</ul>")[0])


@pytest.mark.sampled(4)
@pytest.mark.parametrize("path", PAGES)
def test_every_link_keeps_the_period_and_the_day(client: TestClient, path: str) -> None:
    page = client.get(with_day(path)).text
    links = [html.unescape(link) for link in re.findall(r'<a\b[^>]*\bhref="([/?][^"]*)"', page)]
    assert len(links) >= 4
    for link in links:
        query = parse_qs(urlsplit(link).query)
        assert query.get("period") == ["2026-Q4"], link
        is_today_or_another_day = link.startswith("?") and query.get("at") != ["2026-11-12"]
        assert query.get("at") == ["2026-11-12"] or is_today_or_another_day, link


def test_day_before_the_first_sync_says_what_was_missing_and_promises_no_cycle(tmp_path: Path) -> None:
    project = CsvProject(tmp_path, MAPPING, THEN)
    project.write("calls.csv", "Day,Calls")
    project.write("articles.csv", "Day,Articles")
    project.cycle()
    client = browser(project.config, project.ledger, project.now)
    for path, missing, in_german in (
        ("/", "Nothing was pulled by 2 Nov.", "Bis 2. Nov wurde nichts abgerufen."),
        ("/objectives/service", "No value was kept by 2 Nov.", "Bis 2. Nov wurde kein Wert festgehalten."),
        ("/key-results/calls", "No value was kept by 2 Nov.", "Bis 2. Nov wurde kein Wert festgehalten."),
        ("/reviews/week", "Nothing was pulled by 2 Nov.", "Bis 2. Nov wurde nichts abgerufen."),
    ):
        page = text_of(client.get(f"{path}?at=2026-11-02").text)
        assert (missing in page, "cycle" in page) == (True, False), page
        assert in_german in text_of(client.get(f"{path}?at=2026-11-02", headers={"Accept-Language": "de"}).text)
    snapshot = project.snapshots().at_end(datetime(2026, 11, 3, tzinfo=UTC))
    text = "\n".join(render(report_of(snapshot), (), None, 80))
    assert ("Nothing was pulled by 2 Nov." in text, "syncd sync" in text) == (True, False)
    project.ledger.close()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("path", [path for path in PAGES if path != "/sources"])
def test_page_says_that_its_day_is_past_and_leads_to_the_same_page_of_today(client: TestClient, path: str) -> None:
    page = without_times(client.get(with_day(path)).text)
    assert page.count("This is the state at the end of 12 Nov 2026, by what was known then.") == 1
    today = re.search(r'class="past-day">[^<]*<a href="([^"]*)">Today', page)
    assert today is not None
    assert parse_qs(urlsplit(html.unescape(today[1])).query) == parse_qs(urlsplit(f"{path}").query) | {
        "period": ["2026-Q4"]
    }
    assert "This is the state" not in client.get(path).text


def test_sources_are_about_now_and_say_so(project: Project, client: TestClient) -> None:
    page = client.get(with_day("/sources")).text
    assert "Sources are shown as they are now, not as of 12 Nov 2026." in without_times(page)
    assert '<body class=""' in page  # so it stays live
    main = page.partition("<h1")[2]
    assert main == client.get("/sources?period=2026-Q4").text.partition("<h1")[2]


def test_form_of_another_day_and_days_of_the_history_keep_tab_range_and_step(client: TestClient) -> None:
    path = "/key-results/calls?tab=history&range=28d&by=week"
    kept = {"tab": ["history"], "range": ["28d"], "by": ["week"]}
    page = without_times(client.get(path).text)
    form = page.partition('class="as-of"')[2].partition("</form>")[0]
    assert {name: [value] for name, value in re.findall(r'name="(\w+)" value="(\w+)"', form)} == kept
    (day,) = re.findall(r'<a href="([^"]+)">9 Nov</a>', page)
    assert parse_qs(urlsplit(html.unescape(day)).query) == kept | {"at": ["2026-11-09"]}


def test_what_became_of_a_form_is_no_part_of_other_links(client: TestClient) -> None:
    assert "done=" not in client.get("/key-results/calls?done=1").text


@pytest.mark.parametrize("name", ["calls", "articles"])
def test_pages_of_a_past_day_have_the_figure_of_explain_at_that_day(
    project: Project, client: TestClient, name: str
) -> None:
    end = project.snapshots().at_end(midnight(date(2026, 11, 13), project.config.zone))
    document: dict[str, Any] = explanation(end, project.ledger, project.key_result(name))
    assert document["value"] == {"calls": 1000, "articles": 20}[name]
    for path in ("/", "/objectives/service", f"/key-results/{name}"):
        page = client.get(with_day(path)).text
        after_its_name = page.partition(f'href="/key-results/{name}?' if "results" not in path else 'class="number"')[2]
        (first, *_rest) = re.findall(r'<data value="([^"]+)">', after_its_name)
        assert float(first) == document["value"], path


def test_small_lines_of_a_past_day_are_those_that_were_drawn_then(project: Project, client: TestClient) -> None:
    then, now = project.overview(date(2026, 11, 12)), project.overview()
    assert then.weeks[-1] == date(2026, 11, 12)
    assert [value for value in then.values["calls"] if value is not None] == [1190, 1150, 1000]
    assert 700 in now.values["calls"]  # the row was restated since
    small_line = charts.sparkline(then.values["calls"], "weekly values of calls")
    assert small_line in client.get(with_day("/")).text
    assert small_line not in client.get("/").text


def test_edits_are_named_on_the_days_after_them_alone(project: Project, client: TestClient) -> None:
    edited = "articles was edited in the last seven days"
    assert edited not in client.get(with_day("/")).text
    assert edited in strip_of(client.get("/").text)
    project_later = replace_now(project, timedelta(days=9))
    assert edited not in project_later.get("/").text
    assert edited in strip_of(project_later.get("/?at=2026-11-20").text)


def replace_now(project: Project, later: timedelta) -> TestClient:
    return browser(project.config, project.ledger, project.now + later)


def test_notice_of_an_edit_keeps_the_period(client: TestClient) -> None:
    page = client.get("/?period=2026-Q4").text
    assert 'href="/key-results/articles?period=2026-Q4&amp;tab=history"' in page


def test_past_day_has_no_trouble_of_the_service_of_now(project: Project) -> None:
    unwritten = Trouble("local", "dead", "401: refused", ["calls.csv"], ["calls"])
    troubles = {"config_problem": "okrs.yaml:3: wrong", "cycle_problem": "broken", "backup_problem": "disk is full"}
    client = project.client(**troubles, troubles=lambda: [unwritten])
    documents = [client.get(path).json() for path in ("/api/status", with_day("/api/status"))]
    assert [len(document["unwritten"]) for document in documents] == [1, 0]
    now, then = strip_of(client.get("/").text), strip_of(client.get(with_day("/")).text)
    for sentence in (*troubles.values(), "401: refused"):
        assert sentence in now
        assert sentence not in then


def test_definition_of_a_past_day_is_that_of_then(client: TestClient) -> None:
    definition = re.compile(r"<p class=\"note\">(?:[^<]*/)?(okrs.yaml[^<]*)</p>\s*<pre[^>]*>(.*?)</pre>", re.DOTALL)

    def shown(query: str) -> tuple[str, str]:
        match = definition.search(client.get(f"/key-results/articles?tab=definition{query}").text)
        assert match is not None
        return match[1], html.unescape(match[2])

    where, text = shown("")
    assert (where, "target: 30" in text) == ("okrs.yaml:15", True)
    where, text = shown("&at=2026-11-12")
    assert where == "okrs.yaml · as the ledger has kept it: the file says something else now"
    assert {"target: 40", "from: local", "take: sum"} <= {line.removeprefix("measure.") for line in text.splitlines()}
    assert "target: 30" not in text
    assert shown("&at=2026-10-02")[1] == text  # by the first definition, as everything else on that day
    calls = client.get("/key-results/calls?tab=definition&at=2026-11-12").text
    assert re.search(r"okrs.yaml:\d+</p>", calls)  # it was never edited
