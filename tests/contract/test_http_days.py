"""Measures whose requests name days of their window: the days that are asked for, and what is kept of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject
from scripted_api import Asked, ScriptedApi, opened, pulled, serving, stream_of

from syncd.cycle.check_connections import check_connection
from syncd.sdk import Context, Days, RetryPolicy

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN)
RANGE = 'path: /v1/calls, params: {from: "{start}", to: "{end}", now: "{today}"}'
MAPPING = f"""\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    owner: web
    key_results:
      - {{id: quarter, title: Quarter, kind: output, target: 90, measure: {{from: api, {RANGE}, json: total}}}}
      - {{id: week, title: Week, kind: output, target: 90,
         measure: {{from: api, {RANGE}, json: total, window: 7d}}}}
      - {{id: days, title: Days, kind: output, target: 90,
         measure: {{from: api, {RANGE}, json: "days[].[day, n]", take: sum, window: 7d}}}}
      - {{id: settled, title: Settled, kind: output, target: 90,
         measure: {{from: api, {RANGE}, json: total, window: {{settled: 70d}}}}}}
      - {{id: december, title: December, kind: output, target: 90,
         measure: {{from: api, {RANGE}, json: total, window: {{since: 2026-12-01}}}}}}
"""


def calls(asked: Asked) -> Any:
    """A server that counts one call a day, in the days that it is asked for."""
    if "from" not in asked.query:  # doctor asks for the root too
        return {}
    first, last = (date.fromisoformat(asked.query[name]) for name in ("from", "to"))
    last = min(last, date.fromisoformat(asked.query["now"]))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {"total": len(days), "days": [{"day": day.isoformat(), "n": 1} for day in days]}


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serving(calls) as api:
        yield api


@pytest.fixture
def project(tmp_path: Path, api: ScriptedApi) -> Iterator[CsvProject]:
    connections = f'  api: {{type: http, url: "{api.url}"}}\n'
    project = CsvProject(tmp_path, MAPPING, NOW, settings="timezone: Europe/Berlin\n", connections=connections)
    yield project
    project.ledger.close()


def values(project: CsvProject) -> dict[str, Any]:
    lines = [line for block in project.report().objectives for line in block.key_results]
    return {line.key_result.id: line.value for line in lines}


def asked(api: ScriptedApi) -> set[tuple[str, ...]]:
    days = {tuple(request.query[name] for name in ("from", "to", "now")) for request in api.asked}
    api.asked.clear()
    return days


def test_each_measure_asks_for_the_days_of_its_window(project: CsvProject, api: ScriptedApi) -> None:
    project.cycle()
    assert asked(api) == {
        ("2026-10-01", "2026-12-31", "2026-11-21"),
        ("2026-11-15", "2026-11-21", "2026-11-21"),
        ("2026-09-25", "2026-12-31", "2026-11-21"),  # a series: what its window can reach in the period
    }
    assert values(project) == {"quarter": 52, "week": 7, "days": 7, "settled": None, "december": None}


def test_days_go_on_with_the_calendar_of_the_project(project: CsvProject, api: ScriptedApi) -> None:
    project.cycle()
    asked(api)
    project.now = datetime(2026, 11, 22, 0, 30, tzinfo=BERLIN)  # in UTC it is still the day before
    project.cycle()
    assert asked(api) == {
        ("2026-10-01", "2026-12-31", "2026-11-22"),
        ("2026-11-16", "2026-11-22", "2026-11-22"),
        ("2026-09-25", "2026-12-31", "2026-11-22"),
    }
    assert values(project) == {"quarter": 53, "week": 7, "days": 7, "settled": None, "december": None}
    assert len(project.ledger.streams.states("api")) == 5  # the same streams as the day before


def test_window_of_which_no_day_has_come_is_not_asked_for_and_says_why(project: CsvProject, api: ScriptedApi) -> None:
    project.cycle()
    report = project.report()
    reasons = {name: line.reason for name in ("settled", "december") if (line := report.line(name))}
    assert reasons == {
        "settled": "no day of its window has settled yet",
        "december": "its window begins on 2026-12-01",
    }
    project.now = datetime(2026, 12, 13, 9, tzinfo=BERLIN)
    project.cycle()
    assert {("2026-10-01", "2026-10-04", "2026-10-04"), ("2026-12-01", "2026-12-31", "2026-12-13")} <= asked(api)
    assert (values(project)["settled"], values(project)["december"]) == (4, 13)


def test_nothing_after_the_period_is_asked_for_once_it_is_over(project: CsvProject, api: ScriptedApi) -> None:
    project.now = datetime(2027, 1, 3, 9, tzinfo=BERLIN)
    project.cycle()
    assert {now for _, _, now in asked(api)} <= {"2026-12-31", "2026-10-25"}
    assert values(project)["quarter"] == 92


def test_days_that_a_rolling_series_left_are_no_change_of_its_source(project: CsvProject, api: ScriptedApi) -> None:
    project.cycle()
    project.now = datetime(2026, 11, 25, 9, tzinfo=BERLIN)
    (result,) = (each for each in project.cycle().pulls if "2026-09-25" in each.pull.stream.key)
    assert result.changed == 4  # four new days, and none that is gone


def test_doctor_asks_for_these_days_too(project: CsvProject, api: ScriptedApi) -> None:
    policy = RetryPolicy(attempts=1, sleep=lambda _: None)
    connection = project.config.connections["api"]
    checks = {check.name: check for check in check_connection(project.config, connection, [], NOW, policy)}
    assert checks["reads"].ok, checks["reads"].detail
    assert ("2026-11-15", "2026-11-21", "2026-11-21") in {
        tuple(request.query.get(name, "") for name in ("from", "to", "now")) for request in api.asked
    }


def test_parameters_are_encoded_as_they_must_be(context: Context) -> None:
    with serving(lambda _: {"v": 1}) as api:
        source = opened(api, context)
        keys = {
            "path": "/q?team=a%20b",
            "params": {"q": "a&b=c +d/é{x}", "tag": ["one", "two"], "all": True, "top": 5, "share": 0.5, "none": ""},
            "json": "v",
        }
        assert pulled(source, stream_of(keys))[1] is None
        source.close()
    assert api.last.target == (
        "/q?team=a%20b&all=true&none=&q=a%26b%3Dc%20%2Bd%2F%C3%A9%7Bx%7D&share=0.5&tag=one&tag=two&top=5"
    )


def test_days_are_filled_into_path_parameters_and_body(context: Context) -> None:
    days = Days(date(2026, 10, 1), date(2026, 12, 31), date(2026, 11, 21))
    with serving(lambda _: {"v": 1}) as api:
        source = opened(api, context, post=True)
        keys = {
            "path": "/{start:%Y}/{start:%m}/calls",
            "method": "POST",
            "params": {"until": "{end+1d:utc}"},
            "body": {"range": {"from": "{start:milliseconds}", "text": "since {start:%d.%m.%Y}"}},
            "json": "v",
        }
        assert pulled(source, stream_of(keys, days=days))[1] is None
        source.close()
    assert (api.last.path, api.last.query) == ("/2026/10/calls", {"until": "2026-12-31T23:00:00Z"})
    assert api.last.body == {"range": {"from": 1790805600000, "text": "since 01.10.2026"}}
