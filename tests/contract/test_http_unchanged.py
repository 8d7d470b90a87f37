"""Conditional requests: a 304 keeps the last rows and is a good pull, and nothing old ever passes for new by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject
from scripted_api import Asked, ScriptedApi, serving

from syncd.sdk import Page

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    owner: web
    key_results:
      - {id: total, title: Total, kind: output, target: 90, measure: {from: api, path: /v1, json: calls}}
      - {id: days, title: Days, kind: output, target: 90,
         measure: {from: api, path: /v1, json: "days[].[day, n]", take: sum}}
"""


class Versions:
    """A server with a version of its content, which honours conditions as it is told to."""

    def __init__(self) -> None:
        self.content: Any = {"calls": 5}
        self.content["days"] = [{"day": "2026-11-02", "n": 3}]
        self.etag: str | None = '"v1"'
        self.headers: dict[str, str] = {}
        self.status = 200
        self.honours = True

    def __call__(self, asked: Asked) -> Any:
        headers = {**({"ETag": self.etag} if self.etag else {}), **self.headers}
        conditions = (asked.headers.get("if-none-match"), asked.headers.get("if-modified-since"))
        if (
            self.status == 200
            and self.honours
            and any(
                condition in (self.etag, self.headers.get("Last-Modified")) for condition in conditions if condition
            )
        ):
            return 304, None, headers
        return self.status, self.content, headers


@pytest.fixture
def server() -> Versions:
    return Versions()


@pytest.fixture
def api(server: Versions) -> Iterator[ScriptedApi]:
    with serving(server) as api:
        yield api


@pytest.fixture
def project(tmp_path: Path, api: ScriptedApi) -> Iterator[CsvProject]:
    connections = f'  api: {{type: http, url: "{api.url}"}}\n'
    project = CsvProject(tmp_path, MAPPING, NOW, settings="timezone: Europe/Berlin\n", connections=connections)
    yield project
    project.ledger.close()


def sync(project: CsvProject) -> dict[str, tuple[Any, str]]:
    """The values and their quality after a sync a quarter of an hour later."""
    project.now += timedelta(minutes=15)
    project.cycle()
    lines = [line for block in project.report().objectives for line in block.key_results]
    return {line.key_result.id: (line.value, line.quality) for line in lines}


def sent(api: ScriptedApi) -> list[str | None]:
    """The conditions of each request so far."""
    given = [each.headers.get("if-none-match") or each.headers.get("if-modified-since") for each in api.asked]
    api.asked.clear()
    return given


GOOD = {"total": (5, "complete"), "days": (3, "complete")}


def test_answer_that_has_not_changed_is_not_read_again_and_is_complete(project: CsvProject, api: ScriptedApi) -> None:
    assert [sync(project) for _ in range(3)] == [GOOD] * 3
    assert sent(api) == [None, '"v1"', '"v1"']
    state = project.ledger.streams.states("api")["GET /v1"]
    assert (state.quality, state.completed_at) == ("complete", project.now)


def test_change_is_read(project: CsvProject, api: ScriptedApi, server: Versions) -> None:
    sync(project)
    server.content, server.etag = {"calls": 6, "days": []}, '"v2"'
    assert sync(project) == {"total": (6, "complete"), "days": (0, "complete")}
    sync(project)
    assert sent(api) == [None, '"v1"', '"v2"']


def test_outage_is_no_304(project: CsvProject, server: Versions) -> None:
    sync(project)
    server.status = 500
    assert sync(project) == {"total": (5, "failed"), "days": (3, "failed")}
    server.status = 200
    assert sync(project) == GOOD


def test_answer_that_a_part_could_not_read_is_asked_for_whole(
    project: CsvProject, api: ScriptedApi, server: Versions
) -> None:
    """By a 304 the value would count as measured anew, and what failed would be forgotten."""
    sync(project)
    server.content, server.etag = {"calls": 6, "days": [{"day": "2026-11-02", "n": {}}]}, '"v2"'
    failed = {"total": (6, "complete"), "days": (3, "failed")}
    assert [sync(project), sync(project)] == [failed, failed]
    server.content, server.etag = {"calls": 5, "days": [{"day": "2026-11-02", "n": 3}]}, '"v1"'
    assert sync(project) == GOOD
    assert sent(api) == [None, '"v1"', None, None]


def test_another_measure_of_the_answer_is_read_at_once(project: CsvProject, api: ScriptedApi) -> None:
    sync(project)
    project.edit("json: calls", "json: length(days)")
    assert sync(project) == {"total": (1, "complete"), "days": (3, "complete")}
    assert sent(api) == [None, None]


def test_other_days_of_the_project_are_read_at_once(project: CsvProject, api: ScriptedApi) -> None:
    sync(project)
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text().replace("Europe/Berlin", "America/New_York"))
    assert sync(project) == GOOD
    assert sent(api) == [None, None]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (", headers: {X-Team: a}", ", headers: {X-Team: b}"),
        ("", ", headers: {X-Team: b}"),
        ("", ', token: "${HTTP_TOKEN}"'),
        (
            ", oauth: {token_url: 'http://127.0.0.1:1/t', client_id: a}",
            ", oauth: {token_url: 'http://127.0.0.1:1/t', client_id: b}",
        ),
    ],
)
def test_answer_to_somebody_else_is_not_kept(
    project: CsvProject, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    """A server may answer two tenants at one address, and what it answered them may be of the same version."""
    monkeypatch.setenv("HTTP_TOKEN", "token-of-the-api-1")
    monkeypatch.setattr("connectors.http.oauth.Tokens.headers", lambda _: {})
    path = project.folder / "syncd.yaml"
    written = path.read_text()
    path.write_text(written.replace(f'"{api.url}"', f'"{api.url}"{before}'))
    assert [sync(project), sync(project)] == [GOOD, GOOD]
    path.write_text(written.replace(f'"{api.url}"', f'"{api.url}"{after}'))
    assert sync(project) == GOOD
    assert sent(api) == [None, '"v1"', None]


def test_token_that_rotates_is_no_other_request(
    project: CsvProject, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its value leaves no trace in the cursor, by which a short one could be guessed."""
    path = project.folder / "syncd.yaml"
    keys = ', token: "${HTTP_TOKEN}", headers: {X-Api-Key: "${HTTP_TOKEN}"}'
    path.write_text(path.read_text().replace(f'"{api.url}"', f'"{api.url}"{keys}'))
    digests = set()
    for token in ("token-of-the-api-1", "token-of-the-api-2"):
        monkeypatch.setenv("HTTP_TOKEN", token)
        assert sync(project) == GOOD
        digests.add((project.ledger.streams.states("api")["GET /v1"].cursor or {})["request"])
    assert sent(api) == [None, '"v1"']
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("headers", "condition"),
    [
        ({"Last-Modified": "Sat, 21 Nov 2026 08:00:00 GMT", "Date": "Sat, 21 Nov 2026 09:15:00 GMT"}, True),
        ({"Last-Modified": "Sat, 21 Nov 2026 09:14:30 GMT", "Date": "Sat, 21 Nov 2026 09:15:00 GMT"}, False),
        ({"Last-Modified": "yesterday", "Date": "Sat, 21 Nov 2026 09:15:00 GMT"}, False),
    ],
)
def test_time_of_a_change_is_a_version_once_it_is_past(
    project: CsvProject, api: ScriptedApi, server: Versions, headers: dict[str, str], condition: bool
) -> None:
    """Two changes within a second have the same time; the second would never be seen."""
    server.etag, server.headers = None, headers
    assert [sync(project), sync(project)] == [GOOD, GOOD]
    assert sent(api) == [None, headers["Last-Modified"] if condition else None]


def test_once_a_day_the_answer_is_read_whole(
    project: CsvProject, api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server or a proxy may be wrong for ever."""
    from connectors.http import unchanged

    sync(project)
    sync(project)
    monkeypatch.setattr(unchanged, "_LONGEST", timedelta(0))
    sync(project)
    assert sent(api) == [None, '"v1"', None]


def test_304_that_nobody_asked_for_is_no_answer(project: CsvProject, server: Versions) -> None:
    server.status = 304
    assert sync(project) == {"total": (None, "failed"), "days": (None, "failed")}


def test_pages_are_always_read_whole(project: CsvProject, api: ScriptedApi) -> None:
    """That the first page has not changed says nothing of the others."""
    project.edit("path: /v1, json: calls", "path: /v1, pages: {next: link}, json: calls")
    project.edit('path: /v1, json: "days', 'path: /v1, pages: {next: link}, json: "days')
    assert [sync(project), sync(project)] == [GOOD, GOOD]
    assert sent(api) == [None, None]


def test_cursor_holds_no_address(project: CsvProject, tmp_path: Path) -> None:
    sync(project)
    cursor = project.ledger.streams.states("api")["GET /v1"].cursor
    assert cursor is not None
    assert set(cursor) == {"request", "header", "version", "read_at"}
    assert "http" not in str(cursor).lower().replace("if-none-match", "")
    assert Page(cursor=cursor).cursor == cursor
