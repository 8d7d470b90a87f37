"""Check-ins within whole cycles: what they make of a key result without a measure, and that nothing disturbs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from standing_still import Standings
from starlette.testclient import TestClient

from syncd.config import Config, load_config
from syncd.cycle.check_in import Implausible, Settled, check_in
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.explain.evidence import evidence
from syncd.ledger import open_ledger
from syncd.okr.alignment import Alignment
from syncd.okr.checkins import CheckIn
from syncd.sdk import RetryPolicy
from syncd.status.periods import choose_plan
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, Report, report_of
from syncd.web import make_app

DAY = timedelta(days=1)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: trust
        title: Agents trust the knowledge base
        kind: outcome
        baseline: 0
        target: 100
        confidence: 0.5
        plausible: {at_most: 100, jump: 60}
      - id: launch
        title: The help centre is out
        kind: output
        drives: trust
        milestones: [{title: Design}, {title: Beta}, {title: Launch}, {title: Old one off}]
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {at_most: 1500, jump: 10}
        stale_after: 3d
        measure: {from: local, file: calls.csv, cell: A1}
"""


class Project:
    """A folder with one CSV file, its ledger, and a day of the quarter that is moved on by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections:\n  local: {type: files, root: .}\n")
        (folder / "okrs.yaml").write_text(MAPPING)
        (folder / "calls.csv").write_text("1100\n")
        ledger = open_ledger(f"sqlite:///{folder / 'syncd.db'}")
        assert ledger is not None
        self.ledger = ledger
        self.on(1)

    def on(self, day: int) -> None:
        """Noon of a day of the quarter, the first being 1."""
        self.now = datetime(2026, 10, 1, 12, tzinfo=UTC) + (day - 1) * DAY

    @property
    def config(self) -> Config:
        return load_config(self.folder / "syncd.yaml")

    def edit(self, old: str, new: str) -> None:
        text = (self.folder / "okrs.yaml").read_text()
        assert old in text
        (self.folder / "okrs.yaml").write_text(text.replace(old, new))

    def sync(self) -> None:
        run_cycle(CycleRequest(self.config, self.ledger, lambda: self.now, RetryPolicy()))

    def say(self, name: str, value: float | None = None, *, stands: int = 14, force: bool = False, **what: str) -> None:
        config = self.config
        plan = choose_plan(config, "2026-Q4", self.now)
        assert plan is not None
        key_result = next(kr for kr in plan.key_results if kr.id == name)
        said = CheckIn("ada", self.now, self.now + stands * DAY, value, **what)
        check_in(config, plan, key_result, self.ledger, said, force=force)

    def report(self) -> Report:
        config = self.config
        return report_of(Snapshots(config, config.plans[0], self.ledger).now(self.now))

    def line(self, name: str) -> KeyResultLine:
        found = self.report().line(name)
        assert found is not None
        return found

    def link(self) -> Alignment:
        (link,) = self.report().objectives[0].alignment
        return link.alignment

    def rows(self, name: str) -> list[tuple[float | None, str]]:
        """(number, health) of every value kept."""
        return [(value.number, value.health) for _, value in self.ledger.values.history("2026-Q4", name)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


def test_without_a_measure_it_is_the_value_until_it_expires(project: Project) -> None:
    waits = project.line("trust")
    assert (waits.value, waits.quality, waits.reason) == (None, None, "no measure: it waits for a check-in")
    project.on(10)
    project.say("trust", 40)
    line = project.line("trust")
    assert (line.value, line.quality, line.as_of) == (40, "complete", project.now)
    assert line.standing.health == "on_track"
    project.on(24)
    line = project.line("trust")
    assert (line.value, line.quality, line.standing.health) == (40, "stale", "unknown")
    assert line.reason == "the check-in of 10 Oct has expired"
    assert line.checkin is None
    project.say("trust", 45)
    assert (project.line("trust").value, project.line("trust").quality) == (45, "complete")


def test_what_stood_when_the_period_ended_is_its_result(project: Project) -> None:
    project.on(85)
    project.say("trust", 100)
    project.on(200)
    line = project.line("trust")
    assert (line.value, line.quality, line.standing.health) == (100, "complete", "done")


def test_a_note_alone_leaves_the_value_and_its_end(project: Project) -> None:
    project.on(10)
    project.say("trust", 40)
    project.on(20)
    project.say("trust", note="all is well")
    line = project.line("trust")
    assert (line.value, line.quality) == (40, "complete")
    assert line.checkin is not None
    assert line.checkin.note == "all is well"
    project.on(24)
    assert project.line("trust").quality == "stale"


def test_a_sync_keeps_the_value_and_says_how_it_stands_by_then(project: Project) -> None:
    project.on(10)
    project.say("trust", 30, stands=60)
    said_at = project.now
    for day in (11, 12, 36, 37):
        project.on(day)
        project.sync()
    assert project.rows("trust") == [(30, "on_track"), (30, "at_risk")]
    line = project.line("trust")
    assert (line.value, line.as_of, line.standing.health) == (30, said_at, "at_risk")


def test_a_sync_leaves_one_that_expired(project: Project) -> None:
    project.on(10)
    project.say("launch", 4, stands=1)
    for day in (20, 21):
        project.on(day)
        project.sync()
    assert project.rows("launch") == [(4, "done")]
    assert project.line("launch").quality == "stale"


def test_an_edited_target_is_a_dated_change_at_the_next_sync(project: Project) -> None:
    project.on(10)
    project.say("trust", 30)
    project.edit("target: 100", "target: 50")
    project.on(11)
    project.sync()
    config = project.config
    key_result = config.plans[0].key_results[0]
    found = evidence(Snapshots(config, config.plans[0], project.ledger).now(project.now), project.ledger, key_result)
    (edit,) = found.definition_changes
    assert (edit.at, edit.key, edit.old, edit.new) == (project.now, "target", 100.0, 50.0)


def test_beside_a_measure_it_replaces_nothing(project: Project) -> None:
    project.sync()
    project.say("calls", 1050)
    project.sync()
    line = project.line("calls")
    assert (line.value, line.quality) == (1100, "complete")
    assert line.checkin is not None
    assert line.checkin.value == 1050
    assert project.rows("calls") == [(1100, "on_track")]


def test_one_made_beside_a_measure_is_no_value_when_the_measure_goes(project: Project) -> None:
    project.sync()
    project.say("calls", 1050)
    project.edit("        measure: {from: local, file: calls.csv, cell: A1}\n", "")
    project.sync()
    line = project.line("calls")
    assert (line.value, line.reason) == (None, "no measure: it waits for a check-in")
    project.say("calls", 1040)
    assert project.line("calls").value == 1040


def test_a_measure_that_is_added_takes_over_and_the_check_in_stands_beside(project: Project) -> None:
    project.say("trust", 40)
    project.edit("        confidence: 0.5\n", "        measure: {from: local, file: calls.csv, cell: A1}\n")
    assert project.line("trust").reason == "its measure was edited, and is not pulled yet"
    (project.folder / "calls.csv").write_text("35\n")
    project.sync()
    line = project.line("trust")
    assert line.value == 35
    assert line.checkin is not None
    assert line.checkin.value == 40


def test_since_when_an_output_is_on_pace_comes_from_its_check_ins(project: Project) -> None:
    project.on(5)
    project.say("launch", 1, stands=30)
    project.on(20)
    project.say("launch", 2, stands=30)
    project.on(21)
    project.say("trust", 1)
    link = project.link()
    assert (link.verdict, link.since) == ("watermelon", date(2026, 10, 5))


def test_a_day_that_no_check_in_covered_ends_the_run(project: Project) -> None:
    project.on(5)
    project.say("launch", 1, stands=3)
    project.on(20)
    project.say("launch", 2)
    project.say("trust", 1)
    assert project.link().since == date(2026, 10, 20)
    project.on(22)
    project.sync()
    assert project.link().since == date(2026, 10, 20)


def test_a_value_outside_plausible_needs_to_be_meant(project: Project) -> None:
    with pytest.raises(Implausible, match=r"120 is outside plausible \(at most 100\)"):
        project.say("trust", 120)
    assert project.line("trust").value is None
    project.say("trust", 10)
    with pytest.raises(Implausible, match="a jump of 65 from 10, at most 60"):
        project.say("trust", 75)
    project.say("trust", 75, force=True)
    assert project.line("trust").value == 75
    project.sync()
    project.say("calls", 900)  # far from the measured one, which is why somebody says it
    with pytest.raises(Implausible):
        project.say("calls", 2000)


def test_a_period_that_has_settled_takes_none(project: Project) -> None:
    project.on(92 + 14)
    project.say("trust", 90)
    project.on(92 + 15)
    with pytest.raises(Settled) as refused:
        project.say("trust", 95)
    assert refused.value.at == datetime(2027, 1, 15, tzinfo=UTC)
    assert project.line("trust").value == 90


def test_a_guard_that_breaks_caps_the_health_of_a_check_in(project: Project) -> None:
    guard = "guard: {measure: {from: local, file: calls.csv, cell: A1}, keep: {at_most: 1000}}"
    project.edit("        confidence: 0.5\n", f"        {guard}\n")
    project.sync()
    project.say("trust", 50)
    assert project.rows("trust") == [(50, "at_risk")]
    assert project.line("trust").reason == "its guard is broken: 1,100 is not at most 1,000"


def test_the_dashboard_shows_it_as_text(project: Project) -> None:
    project.sync()
    project.say("calls", 1050, note="<b>the sheet lags</b>")
    page = TestClient(make_app(Standings(project.report()))).get("/").text
    assert "check-in: 1,050 (-50) by ada, just now: &lt;b&gt;the sheet lags" in page
    assert "confidence 50 %" in page
