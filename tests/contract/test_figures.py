"""No figure that people see is rounded across the target or another bound that its health stands on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from csv_project import CsvProject

import syncd
from syncd.cli import explain as explain_command
from syncd.cli import explain_links, plan_view, status_view
from syncd.cli.history import table
from syncd.cli.history_view import render as history_view
from syncd.cycle.approve import approve
from syncd.cycle.check_in import check_in
from syncd.cycle.plan import plan_sync
from syncd.explain.evidence import evidence
from syncd.explain.history import history
from syncd.explain.links import links_of
from syncd.okr.checkins import CheckIn
from syncd.review.make import review
from syncd.review.markdown import markdown
from syncd.status.report import report_of

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Answers
        kind: outcome
        baseline: 0
        target: 1000
        plausible: {jump: 100}
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}, take: latest}
      - id: mood
        title: Mood
        kind: outcome
        baseline: 0
        target: 1000
      - id: gone
        title: Gone
        kind: output
        target: 1000
        drives: calls
        measure: {from: local, file: gone.csv, series: {dates: Day, values: Gone}, take: sum}
"""
SHORT = 999.99613  # of the target of 1,000: with two decimals it would be 1,000
ROUNDED = ("1,000", "100 %")


class Project(CsvProject):
    """A project in which every number is just below the target: values, check-ins, a held and an approved number, a
    restated row, a key result that left the files.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MAPPING, NOW)
        weeks = [f"2026-10-{day:02},{SHORT}" for day in (5, 12, 19, 26)]
        self.write("calls.csv", "Day,Calls", *weeks, f"2026-11-02,{SHORT}")
        self.write("gone.csv", "Day,Gone", f"2026-10-02,{SHORT}")
        for name in ("mood", "calls"):
            self.check_in(name)
        self.cycle()
        self.now += timedelta(days=8)
        self.write("calls.csv", "Day,Calls", *weeks, f"2026-11-02,{SHORT - 0.0001}")
        self.cycle()
        self.write("calls.csv", "Day,Calls", *weeks, "2026-11-02,500")
        self.cycle()
        config = self.config
        approve(
            config,
            config.periods[0],
            self.key_result("calls"),
            self.ledger,
            author="Ada",
            entered_by="ops@build-3",
            now=self.now,
            candidate=500,
        )
        self.write("calls.csv", "Day,Calls", *weeks, f"2026-11-02,{SHORT}")
        self.cycle()

    def check_in(self, name: str) -> None:
        config = self.config
        checkin = CheckIn("Dana", self.now, self.now + timedelta(days=60), SHORT)
        check_in(config, config.periods[0], self.key_result(name), self.ledger, checkin)

    def shown(self) -> Iterator[str]:
        """Every text that people see of it."""
        config, snapshots = self.config, self.snapshots()
        now = snapshots.now(self.now)
        yield from status_view.render(report_of(now), (), None, 80)
        for kr in now.okrs.key_results:
            yield from explain_command._lines(evidence(now, self.ledger, kr), now.okrs.period.span, config.zone)
            yield from explain_links.lines(list(links_of(now, self.ledger, kr)))
            series = history(snapshots, now, kr, backfill=True)
            yield from history_view(series, self.now)
            yield table(series)
        for at in (None, date(2026, 11, 27)):
            for whole in (False, True):
                yield markdown(review(config, config.periods[0], self.ledger, self.now, at, whole=whole))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


def without_goals(text: str) -> str:
    """The text without the places that show the target itself, or a change."""
    for goal in ("0 → 1,000", "of 1,000", "goal is 1,000", "+1,000"):  # no health stands on a change
        text = text.replace(goal, "GOAL")
    return text


def test_no_figure_is_rounded_across_the_target(project: Project) -> None:
    wrong = [line for line in project.shown() for rounded in ROUNDED if rounded in without_goals(line)]
    assert wrong == []


def test_a_plan_rounds_no_figure_across_the_target(project: Project) -> None:
    gone = MAPPING[MAPPING.index("      - id: gone") :]
    project.edit(gone, "")
    project.write("calls.csv", "Day,Calls", f"2026-11-02,{SHORT + 0.0001}")
    lines = list(plan_view.render(plan_sync(project.request()), project.config.zone))
    assert any("gone: removed" in line for line in lines)
    assert any(line.lstrip().startswith("~ calls") for line in lines)
    assert [line for line in lines for rounded in ROUNDED if rounded in without_goals(line)] == []


BARE = {
    "cli/explain_links.py": "slopes, and changes from week to week",
    "cli/history_chart.py": "the ticks of an axis",
    "cli/history_view.py": "changes, and expected shares",
    "cli/init_questions.py": "a number of a source that no goal has yet",
    "cli/status_view.py": "expected shares",
    "explain/requests.py": "confidences",
    "notifying/new_events.py": "expected shares",
    "okr/plausible.py": "a progress above 1,000 %",
    "review/pace.py": "amounts a week",
    "review/questions.py": "confidences",
    "review/wording.py": "numbers of rows, confidences and expected shares",
    "sdk/block.py": "confidences and expected shares",
    "status/checkin_words.py": "differences and confidences",
    "status/verdicts.py": "gains and slopes",
    "web/key_result.py": "the change of a week",
    "web/lines.py": "the pace",
}
"""The modules that word numbers or shares which no health stands on."""


def bare_figures(source: str) -> Sequence[int]:
    """The lines that call `number` or `percent` without bounds."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("number", "percent")
        and isinstance(node.func, ast.Name)
        and not (node.keywords and any(keyword.arg == "bounds" for keyword in node.keywords))
        and not (node.func.id == "percent" and len(node.args) == 2)
        and not (node.func.id == "number" and len(node.args) == 3)
    ]


@pytest.mark.nightly
def test_figures_without_bounds_are_only_where_no_health_stands_on_them() -> None:
    root = Path(syncd.__file__).parent
    paths = chain(root.rglob("*.py"), (root.parent / "connectors").rglob("*.py"))
    modules = {str(path.relative_to(root if root in path.parents else root.parent)): path for path in paths}
    bare = {name for name, path in modules.items() if "sandbox" not in name and bare_figures(path.read_text())}
    assert bare == BARE.keys()
