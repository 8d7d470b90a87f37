"""What a plan shows, over CSV files that change; it changes no value, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from sqlalchemy import select

from syncd.cli.plan import document
from syncd.cli.plan_view import render
from syncd.cycle.approve import approve
from syncd.cycle.check_in import check_in
from syncd.cycle.plan import plan_sync
from syncd.cycle.plan_changes import KeyResultChange, PeriodChanges, Planned
from syncd.ledger.schema import approvals, definitions, values
from syncd.okr.checkins import CheckIn
from syncd.status.document import document as status

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
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
        target: 600
        plausible: {at_most: 1500}
        measure: {from: local, file: calls.csv, cell: B2}
      - id: visits
        title: Visits rise
        kind: output
        target: 100
        drives: calls
        measure: {from: local, file: visits.csv, series: {dates: Day, values: Visits}, take: sum}
        guard:
          title: Few errors
          keep: {at_most: 5}
          measure: {from: local, file: errors.csv, cell: B2}
"""
ERRORS = "{from: local, file: errors.csv, series: {dates: Day, values: Errors}, take: sum}"


class Project(CsvProject):
    """Three CSV files: two cells and a series."""

    def __init__(self, folder: Path, ledger: str | None = None) -> None:
        super().__init__(folder, MAPPING, START, ledger=ledger)
        self.calls(1000)
        self.errors(2)
        self.visits({5: 30, 12: 20})

    def calls(self, number: object) -> None:
        self.write("calls.csv", "What,Number", f"calls,{number}")

    def errors(self, number: object) -> None:
        self.write("errors.csv", "What,Number", f"errors,{number}")

    def visits(self, rows: dict[int, int]) -> None:
        """By the day of October."""
        self.write("visits.csv", "Day,Visits", *(f"2026-10-{day:02},{number}" for day, number in rows.items()))

    def sync(self) -> None:
        self.cycle()
        self.now += timedelta(minutes=15)

    def plan(self, only: str | None = None) -> Planned:
        planned = plan_sync(self.request(only=only))
        self.now += timedelta(minutes=15)
        document(planned, self.config.zone)
        assert [line for line in render(planned, self.config.zone) if len(line) > 80 and planned.measured] == []
        return planned

    def period(self) -> PeriodChanges:
        """The changes that a plan shows in the only period."""
        (period,) = self.plan().periods
        return period

    def change(self, key_result: str = "calls") -> KeyResultChange:
        """The only change of a key result that a plan shows."""
        (change,) = self.period().key_results
        assert change.key_result.id == key_result
        return change

    def kept(self) -> list[Any]:
        """Every row that a sync writes when it measures."""
        with self.ledger.engine.connect() as connection:
            return [
                list(connection.execute(select(table).order_by(*table.primary_key.columns)))
                for table in (values, definitions, approvals)
            ]

    def status(self, now: datetime) -> tuple[Any, datetime | None]:
        report = self.report(now)
        return status(report), report.synced_at


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Project, Project]]:
    """Two projects that are alike."""
    made = []
    for name in ("planned", "other"):
        (tmp_path / name).mkdir()
        url = None
        if request.param == "postgresql":
            new: Callable[[], str] = request.getfixturevalue("new_postgres")
            url = new()
        made.append(Project(tmp_path / name, url))
    yield made[0], made[1]
    for project in made:
        project.ledger.close()


@pytest.mark.sampled(1)
def test_a_plan_changes_no_value_and_no_later_sync(two: tuple[Project, Project]) -> None:
    planned, other = two

    def happen(change: Callable[[Project], None]) -> None:
        for each in two:
            change(each)
        kept, status_before = planned.kept(), planned.status(planned.now)
        planned.plan()
        planned.plan()
        assert planned.kept() == kept
        assert planned.status(planned.now - timedelta(minutes=30)) == status_before
        other.now = planned.now
        for each in two:
            each.sync()
        assert planned.status(planned.now) == other.status(other.now)

    happen(lambda project: None)
    happen(lambda project: project.calls(900))
    happen(lambda project: (project.visits({5: 30, 19: 30}), project.errors(9))[0])
    happen(lambda project: project.edit("target: 600", "target: 700"))
    happen(lambda project: project.calls(1900))
    happen(lambda project: project.calls("soon"))
    happen(lambda project: (project.folder / "calls.csv").unlink())


def test_before_any_sync_everything_is_new_and_guards_are_shown_with_their_key_results(project: Project) -> None:
    planned = project.plan()
    (period,) = planned.periods
    assert [(change.key_result.id, change.old, change.new.value) for change in period.key_results] == [
        ("calls", None, 1000),
        ("visits", None, 50),
    ]
    guard = period.key_results[1].guard
    assert guard is not None
    assert (guard.old, guard.new.value) == (None, 2)
    assert [item.brings for item in period.key_results[1].differences.enters] == ["30", "20"]
    assert planned.measured == 2
    assert project.ledger.cycles.last(pulled=True) is None


def test_a_plan_without_changes_says_so(project: Project) -> None:
    project.sync()
    planned = project.plan()
    assert not planned
    assert list(render(planned, project.config.zone)) == [
        "Nothing would change: 2 key results, 3 streams, as of 20 Nov 10:15"
    ]


def test_a_changed_number_has_its_old_number_its_health_and_its_cell(project: Project) -> None:
    project.sync()
    project.calls(700)
    period = project.period()
    (change,) = period.key_results
    assert change.old is not None
    assert (change.old.value, change.old.standing.health) == (1000, "off_track")
    assert (change.new.value, change.new.standing.health) == (700, "on_track")
    ((before, after),) = change.differences.brings
    assert (before.brings, after.brings, after.label) == ("1000", "700", "B2")
    (objective,) = period.objectives
    assert (objective.old.score, objective.new.score) == (pytest.approx(1 / 3), pytest.approx(5 / 6))
    (verdict,) = period.verdicts
    verdicts = verdict.old.alignment.verdict, verdict.new.alignment.verdict
    assert verdicts == ("watermelon", "working")


def test_rows_that_come_and_go_are_shown_though_the_number_is_the_same(project: Project) -> None:
    project.sync()
    project.visits({5: 30, 19: 20})
    change = project.change("visits")
    assert change.old is not None
    assert change.old.value == change.new.value == 50
    assert [item.title for item in change.differences.enters] == ["holds 20"]
    assert [item.left_out for item in change.differences.leaves] == ["gone: deleted, moved, or no match any more"]


def test_rows_that_an_earlier_plan_pulled_are_compared_with_the_last_sync(project: Project) -> None:
    project.sync()
    project.visits({5: 30, 19: 20})
    first = project.change("visits")
    assert project.change("visits").differences == first.differences
    project.visits({5: 30, 12: 20})
    assert not project.plan()


def test_rows_that_only_moved_are_no_change(project: Project) -> None:
    project.sync()
    project.visits({12: 20, 5: 30})
    assert not project.plan()


def test_a_guard_that_breaks_is_shown_with_its_key_result(project: Project) -> None:
    project.visits({5: 90})
    project.sync()
    project.errors(9)
    change = project.change("visits")
    assert change.old is not None
    assert (change.old.standing.health, change.new.standing.health) == ("on_track", "at_risk")
    assert change.guard is not None
    assert change.guard.new.value == 9
    text = "\n".join(render(project.plan(), project.config.zone))
    assert "  ~ its guard: Few errors  2 → 9, on track → off track\n      ~ 20 Nov  2 → 9  B2" in text
    project.sync()
    assert not project.plan()


def test_an_edited_goal_changes_progress_without_a_new_value(project: Project) -> None:
    project.sync()
    project.edit("target: 600", "target: 800")
    change = project.change()
    assert [(edit.key, edit.old, edit.new) for edit in change.edits] == [("target", 600.0, 800.0)]
    assert change.old is not None
    assert (change.old.value, change.new.value) == (1000, 1000)
    assert (change.old.standing.progress, change.new.standing.progress) == (pytest.approx(1 / 3), 0.5)
    assert not change.remeasured
    (objective,) = project.period().objectives
    assert (objective.old.score, objective.new.score) == (pytest.approx(1 / 3), 0.5)


def test_numbers_of_two_measures_are_shown_side_by_side_and_not_compared(project: Project) -> None:
    project.sync()
    project.edit("take: sum", "take: max")
    change = project.change("visits")
    assert change.remeasured
    assert change.old is not None
    assert (change.old.value, change.new.value) == (50, 30)
    assert [(edit.key, edit.old, edit.new) for edit in change.edits] == [("measure.take", "sum", "max")]
    assert not change.differences.leaves
    text = "\n".join(render(project.plan(), project.config.zone))
    assert "  ~ visits  30, 30 % of the way, off track\n" in text
    assert "      measured differently before: 50, 50 % of the way, on track\n" in text
    assert "edited in" in text
    assert "50 → 30" not in text
    project.edit("take: max", "take: sum")
    assert not project.plan()


def test_a_period_that_is_named_by_its_days_fits_80_columns(project: Project) -> None:
    (project.folder / "syncd.yaml").write_text(
        "mappings: okrs.yaml\ntimezone: America/New_York\nconnections:\n  local: {type: files, root: .}\n"
    )
    project.edit("period: 2026-Q4", "period: {start: 2026-10-01, end: 2026-12-31}")
    assert project.plan()  # which checks the width of every line


def test_an_edit_of_the_periods_days_is_shown_once(project: Project) -> None:
    project.sync()
    project.edit("period: 2026-Q4", "period: {id: 2026-Q4, start: 2026-10-01, end: 2027-01-01}")
    period = project.period()
    assert period.days_edited
    assert [edit for change in period.key_results for edit in change.edits] == []


def test_an_edit_without_a_meaning_is_no_edit_of_the_days(project: Project) -> None:
    project.sync()
    project.edit("drives: calls", "drives: [{outcome: calls, lag: 0d}]")
    assert not project.plan()


def test_a_value_by_check_in_is_judged_by_the_clock_and_by_edits(project: Project) -> None:
    project.edit("        measure: {from: local, file: calls.csv, cell: B2}\n", "        stale_after: 60d\n")
    project.sync()
    okrs = project.config.periods[0]
    checkin = CheckIn("Dana", project.now, project.now + timedelta(days=60), 850)
    check_in(project.config, okrs, okrs.key_results[0], project.ledger, checkin)
    assert not project.plan()
    project.sync()
    project.now += timedelta(days=30)
    period = project.period()
    change = next(change for change in period.key_results if change.key_result.id == "calls")
    assert change.old is not None
    assert (change.old.standing.health, change.new.standing.health) == ("on_track", "off_track")
    assert (change.remeasured, bool(change.differences)) == (False, False)
    project.sync()
    project.edit("target: 600", "target: 400")
    assert [str(edit) for edit in project.change().edits] == ["target: 600 → 400"]


def test_a_removed_key_result_is_shown_until_the_next_sync(project: Project) -> None:
    project.sync()
    project.edit("id: calls", "id: phone-calls")
    project.edit("drives: calls", "drives: phone-calls")
    period = project.period()
    assert [(removed.id, removed.value.number, removed.title) for removed in period.removed] == [
        ("calls", 1000, "Calls fall")
    ]
    is_new = {change.key_result.id: change.old is None for change in period.key_results}
    assert is_new == {"phone-calls": True, "visits": False}
    (only,) = project.plan("visits").periods
    assert not only.removed
    project.sync()
    assert not project.plan()


def test_a_number_that_would_wait_is_shown_with_its_reason_and_approval(project: Project) -> None:
    project.sync()
    project.calls(1900)
    change = project.change()
    assert change.old is not None
    assert (change.old.value, change.new.value, change.new.candidate) == (1000, 1000, 1900)
    assert (change.new.quality, change.approve) == ("held", "syncd approve calls")
    assert change.new.reason == "1,900 is outside plausible (at most 1,500); `syncd approve calls` accepts it"
    project.sync()
    planned = project.plan()
    assert not planned
    ((line, command),) = planned.periods[0].waiting
    assert (line.candidate, command) == (1900, "syncd approve calls")
    project.calls(1950)
    assert project.change().new.candidate == 1950
    project.calls(1900)
    approve(
        project.config,
        project.config.periods[0],
        project.config.periods[0].key_results[0],
        project.ledger,
        author="Dana",
        entered_by="ops@build-3",
        now=project.now,
        candidate=1900,
    )
    assert not project.plan()


def test_a_command_is_not_broken_within_an_id(project: Project) -> None:
    project.edit("id: calls", "id: calls-to-the-support-line")
    project.edit("drives: calls", "drives: calls-to-the-support-line")
    project.sync()
    project.calls(1900)
    text = "\n".join(render(project.plan(), project.config.zone))
    assert "calls-to-the-support-line` accepts it" in text


def test_a_guard_that_waits_is_shown_beside_a_change_of_its_key_result(project: Project) -> None:
    project.edit("measure: {from: local, file: errors.csv, cell: B2}", f"measure: {ERRORS}")
    (project.folder / "errors.csv").write_text("Day,Errors\n2026-10-05,1\n2026-10-06,1\n2026-10-07,1\n")
    project.sync()
    (project.folder / "errors.csv").write_text("Day,Errors\n")
    project.sync()
    project.visits({5: 31, 12: 20})
    period = project.period()
    assert [(change.key_result.id, change.guard) for change in period.key_results] == [("visits", None)]
    assert [command for _, command in period.waiting] == ["syncd approve visits:guard"]


def test_a_failed_source_changes_only_the_quality(project: Project) -> None:
    project.sync()
    (project.folder / "calls.csv").unlink()
    planned = project.plan()
    assert len(planned.result.failures) == 1
    (change,) = planned.periods[0].key_results
    assert (change.new.value, change.new.quality) == (1000, "failed")
    assert not change.differences
    project.sync()
    assert not project.plan()
    project.calls(1000)
    assert "      complete again; it was failed" in list(render(project.plan(), project.config.zone))


def test_a_plan_of_a_single_key_result_shows_no_other(project: Project) -> None:
    project.sync()
    project.calls(700)
    project.visits({5: 90})
    project.edit("target: 100", "target: 200")
    planned = project.plan("calls")
    assert [change.key_result.id for change in planned.periods[0].key_results] == ["calls"]
    assert planned.measured == 1
    (objective,) = planned.periods[0].objectives
    assert objective.old.activity == objective.new.activity


def test_a_plan_without_an_open_period_is_a_single_sentence(project: Project) -> None:
    project.now = datetime(2026, 9, 1, tzinfo=UTC)
    planned = project.plan()
    assert list(render(planned, project.config.zone)) == [
        "no key result is measured now: no period is open (one begins later, or has settled)"
    ]


def test_long_lists_are_cut_in_the_text_and_not_in_the_document(project: Project) -> None:
    project.visits({day: day for day in range(1, 28)})
    planned = project.plan()
    assert len(document(planned, project.config.zone)["periods"][0]["key_results"][1]["enters"]) == 27
    text = list(render(planned, project.config.zone))
    assert "      and 7 more" in text
    assert sum(line.startswith("      + ") and "Oct" in line for line in text) == 20


def test_a_plan_compares_with_the_last_sync_though_the_clock_was_set_back(project: Project) -> None:
    project.sync()
    project.now -= timedelta(days=1)
    assert not project.plan()
