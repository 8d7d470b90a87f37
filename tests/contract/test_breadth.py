"""What loading and cycles cost over many key results, by what they do: parses, calls and statements, never time.

A loop within a loop shows in the calls: twice as many key results then cost four times as much.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event

from syncd.config import Config, load_config
from syncd.config.trials import differences
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import Ledger, open_ledger
from syncd.sdk import RetryPolicy

SMALL, LARGE = 50, 500
WEEKS = ("2026-09-28", "2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09")
_SETTINGS = """\
mappings: okrs/
clock: 2026-11-21T10:00+00:00
connections:
  numbers: {type: files, root: .}
publish: [{to: numbers, file: out.json}]
"""


class Project:
    """Objectives of five key results, two of them outputs, in files of ten key results with a test each.

    Each fifth file is of the year: objectives of the quarter support its objectives, and outputs drive its outcomes.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size
        (folder / "okrs").mkdir(parents=True)
        (folder / "syncd.yaml").write_text(_SETTINGS, encoding="utf-8")
        for number in range(size // 10):
            period = "2026" if number % 5 == 4 else "2026-Q4"
            objectives = "".join(self._objective(2 * number + half) for half in range(2))
            name = f"kr-{10 * number + 1}"
            test = f"  - {{name: A test, at: 2026-11-15, given: {{{name}: 175}}, expect: {{{name}: {{value: 175}}}}}}\n"
            text = f"period: {period}\nobjectives:\n{objectives}tests:\n{test}"
            (folder / f"okrs/{number:03}.yaml").write_text(text, encoding="utf-8")
        self.write_numbers(0)
        self.config = self.load()
        ledger = open_ledger(self.config.ledger_url())
        assert ledger is not None
        self.ledger: Ledger = ledger
        self.now: datetime = self.config.settings.clock or datetime.max

    def _objective(self, number: int) -> str:
        of_year = number // 10 * 10 + 8
        lines = [f"  - id: objective-{number}", "    title: A change", "    owner: team"]
        lines += [f"    supports: objective-{of_year + number % 2}"] if number < of_year else []
        lines.append("    key_results:")
        for index in range(5):
            place = 5 * number + index
            goal = "baseline: 300, target: 50" if index < 3 else "baseline: 0, target: 2000"
            outcome = 5 * (number if index == 3 else of_year) + index - 3
            drives = f", drives: kr-{outcome}, lag: 3w" if index >= 3 else ""
            measure = f"{{from: numbers, file: n.csv, series: {{dates: Week, values: Line {place}}}}}"
            kind = "output" if drives else "outcome"
            keys = f"id: kr-{place}, title: A number, kind: {kind}, {goal}{drives}, measure: {measure}"
            lines.append(f"      - {{{keys}}}")
        return "\n".join(lines) + "\n"

    def write_numbers(self, more: int) -> None:
        lines = [",".join(["Week", *(f"Line {number}" for number in range(self.size))])]
        for index, week in enumerate(WEEKS):
            numbers = (100 + 3 * index + number % 7 + more for number in range(self.size))
            lines.append(",".join([week, *map(str, numbers)]))
        (self.folder / "n.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def load(self) -> Config:
        return load_config(self.folder / "syncd.yaml")

    def cycle(self, later: timedelta = timedelta(minutes=15)) -> None:
        self.now += later
        result = run_cycle(CycleRequest(self.config, self.ledger, lambda: self.now, RetryPolicy(sleep=lambda _: None)))
        assert not result.failures
        assert len(result.measured) == self.size


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    folder = tmp_path_factory.mktemp("breadth")
    return Project(folder / "small", SMALL), Project(folder / "large", LARGE)


def calls(work: Callable[[], object]) -> int:
    """How many calls of functions, and steps of generators, some work makes in this thread."""
    count = 0

    def note(_frame: FrameType, _event: str, _: Any) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def growth(work: Callable[[Project], object], projects: tuple[Project, Project]) -> float:
    """The calls for the large project beside those for the small one: at most 10, as its size is ten times the other's;
    a loop within a loop makes it a hundred.
    """
    small, large = (calls(lambda project=project: work(project)) for project in projects)
    return large / small


def statements(project: Project) -> int:
    """The statements of a cycle."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(project.ledger.engine, "before_cursor_execute", note)
    try:
        project.cycle()
    finally:
        event.remove(project.ledger.engine, "before_cursor_execute", note)
    return count


def test_loading_costs_the_same_for_each_key_result(projects: tuple[Project, Project]) -> None:
    for project in projects:
        project.load()
    assert growth(Project.load, projects) < 12


def test_mapping_tests_cost_the_same_however_many_key_results_there_are(projects: tuple[Project, Project]) -> None:
    def work(project: Project) -> None:
        for test in project.config.tests:
            assert differences(test, project.config.shares) == []

    assert growth(work, projects) < 12


@pytest.mark.nightly
def test_cycles_cost_the_same_for_each_key_result(projects: tuple[Project, Project]) -> None:
    assert growth(Project.cycle, projects) < 12  # the first one
    assert growth(Project.cycle, projects) < 12  # unchanged
    for project in projects:
        project.write_numbers(5)
    assert growth(Project.cycle, projects) < 12
    assert growth(lambda project: project.cycle(timedelta(days=1)), projects) < 12


@pytest.mark.nightly
def test_unchanged_cycle_takes_the_same_statements_for_more_key_results(projects: tuple[Project, Project]) -> None:
    for project in projects:
        project.cycle()
    small, large = map(statements, projects)
    assert small == large
