"""Every edit that can move a score is a dated fact, also one of a plan before its period, of an objective, or of an id.

A past day is judged by what was in force then, and its history goes on under a new id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject

from syncd.cli.history import table
from syncd.cli.history_view import render
from syncd.cycle.check_in import check_in
from syncd.cycle.refusals import Refused
from syncd.explain.documents import series_document as history_document
from syncd.explain.edits import edits
from syncd.explain.evidence import evidence
from syncd.explain.history import Series, history
from syncd.okr.checkins import CheckIn
from syncd.okr.spans import midnight
from syncd.review.document import document as review_document
from syncd.review.make import review
from syncd.review.model import Review
from syncd.status.report import Report, line_of, report_of

pytestmark = pytest.mark.nightly_with("postgresql")

SEPTEMBER = datetime(2026, 9, 25, 10, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, 10, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: 60 calls a week answered by articles
        kind: outcome
        baseline: 0
        target: 1000
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}, take: latest}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        drives: calls
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
"""


class Project(CsvProject):
    """Two dated series that rise from the period's first week on."""

    def __init__(self, folder: Path, now: datetime = SEPTEMBER, **options: Any) -> None:
        super().__init__(folder, MAPPING, now, **options)
        self.write("calls.csv", "Day,Calls", "2026-10-02,20", "2026-10-20,50", "2026-10-30,56")
        self.write("articles.csv", "Day,Articles", "2026-10-02,30", "2026-10-20,9")

    def sync(self, now: datetime, **options: Any) -> Any:
        self.now = now
        return self.cycle(**options)

    def at_end(self, day: date) -> Report:
        okrs = self.config.periods[0]
        return report_of(self.snapshots().at_end(midnight(day + timedelta(days=1), okrs.period.zone)))

    def history(self, name: str, *, backfill: bool = False) -> Series:
        snapshots = self.snapshots()
        return history(snapshots, snapshots.now(self.now), self.key_result(name), backfill=backfill)

    def edits(self, name: str) -> list[str]:
        shown = edits(self.ledger, self.config.periods[0].period.id, name)
        series = [event for event in self.history(name).events if event in shown]
        explained = evidence(self.snapshots().now(self.now), self.ledger, self.key_result(name)).definition_changes
        assert series == list(explained) == shown
        return [f"{edit.at:%d %b} {edit}" for edit in shown]

    def review(self, at: date | None = None) -> Review:
        config = self.config
        return review(config, config.periods[0], self.ledger, self.now, at, whole=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Makes a project, on SQLite or on PostgreSQL."""
    address = request.getfixturevalue("new_postgres")() if request.param == "postgresql" else None
    made: list[Project] = []

    def make(now: datetime = SEPTEMBER) -> Project:
        made.append(Project(tmp_path, now, ledger=address))
        return made[-1]

    yield make
    for project in made:
        project.ledger.close()


def test_an_edit_after_the_period_stands_below_the_last_day_that_it_did_not_judge(
    new_project: Callable[..., Project],
) -> None:
    project = new_project(datetime(2026, 12, 20, 10, tzinfo=UTC))
    project.cycle()
    project.sync(datetime(2026, 12, 31, 10, tzinfo=UTC))
    project.edit("target: 1000", "target: 60")
    project.sync(datetime(2027, 2, 1, 10, tzinfo=UTC))
    lines = list(render(project.history("calls"), project.now))
    (last,) = (number for number, line in enumerate(lines) if line.startswith("31 Dec") or "– 31 Dec" in line)
    (edited,) = (number for number, line in enumerate(lines) if "1000 → 60" in line)
    assert edited > last, lines


# -- a plan before its period


def test_a_plan_that_was_synced_before_its_period_judges_its_days(new_project: Callable[..., Project]) -> None:
    project = new_project()
    project.cycle()
    assert project.report().line("calls").reason == "the period has not begun"  # type: ignore[union-attr]
    project.edit("target: 1000", "target: 60")
    project.sync(NOVEMBER)
    (link,) = project.report().block("service").alignment
    # Until today the target was 1,000: the outcome is on pace for the first time.
    assert project.edits("calls") == ["01 Nov target: 1000 → 60"]
    assert project.at_end(date(2026, 10, 20)).line("calls").key_result.goal.target == 1000  # type: ignore[union-attr]
    points = {point.day: point for point in project.history("calls").points}
    assert points[date(2026, 10, 20)].goal.target == 1000  # type: ignore[union-attr]
    assert link.alignment.verdict == "working"


def test_a_run_on_pace_begins_by_the_plan_of_then(new_project: Callable[..., Project]) -> None:
    project = new_project()
    project.edit("target: 40", "target: 4000")
    project.cycle()
    project.edit("target: 4000", "target: 40")
    project.edit("target: 1000", "target: 2000")
    project.sync(NOVEMBER)
    (link,) = project.report().block("service").alignment
    # By a target of 4,000 the work was never on pace in October: the run begins today, and not on 1 October.
    assert (link.alignment.verdict, link.alignment.since) == ("watermelon", date(2026, 11, 1))


def test_an_edit_of_a_plan_before_its_period_is_shown_before_the_first_day(new_project: Callable[..., Project]) -> None:
    project = new_project()
    project.cycle()
    project.edit("target: 1000", "target: 60")
    project.sync(SEPTEMBER + timedelta(days=1))
    assert project.edits("calls") == ["26 Sep target: 1000 → 60"]
    assert project.history("calls").points == ()
    project.sync(NOVEMBER)
    series = project.history("calls")
    assert [event["day"] for event in history_document(series)["events"]] == ["2026-09-26"]
    assert "edited 26 Sep" in "\n".join(render(series, project.now))
    assert "target: 1000 → 60" in table(series)


# -- objectives and settings


def test_the_roll_up_of_an_objective_is_a_dated_fact(new_project: Callable[..., Project]) -> None:
    project = new_project(NOVEMBER - timedelta(days=9))
    project.cycle()
    before = project.report().block("service").standing
    project.edit("    title: Customers find answers\n", "    title: Customers find answers\n    rollup: all\n")
    project.sync(NOVEMBER)
    after = project.report().block("service").standing
    assert after.score != before.score
    assert project.at_end(date(2026, 10, 30)).block("service").standing.score == pytest.approx(before.score)
    for name in ("calls", "articles"):
        assert project.edits(name) == ["01 Nov objective.rollup: outcomes → all"]
    asked = [question.text for question in project.review().questions if question.kind == "edited"]
    assert asked == ["the objective service: rollup: outcomes → all since 1 Nov: who agreed to it, and why?"]
    (change,) = [change for change in review_document(project.review())["definition_changes"] if "objective" in change]
    assert change == {
        "at": "2026-11-01T10:00:00+00:00",
        "file": "okrs.yaml",
        "what": "edited",
        "key_results": ["calls", "articles"],
        "objective": "service",
        "key": "objective.rollup",
        "old": "outcomes",
        "new": "all",
    }


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("    title: Customers find answers\n", "    title: Customers help themselves\n", "objective.title"),
        ("  - id: service\n", "  - id: self-service\n", "objective: service → self-service"),
        ("  - id: service\n", "  - id: service\n    weight: 3\n", "objective.weight: 1 → 3"),
    ],
)
def test_every_key_of_an_objective_that_moves_a_score_is_a_dated_fact(
    tmp_path: Path, old: str, new: str, shown: str
) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    project.edit(old, new)
    project.sync(NOVEMBER)
    assert [edit for edit in project.edits("calls") if shown in edit]
    assert project.at_end(date(2026, 10, 30)).objectives[0].objective.id == "service"
    project.ledger.close()


def test_a_key_result_was_in_the_objective_of_then(tmp_path: Path) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    project.edit("      - id: articles\n", "  - id: work\n    title: Work\n    key_results:\n      - id: articles\n")
    project.sync(NOVEMBER)
    assert project.edits("articles") == [
        "01 Nov objective: service → work", "01 Nov objective.title: Customers find answers → Work"
    ]  # fmt: skip
    assert project.edits("calls") == ["01 Nov objective.key_results: articles, calls → calls"]
    then = project.at_end(date(2026, 10, 30))
    assert [block.objective.id for block in then.objectives] == ["service"]
    assert then.block("service").standing.activity is not None
    assert {block.objective.id for block in project.report().objectives} == {"service", "work"}
    project.ledger.close()


def test_an_objective_that_left_the_files_still_stood_on_the_days_before(tmp_path: Path) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    mapping = project.folder / "okrs.yaml"
    mapping.write_text(mapping.read_text().replace("id: service", "id: other").replace("id: calls", "id: rings"))
    project.edit("drives: calls", "drives: rings")
    project.sync(NOVEMBER)
    then = project.at_end(date(2026, 10, 30))
    service = then.block("service")
    assert [line.key_result.id for line in service.key_results] == ["calls", "articles"]
    assert service.standing.score is not None
    review_document(project.review(date(2026, 10, 30)))
    project.sync(NOVEMBER + timedelta(days=1))
    assert [block.objective.id for block in project.at_end(date(2026, 11, 1)).objectives if block.objective.id] == [
        "other"
    ]
    project.ledger.close()


def test_settings_are_dated_facts(tmp_path: Path) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    settings = project.folder / "syncd.yaml"
    settings.write_text("settle: 3d\nheld_until: repeated\nhealth: {on_track: 0.8}\n" + settings.read_text())
    project.sync(NOVEMBER)
    assert sorted(project.edits("calls")) == [
        "01 Nov health.on_track: 0.9 → 0.8",
        "01 Nov held_until: approved → repeated",
        "01 Nov settle: 14d → 3d",
    ]
    changes = review_document(project.review())["definition_changes"]
    assert {(change["file"], change["key"]) for change in changes} == {
        ("syncd.yaml", "health.on_track"), ("syncd.yaml", "held_until"), ("syncd.yaml", "settle")
    }  # fmt: skip
    project.ledger.close()


# -- periods


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "period",
    [
        "{start: 2026-10-01, end: 2026-12-31, id: autumn}",
        "{start: 2026-10-08, end: 2026-12-31}",
        "2026-H2",
    ],
)
def test_the_history_of_a_renamed_period_goes_on(new_project: Callable[..., Project], period: str) -> None:
    project = new_project(NOVEMBER - timedelta(days=9))
    project.cycle()
    before = line_of(project.snapshots().now(project.now), project.key_result("calls"))
    project.edit("period: 2026-Q4", f"period: {period}")
    result = project.sync(NOVEMBER)
    (moved,) = result.carried_over.moved
    new = project.config.periods[0].period.id
    assert (moved.move.old, moved.move.new, moved.held) == ("2026-Q4", new, None)
    assert project.edits("calls")[0] == f"01 Nov period.id: 2026-Q4 → {new}"
    points = {point.day: point for point in project.history("calls").points}
    assert points[date(2026, 10, 25)].value == before.value == 50
    assert points[date(2026, 11, 1)].value == 56
    keys = {change["key"] for change in review_document(project.review())["definition_changes"]}
    assert "period.id" in keys
    again = project.sync(NOVEMBER + timedelta(hours=1))
    assert again.carried_over.moved == ()


def test_the_next_quarter_is_no_renamed_one(new_project: Callable[..., Project]) -> None:
    project = new_project(NOVEMBER)
    project.cycle()
    project.edit("period: 2026-Q4", "period: 2027-Q1")
    result = project.sync(datetime(2027, 1, 2, 10, tzinfo=UTC))
    assert result.carried_over.moved == ()
    assert project.edits("calls") == []
    assert [point.day for point in project.history("calls").points] == [date(2027, 1, 1), date(2027, 1, 2)]


def test_a_year_is_no_renamed_quarter(new_project: Callable[..., Project]) -> None:
    project = new_project(NOVEMBER - timedelta(days=9))
    project.cycle()
    project.edit("period: 2026-Q4", "period: '2026'")
    assert project.sync(NOVEMBER).carried_over.moved == ()


def test_a_check_in_waits_for_the_sync_that_takes_over_a_renamed_period(new_project: Callable[..., Project]) -> None:
    project = new_project(NOVEMBER - timedelta(days=9))
    project.cycle()
    project.edit("period: 2026-Q4", "period: {start: 2026-10-01, end: 2026-12-31, id: autumn}")
    checkin = CheckIn("Ana", NOVEMBER, NOVEMBER + timedelta(days=14), value=60)
    okrs = project.config.periods[0]
    with pytest.raises(Refused, match=r"the period 2026-Q4 is called autumn now; run `syncd sync` first"):
        check_in(project.config, okrs, project.key_result("calls"), project.ledger, checkin)
    assert len(project.sync(NOVEMBER).carried_over.moved) == 1
    check_in(project.config, okrs, project.key_result("calls"), project.ledger, checkin)


# -- another name without `moved`


EASIER = ("target: 1000", "target: 60")


def shown_by_a_review(project: Project) -> list[str]:
    changes = review_document(project.review())["definition_changes"]
    return [
        f"{' '.join(change['key_results'])} {change['what']} {change.get('key') or ''}".strip() for change in changes
    ]


def test_a_key_result_under_a_new_name_is_compared_with_the_one_that_it_replaces(tmp_path: Path) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    before = project.report().block("service").standing
    project.edit("id: calls\n", "id: rings\n")
    project.edit("drives: calls", "drives: rings")
    project.edit(*EASIER)
    project.edit("take: latest", "take: max")
    project.sync(NOVEMBER)
    after = project.report().block("service").standing
    assert after.score != before.score
    assert project.edits("rings") == [
        "01 Nov replaces: calls → rings",
        "01 Nov target: 1000 → 60",
        "01 Nov measure.take: none → max",
    ]
    assert "01 Nov objective.key_results: articles, calls → articles, rings" in project.edits("articles")
    shown = shown_by_a_review(project)
    assert {"rings edited replaces", "rings edited target", "rings added", "calls removed"} <= set(shown)
    asked = [question.text for question in project.review().questions if question.kind == "edited"]
    assert any(text.startswith("rings: target: 1000 → 60 since 1 Nov") for text in asked)
    project.ledger.close()


def test_a_key_result_that_is_added_replaces_none(tmp_path: Path) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    calls = MAPPING[MAPPING.index("      - id: calls") : MAPPING.index("      - id: articles")]
    project.edit(calls, calls + calls.replace("id: calls", "id: rings"))
    project.sync(NOVEMBER)
    assert project.edits("rings") == []
    assert project.edits("calls") == ["01 Nov objective.key_results: articles, calls → articles, calls, rings"]
    project.ledger.close()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("same_ids", [True, False])
def test_a_period_under_a_new_name_is_compared_with_the_one_that_it_replaces(
    tmp_path: Path, same_ids: bool, at_once: bool
) -> None:
    """Too few days in common to be the same period, or no key result with the same id: the history does not go on."""
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    new = MAPPING.replace("period: 2026-Q4", "period: '2026'").replace(*EASIER)
    if not same_ids:
        new = new.replace("id: calls", "id: rings").replace("drives: calls", "drives: rings")
        new = new.replace("id: articles", "id: pages")
    if not at_once:
        settings = tmp_path / "syncd.yaml"
        settings.write_text(settings.read_text().replace("okrs.yaml", "'*okrs.yaml'"))
        (tmp_path / "new-okrs.yaml").write_text(new)
        project.sync(NOVEMBER - timedelta(days=1))
        (tmp_path / "okrs.yaml").unlink()
    else:
        (tmp_path / "okrs.yaml").write_text(new)
    assert project.sync(NOVEMBER).carried_over.moved == ()
    name = "calls" if same_ids else "rings"
    expected = ["01 Nov period.replaces: 2026-Q4 → 2026", "01 Nov target: 1000 → 60"]
    if not same_ids:
        expected.insert(1, "01 Nov replaces: calls → rings")
    assert project.edits(name) == expected
    assert any("edited period.replaces" in change for change in shown_by_a_review(project))
    project.ledger.close()


def test_a_quarter_beside_a_year_replaces_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, NOVEMBER - timedelta(days=9))
    project.cycle()
    (tmp_path / "syncd.yaml").write_text((tmp_path / "syncd.yaml").read_text().replace("okrs.yaml", "'*okrs.yaml'"))
    (tmp_path / "new-okrs.yaml").write_text(MAPPING.replace("period: 2026-Q4", "period: '2026'"))
    project.sync(NOVEMBER)
    year, quarter = project.config.periods
    assert edits(project.ledger, year.period.id, "calls") == []
    (tmp_path / "okrs.yaml").unlink()
    project.sync(quarter.period.span.end + timedelta(days=30))  # a period that is over is tidied away
    assert edits(project.ledger, year.period.id, "calls") == []
    project.ledger.close()
