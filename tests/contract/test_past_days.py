"""Past days are shown as they were: by the definitions, days and key results of then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from csv_project import CsvProject
from sqlalchemy import update

from syncd.explain.evidence import evidence
from syncd.explain.history import history
from syncd.ledger.schema import definitions
from syncd.okr.goals import Target
from syncd.review import Review, review
from syncd.status.document import document
from syncd.status.report import report_of

MAPPING = """\
period: {id: autumn, start: 2026-10-01, end: 2026-12-31}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: numbers.csv, cell: B2}
      - id: visits
        title: Visits rise
        kind: outcome
        baseline: 0
        target: 100
        measure: {from: local, file: numbers.csv, cell: B3}
"""
VISITS = MAPPING[MAPPING.index("      - id: visits") :]


def noon(day: int) -> datetime:
    return datetime(2026, 11, day, 12, tzinfo=UTC)


class Project(CsvProject):
    """A CSV file with two cells, synced at noon on days of November."""

    def sync(self, day: int, calls: int, only: str | None = None) -> None:
        self.now = noon(day)
        self.write("numbers.csv", "What,Number", f"calls,{calls}", "visits,50")
        self.cycle(only=only)

    def review(self, day: int, *, whole: bool = False) -> Review:
        """The review of a past day, as it is made now."""
        config = self.config
        return review(config, config.periods[0], self.ledger, self.now, date(2026, 11, day), whole=whole)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, MAPPING, noon(1))
    yield made
    made.ledger.close()


def test_a_value_under_a_definition_that_is_not_read_any_more_is_judged_and_never_compared(project: Project) -> None:
    project.sync(2, calls=900)
    with project.ledger.engine.begin() as connection:
        connection.execute(update(definitions).values(measure="as an early version digested it"))
    project.edit("target: 600", "target: 700")
    project.sync(4, calls=800)
    snapshots = project.snapshots()
    then = snapshots.at(noon(3))
    calls = next(kr for kr in then.okrs.key_results if kr.id == "calls")
    assert isinstance(calls.goal, Target)
    assert calls.goal.target == 600
    past = evidence(then, project.ledger, calls)
    assert (past.line.value, past.line.standing.progress) == (900, 0.5)
    assert (past.edited, past.items) == (True, [])  # the rows of another measure are no evidence
    points = history(snapshots, snapshots.now(project.now), project.key_result("calls")).points
    assert [(point.value, point.change) for point in points[-3:]] == [(900, None), (900, 0), (800, None)]


def test_the_review_of_a_day_lists_only_removals_by_that_day(project: Project) -> None:
    project.sync(2, calls=900)
    project.sync(9, calls=900)
    project.edit(VISITS, "")
    project.sync(10, calls=900)
    project.sync(11, calls=900)
    assert [change.what for change in project.review(8).changes] == []
    (removed,) = project.review(10).changes
    assert (removed.what, removed.key_results, removed.at) == ("removed", ["visits"], noon(10))


def test_a_key_result_is_not_removed_by_a_sync_of_another_alone(project: Project) -> None:
    project.sync(2, calls=900)
    project.sync(3, calls=900, only="calls")
    project.sync(9, calls=900)
    project.edit(VISITS, "")
    project.sync(10, calls=900)
    assert [change.what for change in project.review(4).changes] == []


def test_a_removal_that_no_sync_has_met_is_listed_now_and_on_no_past_day(project: Project) -> None:
    project.sync(2, calls=900)
    project.edit(VISITS, "")
    project.now = noon(5)
    assert [change.what for change in project.review(5).changes] == ["removed"]
    assert [change.what for change in project.review(4).changes] == []


def test_the_review_of_a_day_covers_the_days_of_the_period_of_then(project: Project) -> None:
    project.sync(2, calls=900)
    project.edit("start: 2026-10-01", "start: 2026-10-31")
    project.sync(10, calls=900)
    week = project.review(3)
    assert (week.period.first, week.days.first, week.days.last) == (
        date(2026, 10, 1),
        date(2026, 10, 28),
        date(2026, 11, 3),
    )
    assert project.review(3, whole=True).days.first == date(2026, 10, 1)
    assert project.review(10, whole=True).days.first == date(2026, 10, 31)


@pytest.mark.parametrize("synced", [True, False])
def test_a_key_result_is_in_no_report_of_a_day_before_it_came(project: Project, synced: bool) -> None:
    project.edit(VISITS, "")
    project.sync(2, calls=900)
    before = document(report_of(project.snapshots().at(noon(5))))
    guarded = VISITS + "        guard: {keep: {at_least: 1}, measure: {from: local, file: numbers.csv, cell: B2}}\n"
    (project.folder / "okrs.yaml").write_text(MAPPING.replace(VISITS, guarded))
    if synced:
        project.sync(9, calls=900)
        project.edit("target: 100\n", "target: 200\n")
        project.sync(10, calls=900)
    then = project.snapshots().at(noon(5))
    assert document(report_of(then)) == before
    assert [objective.id for objective in then.okrs.objectives] == ["service"]
    first = then.as_defined(project.key_result("visits"))
    assert isinstance(first.goal, Target)
    assert first.goal.target == 100  # its earlier days are judged by its first definition
    assert [kr.id for kr in then.later] == ["visits:guard", "visits"]


def test_a_key_result_that_left_the_files_is_in_no_objective_of_then(project: Project) -> None:
    project.sync(2, calls=900)
    project.edit(VISITS, "")
    project.sync(9, calls=900)
    then = project.snapshots().at(noon(10))
    objectives = [(objective.id, [kr.id for kr in objective.key_results]) for objective in then.okrs.objectives]
    assert objectives == [("service", ["calls"]), ("", ["visits"])]


def test_numbers_before_the_first_sync_are_computed_from_the_rows_of_then(project: Project) -> None:
    project.edit("cell: B2}", "series: {dates: Day, values: Number}}")
    project.edit("file: numbers.csv, series", "file: days.csv, series")
    project.write("days.csv", "Day,Number", "2026-10-20,1000", "2026-11-01,900")
    project.sync(2, calls=0)
    project.write("days.csv", "Day,Number", "2026-10-20,1100", "2026-11-01,900")
    project.sync(10, calls=0)  # a row was corrected, and the number is the same
    start = project.review(2).by_id["calls"].start
    assert start is not None
    assert (start.day, start.value, start.source) == (date(2026, 10, 26), 1000, "backfilled")
