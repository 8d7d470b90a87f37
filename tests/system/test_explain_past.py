"""`explain --at` prints for a past day what `explain` printed on that day, whatever has happened since."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from examples import NIGHTLY
from projects import NOW, Project, done_articles

from syncd.cli import explain
from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK

MORE = f"""\
      - {{id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}}
      - id: answers
        title: 200 questions answered
        kind: output
        target: 200
        drives: [trust, {{outcome: calls, lag: 1w}}]
        measure: {{from: numbers, spreadsheet: {OKR_BOOK}, cell: "Support!F2"}}
      - id: rate
        title: Half as many calls as articles
        kind: outcome
        baseline: 0
        target: 1
        guard: {{keep: {{at_most: 900}}, measure: {{from: numbers, spreadsheet: {OKR_BOOK}, cell: "Support!C2"}}}}
        measure:
          formula: calls / (articles + 1)
          parts:
            calls:
              from: numbers
              spreadsheet: {OKR_BOOK}
              series: {{dates: "Support!A2:A", values: "Support!C2:C"}}
              take: sum
            articles: {{from: tickets, jql: "project = KB AND type = Article", take: count, window: 28d}}
"""
PUBLISH = "publish:\n  - {to: tickets, issues: {articles: KB-2, trust: KB-3}, comment: true}\n"
TESTS = "# What these key results come to"
WATERMELON = "        target: 40\n        drives: calls\n        lag: 3w"


def _forms(number: int) -> Sequence[bool]:
    """Whether a key result is explained as JSON: as a document, as a text, and not at all by turns; nightly as both."""
    return (True, False) if NIGHTLY else ((True,), (False,), ())[number % 3]


class Days:
    """A project over days, and the output of `explain` at the end of each day: of every key result, text and JSON."""

    def __init__(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        self.project, self._capsys = project, capsys
        self.now = NOW
        self.outputs: dict[datetime, dict[tuple[str, bool], str]] = {}

    def explained(self, key_result: str, *, as_json: bool, at: str | None = None) -> str:
        """What `syncd explain` prints; in this process, for it is called hundreds of times."""
        self._capsys.readouterr()
        explain.run(self.project.folder / "syncd.yaml", key_result, at=at, period=None, as_json=as_json)
        return self._capsys.readouterr().out

    def sync(self, *options: str, check: int = 0) -> None:
        """Runs a sync and ends the day."""
        self.project.run("sync", *options, check=check)
        self.end_day()

    def end_day(self) -> None:
        """Ends the day: the present output is remembered, and the clock goes on."""
        self.outputs[self.now] = {
            (name, as_json): self.explained(name, as_json=as_json)
            for number, name in enumerate(self.project.key_results(), start=len(self.outputs))
            for as_json in _forms(number)
        }
        self.project.edit("syncd.yaml", self.now.isoformat(), (self.now + timedelta(days=1)).isoformat())
        self.now += timedelta(days=1)

    def differences(self) -> Iterator[str]:
        """Where the output of `explain --at` for a day differs from the output of that day."""
        for day, outputs in self.outputs.items():
            for (name, as_json), then in outputs.items():
                now = self.explained(name, as_json=as_json, at=day.isoformat())
                if now != then:
                    lines = difflib.unified_diff(then.splitlines(), now.splitlines(), "then", "now", n=1)
                    yield "\n".join([f"{name} of {day:%d %b}", *lines])


@pytest.fixture
def days(project: Project, box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Days:
    for name, value in project.env.items():
        monkeypatch.setenv(name, value)
    for other in ("engineering", "growth"):
        (project.folder / f"mappings/{other}.yaml").unlink()
    project.edit("mappings/support.yaml", TESTS, f"{MORE}{TESTS}")
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text() + PUBLISH)
    return Days(project, capsys)


@pytest.mark.nightly
def test_explain_of_a_past_day_prints_what_it_printed_on_that_day(days: Days, box: Sandbox) -> None:
    project, world = days.project, box.world
    days.sync()
    days.sync()  # nothing has changed

    # Records leave, a past row is corrected, another loses its date.
    done = sorted(article.key for article in done_articles(box))
    world.jira.reopen(done[0])
    world.jira.delete(done[1])
    world.sheets.set_cell(OKR_BOOK, "Support", "C8", 777)
    world.sheets.set_cell(OKR_BOOK, "Support", "A9", "someday")
    days.sync("--reconcile")

    # One source fails altogether, another after some pages, and a plan asks them once more; a day without a sync; a
    # plan when all is well again.
    box.fault(Fault("sheets", "unauthorized"))
    box.fault(Fault("github", status=500, after=3))
    project.run("sync", check=1)
    project.run("plan", check=1)
    days.end_day()
    days.end_day()
    box.heal()
    world.jira.transition(done[0], "Done")
    project.run("plan", check=0)
    days.end_day()

    # Definitions are edited: a target and a lag, a title, how something is measured, a guard's bound.
    project.edit("mappings/support.yaml", WATERMELON, WATERMELON.replace("40", "80").replace("3w", "5w"))
    project.edit("mappings/support.yaml", "fall from 1,200 to 600", "fall to 600")
    project.edit("mappings/support.yaml", "Customers trust us", "Customers trust us again")
    project.edit("mappings/support.yaml", "base: main, ", "")
    project.edit("mappings/support.yaml", "at_most: 900", "at_most: 2000")
    days.sync()

    # A number is held, and approved on the day after; people check in.
    project.edit("mappings/support.yaml", "stale_after: 10d\n", "stale_after: 10d\n        plausible: {jump: 100}\n")
    world.sheets.set_cell(OKR_BOOK, "Support", "C12", 700)
    world.sheets.set_cell(OKR_BOOK, "Support", "A9", 46321)
    days.sync()
    project.run("approve", "calls", "--author", "Ada", check=0)
    project.run("checkin", "trust", "--value", "6", "--note", "It goes well.", "--author", "Ada", check=0)
    days.end_day()

    # A single key result is pulled, though others would have changed too; a note on a measured key result.
    world.jira.reopen(done[0])
    world.sheets.set_cell(OKR_BOOK, "Support", "F2", 0.75)
    days.sync("--only", "calls")
    project.run("checkin", "calls", "--note", "It is the season.", "--confidence", "0.4", "--author", "Ben", check=0)
    days.end_day()

    # Key results leave the files, others are added; the health shares change.
    edited = MORE.replace("at_most: 900", "at_most: 2000").replace("trust us", "trust us again")
    renamed = edited.replace("trust", "faith").replace("answers", "replies").replace("id: rate", "id: quota")
    project.edit("mappings/support.yaml", edited, renamed)
    project.edit("syncd.yaml", PUBLISH, PUBLISH.replace("trust", "faith") + "health: {on_track: 0.6, at_risk: 0.3}\n")
    days.sync()
    days.sync()

    assert list(days.differences()) == []
    everything = "".join(text for outputs in days.outputs.values() for text in outputs.values())
    for event in (
        "last pull failed", "with no date that can be read", "restated (", "would count in", "held: ", "stale: ",
        "approved  ", "check-in  ", "edited  ", "its guard is broken", "written  ", "! watermelon since",
        "gone: deleted",
    ):  # fmt: skip
        assert event in everything  # else the story has lost its point
