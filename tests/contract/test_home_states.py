"""The first page in states that are rare: a crowd of key results, a period that is over, edits, and many doubts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from standing_still import browser

from syncd.status.overview import overview_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def project_of(folder: Path, objectives: int, key_results: int) -> CsvProject:
    """Key results of this many objectives, each with a cell; in each objective the last two are the worst."""
    lines, numbers = ["period: 2026-Q4", "objectives:"], []
    for objective in range(objectives):
        lines += [f"  - id: o{objective}", f"    title: Objective {objective}", "    key_results:"]
        for number in range(key_results):
            numbers.append("5" if number >= key_results - 2 else "80")
            lines.append(
                f"      - {{id: o{objective}-{number}, title: Number {number} rises, kind: outcome, baseline: 0, "
                f"target: 100, measure: {{from: local, file: numbers.csv, cell: A{len(numbers)}}}}}"
            )
    project = CsvProject(folder, "\n".join(lines) + "\n", NOON)
    project.write("numbers.csv", *numbers)
    project.cycle()
    return project


def project_of_weeks(folder: Path, objectives: int, key_results: int) -> CsvProject:
    """Key results of this many objectives near the quarter's end, each with a series that rises and falls every week;
    the last of each objective is an output that drives the first.
    """
    lines, names = ["period: 2026-Q4", "objectives:"], []
    for objective in range(objectives):
        lines += [f"  - id: o{objective}", f"    title: Customers of area {objective} reach what they came for sooner"]
        lines += ["    owner: team", "    key_results:"]
        for number in range(key_results):
            names.append(f"o{objective}-{number}")
            role = f"output, drives: o{objective}-0, lag: 1w" if number == key_results - 1 else "outcome"
            lines.append(
                f"      - {{id: {names[-1]}, title: The number of things that go well rises to 100, kind: {role}, "
                f"baseline: 0, target: 100, measure: {{from: local, file: numbers.csv, series: "
                f"{{dates: Day, values: {names[-1]}}}}}}}"
            )
    project = CsvProject(folder, "\n".join(lines) + "\n", datetime(2026, 12, 29, 10, tzinfo=UTC))
    rows = [
        [date(2026, 10, 1) + timedelta(weeks=week), *(week * 6 + place * week * 7 % 23 for place in range(len(names)))]
        for week in range(13)
    ]
    project.write("numbers.csv", *(",".join(map(str, row)) for row in [["Day", *names], *rows]))
    project.cycle()
    return project


def page_of(project: CsvProject, path: str = "/") -> str:
    return browser(project.config, project.ledger, project.now).get(path).text


def strip_of(project: CsvProject) -> str:
    return page_of(project).partition('class="strip"')[2].partition("</ul>")[0]


def listed(page: str) -> list[str]:
    return re.findall(r'<tr id="kr-([^"]+)"', page)


def test_crowded_objective_lists_its_worst_key_results_and_counts_the_rest(tmp_path: Path) -> None:
    page = page_of(project_of(tmp_path, 1, 12))
    assert listed(page)[:2] == ["o0-10", "o0-11"]
    assert len(listed(page)) == 8
    assert "4 more key results" in page


def test_small_objective_lists_its_key_results_as_they_are_written(tmp_path: Path) -> None:
    page = page_of(project_of(tmp_path, 1, 8))
    assert listed(page) == [f"o0-{number}" for number in range(8)]
    assert "more key result" not in page


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("objectives", "key_results", "lines"), [(20, 5, 5), (12, 25, 3)])
def test_page_of_many_key_results_is_below_100_kb(
    tmp_path: Path, objectives: int, key_results: int, lines: int
) -> None:
    page = page_of(project_of_weeks(tmp_path, objectives, key_results))
    assert len(page.encode()) <= 100_000
    assert len(listed(page)) == objectives * lines == page.count("weekly values of")


def test_page_says_that_its_period_is_over_or_has_not_begun(tmp_path: Path) -> None:
    project = project_of(tmp_path, 1, 2)
    assert "ended on" not in page_of(project)
    project.now = datetime(2027, 1, 6, 9, tzinfo=UTC)
    assert "2026-Q4 ended on 31 Dec, and no mapping file has a period with today in it" in page_of(project)
    assert "ended on" not in page_of(project, "/?period=2026-Q4")
    project.now = datetime(2026, 9, 6, 9, tzinfo=UTC)
    assert "2026-Q4 begins on 1 Oct" in page_of(project)


@pytest.mark.nightly
def test_edit_is_named_for_a_week(tmp_path: Path) -> None:
    project = project_of(tmp_path, 1, 2)
    assert "edited" not in page_of(project)
    project.edit(
        "target: 100, measure: {from: local, file: numbers.csv, cell: A2}",
        "target: 90, measure: {from: local, file: numbers.csv, cell: A2}",
    )
    project.now += timedelta(hours=1)
    project.cycle()
    assert "o0-1 was edited in the last seven days" in page_of(project)
    assert "o0-0 was edited" not in page_of(project)
    project.now += timedelta(days=8)
    assert "edited" not in page_of(project)


def test_edited_key_result_that_left_the_files_is_not_linked(tmp_path: Path) -> None:
    project = project_of(tmp_path, 1, 3)
    project.edit("target: 100, measure: {from: local, file: numbers.csv, cell: A2}", "target: 90, owner: ann")
    project.now += timedelta(hours=1)
    project.cycle()
    assert "/key-results/o0-1?tab=history" in strip_of(project)
    path = tmp_path / "okrs.yaml"
    path.write_text("".join(line for line in path.open() if "id: o0-1," not in line))
    project.now += timedelta(hours=1)
    project.cycle()
    assert "o0-1" not in strip_of(project)


def test_strip_names_a_few_of_many_doubts_and_edits(tmp_path: Path) -> None:
    project = project_of(tmp_path, 2, 4)
    project.write("numbers.csv", *(f"#N/A {number}" for number in range(8)))
    project.edit("target: 100", "target: 90")
    project.now += timedelta(hours=1)
    project.cycle()
    notices = re.findall(r"<li>.*?</li>", strip_of(project), re.DOTALL)
    assert len(notices) == 12
    assert [notice for notice in notices if "more" in notice] == [
        '<li><a href="/reviews/week">and 3 more numbers are in doubt</a></li>',
        '<li><a href="/reviews/week">and 3 more key results were edited</a></li>',
    ]
    review = page_of(project, "/reviews/week")
    assert all(f"numbers.csv A{row}" in review or f"A{row}" in review for row in range(1, 9))


def test_doubts_with_one_reason_are_one_line(tmp_path: Path) -> None:
    project = project_of(tmp_path, 2, 5)
    (tmp_path / "numbers.csv").unlink()
    project.now += timedelta(hours=1)
    project.cycle()
    strip = strip_of(project)
    assert strip.count("<li") == 1
    assert "o0-0 and 9 more are failed: local: numbers.csv" in strip


def test_figures_are_aligned_on_their_decimal_point(tmp_path: Path) -> None:
    project = project_of(tmp_path, 1, 3)
    project.write("numbers.csv", "80", "5.5", "5.25")
    project.now += timedelta(hours=1)
    project.cycle()
    assert re.findall(r'places-(\d)"><data value="([^"]+)"', page_of(project)) == [
        ("0", "80.0"),
        ("1", "5.5"),
        ("2", "5.25"),
    ]


def test_key_result_may_have_any_name_and_no_id_is_twice_on_a_page(tmp_path: Path) -> None:
    project = project_of(tmp_path, 1, 2)
    project.edit("id: o0-0,", "id: main,")
    project.cycle()
    for path in ("/", "/key-results/main", "/objectives/o0", "/sources", "/reviews/week"):
        ids = re.findall(r'\sid="([^"]+)"', page_of(project, path))
        assert len(ids) == len(set(ids)), path


SERIES = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
"""


def test_unknown_score_is_a_gap_and_a_week_without_news_is_none(tmp_path: Path) -> None:
    project = CsvProject(tmp_path, SERIES, NOON)
    project.write("calls.csv", "Day,Calls", "2026-10-05,1140", "2026-10-20,n/a", "2026-11-09,900")
    project.cycle()
    (objective,) = overview_of(project.snapshots().now(project.now), project.ledger).objectives
    assert objective.scores == [pytest.approx(0.1), pytest.approx(0.1), None, None, None, 0.5, 0.5]
    spark = page_of(project).partition('<svg class="spark')[2].partition("</svg>")[0]
    assert spark.count("M") == 2  # two lines with a gap between them
