"""The language through the command line: a company of two teams, its formulas, guards, levels and tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from projects import Project

PROJECT = """
clock: 2026-11-21T10:15+01:00
timezone: Europe/Berlin
connections:
  local: {type: files, root: .}
"""
ROWS = """\
Day,Leads,Won,Open,Steps,NPS
2026-10-05,100,10,30,1,40
2026-10-20,200,25,28,1,42
2026-11-10,300,40,20,1,45
2026-11-18,250,60,0,1,39
"""
OKRS = """
period: 2026-Q4
defaults: {owner: sales, lag: 2w, measures: {local: {file: n.csv}}}
measures:
  won: {from: local, series: {dates: Day, values: Won}, take: sum}
  open: {from: local, series: {dates: Day, values: Open}}
objectives:
  - {id: company, title: We grow}
  - id: sales
    supports: company
    title: Sales wins more of what it finds
    key_results:
      - id: win-rate
        title: Win rate rises to 80 %
        kind: outcome
        unit: "%"
        baseline: 20
        levels: {commit: 60, target: 80, stretch: 90}
        measure: {formula: won / (won + open) * 100, parts: {won: won, open: {use: open, take: sum}}}
      - id: leads
        title: 100 leads a week
        kind: output
        drives: win-rate
        target: 100
        measure: {from: local, series: {dates: Day, values: Leads}, take: sum, per: week}
        guard: {title: NPS stays, measure: {from: local, series: {dates: Day, values: NPS}}, keep: {at_least: 40}}
      - id: broken
        title: Ratio
        kind: outcome
        baseline: 0
        target: 2
        measure: {formula: won / open, parts: {won: won, open: open}}
  - id: product
    supports: company
    weight: 2
    title: The product ships
    key_results:
      - id: steps
        title: Three steps to the launch
        kind: outcome
        milestones:
          - {title: Designed, by: 2026-10-31}
          - {title: Piloted, by: 2026-11-15, weight: 2}
          - {title: Launched, by: 2026-12-15}
        measure: {from: local, series: {dates: Day, values: Steps}}
tests:
  - name: A quarter that goes well
    at: 2026-11-20
    given:
      win-rate:
        won: [{date: 2026-10-05, value: 30}, {date: 2026-11-05, value: 60}, {date: 2026-12-05, value: 60}]
        open: [{value: 10}]
      leads: [{date: 2026-10-05, value: 800}]
      "leads:guard": 41
      steps: 1
    expect:
      win-rate: {value: 90, progress: 117%, health: done, level: stretch}
      leads: {value: 109.8, health: done, alignment: {win-rate: working}}
      company: {score: 50%}
      broken: {value: null, health: unknown}
  - name: A guard that breaks
    at: 2026-11-20
    given: {leads: 120, "leads:guard": 39}
    expect:
      leads: {health: at_risk, alignment: {win-rate: unknown}}
"""


@pytest.fixture
def company(tmp_path: Path) -> Project:
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "okrs.yaml").write_text(OKRS)
    (tmp_path / "n.csv").write_text(ROWS)
    return Project(tmp_path)


def test_every_form_of_measure_has_its_number_and_its_evidence(company: Project) -> None:
    company.run("sync", check=0)
    document = company.status()
    objectives = {objective["id"]: objective for objective in document["objectives"]}
    key_results = company.key_results()
    assert key_results["win-rate"]["value"] == pytest.approx(135 / (135 + 78) * 100)
    assert key_results["win-rate"]["level"] == "commit"
    assert key_results["leads"]["health"] == "at_risk"
    assert key_results["leads"]["guard"]["holds"] is False
    assert key_results["leads"]["reason"] == "its guard is broken: 39 is not at least 40"
    assert (key_results["broken"]["value"], key_results["broken"]["reason"]) == (None, "won / open divides by zero")
    assert (key_results["steps"]["progress"], key_results["steps"]["expected"]) == (0.25, 0.75)
    sales, product = objectives["sales"]["score"], objectives["product"]["score"]
    assert objectives["company"]["score"] == pytest.approx((sales + 2 * product) / 3)
    assert objectives["sales"]["supports"] == "company"

    explained = json.loads(company.run("explain", "win-rate", "--json", check=0).stdout)
    parts = {
        name: [float(item["brings"]) for item in explained["counted"] if item["part"] == name]
        for name in ("won", "open")
    }
    won, lost = sum(parts["won"]), sum(parts["open"])
    assert explained["value"] == float(f"{won / (won + lost) * 100:.15g}")
    text = company.run("explain", "leads", check=0).stdout
    assert "850 / 7.347 weeks" in text
    assert "NPS stays" in text
    assert all(len(line) <= 80 for line in company.run("status", check=0).stdout.splitlines())


def test_the_past_of_a_formula_and_a_guard_is_explained_from_the_ledger_alone(company: Project) -> None:
    company.run("sync", check=0)
    (company.folder / "n.csv").write_text(ROWS.replace("2026-11-18,250,60,0,1,39", "2026-11-18,250,90,5,1,44"))
    settings = company.folder / "syncd.yaml"
    settings.write_text(PROJECT.replace("11-21", "11-25"))
    company.run("sync", check=0)
    (company.folder / "n.csv").unlink()
    assert company.key_results()["leads"]["health"] == "done"
    now, then = (
        json.loads(company.run("explain", "win-rate", "--json", *at, check=0).stdout)
        for at in ((), ("--at", "2026-11-22"))
    )
    assert (now["value"], then["value"]) == (pytest.approx(165 / 248 * 100), pytest.approx(135 / 213 * 100))
    guard = json.loads(company.run("explain", "leads", "--json", "--at", "2026-11-22", check=0).stdout)["guard"]
    assert guard["value"] == 39


def test_mapping_tests_run_without_network_and_ledger(company: Project) -> None:
    done = company.run("test", check=0)
    assert "2 tests, all ok" in done.stdout
    assert not list(company.folder.glob("*.db"))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 90, progress", "value: 91, progress", "win-rate.value: expected 91, got 90"),
        ("progress: 117%", "progress: 116%", "win-rate.progress: expected 116 %, got 116.666667 %"),
        ("health: done, level", "health: on_track, level", "win-rate.health: expected on_track, got done"),
        ("level: stretch", "level: target", "win-rate.level: expected target, got stretch"),
        ("win-rate: working", "win-rate: watermelon", "leads.alignment.win-rate: expected watermelon, got working"),
        ("score: 50%", "score: 0.51", "company.score: expected 51 %, got 50 %"),
        ("value: null, health", "value: 0, health", "broken.value: expected 0, got unknown"),
        ("health: at_risk, ali", "health: done, ali", "leads.health: expected done, got at_risk"),
    ],
)
def test_a_failed_expectation_shows_what_it_got(company: Project, old: str, new: str, message: str) -> None:
    assert old in OKRS
    (company.folder / "mappings" / "okrs.yaml").write_text(OKRS.replace(old, new))
    done = company.run("test", check=1)
    assert message in done.stdout
    assert "2 tests, 1 failed" in done.stdout
    document = json.loads(company.run("test", "--json", check=1).stdout)
    assert [test["ok"] for test in document["tests"]].count(False) == 1


@pytest.mark.nightly
def test_an_edit_of_a_guard_is_a_change_of_its_definition(company: Project) -> None:
    company.run("sync", check=0)
    okrs = company.folder / "mappings" / "okrs.yaml"
    okrs.write_text(okrs.read_text().replace("at_least: 40", "at_least: 30"))
    company.run("sync", check=0)
    leads = company.key_results()["leads"]
    assert (leads["health"], leads["guard"]["holds"]) == ("done", True)
    changes = json.loads(company.run("explain", "leads", "--json", check=0).stdout)["definition_changes"]
    assert [(change["key"], change["old"], change["new"]) for change in changes] == [
        ("guard.keep.at_least", 40.0, 30.0)
    ]


def test_an_edit_of_the_health_shares_is_shown_and_another_working_folder_is_no_edit(company: Project) -> None:
    company.run("sync", check=0)
    settings = company.folder / "syncd.yaml"
    settings.write_text(f"{PROJECT}health: {{on_track: 0.8, at_risk: 0.6}}\n")
    elsewhere = Project(company.folder / "mappings")
    elsewhere.run("sync", "--config", "../syncd.yaml", check=0)
    changes = json.loads(company.run("explain", "leads", "--json", check=0).stdout)["definition_changes"]
    assert [(change["file"], change["key"], change["old"], change["new"]) for change in changes] == [
        ("syncd.yaml", "health.on_track", 0.9, 0.8),
        ("syncd.yaml", "health.at_risk", 0.7, 0.6),
    ]
    okrs = company.folder / "mappings" / "okrs.yaml"
    okrs.write_text(okrs.read_text().replace("target: 100", "target: 110"))
    elsewhere.run("sync", "--config", "../syncd.yaml", check=0)
    changes = json.loads(company.run("explain", "leads", "--json", check=0).stdout)["definition_changes"]
    assert (changes[-1]["file"], changes[-1]["key"]) == ("mappings/okrs.yaml", "target")


def test_a_guard_is_frozen_with_its_period_though_its_key_result_was_never_measured(company: Project) -> None:
    mapping = company.folder / "mappings" / "okrs.yaml"
    mapping.write_text(OKRS.replace("dates: Day, values: Leads}", "dates: Day, values: Leads}, file: late.csv"))
    company.run("sync", check=1)
    (company.folder / "late.csv").write_text(ROWS)
    (company.folder / "n.csv").write_text(ROWS.replace(",0,1,39", ",0,1,44"))
    (company.folder / "syncd.yaml").write_text(PROJECT.replace("2026-11-21", "2027-02-01"))
    company.run("sync", "--only", "leads", check=0)  # settled, so that no other sync tries it again
    leads = company.key_results()["leads"]
    assert leads["value"] is not None
    assert (leads["guard"]["value"], leads["guard"]["holds"]) == (39, False)
