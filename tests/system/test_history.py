"""The series of a key result, through the command line, over syncs on several days."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from projects import Project

from syncd.sandbox import Sandbox, World

BERLIN = ZoneInfo("Europe/Berlin")
REPO = "acme/search"
PROJECT = """\
timezone: Europe/Berlin
ledger: sqlite:///syncd.db
clock: 2026-10-01T20:00:00+02:00
connections:
  code: {{type: github, url: "{url}", token: "${{GITHUB_TOKEN}}"}}
  local: {{type: files, root: data/}}
"""
MAPPING = """\
period: 2026-10
objectives:
  - id: support
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600 a week
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - id: mean
        title: Calls fall on average over three days
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}, take: average, window: 3d}
      - id: shipped
        title: 20 changes merged
        kind: output
        target: 20
        drives: calls
        measure: {from: code, repo: acme/search, what: merged_pull_requests, where: {base: main}}
        guard:
          measure: {from: local, file: calls.csv, cell: B2}
          keep: {at_most: 1300}
      - id: done
        title: Half of the issues are closed
        kind: output
        target: 50
        drives: calls
        measure: {from: code, repo: acme/search, what: closed_issues, take: share}
      - id: ratio
        title: Changes for each thousand calls
        kind: output
        target: 12
        drives: calls
        measure:
          formula: merged / calls * 1000
          parts:
            merged: {from: code, repo: acme/search, what: merged_pull_requests, where: {base: main}}
            calls: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - id: undated
        title: A number without a date
        kind: outcome
        baseline: 0
        target: 10
        measure: {from: local, file: calls.csv, cell: B2}
"""


@contextmanager
def a_company() -> Iterator[Sandbox]:
    """One with an empty repository."""
    with Sandbox(World(datetime(2026, 10, 1, 8, tzinfo=BERLIN)), "127.0.0.1", 0).running() as running:
        running.world.github.add_repo(REPO)
        yield running


def a_project(folder: Path, box: Sandbox) -> Project:
    (folder / "mappings").mkdir()
    (folder / "data").mkdir()
    (folder / "data/calls.csv").write_text("Day,Calls\n", encoding="utf-8")
    (folder / "syncd.yaml").write_text(PROJECT.format(url=box.github_url), encoding="utf-8")
    (folder / "mappings/support.yaml").write_text(MAPPING, encoding="utf-8")
    return Project(folder, {"GITHUB_TOKEN": box.credentials["github"]})


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with a_company() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, box: Sandbox) -> Project:
    return a_project(tmp_path, box)


def clock(project: Project, day: int, hour: int = 20) -> None:
    text = (project.folder / "syncd.yaml").read_text(encoding="utf-8")
    before = text.partition("clock: ")[2].partition("\n")[0]
    project.edit("syncd.yaml", before, datetime(2026, 10, day, hour, tzinfo=BERLIN).isoformat())


def calls(project: Project, day: int, number: object) -> None:
    with (project.folder / "data/calls.csv").open("a", encoding="utf-8") as file:
        file.write(f"2026-10-{day:02},{number}\n")


def merged(box: Sandbox, day: int, base: str = "main") -> None:
    at = datetime(2026, 10, day, 9, tzinfo=BERLIN)
    code = box.world.github
    code.merge_pull(REPO, code.add_pull(REPO, base=base, at=at).number, at=at + timedelta(hours=1))


def series(project: Project, key_result: str, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.run("history", key_result, "--json", *options, check=0).stdout)
    return found


def values(found: dict[str, Any]) -> list[tuple[str, float | None]]:
    return [(point["day"], point["value"]) for point in found["points"]]


def test_what_is_backfilled_is_what_daily_syncs_would_have_kept(project: Project, box: Sandbox) -> None:
    code = box.world.github
    for day in range(1, 11):
        at = datetime(2026, 10, day, 9, tzinfo=BERLIN)
        box.world.clock.set(at)
        calls(project, day, "" if day == 4 else 1200 - day * day)
        for _ in range(day % 3):
            merged(box, day)
        merged(box, day, base="release")
        issue = code.add_issue(REPO, at=at)
        if day % 2:
            code.close_issue(REPO, issue.number, at=at + timedelta(hours=2))
        clock(project, day)
        project.run("sync", check=0)
    dated = ("calls", "mean", "shipped", "done", "ratio")
    kept = {name: series(project, name) for name in dated}
    project.edit("syncd.yaml", "syncd.db", "fresh.db")
    project.run("sync", check=0)
    for name in dated:
        assert [point["source"] for point in kept[name]["points"]] == ["kept"] * 10
        before = series(project, name)
        assert [value for _, value in values(before)] == [None] * 9 + [kept[name]["points"][-1]["value"]]
        found = series(project, name, "--backfill")
        assert [point["source"] for point in found["points"]] == ["backfilled"] * 9 + ["kept"]
        for ours, theirs in zip(values(found), values(kept[name]), strict=True):
            assert ours == (theirs[0], pytest.approx(theirs[1])), name
        changes = [point["change"] for point in kept[name]["points"]]
        assert [point["change"] for point in found["points"]] == pytest.approx(changes)
        assert series(project, name) == before  # it wrote nothing


def test_what_no_source_dates_is_said_and_is_not_backfilled(project: Project) -> None:
    calls(project, 1, 7)
    clock(project, 3)
    project.run("sync", check=0)
    done = project.run("history", "undated", "--backfill", "--json", check=0)
    assert done.stderr == "local: cell B2 has no dates of its own; nothing to backfill\n"
    assert [value for _, value in values(json.loads(done.stdout))] == [None, None, 7]


@dataclass
class October:
    """A project whose history is read, and what the sync after the edit of a measure said."""

    project: Project
    said: str


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> October:
    """Syncs on some days of October, an edit of a goal, one of a measure, and a day on which the source was away."""
    with a_company() as box:
        project = a_project(tmp_path_factory.mktemp("october"), box)
        for day in (1, 2, 4, 8, 9):
            calls(project, day, 1200 - 10 * day)
        for day in (1, 3, 5, 7):
            merged(box, day)
        merged(box, 2, base="release")
        for day in (2, 3, 7):
            clock(project, day)
            project.run("sync", check=0)
        project.edit("mappings/support.yaml", "target: 20\n", "target: 8\n")
        clock(project, 8)
        project.run("sync", check=0)
        project.edit("mappings/support.yaml", "base: main}}\n        guard", "base: release}}\n        guard")
        clock(project, 9)
        said = project.run("sync", check=0).stdout
        clock(project, 10)
        project.env["GITHUB_TOKEN"] = "wrong"
        project.run("sync", check=1)
    clock(project, 12, hour=10)
    project.env.clear()  # from here on there is no secret, and no source
    return October(project, said)


TABLE = """\
shipped: 20 changes merged
2026-10   of 8   as of 12 Oct 10:00 (Europe/Berlin)

                    value   change progress expected  health     measured
 1 Oct                  –                 –      3 %  unknown    never
 2 Oct –  3 Oct         4              20 %     10 %  on track
 4 Oct                  4        0     20 %     13 %  on track   3 Oct
 5 Oct –  6 Oct         4        0     20 %     19 %  unknown    stale 3 Oct
 7 Oct                  4        0     20 %     23 %  at risk
                edited 8 Oct 20:00 in mappings/support.yaml: target: 20 → 8
 8 Oct                  4        0     50 %     26 %  on track
                edited 9 Oct 20:00 in mappings/support.yaml: measure.where.base:
                  main → release
 9 Oct                  1              13 %     29 %  off track
10 Oct                  1        0     13 %     32 %  off track  failed 9 Oct
11 Oct – 12 Oct         1        0     13 %     37 %  unknown    stale 9 Oct
"""


def test_the_table(october: October) -> None:
    assert october.project.run("history", "shipped", check=0).stdout == TABLE


def test_the_docs_show_this_table() -> None:
    assert TABLE in (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8")


def test_the_document(october: October) -> None:
    found = series(october.project, "shipped")
    assert found["key_result"] == "shipped"
    assert found["title"] == "20 changes merged"
    assert found["period"] == {"id": "2026-10", "start": "2026-10-01", "end": "2026-10-31"}
    assert found["unit"] is None
    points = {int(point["day"][-2:]): point for point in found["points"]}
    assert list(points) == list(range(1, 13))
    assert {day: point["value"] for day, point in points.items()} == {
        1: None,
        2: 4,
        3: 4,
        4: 4,
        5: 4,
        6: 4,
        7: 4,
        8: 4,
        **dict.fromkeys((9, 10, 11, 12), 1),
    }
    assert points[9]["change"] is None
    assert points[10]["change"] == 0
    assert points[7]["progress"] == pytest.approx(4 / 20)
    assert points[8]["progress"] == pytest.approx(4 / 8)
    assert (points[6]["quality"], points[6]["measured_at"]) == ("stale", "2026-10-03T20:00:00+02:00")
    assert points[10]["quality"] == "failed"
    edits = [(event["day"], event["event"], event["file"], event["key"]) for event in found["events"]]
    assert edits == [
        ("2026-10-08", "edited", "mappings/support.yaml", "target"),
        ("2026-10-09", "edited", "mappings/support.yaml", "measure.where.base"),
    ]
    assert (found["events"][1]["old"], found["events"][1]["new"]) == ("main", "release")
    today = october.project.key_results()["shipped"]
    for key in ("value", "progress", "score", "expected", "health", "quality", "reason"):
        assert points[12][key] == today[key]


def test_sync_does_not_compare_the_numbers_of_two_measures(october: October) -> None:
    assert "its measure was edited; the earlier one gave 4, which does not compare" in october.said
    assert "4 → 1" not in october.said
    assert max(map(len, october.said.splitlines())) <= 80


def test_with_backfill_the_present_measure_is_that_of_all_days(october: October) -> None:
    found = series(october.project, "shipped", "--backfill")
    assert [value for _, value in values(found)] == [0] + [1] * 11
    assert [point["source"] for point in found["points"]] == ["backfilled"] * 8 + ["kept"] * 4
    assert [point["change"] for point in found["points"]] == [None, 1] + [0] * 10


def test_the_csv(october: October) -> None:
    command = october.project.command("history", "calls", "--csv")
    told = subprocess.run(command, cwd=october.project.folder, capture_output=True, check=True).stdout
    assert told.count(b"\r\n") == told.count(b"\n") == 13
    rows = list(csv.DictReader(io.StringIO(told.decode(), newline=""), strict=True))
    assert [row["day"] for row in rows] == [f"2026-10-{day:02}" for day in range(1, 13)]
    assert [row["value"] for row in rows][:4] == ["", "1180", "1180", "1180"]
    assert rows[7]["change"] == "-40"
    assert rows[0] == dict.fromkeys(rows[0], "") | {
        "day": "2026-10-01",
        "expected": rows[0]["expected"],
        "health": "unknown",
    }
    shipped = csv.DictReader(io.StringIO(october.project.run("history", "shipped", "--csv", check=0).stdout))
    events = {row["day"]: row["events"] for row in shipped if row["events"]}
    assert events["2026-10-09"] == "edited 9 Oct 20:00 in mappings/support.yaml: measure.where.base: main → release"
    document = series(october.project, "calls")
    for row, point in zip(rows, document["points"], strict=True):
        for key in ("value", "change", "progress", "score", "expected"):
            assert (float(row[key]) if row[key] else None) == point[key]


def test_the_chart(october: October) -> None:
    text = october.project.run("history", "shipped", "--chart", check=0).stdout
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    plot = [line.partition("│")[2] for line in text.splitlines() if "│" in line or "┤" in line]
    assert len(plot) > 10
    drawn = "".join(plot)
    assert re.search("[\u2801-\u28ff]", drawn)  # the value
    assert "·" in drawn
    assert "-" in drawn
    assert "• value   · expected   - of 8" in text
    assert "measure.where.base: main → release" in text


def test_one_form_at_a_time(project: Project) -> None:
    done = project.run("history", "calls", "--csv", "--json", check=2)
    assert done.stderr == "syncd: --csv, --json and --chart do not go together; choose one of them\n"


def test_without_a_value_it_says_so_in_one_sentence(project: Project) -> None:
    for option in ("--chart", "--backfill"):
        done = project.run("history", "calls", option, check=0)
        assert done.stdout == "calls has no value yet in 2026-10: run `syncd sync`\n"
    assert series(project, "calls")["points"] == []
    assert "there is no key result 'cals' in 2026-10; did you mean" in project.run("history", "cals", check=2).stderr


def test_a_guard_has_a_series_of_its_own(october: October) -> None:
    found = series(october.project, "shipped:guard")
    assert [value for _, value in values(found)] == [None] + [1190] * 11


def test_what_people_said_stands_from_its_day_on_until_it_expires(project: Project) -> None:
    mood = "      - {id: mood, title: Better mood, kind: outcome, baseline: 5, target: 8, stale_after: 3d}\n"
    project.edit("mappings/support.yaml", "      - id: undated\n", f"{mood}      - id: undated\n")
    for day, number in ((2, "6"), (5, "7")):
        clock(project, day)
        project.run("checkin", "mood", "--value", number, "--author", "Dana", check=0)
    clock(project, 9)
    points = series(project, "mood")["points"]
    assert [point["value"] for point in points] == [None, 6, 6, 6, 7, 7, 7, 7, 7]
    assert [point["change"] for point in points] == [None, None, 0, 0, 1, 0, 0, 0, 0]
    assert {point["measured_at"] for point in points[4:]} == {"2026-10-05T20:00:00+02:00"}
    assert [point["quality"] for point in points[4:]] == ["complete"] * 3 + ["stale"] * 2
    done = project.run("history", "mood", "--backfill", check=0)
    assert done.stderr == "mood has no measure; nothing to backfill\n"
