"""Check-ins within whole cycles: the value of a key result without a measure, and a note beside a measured one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import browser

from syncd.cycle.check_in import Implausible, Settled, check_in
from syncd.explain.evidence import evidence
from syncd.okr.alignment import Alignment
from syncd.okr.checkins import CheckIn
from syncd.sdk import ConfigError
from syncd.status.report import KeyResultLine

DAY = timedelta(days=1)
FIRST_NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
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


MEASURE = "        measure: {from: local, file: calls.csv, cell: A1}\n"


class Project(CsvProject):
    """A CSV file with a cell, and a clock in days of the quarter."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MAPPING, FIRST_NOON)
        self.write("calls.csv", "1100")

    def on(self, day: int) -> None:
        """Sets the clock to noon of a day of the quarter; the first day is 1."""
        self.now = FIRST_NOON + (day - 1) * DAY

    def check_in(
        self, name: str, value: float | None = None, *, stands: int = 14, force: bool = False, **fields: str
    ) -> None:
        config = self.config
        checkin = CheckIn("ada", self.now, self.now + stands * DAY, value, **fields)
        check_in(config, config.periods[0], self.key_result(name), self.ledger, checkin, force=force)

    def line(self, name: str) -> KeyResultLine:
        line = self.report().line(name)
        assert line is not None
        return line

    def link(self) -> Alignment:
        (link,) = self.report().objectives[0].alignment
        return link.alignment

    def rows(self, name: str) -> list[tuple[float | None, str]]:
        """(number, health) of every kept value."""
        return [(value.number, value.health) for _, value in self.ledger.values.history("2026-Q4", name)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


def test_a_check_in_is_the_value_of_a_key_result_without_a_measure_until_it_expires(project: Project) -> None:
    waits = project.line("trust")
    assert (waits.value, waits.quality, waits.reason) == (None, None, "no measure: it waits for a check-in")
    project.on(10)
    project.check_in("trust", 40)
    line = project.line("trust")
    assert (line.value, line.quality, line.as_of) == (40, "complete", project.now)
    assert line.standing.health == "on_track"
    project.on(24)
    line = project.line("trust")
    assert (line.value, line.quality, line.standing.health) == (40, "stale", "unknown")
    assert line.reason == "the check-in of 10 Oct has expired"
    assert line.checkin is None
    project.check_in("trust", 45)
    assert (project.line("trust").value, project.line("trust").quality) == (45, "complete")


@pytest.mark.parametrize(
    ("author", "note", "expected"),
    [
        ("a" * 101, "fine", r"the author's name has 101 characters; write at most 100"),
        ("ada", "n" * 2001, r"the note has 2,001 characters; write at most 2,000"),
    ],
)
def test_a_check_in_has_bounds(project: Project, author: str, note: str, expected: str) -> None:
    made = CheckIn(author, project.now, project.now + DAY, 40, note=note)
    with pytest.raises(ConfigError, match=expected):
        check_in(project.config, project.config.periods[0], project.key_result("trust"), project.ledger, made)
    assert project.line("trust").value is None


def test_a_check_in_that_holds_at_the_periods_end_holds_for_good(project: Project) -> None:
    project.on(85)
    project.check_in("trust", 100)
    project.on(200)
    line = project.line("trust")
    assert (line.value, line.quality, line.standing.health) == (100, "complete", "done")


def test_a_note_alone_changes_neither_the_value_nor_its_end(project: Project) -> None:
    project.on(10)
    project.check_in("trust", 40)
    project.on(20)
    project.check_in("trust", note="all is well")
    line = project.line("trust")
    assert (line.value, line.quality) == (40, "complete")
    assert line.checkin is not None
    assert line.checkin.note == "all is well"
    project.on(24)
    assert project.line("trust").quality == "stale"


def test_a_sync_keeps_the_value_of_a_check_in_and_judges_it_anew(project: Project) -> None:
    project.on(10)
    project.check_in("trust", 30, stands=60)
    made_at = project.now
    for day in (11, 12, 36, 37):
        project.on(day)
        project.cycle()
    assert project.rows("trust") == [(30, "on_track"), (30, "at_risk")]
    line = project.line("trust")
    assert (line.value, line.as_of, line.standing.health) == (30, made_at, "at_risk")


def test_a_sync_leaves_an_expired_check_in_alone(project: Project) -> None:
    project.on(10)
    project.check_in("launch", 4, stands=1)
    for day in (20, 21):
        project.on(day)
        project.cycle()
    assert project.rows("launch") == [(4, "done")]
    assert project.line("launch").quality == "stale"


def test_an_edited_target_is_a_dated_change_at_the_next_sync(project: Project) -> None:
    project.on(10)
    project.check_in("trust", 30)
    project.edit("target: 100", "target: 50")
    project.on(11)
    project.cycle()
    snapshot = project.snapshots().now(project.now)
    (edit,) = evidence(snapshot, project.ledger, project.key_result("trust")).definition_changes
    assert (edit.at, edit.key, edit.old, edit.new) == (project.now, "target", 100.0, 50.0)


def test_a_check_in_beside_a_measure_replaces_no_value(project: Project) -> None:
    project.cycle()
    project.check_in("calls", 1050)
    project.cycle()
    line = project.line("calls")
    assert (line.value, line.quality) == (1100, "complete")
    assert line.checkin is not None
    assert line.checkin.value == 1050
    assert project.rows("calls") == [(1100, "on_track")]


def test_a_check_in_made_beside_a_measure_is_the_value_once_the_measure_is_removed(project: Project) -> None:
    project.cycle()
    project.check_in("calls", 1050)
    made = project.now
    project.edit(MEASURE, "")
    assert project.line("calls").reason == "its measure was edited, and is not pulled yet"
    project.on(2)
    project.cycle()
    line = project.line("calls")
    assert (line.value, line.quality, line.as_of) == (1050, "complete", made)
    project.check_in("calls", 1040)
    assert project.line("calls").value == 1040
    project.on(16)
    project.cycle()
    line = project.line("calls")
    assert (line.value, line.quality, line.reason) == (1040, "stale", "the check-in of 2 Oct has expired")


@pytest.mark.parametrize("checked_in", [False, True])
@pytest.mark.parametrize("measured", [False, True])
def test_a_removed_measure_gives_no_number_also_once_the_period_is_frozen(
    project: Project, measured: bool, checked_in: bool
) -> None:
    if measured:
        project.cycle()
    if checked_in:
        project.check_in("calls", 1050, stands=1)
    project.on(3)
    project.edit(MEASURE, "")
    project.cycle()
    for day in (3, 92, 92 + 14, 92 + 16):  # no sync from here on
        project.on(day)
        line = project.line("calls")
        assert (line.value, line.reason) == (None, "no measure: it waits for a check-in"), day
        assert line.standing.health == "unknown"
    project.cycle()
    assert project.line("calls").value is None


@pytest.mark.parametrize(("stands", "value"), [(30, 50), (1, None)])
def test_a_measure_that_comes_and_goes_leaves_the_newest_check_in(
    project: Project, stands: int, value: float | None
) -> None:
    project.check_in("trust", 40, stands=60)
    added = "        measure: {from: local, file: calls.csv, cell: A1}\n"
    project.edit("        confidence: 0.5\n", f"        confidence: 0.5\n{added}")
    (project.folder / "calls.csv").write_text("35\n")
    project.cycle()
    project.check_in("trust", 50, stands=stands)
    project.on(5)
    project.edit(f"confidence: 0.5\n{added}", "confidence: 0.5\n")
    for day in (5, 6):
        project.on(day)
        project.cycle()
        assert project.line("trust").value == value


def test_an_added_measure_gives_the_value_and_the_check_in_stands_beside(project: Project) -> None:
    project.check_in("trust", 40)
    project.edit("        confidence: 0.5\n", "        measure: {from: local, file: calls.csv, cell: A1}\n")
    assert project.line("trust").reason == "its measure was edited, and is not pulled yet"
    (project.folder / "calls.csv").write_text("35\n")
    project.cycle()
    line = project.line("trust")
    assert line.value == 35
    assert line.checkin is not None
    assert line.checkin.value == 40


def test_an_outputs_run_on_pace_comes_from_its_check_ins(project: Project) -> None:
    project.on(5)
    project.check_in("launch", 1, stands=30)
    project.on(20)
    project.check_in("launch", 2, stands=30)
    project.on(21)
    project.check_in("trust", 1)
    link = project.link()
    assert (link.verdict, link.since) == ("watermelon", date(2026, 10, 5))


def test_a_day_without_a_valid_check_in_ends_the_run_on_pace(project: Project) -> None:
    project.on(5)
    project.check_in("launch", 1, stands=3)
    project.on(20)
    project.check_in("launch", 2)
    project.check_in("trust", 1)
    assert project.link().since == date(2026, 10, 20)
    project.on(22)
    project.cycle()
    assert project.link().since == date(2026, 10, 20)


def test_an_implausible_check_in_needs_force(project: Project) -> None:
    with pytest.raises(Implausible, match=r"120 is outside plausible \(at most 100\)"):
        project.check_in("trust", 120)
    assert project.line("trust").value is None
    project.check_in("trust", 10)
    with pytest.raises(Implausible, match="a jump of 65 from 10, at most 60"):
        project.check_in("trust", 75)
    project.check_in("trust", 75, force=True)
    assert project.line("trust").value == 75
    project.cycle()
    project.check_in("calls", 900)  # it may be far from the measured value
    with pytest.raises(Implausible):
        project.check_in("calls", 2000)


def test_a_settled_period_takes_no_check_in(project: Project) -> None:
    project.on(92 + 14)
    project.check_in("trust", 90)
    project.on(92 + 15)
    with pytest.raises(Settled) as refused:
        project.check_in("trust", 95)
    assert refused.value.at == datetime(2027, 1, 15, tzinfo=UTC)
    assert project.line("trust").value == 90


def test_a_broken_guard_caps_the_health_of_a_check_in(project: Project) -> None:
    guard = "guard: {measure: {from: local, file: calls.csv, cell: A1}, keep: {at_most: 1000}}"
    project.edit("        confidence: 0.5\n", f"        {guard}\n")
    project.cycle()
    project.check_in("trust", 50)
    assert project.rows("trust") == [(50, "at_risk")]
    assert project.line("trust").reason == "its guard is broken: 1,100 is not at most 1,000"


def test_the_dashboard_shows_a_check_in_as_text(project: Project) -> None:
    project.cycle()
    project.check_in("calls", 1050, note="<b>the sheet lags</b>")
    page = browser(project.config, project.ledger, project.now).get("/").text
    assert "check-in: 1,050 (-50) by ada, just now: &lt;b&gt;the sheet lags" in page
    assert "confidence 50 %" in page
