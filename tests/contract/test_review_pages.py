"""The pages of reviews: five lines at the top, links to the evidence, and a screen an objective for the meeting."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sandbox_project import SandboxProject
from standing_still import browser
from starlette.testclient import TestClient

from syncd.review import review
from syncd.review.brief import top_lines
from syncd.sandbox import DEMO_NOW, Sandbox

MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find <answers>
    owner: support
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - id: fixes
        title: 5 fixes
        kind: output
        target: 5
        drives: calls
        measure: {from: code, repo: acme/web, what: closed_issues, take: count}
  - {id: company, title: Customers stay, key_results: [{id: mood, title: Mood, kind: outcome, baseline: 1, target: 9}]}
"""


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxProject:
    """Four fixes, of which two came this week."""
    project = SandboxProject(box, tmp_path, monkeypatch)
    settings = tmp_path / "syncd.yaml"
    settings.write_text(settings.read_text() + "  local: {type: files, root: .}\n")
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    project.write("calls.csv", "Day,Calls", "2026-10-05,1190", "2026-11-18,1100")
    for days in (40, 39, 3, 2):
        day = DEMO_NOW - timedelta(days=days)
        issue = box.world.github.add_issue("acme/web", "A fix", at=day)
        box.world.github.close_issue("acme/web", issue.number, at=day)
    project.cycle()
    return project


@pytest.fixture
def client(project: SandboxProject) -> TestClient:
    return browser(project.config, project.ledger, project.now)


def test_review_opens_with_at_most_five_lines(project: SandboxProject, client: TestClient) -> None:
    summary = review(project.config, project.config.periods[0], project.ledger, project.now)
    page = client.get("/reviews/week").text
    shown = re.findall(
        r"<li>(.*?)</li>", page[page.index('class="top"') : page.index("</ul>", page.index('class="top"'))]
    )
    assert [html.unescape(re.sub("<[^>]+>", "", line)) for line in shown] == top_lines(summary)
    assert 3 <= len(shown) <= 5


def test_titles_lead_to_key_results_and_records_to_their_source(client: TestClient) -> None:
    page = client.get("/reviews/week?period=2026-Q4").text
    assert '<a href="/key-results/fixes?period=2026-Q4" dir="auto">5 fixes</a>' in page
    assert '<a href="/objectives/service?period=2026-Q4" dir="auto">' in page
    records = re.findall(r'<a href="(http[^"]+)" rel="noreferrer">(acme/web#\d+)</a>', page)
    assert [label for _, label in records] == ["acme/web#4", "acme/web#3"]
    assert all(address.endswith(f"/issues/{label.rpartition('#')[2]}") for address, label in records)
    assert page.count('<svg class="spark') >= 3  # the objective's scores, and the values of both key results


def test_each_objective_has_a_screen_between_the_top_and_the_questions(client: TestClient) -> None:
    address, titles = "/reviews/week?period=2026-Q4&present=1", []
    for number in range(1, 5):
        page = client.get(address).text
        assert f"{number} of 4" in page
        titles.append(html.unescape(re.sub("<[^>]+>", "", re.findall(r"<h[12]>(.*?)</h[12]>", page)[0])))
        assert bool(re.search(r'rel="prev"', page)) == (number > 1)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        assert bool(following) == (number < 4)
        address = f"/reviews/week{html.unescape(following[1])}" if following else address
        leave = re.search(r'rel="up" href="([^"]+)"', page)
        assert leave
        assert html.unescape(leave[1]) == "?period=2026-Q4"
    assert titles[1:] == ["Customers find <answers>", "Customers stay", "What do we decide?"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("screen", ["0", "5", "x", "", "١"])
def test_screen_that_is_none_is_refused_with_the_screens_there_are(client: TestClient, screen: str) -> None:
    answer = client.get(f"/reviews/week?present={screen}")
    assert (answer.status_code, "a screen from 1 to 4" in answer.text) == (400, True)


def test_review_of_a_past_day_and_one_before_the_first_sync_stand(project: SandboxProject, client: TestClient) -> None:
    for path in ("/reviews/week?at=2026-11-10", "/reviews/period?at=2026-11-10&present=2"):
        answer = client.get(path)
        assert (answer.status_code, 'class="spot"' in answer.text) == (200, False)  # no note on what is past
    assert 'class="spot"' in client.get("/reviews/period?present=2").text
    fresh = browser(project.config, None, project.now)
    for path in ("/reviews/period", "/reviews/week?present=1", "/reviews/week?present=2"):
        assert fresh.get(path).status_code == 200


def test_week_of_a_named_period_that_is_over_is_its_last(project: SandboxProject) -> None:
    client = browser(project.config, project.ledger, datetime(2027, 1, 5, tzinfo=UTC))
    last_week = client.get("/api/review?period=2026-Q4").json()
    assert (last_week["from"], last_week["to"]) == ("2026-12-25", "2026-12-31")
    assert last_week == client.get("/api/review?period=2026-Q4&at=2026-12-31").json()
    assert "2026-Q4, 25 Dec to 31 Dec" in client.get("/reviews/week?period=2026-Q4").text
    assert client.get("/api/review").json()["to"] == "2027-01-05"
