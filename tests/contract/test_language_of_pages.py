"""A page in another language has the same figures for programs, and answers to programs stay English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import browser
from starlette.testclient import TestClient

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
        target: 600.5
        measure: {from: local, file: calls.csv, cell: A1}
      - id: articles
        title: 4,000 articles
        kind: output
        target: 4000
        drives: calls
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
"""
PAGES = (
    "/",
    "/objectives/service",
    "/key-results/calls",
    "/key-results/articles?tab=history",
    "/key-results/trust",
    "/sources",
    "/reviews/week",
)
FOR_PROGRAMS = re.compile(
    r'<data value="[^"]*"|<time datetime="[^"]*"|<input[^>]* value="[^"]*"|<option[^>]*value="[^"]*"'
    r'|(?:href|action|data-(?!label|left|right)\w+)="[^"]*"'  # the margins of charts depend on the length of words
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    project = CsvProject(tmp_path, MAPPING, datetime(2026, 11, 20, 12, tzinfo=UTC))
    project.write("calls.csv", "1092.25")
    project.write("articles.csv", "Day,Articles", "2026-10-05,1100", "2026-11-02,922.5")
    project.cycle()
    yield browser(project.config, project.ledger, project.now)
    project.ledger.close()


def in_german(client: TestClient, path: str) -> str:
    return client.get(path, headers={"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}).text


def shown(page: str) -> str:
    """The text that people read, without elements."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", PAGES)
def test_programs_read_the_moments_of_a_page(client: TestClient, path: str) -> None:
    moments = re.findall(r'<time datetime="([^"]*)">[^<]+</time>', in_german(client, path))
    assert moments
    assert all(datetime.fromisoformat(moment) for moment in moments)


def test_page_says_its_language(client: TestClient) -> None:
    answers = [client.get("/", headers={"Accept-Language": wanted}) for wanted in ("de-AT, en;q=0.5", "en-GB", "fr")]
    assert [re.findall(r"<html [^>]*>", answer.text) for answer in answers] == [
        ['<html lang="de-AT" dir="ltr">'],
        ['<html lang="en" dir="ltr">'],
        ['<html lang="en" dir="ltr">'],
    ]
    assert [answer.headers["content-language"] for answer in answers] == ["de-AT", "en", "en"]
    assert all("accept-language" in answer.headers["vary"].lower() for answer in answers)


def test_figures_and_days_are_written_as_the_reader_does(client: TestClient) -> None:
    page = shown(in_german(client, "/"))
    assert "1.092,25" in page
    assert "1.200 → 600,5" in page
    assert "2.022,5" in page
    assert "20. Nov, 12:00" in page
    assert not re.search(r"\d,\d{3}\b|\d\.\d{1,2}\b(?!\d)", page.replace("4,000 articles", ""))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", PAGES)
def test_what_programs_read_is_the_same_in_each_language(client: TestClient, path: str) -> None:
    english, german = client.get(path).text, in_german(client, path)
    assert shown(english) != shown(german)
    assert FOR_PROGRAMS.findall(german) == FOR_PROGRAMS.findall(english)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["/api/status", "/api/key-results/calls", "/api/sources", "/api/review"])
def test_documents_are_english(client: TestClient, path: str) -> None:
    assert in_german(client, path) == client.get(path).text


def test_refusals_are_in_the_readers_language(client: TestClient) -> None:
    headers = {"Accept-Language": "de", "Accept": "text/html"}
    assert "hat kein solches Objective" in client.get("/objectives/nothing", headers=headers).text
    assert (
        client.get("/api/key-results/nothing", headers=headers).json() == client.get("/api/key-results/nothing").json()
    )


def test_languages_do_not_mix_between_readers(client: TestClient) -> None:
    pages = [client.get("/", headers={"Accept-Language": wanted}).text for wanted in ("de", "en", "de", "")]
    assert pages[0] == pages[2]
    assert pages[1] == pages[3]
