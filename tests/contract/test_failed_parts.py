"""A file of which one column is gone: every place that shows failing sources shows it, beside the column that came."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import browser

from syncd.config import load_config
from syncd.notifying.new_events import new_events
from syncd.workspaces.overview import overview_of_workspace

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: weeks.csv, series: {dates: Day, values: Calls}, take: latest}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        measure: {from: local, file: weeks.csv, series: {dates: Day, values: Articles}, take: sum}
"""
WHY = "Articles"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CsvProject]:
    monkeypatch.setenv("CHANNEL", "json://127.0.0.1:9")
    project = CsvProject(tmp_path, MAPPING, NOON)
    project.write("weeks.csv", "Day,Calls,Articles", "2026-11-02,1100,11", "2026-11-09,1090,12")
    project.cycle()
    yield project
    project.ledger.close()


def at(project: CsvProject, hours: float, header: str) -> None:
    project.now = NOON + timedelta(hours=hours)
    project.write("weeks.csv", header, "2026-11-02,1100,11", "2026-11-09,1080,12")
    project.cycle()


def test_pages_show_the_part_that_failed_and_why(project: CsvProject) -> None:
    at(project, 1, "Day,Calls,Pages")
    client = browser(project.config, project.ledger, project.now)
    (connection,) = client.get("/api/sources").json()["connections"]
    (stream,) = connection["streams"]
    (problem,) = stream["problems"]
    assert stream["quality"] == "complete"
    assert WHY in problem
    page = html.unescape(re.sub(r"<[^>]*>", "", client.get("/sources").text))
    assert "1 of 1 connections did not come whole." in page
    assert "complete, except for:" in page
    assert problem.split(",")[0] in page
    assert list(overview_of_workspace(project.config, project.ledger, "acme", project.now).failing) == ["local"]
    at(project, 2, "Day,Calls,Articles")
    client = browser(project.config, project.ledger, project.now)
    assert client.get("/api/sources").json()["connections"][0]["streams"][0]["problems"] == []
    assert "came whole, just now" in re.sub(r"<[^>]*>", "", client.get("/sources").text)
    assert list(overview_of_workspace(project.config, project.ledger, "acme", project.now).failing) == []


def test_part_that_no_key_result_reads_any_more_is_no_failure(project: CsvProject) -> None:
    at(project, 1, "Day,Calls,Pages")
    project.edit("values: Articles}, take: sum", "values: Calls}, take: sum")
    client = browser(project.config, project.ledger, project.now)
    assert client.get("/api/sources").json()["connections"][0]["streams"][0]["problems"] == []


def test_people_are_notified_of_a_part_that_keeps_failing(project: CsvProject) -> None:
    """From the first failure on: what was read in between of the other column changes nothing."""
    at(project, 1, "Day,Calls,Pages")
    at(project, 6.5, "Day,Calls,Leaflets")
    assert failing(project) == []
    at(project, 7.5, "Day,Calls,Leaflets")
    (sentence,) = failing(project)
    assert sentence.startswith("local has failed for 6 hours: weeks.csv (")
    assert WHY in sentence
    at(project, 8, "Day,Calls,Articles")
    assert failing(project) == []
    at(project, 9, "Day,Calls,Pages")
    assert failing(project) == [], "it came in between"


def failing(project: CsvProject) -> list[str]:
    """What would be said of failing sources now, to people who were told of nothing before."""
    settings = project.folder / "notified.yaml"
    text = (project.folder / "syncd.yaml").read_text()
    settings.write_text(f'{text}notify: {{to: "${{CHANNEL}}", failing_after: 6h}}\n')
    events = new_events(load_config(settings), project.ledger, project.now, [])
    return [event.sentence for event in events if event.kind == "failing"]
