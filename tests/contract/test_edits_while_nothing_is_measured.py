"""Edits of mappings while a source fails, and after a period has settled: each counts at once, and leaves its date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from csv_project import CsvProject

from syncd.explain.evidence import evidence as evidence_of
from syncd.status.report import Report, report_of

OUTAGE = """\
period: 2026-Q4
objectives:
  - id: o
    title: Customers find answers
    key_results:
      - id: a
        title: Answers
        kind: outcome
        baseline: 0
        target: 50
        measure: {from: local, file: a.csv, series: {dates: Day, values: N}}
        guard: {title: Care, keep: {at_least: 80}, measure: {from: local, file: g.csv, series: {dates: Day, values: N}}}
"""
QUARTER = """\
period: 2026-Q3
objectives:
  - id: o
    title: Customers find answers
    key_results:
      - id: a
        title: Answers
        kind: outcome
        baseline: 0
        target: 100
        measure: {from: local, file: a.csv, series: {dates: Day, values: N}}
"""


def october(day: int, hour: int = 10) -> datetime:
    return datetime(2026, 10, day, hour, tzinfo=UTC)


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[CsvProject]:
    """On 21 October, 20 of 50 is on track, but the guard is broken. On 22 October the guard is whole, and `a` fails."""
    project = CsvProject(tmp_path, OUTAGE, october(21))
    project.write("a.csv", "Day,N", "2026-10-20,20")
    project.write("g.csv", "Day,N", "2026-10-20,50")
    project.cycle()
    assert health(project.report()) == ("at_risk", "complete")
    project.now = october(22)
    (tmp_path / "a.csv").unlink()
    project.write("g.csv", "Day,N", "2026-10-20,50", "2026-10-21,95")
    project.cycle()
    yield project
    project.ledger.close()


def health(report: Report) -> tuple[str, str | None]:
    (line,) = (line for block in report.objectives for line in block.key_results)
    return line.standing.health, line.quality


def test_a_guard_that_is_whole_again_caps_nothing_while_the_source_fails(failing: CsvProject) -> None:
    assert health(failing.report()) == ("on_track", "failed")


def test_an_edited_pace_counts_while_the_source_fails(failing: CsvProject) -> None:
    failing.edit("target: 50\n", "target: 50\n        pace: {steps: [{by: 2026-10-20, value: 45}]}\n")
    assert health(failing.report()) == ("off_track", "failed"), "before the next sync"
    failing.now = october(23)
    failing.cycle()
    assert health(failing.report()) == ("off_track", "failed")


def test_an_outage_makes_nobody_fall_behind(failing: CsvProject) -> None:
    assert health(failing.report(datetime(2026, 12, 20, tzinfo=UTC))) == ("on_track", "failed")


def test_an_edit_of_a_settled_period_is_a_dated_fact(tmp_path: Path) -> None:
    """Every command says the same of the moments before and after it."""
    project = CsvProject(tmp_path, QUARTER, october(5))
    project.write("a.csv", "Day,N", "2026-09-29,50")
    project.cycle()
    project.now = october(20)
    project.cycle()
    assert health(project.report()) == ("off_track", "complete")
    project.now = october(21)
    project.edit("target: 100", "target: 50")
    project.cycle()
    shown = health(project.report())
    assert shown == ("done", "complete")
    assert shown == health(past(project, october(21, 11)))
    assert health(past(project, october(20, 11))) == ("off_track", "complete")
    (edit,) = evidence_of(
        project.snapshots().now(project.now), project.ledger, project.key_result("a")
    ).definition_changes
    assert edit.at == october(21)
    project.ledger.close()


def past(project: CsvProject, moment: datetime) -> Report:
    return report_of(project.snapshots().at(moment))
