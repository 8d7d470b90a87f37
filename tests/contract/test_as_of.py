"""What counts as of a moment: before there are rows, after a period's end, and once it has settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject

from syncd.cli.status_view import render
from syncd.explain.history import history
from syncd.status.report import report_of

MAPPING = """\
period: {id: autumn, start: 2026-10-01, end: 2026-11-30}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: cell.csv, cell: B2}
      - id: articles
        title: 40 articles
        kind: output
        target: 40
        pace: end
        drives: calls
        lag: 3w
        measure: {from: local, file: done.csv, series: {dates: Day, values: Done}, take: sum}
        guard: {keep: {at_least: 70}, measure: {from: local, file: cell.csv, cell: B3}}
"""
END = datetime(2026, 12, 1, tzinfo=UTC)
SETTLED = END + timedelta(days=14)


class Project(CsvProject):
    def sync(self, now: datetime) -> None:
        self.now = now
        self.cycle()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, MAPPING, END)
    made.write("cell.csv", "What,Number", "calls,1100", "votes,80")
    made.write("done.csv", "Day,Done")
    yield made
    made.ledger.close()


def test_series_without_a_row_yet_dates_its_verdict(project: Project) -> None:
    project.sync(datetime(2026, 11, 10, 12, tzinfo=UTC))
    (link,) = project.report().block("service").alignment
    assert (link.alignment.verdict, link.alignment.since) == ("watermelon", date(2026, 10, 1))


def test_series_without_a_row_yet_has_a_backfilled_history(project: Project) -> None:
    project.sync(datetime(2026, 10, 3, 12, tzinfo=UTC))
    snapshots = project.snapshots()
    series = history(snapshots, snapshots.now(project.now), project.key_result("articles"), backfill=True)
    assert series.not_backfilled is None
    assert [(point.value, point.source) for point in series.points] == [
        (0, "backfilled"),
        (0, "backfilled"),
        (0, "kept"),
    ]


def test_series_without_a_row_yet_is_never_stale_by_default(project: Project) -> None:
    project.sync(datetime(2026, 11, 10, 12, tzinfo=UTC))
    line = project.report(project.now + timedelta(days=9)).line("articles")
    assert line is not None
    assert (line.value, line.quality) == (0, "complete")


@pytest.mark.parametrize(
    ("day", "head"),
    [
        (date(2026, 9, 30), "autumn   not begun   as of 30 Sep 23:59 (UTC)"),
        (date(2026, 10, 1), "autumn   day 1 of 61   as of 1 Oct 23:59 (UTC)"),
        (date(2026, 11, 29), "autumn   day 60 of 61   as of 29 Nov 23:59 (UTC)"),
        (date(2026, 11, 30), "autumn   over   as of 30 Nov 23:59 (UTC)"),
    ],
)
def test_status_of_a_past_day_is_as_of_that_day(project: Project, day: date, head: str) -> None:
    snapshot = project.snapshots().at_end(datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC))
    assert head in next(render(report_of(snapshot), (), None, 80))


def test_verdict_after_the_end_is_as_of_the_end_and_says_so(project: Project) -> None:
    project.write("done.csv", "Day,Done", "2026-11-30,40")
    project.edit("pace: end", "pace: linear")
    for now in (END - timedelta(hours=1), END + timedelta(days=13), END + timedelta(days=300)):
        if now < SETTLED:
            project.sync(now)
        (link,) = project.report(now).block("service").alignment
        assert (link.alignment.verdict, link.alignment.since) == ("too_early", date(2026, 11, 30))
    assert link.words == "too early at its end"
    assert link.brief == "articles was on pace since 30 Nov; calls was to follow by 21 Dec, after the period's end."


def test_held_number_names_its_fall_before_its_guard(project: Project) -> None:
    project.write("done.csv", "Day,Done", "2026-11-01,20", "2026-11-02,10", "2026-11-03,10")
    project.sync(datetime(2026, 11, 10, 12, tzinfo=UTC))
    project.write("done.csv", "Day,Done")
    project.write("cell.csv", "What,Number", "calls,1100", "votes,60")
    project.sync(datetime(2026, 11, 11, 12, tzinfo=UTC))
    line = project.report().line("articles")
    assert line is not None
    assert (line.quality, line.standing.health, line.value) == ("held", "at_risk", 40)
    assert line.reason is not None
    assert line.reason.startswith("0 waits: local: series dates Day, values Done went from 3 readings to none")
    assert line.reason.endswith("; its guard is broken: 60 is not at least 70")


def test_key_result_that_was_never_measured_settles_too(project: Project) -> None:
    (project.folder / "done.csv").unlink()
    project.sync(END - timedelta(days=1))

    def measured(now: datetime, only: str | None = None) -> set[str]:
        project.now = now
        return {key_result for _, key_result in project.cycle(only=only).measured}

    assert "articles" in measured(SETTLED - timedelta(hours=1))
    assert measured(SETTLED + timedelta(hours=1)) == set()
    line = project.report().line("articles")
    assert line is not None
    assert line.reason is not None
    assert line.reason.endswith("; its period has settled, and `syncd sync --only articles` tries once more")
    assert "articles" in measured(SETTLED + timedelta(days=1), only="articles")
    project.edit("file: done.csv", "file: late.csv")
    assert "articles" in measured(SETTLED + timedelta(days=30))
    assert "articles" in measured(SETTLED + timedelta(days=40))
    assert measured(SETTLED + timedelta(days=45)) == set()
