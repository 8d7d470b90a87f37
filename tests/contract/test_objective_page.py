"""The page of an objective: its lanes, the table behind them, and the tree of what supports what."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import browser
from starlette.testclient import TestClient

from syncd.status.document import document

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - {id: company, title: Customers stay with <us>}
  - id: service
    title: Customers find answers
    supports: company
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        drives: calls
        lag: 2w
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
      - {id: posters, title: 5 posters, kind: output, target: 5, measure: {from: local, file: p.csv, cell: A1}}
  - id: search
    title: Search is quick
    key_results:
      - id: releases
        title: 4 releases
        kind: output
        target: 4
        drives: calls
        measure: {from: local, file: p.csv, cell: A1}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> CsvProject:
    project = CsvProject(tmp_path_factory.mktemp("project"), MAPPING, NOON)
    project.write("calls.csv", "Day,Calls", "2026-10-05,1187", "2026-11-16,1092")
    project.write("articles.csv", "Day,Articles", "2026-10-05,11", "2026-11-02,22.5")
    project.write("p.csv", "0")
    project.cycle()
    project.now += timedelta(hours=1)
    project.edit("target: 40", "target: 42")
    project.cycle()
    return project


@pytest.fixture(scope="module")
def client(project: CsvProject) -> TestClient:
    return browser(project.config, project.ledger, project.now)


def page_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def test_each_link_between_lanes_is_drawn_with_its_verdict(project: CsvProject, client: TestClient) -> None:
    (link,) = document(project.report())["objectives"][1]["alignment"]
    page = page_of(client, "/objectives/service")
    for svg in re.findall(r"<svg class=\"lanes\".*?</svg>", page, re.DOTALL):
        assert svg.count('class="name"') == 4
        assert svg.count(f'class="verdict {link["verdict"]}"') == svg.count(f'class="link {link["verdict"]}"') == 1
        assert svg.count('class="lag"') == 1
        assert "✎<title>edited" in svg
    assert page.count('<svg class="lanes"') == 2


def test_table_behind_the_lanes_has_every_value_and_what_happened(client: TestClient) -> None:
    page = page_of(client, "/objectives/service")
    headings = re.findall(r'<th scope="col">(.*?)</th>', page)
    assert headings == ["day", "calls", "articles", "trust", "posters", "what happened"]
    (row,) = re.findall(r'<tr data-day="2026-11-20">(.*?)</tr>', page)
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[:4] == ["1,092", "33.5", "", "0"]
    assert "articles edited" in cells[4]
    assert page_of(client, "/objectives/service?by=week").count("<tr data-day=") < page.count("<tr data-day=") / 5
    assert page_of(client, "/objectives/service?range=28d").count("<tr data-day=") == 28


def test_tree_names_all_that_supports_an_outcome_and_what_the_objective_supports(client: TestClient) -> None:
    page = page_of(client, "/objectives/service")
    tree = html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page[page.index('class="tree"') :]).split()))
    assert "It supports Customers stay with <us>" in tree
    outcome = tree[tree.index("Calls fall") : tree.index("Customers trust us")]
    assert "40 articles" in outcome
    assert "4 releases" in outcome  # of another objective
    assert "No work drives it." in tree
    assert "It drives no outcome." in tree[tree.index("5 posters") :]
    assert 'href="/objectives/service"' in page_of(client, "/objectives/company")


def test_objective_without_values_says_so(tmp_path: Path) -> None:
    fresh = CsvProject(tmp_path, MAPPING, NOON)
    page = page_of(browser(fresh.config, fresh.ledger, fresh.now), "/objectives/service")
    assert "No value was kept yet." in page
    assert '<svg class="lanes"' not in page
