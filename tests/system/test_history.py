"""The series of a key result, through the command line, over syncs on several days."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from october import BERLIN, REPO, a_company, a_project, calls, clock, merged
from projects import Project

from syncd.sandbox import Sandbox

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


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with a_company() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, box: Sandbox) -> Project:
    return a_project(tmp_path, box, MAPPING)


def series(project: Project, key_result: str, *options: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(project.run("history", key_result, "--json", *options, check=0).stdout)
    return read


def values(history: dict[str, Any]) -> list[tuple[str, float | None]]:
    return [(point["day"], point["value"]) for point in history["points"]]


@pytest.mark.nightly
def test_a_backfilled_series_is_what_daily_syncs_would_have_kept(project: Project, box: Sandbox) -> None:
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
        backfilled = series(project, name, "--backfill")
        assert [point["source"] for point in backfilled["points"]] == ["backfilled"] * 9 + ["kept"]
        for ours, theirs in zip(values(backfilled), values(kept[name]), strict=True):
            assert ours == (theirs[0], pytest.approx(theirs[1])), name
        changes = [point["change"] for point in kept[name]["points"]]
        assert [point["change"] for point in backfilled["points"]] == pytest.approx(changes)
        assert series(project, name) == before  # it wrote nothing


def test_an_undated_number_is_not_backfilled_and_the_command_says_why(project: Project) -> None:
    calls(project, 1, 7)
    clock(project, 3)
    project.run("sync", check=0)
    done = project.run("history", "undated", "--backfill", "--json", check=0)
    assert done.stderr == "local: cell B2 has no dates of its own; nothing to backfill\n"
    assert [value for _, value in values(json.loads(done.stdout))] == [None, None, 7]


@dataclass
class October:
    """A project with a history, and the output of the sync after the edit of a measure."""

    project: Project
    edited_output: str


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> October:
    """Syncs on some days of October, an edit of a goal, an edit of a measure, and a day without the source."""
    with a_company() as box:
        project = a_project(tmp_path_factory.mktemp("october"), box, MAPPING)
        for day in (1, 2, 4, 8, 9):
            calls(project, day, 1200 - 10 * day)
        for day in (1, 1, 2, 2):
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
        edited_output = project.run("sync", check=0).stdout
        clock(project, 10)
        project.env["GITHUB_TOKEN"] = "a-wrong-token"
        project.run("sync", check=1)
    clock(project, 12, hour=10)
    project.env.clear()  # from here on there is no secret, and no source
    return October(project, edited_output)


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


def test_the_table_folds_days_without_a_change(october: October) -> None:
    assert october.project.run("history", "shipped", check=0).stdout == TABLE


def test_the_table_is_in_the_docs() -> None:
    assert TABLE in (Path(__file__).parents[2] / "docs/operating.md").read_text(encoding="utf-8")


def test_the_document_has_every_day_and_event(october: October) -> None:
    read = series(october.project, "shipped")
    assert read["key_result"] == "shipped"
    assert read["title"] == "20 changes merged"
    assert read["period"] == {"id": "2026-10", "start": "2026-10-01", "end": "2026-10-31"}
    assert read["unit"] is None
    points = {int(point["day"][-2:]): point for point in read["points"]}
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
    edits = [(event["day"], event["event"], event["file"], event["key"]) for event in read["events"]]
    assert edits == [
        ("2026-10-08", "edited", "mappings/support.yaml", "target"),
        ("2026-10-09", "edited", "mappings/support.yaml", "measure.where.base"),
    ]
    assert (read["events"][1]["old"], read["events"][1]["new"]) == ("main", "release")
    today = october.project.key_results()["shipped"]
    for key in ("value", "progress", "score", "expected", "health", "quality", "reason"):
        assert points[12][key] == today[key]


def test_sync_does_not_compare_the_numbers_of_two_measures(october: October) -> None:
    assert "its measure was edited; the earlier one gave 4, which does not compare" in october.edited_output
    assert "4 → 1" not in october.edited_output
    assert max(map(len, october.edited_output.splitlines())) <= 80


def test_a_backfilled_series_has_the_present_measure_on_every_day(october: October) -> None:
    read = series(october.project, "shipped", "--backfill")
    assert [value for _, value in values(read)] == [0] + [1] * 11
    assert [point["source"] for point in read["points"]] == ["backfilled"] * 8 + ["kept"] * 4
    assert [point["change"] for point in read["points"]] == [None, 1] + [0] * 10


def test_the_csv_has_the_numbers_of_the_document(october: October) -> None:
    command = october.project.command("history", "calls", "--csv")
    output = subprocess.run(command, cwd=october.project.folder, capture_output=True, check=True).stdout
    assert output.count(b"\r\n") == output.count(b"\n") == 13
    rows = list(csv.DictReader(io.StringIO(output.decode(), newline=""), strict=True))
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


def test_the_chart_shows_value_pace_goal_and_events(october: October) -> None:
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


def test_two_forms_at_a_time_are_refused(project: Project) -> None:
    done = project.run("history", "calls", "--csv", "--json", check=2)
    assert done.stderr == "syncd: --csv, --json and --chart do not go together; choose one of them\n"


def test_a_history_without_a_value_is_a_single_sentence(project: Project) -> None:
    for option in ("--chart", "--backfill"):
        done = project.run("history", "calls", option, check=0)
        assert done.stdout == "calls has no value yet in 2026-10: run `syncd sync`\n"
    assert series(project, "calls")["points"] == []
    assert "there is no key result 'cals' in 2026-10; did you mean" in project.run("history", "cals", check=2).stderr


def test_a_guard_has_a_series_of_its_own(october: October) -> None:
    read = series(october.project, "shipped:guard")
    assert [value for _, value in values(read)] == [None] + [1190] * 11


def test_a_value_by_check_in_holds_from_its_day_until_it_expires(project: Project) -> None:
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
