"""The real `syncd` against backlot, an emulator of GitHub, Jira Cloud and Google Sheets that others wrote.

Every expected number is counted by hand from the corpus below. What backlot cannot say: releases, `state_reason`,
ETags, JQL beyond the project, `/myself`, custom fields, named ranges, formula errors other than as text.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from projects import Project
from waiting import HANG

backlot = pytest.importorskip("backlot")

CLOCK = "2026-11-21T10:15:00+01:00"
BODY = "Words."


def serial(day: str) -> int:
    return (date.fromisoformat(day) - date(1899, 12, 30)).days


def github(
    number: int, kind: str, state: str, *, repo: str = "web", author: str = "ana", **keys: Any
) -> dict[str, Any]:
    return {
        "source_type": "github", "repo": repo, "subtype": kind, "number": number, "state": state,
        "title": f"{repo} {kind} {number}", "content": BODY, "created": "2026-08-01T08:00:00Z", "visibility": "public",
        "author_email": f"{author}@acme.com", **keys,
    }  # fmt: skip


def merged(number: int, at: str, **keys: Any) -> dict[str, Any]:
    return github(
        number, "pull_request", "closed", merged_at=at, closed_at=at, **{"updated": at, "base": "main", **keys}
    )


def closed(number: int, at: str, **keys: Any) -> dict[str, Any]:
    return github(number, "issue", "closed", closed_at=at, **{"updated": at, **keys})


def ticket(key: str, status: str, **keys: Any) -> dict[str, Any]:
    return {
        "source_type": "jira", "project": key.partition("-")[0].lower(), "key": key, "title": key, "content": BODY,
        "issuetype": "Article", "status": status, "created": "2026-08-03T08:00:00Z", "visibility": "public",
        "author_email": "ana@acme.com", **keys,
    }  # fmt: skip


def resolved(key: str, at: str, **keys: Any) -> dict[str, Any]:
    return ticket(key, "Done", resolution="Done", resolutiondate=at, updated=at, **keys)


def corpus() -> Iterator[dict[str, Any]]:
    # acme/web: of its pulls 1, 2, 6 and 7 were merged in the quarter. It begins on 30 September, 22:00 UTC, in Berlin.
    yield merged(1, "2026-10-05T08:00:00Z", labels=["search"], milestone="M1")
    yield merged(2, "2026-10-20T08:00:00Z", author="robot")
    yield github(3, "pull_request", "closed", closed_at="2026-10-21T08:00:00Z", updated="2026-10-21T08:00:00Z")
    yield github(4, "pull_request", "open")
    yield merged(5, "2026-09-30T21:59:59Z")
    yield merged(6, "2026-09-30T22:00:00Z", labels=["search", "ui"])
    yield merged(7, "2026-11-01T08:00:00Z", base="release")
    # Of its issues 10 and 11 were closed in the quarter; 13 was closed before and commented on in it.
    yield closed(10, "2026-10-06T08:00:00Z", labels=["bug"])
    yield closed(11, "2026-11-20T08:00:00Z")
    yield github(12, "issue", "open")
    yield closed(13, "2026-09-02T08:00:00Z", updated="2026-10-09T08:00:00Z")
    # acme/api: 130 merged pulls, two pages; 10 of them before the quarter.
    for number in range(1, 131):
        day = f"2026-09-{number + 10:02}" if number <= 10 else f"2026-10-{(number - 11) % 31 + 1:02}"
        yield merged(number, f"{day}T12:{number % 60:02}:00Z", repo="api")
    # KB: 1 and 5 were resolved in the quarter, 2 before; 3 and 6 are not done; nobody can say when 4 was.
    yield resolved("KB-1", "2026-10-10T08:00:00Z", labels=["search"], components=["help"], assignee="bob@acme.com")
    yield resolved("KB-2", "2026-09-15T08:00:00Z")
    yield ticket("KB-3", "To Do")
    yield ticket("KB-4", "Done", updated="2026-10-12T08:00:00Z")
    yield resolved("KB-5", "2026-11-20T22:30:00Z", labels=["search", "seo"], priority="High")
    yield ticket("KB-6", "In Progress", resolution="Done", resolutiondate="2026-10-13T08:00:00Z")
    # OPS: 510 resolved in the quarter, two pages of Jira's search, listed in no order of time.
    for number in range(1, 511):
        yield resolved(f"OPS-{number}", f"2026-10-{number * 7 % 30 + 1:02}T08:00:00Z")
    support = [
        ["Week", "Calls", "Broken", "Share", "Note"],
        [serial("2026-10-05"), 1200, 5, "70%", "n/a"],
        [serial("2026-10-12"), None, 6, 0.5, None],
        [serial("2026-10-19"), 900, "#REF!", "85%", None],
        [serial("2026-12-24"), 1, None, None, None],
    ]
    odd = [["Team", "Bugs", "Done"], ["web", 0, True], ["api", 4.5, False]]
    yield {
        "source_type": "google_drive", "folder": "okr", "subtype": "spreadsheet", "title": "Numbers",
        "author_email": "ana@acme.com", "visibility": "public", "created": "2026-10-01T00:00:00Z",
        "updated": "2026-10-01T00:00:00Z",
        "sheets": [{"title": "Support", "grid": support}, {"title": "It's odd", "grid": odd}],
    }  # fmt: skip


OUTPUTS: Mapping[str, tuple[str, float | None]] = {
    "merged": ("{from: code, repo: acme/web, what: merged_pull_requests, take: count}", 4),
    "merged-to-main": (
        "{from: code, repo: acme/web, what: merged_pull_requests, where: {base: main, not_author: robot}, take: count}",
        2,
    ),
    "merged-with-label": (
        "{from: code, repo: acme/web, what: merged_pull_requests, where: {label: [search, ui]}, take: count}",
        2,
    ),
    "authors": ("{from: code, repo: acme/web, what: merged_pull_requests, take: distinct, of: author}", 2),
    "issues": ("{from: code, repo: acme/web, what: closed_issues, take: count}", 2),
    "bugs": ("{from: code, repo: acme/web, what: closed_issues, where: {label: bug}, take: count}", 1),
    "of-one-repository": ("{from: code, repo: acme/api, what: merged_pull_requests, take: count}", 120),
    "of-all-repositories": ('{from: code, repo: "acme/*", what: merged_pull_requests, take: count}', 124),
    "articles": ('{from: tickets, jql: "project = KB", take: count}', 2),
    "search-articles": (
        '{from: tickets, jql: "project = KB", where: {label: seo, priority: High, type: Article}, take: count}',
        1,
    ),
    "of-a-person": ('{from: tickets, jql: "project = KB", where: {assignee: Bob, component: help}, take: count}', 1),
    "operations": ('{from: tickets, jql: "project = OPS", take: count}', 510),
    "nothing": ('{from: tickets, jql: "project = NONE", take: count}', 0),
}

OUTCOMES: Mapping[str, tuple[str, float | None]] = {
    "calls": ("{SHEET, series: {dates: 'Support!A2:A', values: 'Support!B2:B'}, take: latest}", 900),
    "calls-by-header": ("{SHEET, series: {dates: Week, values: Support!Calls}, take: average}", 1050),
    "calls-change": ("{SHEET, series: {dates: Week, values: Calls}, take: change}", -300),
    "broken": ("{SHEET, series: {dates: Week, values: Broken}, take: latest}", None),
    "broken-first": ("{SHEET, series: {dates: Week, values: Broken}, take: first}", 5),
    "share": ("{SHEET, series: {dates: Week, values: Share}, take: latest, as: {percent: true}}", 85),
    "share-average": (
        "{SHEET, series: {dates: Week, values: Share}, take: average, as: {percent: true}}",
        pytest.approx((70 + 50 + 85) / 3),
    ),
    "text": ("{SHEET, cell: Support!E2}", None),
    "blank": ("{SHEET, cell: Support!B3}", None),
    "zero": ("{SHEET, cell: \"'It''s odd'!B2\"}", 0),
    "looked-up": ('{SHEET, lookup: {table: "It\'s odd", row: {Team: api}, column: Bugs}}', 4.5),
    "truth-value": ('{SHEET, lookup: {table: "It\'s odd", row: {Team: web}, column: Done}}', None),
}


@dataclass(frozen=True)
class Company:
    url: str
    token: str
    spreadsheet: str


@pytest.fixture(scope="module")
def company() -> Iterator[Company]:
    with pytest.MonkeyPatch.context() as patient:
        patient.setattr("backlot.server._LOCAL_HEALTH_ATTEMPTS", 10 * HANG)  # 10 s are little on a busy machine
        with backlot.serve(list(corpus()), telemetry=False) as server:
            request = urllib.request.Request(
                f"{server.base_url}/drive/v3/files", headers={"Authorization": f"Bearer {server.token}"}
            )
            with urllib.request.urlopen(request, timeout=HANG) as answer:
                files = json.load(answer)["files"]
            spreadsheet = next(file["id"] for file in files if file["name"] == "Numbers")
            yield Company(server.base_url, server.token, spreadsheet)


def write_project(folder: Path, company: Company, measures: Mapping[str, str]) -> None:
    (folder / "syncd.yaml").write_text(
        f"""
timezone: Europe/Berlin
clock: {CLOCK}
connections:
  code: {{type: github, url: "{company.url}/github", token: "${{TOKEN}}"}}
  tickets: {{type: jira, url: "{company.url}/atlassian", email: bot@acme.com, token: "${{TOKEN}}"}}
  numbers: {{type: sheets, url: "{company.url}/sheets", token: "${{TOKEN}}"}}
""",
        encoding="utf-8",
    )
    lines = ["period: 2026-Q4", "objectives:", "  - id: all", "    title: All", "    owner: ana", "    key_results:"]
    for name, measure in measures.items():
        kind = "outcome" if "numbers" in measure or "SHEET" in measure else "output"
        text = measure.replace("SHEET", f"from: numbers, spreadsheet: {company.spreadsheet}")
        lines.append(f"      - {{id: {name}, title: {name}, kind: {kind}, baseline: 0, target: 1000, measure: {text}}}")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "all.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def syncd(folder: Path, company: Company, *arguments: str) -> subprocess.CompletedProcess[str]:
    return Project(folder, {"TOKEN": company.token, "NO_PROXY": "*"}).run(*arguments)


def status(folder: Path, company: Company) -> dict[str, dict[str, Any]]:
    done = syncd(folder, company, "status", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["objectives"][0]["key_results"]
    return {one["id"]: one for one in found}


def test_every_number_is_the_one_counted_by_hand(company: Company, tmp_path: Path) -> None:
    expected = {**OUTPUTS, **OUTCOMES}
    write_project(tmp_path, company, {name: measure for name, (measure, _) in expected.items()})

    first = syncd(tmp_path, company, "sync")
    assert first.returncode == 0, first.stdout + first.stderr
    found = status(tmp_path, company)
    assert {name: one["value"] for name, one in found.items()} == {name: value for name, (_, value) in expected.items()}
    assert {one["quality"] for one in found.values()} == {"complete"}
    assert found["calls"]["as_of"] == "2026-10-19T00:00:00+02:00"
    unknown = {name: one for name, one in found.items() if one["value"] is None}
    assert all(one["health"] == "unknown" and one["reason"] for one in unknown.values())
    assert "#REF!" in unknown["broken"]["reason"]
    assert "n/a" in unknown["text"]["reason"]

    second = syncd(tmp_path, company, "sync", "--reconcile")
    assert second.returncode == 0, second.stdout + second.stderr
    again = status(tmp_path, company)
    assert {name: one["value"] for name, one in again.items()} == {name: one["value"] for name, one in found.items()}


def test_what_fails_takes_nothing_else_down(company: Company, tmp_path: Path) -> None:
    write_project(
        tmp_path,
        company,
        {
            "sheet-that-is-gone": "{SHEET, series: {dates: 'Gone!A2:A', values: 'Gone!B2:B'}, take: latest}",
            "calls": OUTCOMES["calls"][0],
            "repository-that-is-gone": "{from: code, repo: acme/gone, what: closed_issues, take: count}",
            "issues": OUTPUTS["issues"][0],
            "releases": "{from: code, repo: acme/web, what: releases, take: count}",  # backlot serves none: 404
        },
    )

    done = syncd(tmp_path, company, "sync")
    found = status(tmp_path, company)

    assert done.returncode == 1
    assert {name: one["value"] for name, one in found.items()} == {
        "sheet-that-is-gone": None,
        "calls": 900,
        "repository-that-is-gone": None,
        "issues": 2,
        "releases": None,
    }
    assert {name for name, one in found.items() if one["quality"] == "failed"} == {
        "sheet-that-is-gone",
        "repository-that-is-gone",
        "releases",
    }
    assert company.token not in done.stdout + done.stderr


def test_a_refused_token_fails_each_source_and_an_unknown_field_its_own_key_result(
    company: Company, tmp_path: Path
) -> None:
    names = ("issues", "articles", "calls")
    write_project(tmp_path, company, {name: {**OUTPUTS, **OUTCOMES}[name][0] for name in names})
    stranger = Company(company.url, "no-such-token", company.spreadsheet)

    done = syncd(tmp_path, stranger, "sync")
    found = status(tmp_path, stranger)

    assert done.returncode == 1, done.stdout + done.stderr
    assert {name: (one["value"], one["quality"]) for name, one in found.items()} == dict.fromkeys(
        names, (None, "failed")
    )
    assert stranger.token not in done.stdout + done.stderr

    mapping = tmp_path / "mappings" / "all.yaml"
    points = '{from: tickets, jql: "project = KB", where: {Story Points_at_least: 1}, take: count}'
    text = mapping.read_text(encoding="utf-8").replace(OUTPUTS["articles"][0], points)
    mapping.write_text(text, encoding="utf-8")

    done = syncd(tmp_path, company, "sync")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "Story Points" in done.stderr
    values = {name: line["value"] for name, line in status(tmp_path, company).items()}
    assert values["articles"] is None
    assert None not in {values["issues"], values["calls"]}
