"""A measure that sends a POST: only a sync sends it. A rehearsal takes what the last sync read, and says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from csv_project import CsvProject
from loopback import QuietHandler, running

from syncd.cli import plan as plan_command
from syncd.cli import sync as sync_command
from syncd.cli.plan import document
from syncd.config.catalogue import connector
from syncd.config.local_sources import missing_in_sources
from syncd.cycle.check_connections import check_connection
from syncd.cycle.plan import plan_sync
from syncd.cycle.plan_changes import Planned
from syncd.publishing.comparison import compare
from syncd.sandbox import DEMO_NOW
from syncd.sdk import Context, RetryPolicy, SourceBroken

POST = "path: /query, method: POST, body: {q: calls}"
MAPPING = f"""\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    owner: web
    key_results:
      - {{id: calls, title: Calls, kind: output, target: 90, measure: {{from: api, {POST}, json: v}}}}
      - {{id: pages, title: Pages, kind: output, target: 90, measure: {{from: api, path: /pages, json: v}}}}
      - id: both
        title: Both
        kind: output
        target: 90
        measure:
          formula: a + b
          parts: {{a: {{from: api, {POST}, json: v}}, b: {{from: api, path: /pages, json: v}}}}
      - {{id: days, title: Days, kind: output, target: 90,
         measure: {{from: api, {POST}, json: "d[].[d, n]", take: sum}}}}
"""
KEPT = "a POST may write, so only a sync sends it; what was read on 21 Nov 10:15 counts here"
CONNECTION = '  api: {{type: http, url: "{}", post: true}}\n'


class Api:
    """A server that counts the POSTs that it gets."""

    def __init__(self) -> None:
        self.url = ""
        self.posts = 0
        self.status = 200
        self.answer: dict[str, Any] = {"v": 7, "d": [{"d": "2026-11-02", "n": 3}, {"d": "2026-11-03", "n": 4}]}

    def bring(self, calls: int) -> None:
        self.answer["v"] = calls


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.send(200, b'{"v": 5}')

        def do_POST(self) -> None:
            api.posts += 1
            self.body()
            self.send(api.status, json.dumps(api.answer).encode())

    with running(Handler) as server:
        api.url = f"http://{server}"
        yield api


@pytest.fixture
def project(tmp_path: Path, api: Api) -> Iterator[CsvProject]:
    clock = f"clock: {DEMO_NOW.isoformat()}\ntimezone: Europe/Berlin\n"
    project = CsvProject(tmp_path, MAPPING, DEMO_NOW, settings=clock, connections=CONNECTION.format(api.url))
    yield project
    project.ledger.close()


def planned(project: CsvProject) -> tuple[dict[str, Any], Planned]:
    """`plan --json`, and its key results that would change, by id."""
    plan = plan_sync(project.request())
    printed = document(plan, project.config.zone)
    json.dumps(printed)
    return {change["id"]: change["new"] for period in printed["periods"] for change in period["key_results"]}, plan


def reasons(project: CsvProject) -> list[str]:
    return [entry["reason"] for entry in document(planned(project)[1], project.config.zone)["not_sent"]]


def test_plan_never_sends_it_and_takes_the_last_reading(project: CsvProject, api: Api) -> None:
    project.cycle()
    assert api.posts == 1
    api.bring(8)

    changes, plan = planned(project)

    assert (changes, bool(plan), api.posts) == ({}, False, 1)
    assert not plan.result.failures
    assert reasons(project) == [KEPT]
    project.cycle()
    assert project.report().line("calls").value == 8  # type: ignore[union-attr]
    assert api.posts == 2


def test_what_depends_on_it_is_measured_by_the_last_reading(project: CsvProject, api: Api) -> None:
    project.cycle()
    project.edit("formula: a + b", "formula: a * b")
    project.edit(
        "id: calls, title: Calls, kind: output, target: 90", "id: calls, title: Calls, kind: output, target: 7"
    )
    changes, _ = planned(project)
    assert {name: (new["value"], new["health"]) for name, new in changes.items()} == {
        "both": (35, "off_track"),
        "calls": (7, "done"),
    }
    assert api.posts == 1


def test_without_a_last_reading_it_is_unknown_and_says_why(project: CsvProject, api: Api) -> None:
    changes, plan = planned(project)
    why = "api: a POST may write, so only a sync sends it; no sync has read it yet"
    assert changes["pages"]["value"] == 5
    for name in ("calls", "both", "days"):  # the sum of an empty list would be 0
        assert (changes[name]["value"], changes[name]["health"], changes[name]["reason"]) == (None, "unknown", why)
    assert (api.posts, plan.result.failures) == (0, [])


def test_part_that_no_sync_has_read_is_unknown_beside_one_that_was_read(project: CsvProject, api: Api) -> None:
    project.cycle()
    project.edit("json: v}}\n      - {id: pages", "json: w}}\n      - {id: pages")
    changes, _ = planned(project)
    assert set(changes) == {"calls"}
    assert changes["calls"]["value"] is None
    assert "only a sync sends it" in changes["calls"]["reason"]
    assert api.posts == 1


def test_what_failed_in_the_last_sync_stands_as_failed(project: CsvProject, api: Api) -> None:
    project.cycle()
    api.status = 500
    project.cycle()
    before = project.report().line("calls")
    api.status = 200
    changes, plan = planned(project)
    after = project.report().line("calls")
    assert before is not None
    assert (before.quality, before.value, before) == ("failed", 7, after)
    assert (changes, plan.result.failures, api.posts) == ({}, [], 2)


def test_dry_run_never_sends_it_and_the_next_sync_does(project: CsvProject, api: Api) -> None:
    assert {name: change.value.number for (_, name), change in project.cycle(dry_run=True).measured.items()} == {
        "calls": None,
        "pages": 5,
        "both": None,
        "days": None,
    }
    assert api.posts == 0
    project.cycle()
    project.now = project.now.replace(hour=12)
    result = project.cycle(dry_run=True)
    assert (api.posts, result.good, list(result.changes)) == (1, True, [])
    assert project.ledger.streams.states("api")['POST /query {"q":"calls"}'].quality == "complete"


def test_doctor_never_sends_it_and_says_so(project: CsvProject, api: Api) -> None:
    policy = RetryPolicy(attempts=1, sleep=lambda _: None)
    config = project.config
    (check,) = (
        check
        for check in check_connection(config, config.connections["api"], [], DEMO_NOW, policy)
        if check.name == "reads"
    )
    assert check.ok
    assert check.detail == "1 of 2 streams answered; 1 was not asked: a POST may write, so only a sync sends it"
    assert api.posts == 0


def test_commands_say_so_in_a_sentence(project: CsvProject, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    project.cycle()
    project.ledger.close()
    path = project.folder / "syncd.yaml"
    sentence = f'not sent: api: POST /query {{"q":"calls"}}: {KEPT}'
    plan_command.run(path, only=None, as_json=False, exit_code=False, log_format="text")
    shown = capsys.readouterr()
    assert sentence in " ".join(shown.out.split())
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "POST" not in shown.err
    sync_command.run(path, only=None, dry_run=True, reconcile=False, log_format="text", new_ledger=False)
    shown = capsys.readouterr()
    assert sentence in " ".join(shown.out.split())
    assert "1 stream pulled, 1 not sent;" in shown.out
    assert api.posts == 1


def test_whoever_only_looks_or_compares_rehearses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[Context] = []

    def missing(settings: object, context: Context, keys: object) -> str | None:
        contexts.append(context)
        return None

    monkeypatch.setattr(connector("files"), "missing", missing)
    key_result = "id: a, title: A, kind: outcome, baseline: 0, target: 9, measure: {from: local, file: a.csv, cell: A1}"
    mapping = f"period: 2026-Q4\nobjectives: [{{id: o, title: It, key_results: [{{{key_result}}}]}}]\n"
    project = CsvProject(tmp_path, mapping, DEMO_NOW)
    assert list(missing_in_sources(project.config)) == []

    def publisher(context: Context, keys: object) -> NoReturn:
        contexts.append(context)
        raise SourceBroken("it is only looked at")

    publication: Any = SimpleNamespace(connection=SimpleNamespace(publisher=publisher), keys=None)
    with pytest.raises(SourceBroken):
        list(compare(project.config, project.ledger, publication, []))
    assert [context.rehearsal for context in contexts] == [True, True]
    project.ledger.close()
