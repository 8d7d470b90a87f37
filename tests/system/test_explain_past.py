"""`explain --at` says of a past day what `explain` said on that day, whatever has happened since."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from projects import NOW, Project

from syncd.cli import explain
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK

TRUST = """\
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
      - id: answers
        title: 200 questions answered
        kind: output
        target: 200
        drives: trust
        measure: {from: numbers, spreadsheet: 1AbC-acme-okr-numbers-2026q4, cell: "Support!F2"}
"""


class Days:
    """A project over days: what `explain` says at the end of each, in text and JSON, of every key result."""

    def __init__(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        self.project, self._capsys = project, capsys
        self.now = NOW
        self.said: dict[datetime, dict[tuple[str, bool], str]] = {}

    def explained(self, key_result: str, *, as_json: bool, at: str | None = None) -> str:
        """What `syncd explain` prints, in this process: there are hundreds of them."""
        self._capsys.readouterr()
        explain.run(self.project.folder / "syncd.yaml", key_result, at=at, period=None, as_json=as_json)
        return self._capsys.readouterr().out

    def over(self) -> None:
        """The day is over: what is said now is remembered, and the clock goes on."""
        ids = list(self.project.key_results())
        self.said[self.now] = {
            (name, as_json): self.explained(name, as_json=as_json) for name in ids for as_json in (False, True)
        }
        self.project.edit("syncd.yaml", self.now.isoformat(), (self.now + timedelta(days=1)).isoformat())
        self.now += timedelta(days=1)

    def differences(self) -> Iterator[tuple[datetime, str, str]]:
        for day, said in self.said.items():
            for (name, as_json), then in said.items():
                now = self.explained(name, as_json=as_json, at=day.isoformat())
                if now != then:
                    yield day, name, "\n".join(_differing(then, now))


def _differing(then: str, now: str) -> list[str]:
    import difflib

    return [line for line in difflib.unified_diff(then.splitlines(), now.splitlines(), "then", "now", n=1)]


@pytest.fixture
def days(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Days:
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    project.edit("mappings/support.yaml", "      - id: articles\n", f"{TRUST}      - id: articles\n")
    return Days(project, capsys)


def test_explain_of_a_past_day_says_what_it_said_on_that_day(days: Days, box: Sandbox) -> None:
    project, world = days.project, box.world
    project.run("sync", check=0)
    days.over()
    project.run("sync", check=0)  # nothing has changed
    days.over()

    # Records leave and come, a past row is corrected, a row has no date.
    done = sorted(one.key for one in world.jira.issues.values() if one.project == "KB" and one.category == "Done")
    world.jira.reopen(done[0])
    world.jira.delete(done[1])
    world.sheets.set_cell(OKR_BOOK, "Support", "C8", 777)
    world.sheets.set_cell(OKR_BOOK, "Support", "A9", "someday")
    project.run("sync", "--reconcile", check=0)
    days.over()

    # One source fails altogether, another after its first page; a plan asks them once more.
    box.fault(Fault("sheets", "unauthorized"))
    box.fault(Fault("github", status=500, after=3))
    project.run("sync", check=1)
    project.run("plan", check=1)
    days.over()
    days.over()  # a day without a sync
    box.heal()
    project.run("plan", check=0)
    days.over()

    # Definitions are edited: a target, a lag, a measure, a title.
    project.edit("mappings/support.yaml", "        target: 40\n        drives: calls\n        lag: 3w", "        target: 80\n        drives: calls\n        lag: 5w")
    project.edit("mappings/support.yaml", "base: main, ", "")
    project.edit("mappings/support.yaml", "fall from 1,200 to 600", "fall to 600")
    project.run("sync", check=0)
    days.over()

    # A number is held, and taken on the day after; people say something.
    project.edit("mappings/support.yaml", "stale_after: 10d\n", "stale_after: 10d\n        plausible: {jump: 100}\n")
    world.sheets.set_cell(OKR_BOOK, "Support", "C12", 700)
    world.sheets.set_cell(OKR_BOOK, "Support", "A9", 46321)
    project.run("sync", check=0)
    days.over()
    project.run("approve", "calls", "--author", "Ada", check=0)
    project.run("checkin", "trust", "--value", "6", "--note", "We are getting there.", "--author", "Ada", check=0)
    days.over()

    # One key result alone is pulled, while others would have changed.
    world.jira.transition(done[0], "Done")
    world.sheets.set_cell(OKR_BOOK, "Support", "F2", 0.75)
    project.run("sync", "--only", "calls", check=0)
    days.over()
    project.run("checkin", "calls", "--note", "It is the season.", "--confidence", "40", "--author", "Ben", check=0)
    days.over()

    # Key results leave the files, and another comes; all are judged by other shares.
    mapping = project.folder / "mappings/support.yaml"
    mapping.write_text(mapping.read_text().replace(TRUST, "").replace("id: articles", "id: papers"))
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text() + "health: {on_track: 0.6, at_risk: 0.3}\n")
    project.run("sync", check=0)
    days.over()
    project.run("sync", check=0)
    days.over()

    assert list(days.differences()) == []
