"""What each cycle keeps of a link: the verdict, since when, and the trend of weekly values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from syncd.config import load_config
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.explain.links import LinkEvidence, links_of
from syncd.ledger import KeptAlignment, Ledger, open_ledger
from syncd.ledger.schema import alignments
from syncd.okr.trend import Trend
from syncd.sdk import RetryPolicy
from syncd.status.read_snapshots import Snapshots

NAME = ("articles", "calls")
KEPT = KeptAlignment(
    "watermelon", date(2026, 11, 2), date(2026, 10, 12), timedelta(hours=36), 27.0,
    Trend("right_way", 7, 3, date(2026, 10, 3), -15.8, -18.0, -14.0, -95.0, 1.8, "of all 7 weeks"), 1, 1,
)  # fmt: skip


def rows(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(alignments)).scalar() or 0


class TestKeeping:
    def test_what_is_kept_is_read_as_it_was(self, ledger: Ledger) -> None:
        bare = replace(KEPT, since=None, delivered=None, trend=None)
        little = replace(KEPT, trend=Trend("too_little_data", 2, 0, reason="2 weeks have a number"))
        found = {NAME: KEPT, ("articles", "visits"): bare, ("search", "calls"): little}
        ledger.alignments.keep("p", found)
        assert ledger.alignments.last("p") == found
        assert ledger.alignments.last("q") == {}

    def test_what_says_the_same_writes_no_row_and_is_confirmed(self, ledger: Ledger) -> None:
        ledger.alignments.keep("p", {NAME: KEPT})
        ledger.alignments.keep("p", {NAME: replace(KEPT, cycle=4, confirmed=4)})
        assert ledger.alignments.last("p") == {NAME: replace(KEPT, confirmed=4)}
        assert rows(ledger) == 1

    def test_another_verdict_is_another_row_and_the_old_one_stays(self, ledger: Ledger) -> None:
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


class Project:
    """Two CSV files, a row a week each, and a clock."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self.folder, self.ledger = folder, ledger
        self.now = datetime(2026, 11, 24, 10, tzinfo=UTC)  # seven whole weeks, to Monday 23 November
        self.calls: dict[date, object] = {MONDAY + at * WEEK: 1200 - 14 * at for at in range(8)}
        self.articles: dict[date, object] = {MONDAY + at * WEEK: 5 for at in range(8)}
        (folder / "syncd.yaml").write_text("mappings: okrs.yaml\nconnections:\n  local: {type: files, root: .}\n")
        (folder / "okrs.yaml").write_text(MAPPING)

    def sync(self, dry_run: bool = False, **options: Any) -> Result:
        for name, found in (("Calls", self.calls), ("Articles", self.articles)):
            lines = [f"{day},{number}" for day, number in found.items()]
            (self.folder / f"{name.lower()}.csv").write_text("\n".join([f"Day,{name}", *lines]) + "\n")
        config = load_config(self.folder / "syncd.yaml")
        return run_cycle(CycleRequest(config, self.ledger, lambda: self.now, RetryPolicy(), **options), dry_run=dry_run)

    @property
    def kept(self) -> KeptAlignment:
        return self.ledger.alignments.last("autumn")[NAME]

    def links(self, at: datetime | None = None) -> list[LinkEvidence]:
        config = load_config(self.folder / "syncd.yaml")
        (plan,) = config.plans
        snapshots = Snapshots(config, plan, self.ledger)
        snapshot = snapshots.at(at) if at else snapshots.now(self.now)
        return [link for kr in snapshot.plan.key_results for link in links_of(snapshot, self.ledger, kr)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    assert opened is not None
    yield Project(tmp_path, opened)
    opened.close()


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

    def test_what_the_output_gained_is_counted_from_the_day_on_which_it_came_on_pace(self, project: Project) -> None:
        project.articles[MONDAY] = 0
        project.sync()
        since = project.kept.since
        assert since == date(2026, 10, 19)
        assert project.kept.delivered == 30  # 35 in all, 5 of them a week earlier

    def test_an_unchanged_cycle_writes_nothing_and_looks_at_nothing(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.sync()
        first = project.kept
        monkeypatch.setattr("syncd.cycle.judge_links.trend", None)
        project.now += timedelta(minutes=15)
        assert project.sync().verdicts == []
        assert project.kept == first

    def test_a_new_day_and_a_new_value_are_looked_at_again(self, project: Project) -> None:
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

    def test_a_verdict_keeps_its_first_day_until_it_is_another(self, project: Project) -> None:
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

    def test_an_edited_lag_is_looked_at_again(self, project: Project) -> None:
        project.sync()
        path = project.folder / "okrs.yaml"
        path.write_text(path.read_text().replace("lag: 2w", "lag: 12w"))
        project.sync()
        assert (project.kept.verdict, project.kept.lag) == ("too_early", 12 * WEEK)

    @pytest.mark.parametrize(
        ("behind", "edit"),
        [("target: 40", "target: 20"), ("take: sum}", "take: sum, window: {since: 2026-09-01}}")],
    )
    def test_days_before_an_edit_are_judged_by_what_was_asked_then(
        self, project: Project, behind: str, edit: str
    ) -> None:
        """By the target of today, or as it is measured today, the work has been on pace since October."""
        path = project.folder / "okrs.yaml"
        asked = {"target: 40": "target: 400", "take: sum}": "take: sum, window: {since: 2026-11-20}}"}
        path.write_text(path.read_text().replace(behind, asked[behind]))
        project.sync()
        assert (project.kept.verdict, project.kept.since) == ("under_delivered", None)
        path.write_text(path.read_text().replace(asked[behind], edit))
        for _ in range(2):
            project.now += timedelta(days=1)
            project.sync()
            assert (project.kept.verdict, project.kept.since) == ("too_early", date(2026, 11, 25))

    def test_days_before_the_first_sync_are_judged_by_the_definition_that_its_day_ended_with(
        self, project: Project
    ) -> None:
        path = project.folder / "okrs.yaml"
        written = path.read_text()
        path.write_text(written.replace("target: 40", "target: 400"))
        project.sync()
        path.write_text(written)
        project.sync()
        assert project.kept.since == date(2026, 10, 5)
        path.write_text(written.replace("target: 40", "target: 30"))
        project.now += timedelta(days=1)
        project.sync()
        assert project.kept.since == date(2026, 10, 5)

    def test_an_eased_target_makes_no_run_of_days_before_syncd_knew_any(self, project: Project) -> None:
        path = project.folder / "okrs.yaml"
        project.articles = {MONDAY + at * WEEK: 1 if at < 4 else 12 for at in range(8)}
        project.sync()
        assert project.kept.since == MONDAY + 4 * WEEK
        path.write_text(path.read_text().replace("target: 40", "target: 4"))
        project.now += timedelta(days=1)
        project.sync()
        assert project.kept.since == MONDAY + 4 * WEEK

    def test_a_dry_run_keeps_nothing(self, project: Project) -> None:
        assert project.sync(dry_run=True).verdicts == ()
        assert project.ledger.alignments.last("autumn") == {}

    def test_a_cycle_of_one_key_result_does_not_hide_what_changed_from_the_next(self, project: Project) -> None:
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
        config = load_config(project.folder / "syncd.yaml")
        run_cycle(CycleRequest(config, project.ledger, lambda: project.now, RetryPolicy()))
        assert project.kept.trend == trend
        assert all(link.weeks == () or link.weeks == [] for link in project.links())
        project.calls = good
        project.sync()
        assert all(link.weeks for link in project.links())

    def test_a_number_that_stood_on_is_no_week_of_data(self, project: Project) -> None:
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

    def test_both_series_stand_side_by_side(self, project: Project) -> None:
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
        project.calls[date(2026, 11, 9)] = 1000  # of a week that the first cycle had looked at
        project.sync()
        assert project.links(at=then) == first
        assert project.links()[0].verdict == "working"
        assert project.links(at=then - WEEK) == []


def test_an_undated_number_has_the_weeks_in_which_cycles_saw_it(tmp_path: Path, project: Project) -> None:
    """One cycle a week; in one week none ran."""
    path = project.folder / "okrs.yaml"
    path.write_text(path.read_text().replace("series: {dates: Day, values: Calls}", "cell: B2"))
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
