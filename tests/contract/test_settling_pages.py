"""Pages of a period whose numbers still change after its end: the days of its charts go on beyond its last day."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from csv_project import CsvProject
from standing_still import browser
from starlette.testclient import TestClient

MAPPING = """\
period: 2026-Q4
objectives:
  - id: growth
    title: More customers stay
    key_results:
      - id: renewals
        title: Renewals rise
        kind: outcome
        baseline: 0
        target: 100
        measure: {from: local, file: renewals.csv, cell: A1}
      - id: calls
        title: 20 calls to customers
        kind: output
        target: 20
        pace: {steps: [{by: 2026-11-15, value: 5}, {by: 2026-12-20, value: 20}]}
        drives: renewals
        lag: 2w
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}, take: sum}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
"""
RENEWALS = (
    "/key-results/renewals",
    "/key-results/renewals?range=28d",
    "/key-results/renewals?by=week",
    "/key-results/renewals?tab=history",
    "/key-results/renewals?at=2027-01-02",
    "/key-results/renewals?at=2026-09-20",
)
OTHERS = (
    "/",
    "/?at=2026-09-20",
    "/key-results/calls",
    "/key-results/calls?range=28d",
    "/key-results/trust",
    "/objectives/growth",
    "/objectives/growth?range=28d&by=week",
    "/objectives/growth?at=2026-09-20",
    "/reviews/week",
    "/reviews/week?at=2027-01-02",
    "/reviews/period",
    *(f"/reviews/{span}?present={screen}" for span in ("week", "period") for screen in (1, 2, 3)),
    "/sources",
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """Numbers of December, then one that changed on 1 January and once more on 5 January."""
    project = CsvProject(tmp_path_factory.mktemp("project"), MAPPING, datetime(2026, 12, 20, 12, tzinfo=UTC))
    project.write("renewals.csv", "64")
    project.write("calls.csv", "Day,Calls", "2026-11-02,7", "2026-12-14,9")
    project.cycle()
    for day, renewals in ((1, 71), (5, 74)):
        project.now = datetime(2027, 1, day, 12, tzinfo=UTC)
        project.write("renewals.csv", f"{renewals}")
        project.cycle()
    project.now += timedelta(days=1)
    return browser(project.config, project.ledger, project.now)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("path", [*RENEWALS, *OTHERS])
def test_every_page_has_the_days_after_the_end(client: TestClient, path: str) -> None:
    separator = "&" if "?" in path else "?"
    assert client.get(f"{path}{separator}period=2026-Q4").status_code == 200


def test_pace_stays_at_the_target_after_the_end(client: TestClient) -> None:
    page = client.get("/key-results/renewals").text
    rows = dict(re.findall(r'<tr data-day="([^"]+)">.*?</th>(.*?)</tr>', page))
    cells = {day: re.findall(r"<td>(.*?)</td>", row)[:2] for day, row in rows.items()}
    assert [cells[day] for day in ("2026-12-31", "2027-01-01", "2027-01-05")] == [
        ["64 (stale)", "100"],
        ["71", "100"],
        ["74", "100"],
    ]
    assert max(cells) == "2027-01-05"
    wide = page.partition('<svg class="chart"')[2].partition("</svg>")[0]
    ends = dict(re.findall(r'<polyline class="(pace|value)" points="[^"]* ([\d.]+),[\d.]+"', wide))
    assert ends["pace"] == ends["value"]
