"""An output of a quarter drives an outcome of the year, and a publisher names the period that it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from sqlalchemy import select

from syncd.config import Config
from syncd.config.publications import WHOLE
from syncd.cycle.plan import plan_sync
from syncd.explain.links import LinkEvidence, links_of
from syncd.ledger.schema import events
from syncd.okr.goals import Link, PeriodOkrs
from syncd.publishing.check_targets import stated
from syncd.review.document import document as review_document
from syncd.review.make import review
from syncd.sdk import ConfigError
from syncd.status.document import document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of
from syncd.status.snapshot import Snapshot

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
YEAR = """\
period: PERIOD
objectives:
  - id: loved
    title: Customers recommend us
    key_results:
      - id: nps
        title: The net promoter score rises from 30 to 50
        kind: outcome
        baseline: 30
        target: 50
        measure: {from: local, file: nps.csv, series: {dates: Day, values: Score}, take: latest}
"""
QUARTER = """\
period: PERIOD
objectives:
  - id: fast
    title: The product is fast
    key_results:
      - id: speed
        title: Pages load in 2 seconds, from 4
        kind: outcome
        baseline: 4
        target: 2
        measure: {from: local, file: speed.csv, cell: A1}
      - id: fixes
        title: 40 slow pages mended
        kind: output
        target: 40
        drives: [speed, {outcome: nps, lag: 3w}]
        measure: {from: local, file: fixes.csv, series: {dates: Day, values: Fixes}, take: sum}
"""
YEAR_NAMED = "period: {start: 2026-01-01, end: 2026-12-31, id: jahr}"
NOTIFY = "notify: {to: '${CHANNEL}', at_most_every: 0s}\n"
PUBLISH = """
publish:
  - {to: local, file: year.json, period: YEAR}
  - {to: local, file: now.json}
"""


class Project(CsvProject):
    """A year and its last quarter."""

    def __init__(self, folder: Path, year: str = "2026", quarter: str = "2026-Q4", settings: str = "") -> None:
        super().__init__(folder, "", NOW)
        (folder / "okrs.yaml").unlink()
        (folder / "okrs").mkdir()
        text = (folder / "syncd.yaml").read_text().replace("mappings: okrs.yaml", "mappings: okrs/")
        (folder / "syncd.yaml").write_text(text + settings.replace("YEAR", f"'{year}'"))
        (folder / "okrs/year.yaml").write_text(YEAR.replace("PERIOD", year))
        (folder / "okrs/quarter.yaml").write_text(QUARTER.replace("PERIOD", quarter))
        self.year, self.quarter = year, quarter
        self.write("speed.csv", "3.5")
        self.write("nps.csv", "Day,Score", "2026-10-03,31", "2026-11-10,32")
        self.write("fixes.csv", "Day,Fixes", *(f"2026-{month}-{day:02},5" for month in (10, 11) for day in (2, 9, 16)))

    def okrs(self, period: str) -> PeriodOkrs:
        return next(okrs for okrs in self.config.periods if okrs.period.id == period)

    def snapshot(self, period: str, at: datetime | None = None) -> Snapshot:
        snapshots = Snapshots(self.config, self.okrs(period), self.ledger)
        return snapshots.now(self.now) if at is None else snapshots.at(at)

    def links(self, period: str, at: datetime | None = None) -> dict[str, Any]:
        """What `status --json` says of the links in a period, by output and outcome."""
        blocks = document(report_of(self.snapshot(period, at)))["objectives"]
        return {f"{link['output']} {link['outcome']}": link for block in blocks for link in block["alignment"]}

    def explained(self, period: str, name: str) -> list[LinkEvidence]:
        key_result = next(kr for kr in self.okrs(period).key_results if kr.id == name)
        return list(links_of(self.snapshot(period), self.ledger, key_result))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, settings=PUBLISH)
    yield made
    made.ledger.close()


def drives(config: Config, period: str) -> tuple[Link, ...]:
    (okrs,) = [okrs for okrs in config.periods if okrs.period.id == period]
    return next(kr for kr in okrs.key_results if kr.id == "fixes").drives


def test_a_link_is_judged_the_same_in_both_periods(project: Project) -> None:
    assert drives(project.config, "2026-Q4")[1] == Link("nps", timedelta(weeks=3), "2026")
    project.cycle()
    quarter, year = project.links("2026-Q4"), project.links("2026")
    assert (quarter["fixes speed"]["verdict"], "outcome_period" in quarter["fixes speed"]) == ("watermelon", False)
    link = quarter["fixes nps"]
    assert (link["verdict"], link["since"], link["lag_days"]) == ("watermelon", "2026-10-02", 21)
    assert (link["output_period"], link["outcome_period"]) == ("2026-Q4", "2026")
    assert year == {"fixes nps": link}
    assert link["trend"]["weeks"] > 0
    assert report_of(project.snapshot("2026")).block("loved").has_watermelon
    then, project.now = project.now, project.now + timedelta(days=3)
    project.write("nps.csv", "Day,Score", "2026-10-03,31", "2026-11-21,50")
    project.cycle()
    for period in ("2026-Q4", "2026"):
        assert project.links(period)["fixes nps"]["verdict"] == "working"
        assert project.links(period, then)["fixes nps"]["verdict"] == "watermelon"


def test_the_link_of_a_quarter_that_is_over_is_judged_as_of_its_end(tmp_path: Path) -> None:
    project = Project(tmp_path, "{start: 2026-07-01, end: 2027-06-30, id: fiscal}")
    project.year = "fiscal"
    project.write("fixes.csv", "Day,Fixes", "2026-10-02,40")
    project.now = datetime(2026, 12, 30, 10, tzinfo=UTC)
    project.cycle()
    project.write("nps.csv", "Day,Score", "2026-10-03,31", "2027-01-03,50")
    for now in (datetime(2027, 1, 5, 10, tzinfo=UTC), datetime(2027, 3, 5, 10, tzinfo=UTC)):
        project.now = now
        project.cycle()
        for period in (project.quarter, project.year):
            snapshots = Snapshots(project.config, project.okrs(period), project.ledger)
            for snapshot in (snapshots.now(now), snapshots.at(now), snapshots.at_end(now)):
                links = [link.alignment for block in report_of(snapshot).objectives for link in block.alignment]
                (verdict,) = [link.verdict for link in links if link.outcome == "nps"]
                assert verdict == "watermelon", (period, now)
    of_year = report_of(Snapshots(project.config, project.okrs("fiscal"), project.ledger).now(project.now))
    assert [line.standing.health for line in of_year.lines] == ["done"]
    project.ledger.close()


def test_explain_and_review_show_the_link_in_both_periods(project: Project) -> None:
    project.cycle()
    (of_year,) = project.explained("2026", "nps")
    of_quarter = [link for link in project.explained("2026-Q4", "fixes") if link.outcome == "nps"]
    assert [replace(link, weeks=()) for link in of_quarter] == [replace(of_year, weeks=())]
    assert [link.weeks for link in of_quarter] == [of_year.weeks]
    assert of_year.weeks
    for period in ("2026-Q4", "2026"):
        made = review(project.config, project.okrs(period), project.ledger, project.now, whole=True)
        verdicts = [link["verdict"] for block in review_document(made)["objectives"] for link in block["alignment"]]
        assert "watermelon" in verdicts


def test_a_plan_compares_the_link(project: Project) -> None:
    project.cycle()
    project.now += timedelta(hours=1)
    assert not plan_sync(project.request()).periods[0].verdicts
    project.write("nps.csv", "Day,Score", "2026-10-03,31", "2026-11-20,50")
    changed = {
        period.period.id: [c.new.alignment.verdict for c in period.verdicts]
        for period in plan_sync(project.request()).periods
    }
    assert changed == {"2026": ["working"], "2026-Q4": ["working"]}


def test_an_outcome_of_the_own_period_comes_first_and_then_the_shortest(tmp_path: Path) -> None:
    project = Project(tmp_path)
    half = YEAR.replace("PERIOD", "2026-H2")
    (tmp_path / "okrs/half.yaml").write_text(half)
    assert drives(project.config, "2026-Q4")[1].period == "2026-H2"
    own = half[half.index("      - id: nps") :]
    quarter = tmp_path / "okrs/quarter.yaml"
    quarter.write_text(quarter.read_text() + own)
    assert drives(project.config, "2026-Q4")[1].period is None
    project.ledger.close()


@pytest.mark.parametrize("year", ["2027", "{start: 2026-10-01, end: 2026-12-30, id: short}", "2026-11"])
def test_an_outcome_of_another_period_that_is_not_around_it_is_none(tmp_path: Path, year: str) -> None:
    project = Project(tmp_path, year)
    with pytest.raises(ConfigError) as refused:
        _ = project.config
    (problem,) = refused.value.problems
    assert "drives 'nps', which is no key result of 2026-Q4 or of a longer period around it" in problem.message
    project.ledger.close()


def test_fiscal_years_have_quarters_that_drive_them(tmp_path: Path) -> None:
    project = Project(tmp_path, "FY27", "FY27-Q4", settings="year_starts: 02\n")
    project.cycle()
    assert project.links("FY27").keys() == {"fixes nps"}
    assert document(report_of(project.snapshot("FY27-Q4")))["period"] == {
        "id": "FY27-Q4", "start": "2026-11-01", "end": "2027-01-31"
    }  # fmt: skip
    project.ledger.close()


def test_a_link_goes_on_when_the_outcome_or_its_period_is_renamed(project: Project) -> None:
    project.cycle()
    before = project.links("2026-Q4")["fixes nps"]
    for file in ("okrs/year.yaml", "okrs/quarter.yaml"):
        path = project.folder / file
        text = (
            path.read_text()
            .replace("id: nps\n", "id: score\n        moved: {from: nps}\n")
            .replace("outcome: nps", "outcome: score")
        )
        path.write_text(text.replace("period: 2026\n", "period: {start: 2026-01-01, end: 2026-12-31, id: the-year}\n"))
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text().replace("period: '2026'", "period: the-year"))
    project.now += timedelta(days=1)
    assert len(project.cycle().carried_over.moved) == 2
    link = project.links("2026-Q4")["fixes score"]
    assert (link["verdict"], link["verdict_since"], link["outcome_period"]) == (
        before["verdict"], before["verdict_since"], "the-year"
    )  # fmt: skip
    versions = project.ledger.definitions.of("2026-Q4", "fixes")
    assert {version.definition.body["KeyResult"]["drives"][1]["Link"]["outcome"] for version in versions} == {"score"}


def test_a_publisher_writes_the_period_that_it_names(project: Project) -> None:
    project.cycle()
    files = {
        name: json.loads((project.folder / name).read_text())["period"]["id"] for name in ("year.json", "now.json")
    }
    assert files == {"year.json": "2026", "now.json": "2026-Q4"}
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text().replace("period: '2026'", "period: 2025"))
    with pytest.raises(ConfigError) as refused:
        _ = project.config
    assert "there is no period '2025' in the mappings" in refused.value.problems[0].message


def test_objectives_of_quarters_support_that_of_the_year(tmp_path: Path) -> None:
    project = Project(tmp_path)
    year = tmp_path / "okrs/year.yaml"
    year.write_text(year.read_text() + "  - {id: great, title: The product is great}\n")
    quarter = tmp_path / "okrs/quarter.yaml"
    quarter.write_text(quarter.read_text().replace("id: fast\n", "id: fast\n    supports: great\n    weight: 3\n"))
    third = (
        "period: 2026-Q3\nobjectives:\n  - {id: fair, title: Prices are fair, supports: great, key_results: [KEYS]}\n"
    )
    mood = "{id: mood, title: Mood rises to 10, kind: outcome, baseline: 0, target: 10}"
    (tmp_path / "okrs/third.yaml").write_text(third.replace("KEYS", mood))
    (fast,) = project.okrs("2026-Q4").objectives
    assert (fast.supports, fast.supports_in) == ("great", "2026")
    project.cycle()
    block = report_of(project.snapshot("2026")).block("great")
    score = report_of(project.snapshot("2026-Q4")).block("fast").standing.score
    supporting = [(name, standing.score) for name, standing in block.supporting]
    assert supporting == [("fair (2026-Q3)", None), ("fast (2026-Q4)", score)]
    assert (block.standing.score, block.standing.scored, block.standing.counted) == (score, 1, 2)
    project.now += timedelta(days=1)
    then = project.now
    quarter.write_text(quarter.read_text().replace("    supports: great\n    weight: 3\n", ""))
    project.cycle()
    assert report_of(project.snapshot("2026")).block("great").standing.score is None
    assert report_of(project.snapshot("2026", then - timedelta(hours=1))).block("great").standing.score == score
    project.ledger.close()


def test_a_renamed_period_keeps_the_past_scores_that_objectives_of_shorter_periods_made(tmp_path: Path) -> None:
    project = Project(tmp_path)
    year, quarter = tmp_path / "okrs/year.yaml", tmp_path / "okrs/quarter.yaml"
    year.write_text(year.read_text() + "  - {id: great, title: The product is great}\n")
    quarter.write_text(quarter.read_text().replace("id: fast\n", "id: fast\n    supports: great\n"))
    project.cycle()
    then, before = project.now, report_of(project.snapshot("2026")).block("great").standing
    assert before.score is not None
    project.now += timedelta(days=1)
    year.write_text(year.read_text().replace("period: 2026", YEAR_NAMED))
    assert project.cycle().carried_over.moved
    for moment in (None, then):
        standing = report_of(project.snapshot("jahr", moment)).block("great").standing
        assert standing.score == before.score
    project.ledger.close()


@pytest.mark.parametrize(("supports", "period"), [("great", "2026-11"), ("grat", "2026")])
def test_an_objective_supports_one_of_a_period_around_it(tmp_path: Path, supports: str, period: str) -> None:
    project = Project(tmp_path)
    (tmp_path / "okrs/other.yaml").write_text(
        YEAR.replace("PERIOD", period).replace("loved", "great").replace("nps", "score")
    )
    quarter = tmp_path / "okrs/quarter.yaml"
    quarter.write_text(quarter.read_text().replace("id: fast\n", f"id: fast\n    supports: {supports}\n"))
    with pytest.raises(ConfigError, match=r"no objective of 2026-Q4 or of a longer period around it"):
        _ = project.config
    project.ledger.close()


@pytest.mark.parametrize("now", [datetime(2026, 8, 1, 10, tzinfo=UTC), datetime(2027, 1, 5, 10, tzinfo=UTC)])
def test_a_link_from_a_quarter_that_is_over_or_ahead_is_told_of_nobody(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANNEL", "json://127.0.0.1:9/")
    project = Project(tmp_path, year="{start: 2026-02-01, end: 2027-01-31, id: fiscal}", settings=NOTIFY)
    project.now = now
    project.cycle()
    with project.ledger.engine.connect() as connection:
        assert "watermelon" not in connection.execute(select(events.c.kind)).scalars().all()
    project.ledger.close()


def test_a_plan_before_the_first_sync_shows_the_verdicts_of_each_period(tmp_path: Path) -> None:
    project = Project(tmp_path)
    verdicts = {period.period.id: period.verdicts for period in plan_sync(project.request()).periods}
    assert "speed" in {change.new.alignment.outcome for change in verdicts["2026-Q4"]}
    project.ledger.close()


def test_doctor_reads_the_period_that_a_publisher_names(project: Project) -> None:
    year, now = project.config.publications
    reports = [report_of(project.snapshot(period)) for period in ("2026-Q4", "2026")]
    assert stated(project.config, year, reports, [], project.now)[WHOLE].document["period"]["id"] == "2026"
    assert stated(project.config, now, reports, [], project.now)[WHOLE].document["period"]["id"] == "2026-Q4"


def test_scores_made_of_other_key_results_of_a_shorter_period_are_not_compared(tmp_path: Path) -> None:
    project = supported(tmp_path)
    quarter = tmp_path / "okrs/quarter.yaml"

    def compared() -> tuple[bool, bool]:
        made = review(project.config, project.okrs("2026"), project.ledger, project.now)
        (great,) = [objective for objective in made.objectives if objective.block.objective.id == "great"]
        return great.same_score, great.same_activity

    project.now += timedelta(days=6)
    project.cycle()
    assert compared() == (True, True)
    speed = quarter.read_text()[quarter.read_text().index("      - id: speed") :]
    speed = speed[: speed.index("      - id: fixes")].replace("id: speed", "id: start").replace("A1", "A2")
    quarter.write_text(quarter.read_text().replace("      - id: fixes", speed + "      - id: fixes"))
    project.now += timedelta(hours=1)
    project.cycle()
    assert compared() == (True, True)  # the new outcome has no value
    project.write("speed.csv", "3.5", "2.5")
    project.cycle()
    assert compared() == (False, True)
    quarter.write_text(quarter.read_text().replace("id: fast\n", "id: fast\n    rollup: all\n"))
    project.cycle()
    assert compared() == (False, True)
    other = "period: 2026-Q3\nobjectives:\n  - {id: fair, title: Fair, supports: great, key_results: [KEYS]}\n"
    mood = "{id: calm, title: Calm rises to 10, kind: output, baseline: 0, target: 10}"
    (tmp_path / "okrs/third.yaml").write_text(other.replace("KEYS", mood))
    quarter.write_text(quarter.read_text().replace("    supports: great\n", ""))
    project.cycle()
    assert compared() == (False, False)
    project.ledger.close()


# -- the past of a link, whatever the files say now


def supported(folder: Path) -> Project:
    """A year with an objective that one of the quarter supports, once synced; a day has passed since."""
    project = Project(folder)
    year, quarter = folder / "okrs/year.yaml", folder / "okrs/quarter.yaml"
    year.write_text(
        year.read_text() + "  - {id: great, title: The product is great, rollup: supporting, key_results: [KEYS]}\n"
    )
    year.write_text(
        year.read_text().replace("KEYS", "{id: mood, title: Mood rises to 10, kind: outcome, baseline: 0, target: 10}")
    )
    quarter.write_text(quarter.read_text().replace("id: fast\n", "id: fast\n    supports: great\n"))
    project.cycle()
    project.now += timedelta(days=1)
    return project


EDITS = {
    "nothing": lambda quarter, year: None,
    "the link and the support dropped": lambda quarter, year: (
        quarter.write_text(
            quarter.read_text().replace(", {outcome: nps, lag: 3w}", "").replace("    supports: great\n", "")
        ),
        year.write_text(year.read_text().replace(", rollup: supporting", "")),
    ),
    "the output removed": lambda quarter, year: quarter.write_text(
        quarter.read_text()[: quarter.read_text().index("      - id: fixes")]
    ),
    "the quarter removed": lambda quarter, year: (
        quarter.unlink(),
        year.write_text(year.read_text().replace(", rollup: supporting", "")),
    ),
    "the quarter's days edited": lambda quarter, year: quarter.write_text(
        quarter.read_text().replace("period: 2026-Q4", "period: {start: 2026-11-20, end: 2026-11-30, id: 2026-Q4}")
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("synced", [False, True])
@pytest.mark.parametrize("edit", EDITS)
def test_the_past_of_a_year_is_that_of_its_quarters_of_then(tmp_path: Path, edit: str, synced: bool) -> None:
    project = supported(tmp_path)
    then = project.now - timedelta(hours=1)
    before = document(report_of(project.snapshot("2026", then)))
    assert before["objectives"][0]["alignment"]
    assert before["objectives"][1]["score"] is not None
    EDITS[edit](tmp_path / "okrs/quarter.yaml", tmp_path / "okrs/year.yaml")
    if synced:
        project.cycle()
    after = document(report_of(project.snapshot("2026", then)))
    assert after == before
    project.ledger.close()


def test_the_past_of_a_quarter_has_the_outcome_of_a_year_that_left_the_files(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.cycle()
    then = project.now
    before = project.links("2026-Q4", then)
    quarter = tmp_path / "okrs/quarter.yaml"
    quarter.write_text(quarter.read_text().replace(", {outcome: nps, lag: 3w}", ""))
    (tmp_path / "okrs/year.yaml").unlink()
    project.now += timedelta(days=1)
    assert project.links("2026-Q4", then) == before
    assert before.keys() == {"fixes speed", "fixes nps"}
    project.ledger.close()
