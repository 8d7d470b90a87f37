"""What each cycle keeps of a link: the verdict with its first day, and the trend of weekly values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from sqlalchemy import func, select

from syncd.cycle.model import Result
from syncd.explain.history import history
from syncd.explain.links import LinkEvidence, links_of
from syncd.ledger import KeptAlignment, Ledger
from syncd.ledger.schema import alignments
from syncd.okr.goals import ON_PACE
from syncd.okr.trend import Trend

pytestmark = pytest.mark.nightly_with("postgresql")

NAME = ("articles", "calls")
KEPT = KeptAlignment(
    "watermelon", date(2026, 11, 2), date(2026, 10, 12), timedelta(hours=36), 27.0,
    Trend("right_way", 7, 3, date(2026, 10, 3), -15.8, -18.0, -14.0, -95.0, 1.8, "of all 7 weeks"), 1, 1,
)  # fmt: skip


def rows(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(alignments)).scalar() or 0


class TestKeeping:
    def test_alignments_are_read_back_as_they_were_kept(self, ledger: Ledger) -> None:
        bare = replace(KEPT, since=None, delivered=None, trend=None)
        little = replace(KEPT, trend=Trend("too_little_data", 2, 0, reason="2 weeks have a number"))
        kept = {NAME: KEPT, ("articles", "visits"): bare, ("search", "calls"): little}
        ledger.alignments.keep("p", kept)
        assert ledger.alignments.last("p") == kept
        assert ledger.alignments.last("q") == {}

    def test_an_equal_alignment_is_confirmed_and_writes_no_row(self, ledger: Ledger) -> None:
        ledger.alignments.keep("p", {NAME: KEPT})
        ledger.alignments.keep("p", {NAME: replace(KEPT, cycle=4, confirmed=4)})
        assert ledger.alignments.last("p") == {NAME: replace(KEPT, confirmed=4)}
        assert rows(ledger) == 1

    def test_a_new_verdict_is_a_new_row_and_the_old_row_stays(self, ledger: Ledger) -> None:
        other = replace(KEPT, verdict="working", verdict_since=date(2026, 11, 9), cycle=5, confirmed=5)
        ledger.alignments.keep("p", {NAME: KEPT, ("search", "calls"): KEPT})
        ledger.alignments.keep("p", {NAME: other})
        assert ledger.alignments.last("p") == {NAME: other, ("search", "calls"): KEPT}
        assert ledger.alignments.last("p", 4)[NAME] == KEPT
        assert ledger.alignments.last("p", 0) == {}


MAPPING = """\
period: {start: 2026-10-01, end: 2026-12-31, id: autumn}
objectives:
  - id: all
    title: All
    key_results:
      - {id: calls, title: Calls, kind: outcome, baseline: 1200, target: 600,
         measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}, take: latest}}
      - {id: articles, title: Articles, kind: output, target: 40, drives: calls, lag: 2w,
         measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}}
"""
MONDAY = date(2026, 10, 5)
WEEK = timedelta(weeks=1)


class Project(CsvProject):
    """Two CSV files with a row a week each."""

    def __init__(self, folder: Path) -> None:
        # Seven whole weeks, to Monday 23 November.
        super().__init__(folder, MAPPING, datetime(2026, 11, 24, 10, tzinfo=UTC))
        self.calls: dict[date, object] = {MONDAY + at * WEEK: 1200 - 14 * at for at in range(8)}
        self.articles: dict[date, object] = {MONDAY + at * WEEK: 5 for at in range(8)}

    def sync(self, **options: Any) -> Result:
        """Writes both files and runs a cycle."""
        for name, numbers in (("Calls", self.calls), ("Articles", self.articles)):
            lines = [f"{day},{number}" for day, number in numbers.items()]
            self.write(f"{name.lower()}.csv", f"Day,{name}", *lines)
        return self.cycle(**options)

    @property
    def kept(self) -> KeptAlignment:
        return self.ledger.alignments.last("autumn")[NAME]

    def links(self, at: datetime | None = None) -> list[LinkEvidence]:
        snapshots = self.snapshots()
        snapshot = snapshots.at(at) if at else snapshots.now(self.now)
        return [link for kr in snapshot.okrs.key_results for link in links_of(snapshot, self.ledger, kr)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


class TestCycles:
    def test_a_cycle_keeps_the_verdict_and_the_trend(self, project: Project) -> None:
        result = project.sync()
        kept = project.kept
        assert (kept.verdict, kept.verdict_since, kept.lag) == ("watermelon", date(2026, 11, 24), 2 * WEEK)
        assert kept.trend is not None
        assert (kept.trend.direction, kept.trend.per_week, kept.trend.weeks) == (
            "right_way",
            -14,
            6,
        )  # since its lag passed
        assert [(new.link.alignment.verdict, new.old) for new in result.verdicts] == [("watermelon", None)]

    def test_delivered_counts_from_the_day_on_which_the_output_came_on_pace(self, project: Project) -> None:
        project.articles[MONDAY] = 0
        project.sync()
        since = project.kept.since
        assert since == date(2026, 10, 19)
        assert project.kept.delivered == 30  # 35 in all, 5 of them a week earlier

    def test_an_unchanged_cycle_judges_no_link(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        project.sync()
        first = project.kept
        monkeypatch.setattr("syncd.cycle.judge_links.trend", None)
        project.now += timedelta(minutes=15)
        assert project.sync().verdicts == []
        assert project.kept == first

    def test_a_link_is_judged_anew_on_a_new_day_and_for_a_new_value(self, project: Project) -> None:
        project.sync()
        project.now += timedelta(days=1)
        project.sync()
        assert project.kept.confirmed == 2
        project.articles[date(2026, 11, 25)] = 3
        project.sync()
        assert project.kept.confirmed == 3
        project.calls[date(2026, 11, 23)] = 700
        project.sync()
        assert project.kept.cycle == 4
        assert project.kept.trend is not None
        assert (project.kept.trend.high, project.kept.trend.low) != (-14, -14)

    def test_a_verdict_keeps_its_first_day_until_it_changes(self, project: Project) -> None:
        project.sync()
        project.now += timedelta(days=3)
        project.calls[date(2026, 11, 26)] = 1100
        project.sync()
        assert project.kept.verdict_since == date(2026, 11, 24)
        project.now += timedelta(days=1)
        project.calls[date(2026, 11, 27)] = 650
        result = project.sync()
        assert (project.kept.verdict, project.kept.verdict_since) == ("working", date(2026, 11, 28))
        (new,) = result.verdicts
        assert new.old is not None
        assert (new.old.verdict, new.link.alignment.verdict) == ("watermelon", "working")

    def test_a_link_is_judged_anew_for_an_edited_lag(self, project: Project) -> None:
        project.sync()
        project.edit("lag: 2w", "lag: 12w")
        project.sync()
        assert (project.kept.verdict, project.kept.lag) == ("too_early", 12 * WEEK)

    def test_outcome_that_moved_before_the_end_of_its_lag_has_no_week_since(self, project: Project) -> None:
        project.edit("lag: 2w", "lag: 12w")
        project.calls = {day: 1200 - 90 * at for at, day in enumerate(project.calls)}
        project.sync()
        assert project.kept.verdict == "working"
        for link in project.links():
            assert ", none of them since the end of its lag on 28 Dec" in link.why

    @pytest.mark.parametrize(
        ("line", "edited"),
        [("target: 40", "target: 20"), ("take: sum}", "take: sum, window: {since: 2026-09-01}}")],
    )
    def test_days_before_an_edit_are_judged_by_the_definition_of_then(
        self, project: Project, line: str, edited: str
    ) -> None:
        """By the target of today, or as it is measured today, the work has been on pace since October."""
        first = {"target: 40": "target: 400", "take: sum}": "take: sum, window: {since: 2026-11-20}}"}
        project.edit(line, first[line])
        project.sync()
        assert (project.kept.verdict, project.kept.since) == ("under_delivered", None)
        project.edit(first[line], edited)
        for _ in range(2):
            project.now += timedelta(days=1)
            project.sync()
            assert (project.kept.verdict, project.kept.since) == ("too_early", date(2026, 11, 25))

    def test_days_before_the_first_sync_are_judged_by_the_last_definition_of_its_day(self, project: Project) -> None:
        project.edit("target: 40", "target: 400")
        project.sync()
        project.edit("target: 400", "target: 40")
        project.sync()
        assert project.kept.since == date(2026, 10, 5)
        project.edit("target: 40", "target: 30")
        project.now += timedelta(days=1)
        project.sync()
        assert project.kept.since == date(2026, 10, 5)

    def test_an_eased_target_adds_no_days_before_the_first_sync_to_a_run(self, project: Project) -> None:
        project.articles = {MONDAY + at * WEEK: 1 if at < 4 else 12 for at in range(8)}
        project.sync()
        assert project.kept.since == MONDAY + 4 * WEEK
        project.edit("target: 40", "target: 4")
        project.now += timedelta(days=1)
        project.sync()
        assert project.kept.since == MONDAY + 4 * WEEK

    def test_a_dry_run_keeps_nothing(self, project: Project) -> None:
        assert project.sync(dry_run=True).verdicts == ()
        assert project.ledger.alignments.last("autumn") == {}

    def test_a_cycle_of_a_single_key_result_hides_no_change_from_the_next_cycle(self, project: Project) -> None:
        project.sync()
        project.calls[date(2026, 11, 23)] = 700
        project.sync(only="calls")
        project.sync()
        assert project.kept.trend is not None
        assert project.kept.trend.low != -14

    def test_rows_of_a_pull_that_failed_are_no_evidence(self, project: Project) -> None:
        project.sync()
        trend = project.kept.trend
        project.now += timedelta(days=1)
        (project.folder / "calls.csv").unlink()
        good, project.calls = project.calls, {}
        project.cycle()
        assert project.kept.trend == trend
        assert all(link.weeks == () or link.weeks == [] for link in project.links())
        project.calls = good
        project.sync()
        assert all(link.weeks for link in project.links())

    def test_a_number_that_is_only_carried_forward_is_no_week_of_data(self, project: Project) -> None:
        project.calls = {MONDAY: 1200, MONDAY + 4 * WEEK: 1100}
        project.sync()
        assert project.kept.trend is not None
        assert project.kept.trend.direction == "too_little_data"
        assert project.kept.trend.reason == "1 of 7 weeks has a number"  # and one before the first whole week

    def test_an_error_in_the_source_is_an_unknown_week(self, project: Project) -> None:
        project.calls[MONDAY + 3 * WEEK] = "#REF!"
        project.sync()
        assert project.kept.trend is not None
        assert (project.kept.trend.weeks, project.kept.trend.per_week) == (5, -14)

    def test_a_link_shows_both_series_side_by_side(self, project: Project) -> None:
        project.sync()
        calls, articles = project.links()  # the same link, from either end
        assert calls == articles
        last = [(output.last, output.value, outcome.last, outcome.value) for output, outcome in calls.weeks][-1]
        assert last == (date(2026, 11, 23), 40, date(2026, 11, 23), 1102)
        assert calls.why is not None
        assert "calls fell by 14 a week" in calls.why

    def test_a_past_moment_shows_what_was_kept_then(self, project: Project) -> None:
        project.sync()
        then, first = project.now, project.links()
        assert first[0].verdict == "watermelon"
        project.now += timedelta(days=4)
        project.calls[date(2026, 11, 27)] = 650
        project.calls[date(2026, 11, 9)] = 1000  # of a week that the first cycle had read
        project.sync()
        assert project.links(at=then) == first
        assert project.links()[0].verdict == "working"
        assert project.links(at=then - WEEK) == []


def test_an_undated_number_has_the_weeks_in_which_cycles_confirmed_it(project: Project) -> None:
    """A cycle a week; in one week there was none."""
    project.edit("series: {dates: Day, values: Calls}", "cell: B2")
    started = project.now
    for at in range(9):
        project.now = started - 8 * WEEK + at * WEEK - timedelta(days=1)
        project.calls = {MONDAY: 1200 - 14 * at}
        if at not in (0, 4):
            project.sync()
    project.now = started
    project.sync()
    values = [outcome.value for _, outcome in project.links()[0].weeks]
    assert values == [1172, 1158, None, 1130, 1116, 1102, 1088]


GUARDED = """\
period: {start: 2026-10-01, end: 2026-12-31, id: autumn}
objectives:
  - id: all
    title: All
    key_results:
      - {id: calls, title: Calls, kind: outcome, baseline: 0, target: 100,
         measure: {from: local, file: calls.csv, cell: A1}}
      - id: articles
        title: Articles
        kind: output
        target: 30
        drives: calls
        measure: {from: local, file: articles.csv, series: {dates: Day, values: Articles}, take: sum}
        guard: {keep: {at_most: 5}, measure: {from: local, file: guard.csv, cell: A1}}
"""


@pytest.mark.parametrize(
    ("readings", "since"),
    [
        ((1, 9, 9, 2, 2), 4),
        ((9, 2), 2),
        ((1, 1, 1), 1),
        ((1, None, None, 9, 2), 5),
        ((1, 9, None, 2), 4),
        ((9, 2, None, 9, 2, None), 5),
    ],
)
def test_a_day_with_a_broken_guard_without_dates_is_not_on_pace(
    tmp_path: Path, readings: tuple[int | None, ...], since: int
) -> None:
    """`readings` are the numbers of the guard from 1 October on, one for each day with a sync."""
    project = CsvProject(tmp_path, GUARDED, datetime(2026, 10, 1, 20, tzinfo=UTC))
    first = project.now
    project.write("calls.csv", "1")
    project.write("articles.csv", "Day,Articles", "2026-10-01,30")
    for day, reading in [*enumerate(readings), (20, readings[-1] or 2)]:
        if reading is not None:
            project.now = first + timedelta(days=day)
            project.write("guard.csv", str(reading))
            project.cycle()
    (link,) = project.report().objectives[0].alignment
    assert (link.alignment.verdict, link.alignment.since) == ("watermelon", date(2026, 10, since))
    snapshots = project.snapshots()
    points = history(snapshots, snapshots.now(project.now), project.key_result("articles")).points
    assert [point.day.day for point in points if point.health not in ON_PACE][-1:] in ([since - 1], [])
    project.ledger.close()


@pytest.mark.parametrize(
    ("old", "new", "since"),
    [
        ("at_most: 5", "at_most: 10", 5),  # the days before the edit are judged by the band of then
        ("guard.csv, cell: A1", "other.csv, cell: A1", 5),
    ],
)
def test_a_day_is_judged_by_the_guard_that_it_had(tmp_path: Path, old: str, new: str, since: int) -> None:
    project = CsvProject(tmp_path, GUARDED, datetime(2026, 10, 1, 20, tzinfo=UTC))
    project.write("calls.csv", "1")
    project.write("articles.csv", "Day,Articles", "2026-10-01,30")
    project.write("guard.csv", "9")
    project.write("other.csv", "2")
    project.cycle()
    project.now += timedelta(days=4)
    project.edit(old, new)
    project.cycle()
    (link,) = project.report().objectives[0].alignment
    assert link.alignment.since == date(2026, 10, since)
    project.ledger.close()
