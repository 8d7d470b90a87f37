"""What a plan finds, over CSV files that change; it leaves no trace in any value, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from syncd.cli.plan import document
from syncd.cli.plan_view import render
from syncd.config import load_config
from syncd.cycle.approve import approve
from syncd.cycle.check_in import check_in
from syncd.cycle.model import CycleRequest
from syncd.cycle.plan import KeyResultChange, PeriodChanges, Planned, plan_sync
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.ledger.schema import approvals, definitions, values
from syncd.okr.checkins import CheckIn
from syncd.sdk import RetryPolicy
from syncd.status.document import document as status
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of

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


class Project:
    """A folder with CSV files, and its ledger."""

    def __init__(self, folder: Path, ledger: str) -> None:
        self.folder = folder
        self.now = START
        (folder / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections:\n  local: {type: files, root: .}\n")
        (folder / "okrs.yaml").write_text(MAPPING)
        self.calls(1000)
        self.errors(2)
        self.visits({5: 30, 12: 20})
        opened = open_ledger(ledger)
        assert opened is not None
        self.ledger = opened

    def calls(self, number: object) -> None:
        (self.folder / "calls.csv").write_text(f"What,Number\ncalls,{number}\n")

    def errors(self, number: object) -> None:
        (self.folder / "errors.csv").write_text(f"What,Number\nerrors,{number}\n")

    def visits(self, rows: dict[int, int]) -> None:
        """By the day of October."""
        lines = [f"2026-10-{day:02},{number}" for day, number in rows.items()]
        (self.folder / "visits.csv").write_text("\n".join(["Day,Visits", *lines]) + "\n")

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "okrs.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    @property
    def config(self) -> Any:
        return load_config(self.folder / "syncd.yaml")

    def sync(self, **options: Any) -> None:
        run_cycle(CycleRequest(self.config, self.ledger, lambda: self.now, RetryPolicy(), **options))
        self.now += timedelta(minutes=15)

    def plan(self, only: str | None = None) -> Planned:
        found = plan_sync(CycleRequest(self.config, self.ledger, lambda: self.now, RetryPolicy(), only))
        self.now += timedelta(minutes=15)
        document(found, self.config.zone)
        assert [line for line in render(found, self.config.zone) if len(line) > 80 and found.measured] == []
        return found

    def period(self) -> PeriodChanges:
        """What a plan finds of the one period."""
        (found,) = self.plan().periods
        return found

    def change(self, key_result: str = "calls") -> KeyResultChange:
        """What a plan finds of one key result, and of no other."""
        (found,) = self.period().key_results
        assert found.key_result.id == key_result
        return found

    def kept(self) -> list[Any]:
        """Every row that a sync writes of what it measured."""
        with self.ledger.engine.connect() as connection:
            return [
                list(connection.execute(select(table).order_by(*table.primary_key.columns)))
                for table in (values, definitions, approvals)
            ]

    def status(self, now: datetime) -> tuple[Any, datetime | None]:
        found = report_of(Snapshots(self.config, self.config.plans[0], self.ledger).now(now))
        return status(found), found.synced_at


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, f"sqlite:///{tmp_path / 'syncd.db'}")
    yield made
    made.ledger.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Project, Project]]:
    """Two projects that are alike."""
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        url = f"sqlite:///{tmp_path / name / 'syncd.db'}"
        if request.param == "postgresql":
            new: Callable[[], str] = request.getfixturevalue("new_postgres")
            url = new()
        made.append(Project(tmp_path / name, url))
    yield made[0], made[1]
    for one in made:
        one.ledger.close()


def test_a_plan_writes_no_value_and_a_sync_after_it_is_as_if_it_had_not_been(two: tuple[Project, Project]) -> None:
    planned, other = two

    def happen(change: Callable[[Project], None]) -> None:
        for one in two:
            change(one)
        kept, stood = planned.kept(), planned.status(planned.now)
        planned.plan()
        planned.plan()
        assert planned.kept() == kept
        assert planned.status(planned.now - timedelta(minutes=30)) == stood
        other.now = planned.now
        for one in two:
            one.sync()
        assert planned.status(planned.now) == other.status(other.now)

    happen(lambda one: None)
    happen(lambda one: one.calls(900))
    happen(lambda one: (one.visits({5: 30, 19: 30}), one.errors(9))[0])
    happen(lambda one: one.edit("target: 600", "target: 700"))
    happen(lambda one: one.calls(1900))
    happen(lambda one: one.calls("soon"))
    happen(lambda one: (one.folder / "calls.csv").unlink())


def test_before_any_sync_everything_is_new_and_a_guard_stands_with_its_key_result(project: Project) -> None:
    found = project.plan()
    (period,) = found.periods
    assert [(one.key_result.id, one.old, one.new.value) for one in period.key_results] == [
        ("calls", None, 1000),
        ("visits", None, 50),
    ]
    guard = period.key_results[1].guard
    assert guard is not None
    assert (guard.old, guard.new.value) == (None, 2)
    assert [item.brings for item in period.key_results[1].differences.enters] == ["30", "20"]
    assert found.measured == 2
    assert project.ledger.cycles.last(pulled=True) is None


def test_nothing_is_found_where_nothing_is_other(project: Project) -> None:
    project.sync()
    found = project.plan()
    assert not found
    assert list(render(found, project.config.zone)) == [
        "Nothing would change: 2 key results, 3 streams, as of 20 Nov 10:15"
    ]


def test_a_number_says_its_old_one_its_health_and_its_cell(project: Project) -> None:
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


def test_rows_that_come_and_go_are_told_though_the_number_is_the_same(project: Project) -> None:
    project.sync()
    project.visits({5: 30, 19: 20})
    change = project.change("visits")
    assert change.old is not None
    assert change.old.value == change.new.value == 50
    assert [item.title for item in change.differences.enters] == ["holds 20"]
    assert [item.left_out for item in change.differences.leaves] == ["gone: deleted, moved, or no match any more"]


def test_what_an_earlier_plan_pulled_is_still_compared_with_the_last_sync(project: Project) -> None:
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


def test_a_guard_that_breaks_is_told_with_its_key_result(project: Project) -> None:
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


def test_another_measure_is_never_compared_and_stands_beside(project: Project) -> None:
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


def test_a_period_that_is_named_by_its_days_is_told_in_80_columns(project: Project) -> None:
    (project.folder / "syncd.yaml").write_text(
        "mappings: okrs.yaml\ntimezone: America/New_York\nconnections:\n  local: {type: files, root: .}\n"
    )
    project.edit("period: 2026-Q4", "period: {start: 2026-10-01, end: 2026-12-31}")
    assert project.plan()  # which looks at every line


def test_an_edit_of_the_periods_days_is_told_once(project: Project) -> None:
    project.sync()
    project.edit("period: 2026-Q4", "period: {id: 2026-Q4, start: 2026-10-01, end: 2027-01-01}")
    period = project.period()
    assert period.days_edited
    assert [edit for change in period.key_results for edit in change.edits] == []


def test_an_edit_that_says_the_same_in_other_words_is_none_of_the_days(project: Project) -> None:
    project.sync()
    project.edit("drives: calls", "drives: [{outcome: calls, lag: 0d}]")
    assert not project.plan()


def test_what_people_checked_in_moves_with_the_clock_and_with_edits(project: Project) -> None:
    project.edit("        measure: {from: local, file: calls.csv, cell: B2}\n", "        stale_after: 60d\n")
    project.sync()
    plan = project.config.plans[0]
    said = CheckIn("Dana", project.now, project.now + timedelta(days=60), 850)
    check_in(project.config, plan, plan.key_results[0], project.ledger, said)
    assert not project.plan()
    project.sync()
    project.now += timedelta(days=30)
    period = project.period()
    change = {one.key_result.id: one for one in period.key_results}["calls"]
    assert change.old is not None
    assert (change.old.standing.health, change.new.standing.health) == ("on_track", "off_track")
    assert (change.remeasured, bool(change.differences)) == (False, False)
    project.sync()
    project.edit("target: 600", "target: 400")
    assert [str(edit) for edit in project.change().edits] == ["target: 600 → 400"]


def test_a_key_result_that_no_file_names_any_more_is_told_until_the_next_sync(project: Project) -> None:
    project.sync()
    project.edit("id: calls", "id: phone-calls")
    project.edit("drives: calls", "drives: phone-calls")
    period = project.period()
    assert [(one.id, one.value.number, one.title) for one in period.removed] == [("calls", 1000, "Calls fall")]
    assert {one.key_result.id: one.old is None for one in period.key_results} == {"phone-calls": True, "visits": False}
    (only,) = project.plan("visits").periods
    assert not only.removed
    project.sync()
    assert not project.plan()


def test_what_would_wait_is_told_with_why_and_how_it_is_approved(project: Project) -> None:
    project.sync()
    project.calls(1900)
    change = project.change()
    assert change.old is not None
    assert (change.old.value, change.new.value, change.new.candidate) == (1000, 1000, 1900)
    assert (change.new.quality, change.approve) == ("held", "syncd approve calls")
    assert change.new.reason == "1,900 is outside plausible (at most 1,500); `syncd approve calls` accepts it"
    project.sync()
    found = project.plan()
    assert not found
    ((line, command),) = found.periods[0].waiting
    assert (line.candidate, command) == (1900, "syncd approve calls")
    project.calls(1950)
    assert project.change().new.candidate == 1950
    project.calls(1900)
    approve(
        project.config,
        project.config.plans[0],
        project.config.plans[0].key_results[0],
        project.ledger,
        author="Dana",
        now=project.now,
    )
    assert not project.plan()


def test_a_command_is_not_broken_within_an_id(project: Project) -> None:
    project.edit("id: calls", "id: calls-to-the-support-line")
    project.edit("drives: calls", "drives: calls-to-the-support-line")
    project.sync()
    project.calls(1900)
    text = "\n".join(render(project.plan(), project.config.zone))
    assert "calls-to-the-support-line` accepts it" in text


def test_a_guard_that_waits_is_told_beside_a_change_of_its_key_result(project: Project) -> None:
    project.edit("measure: {from: local, file: errors.csv, cell: B2}", f"measure: {ERRORS}")
    (project.folder / "errors.csv").write_text("Day,Errors\n2026-10-05,1\n2026-10-06,1\n2026-10-07,1\n")
    project.sync()
    (project.folder / "errors.csv").write_text("Day,Errors\n")
    project.sync()
    project.visits({5: 31, 12: 20})
    period = project.period()
    assert [(change.key_result.id, change.guard) for change in period.key_results] == [("visits", None)]
    assert [command for _, command in period.waiting] == ["syncd approve visits:guard"]


def test_a_source_that_failed_changes_the_quality_alone(project: Project) -> None:
    project.sync()
    (project.folder / "calls.csv").unlink()
    found = project.plan()
    assert len(found.result.failures) == 1
    (change,) = found.periods[0].key_results
    assert (change.new.value, change.new.quality) == (1000, "failed")
    assert not change.differences
    project.sync()
    assert not project.plan()
    project.calls(1000)
    assert "      complete again; it was failed" in list(render(project.plan(), project.config.zone))


def test_a_plan_of_one_key_result_looks_at_no_other(project: Project) -> None:
    project.sync()
    project.calls(700)
    project.visits({5: 90})
    project.edit("target: 100", "target: 200")
    found = project.plan("calls")
    assert [change.key_result.id for change in found.periods[0].key_results] == ["calls"]
    assert found.measured == 1
    (objective,) = found.periods[0].objectives
    assert objective.old.activity == objective.new.activity


def test_no_open_period_is_one_sentence(project: Project) -> None:
    project.now = datetime(2026, 9, 1, tzinfo=UTC)
    found = project.plan()
    assert list(render(found, project.config.zone)) == [
        "no key result is measured now: no period is open (one begins later, or has settled)"
    ]


def test_long_lists_are_cut_in_the_text_and_nowhere_else(project: Project) -> None:
    project.visits({day: day for day in range(1, 28)})
    found = project.plan()
    assert len(document(found, project.config.zone)["periods"][0]["key_results"][1]["enters"]) == 27
    text = list(render(found, project.config.zone))
    assert "      and 7 more" in text
    assert sum(line.startswith("      + ") and "Oct" in line for line in text) == 20
