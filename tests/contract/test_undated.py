"""Rows without a date that can be read, from a file to the status: what may be the newest is never passed over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject

from syncd.status.report import KeyResultLine

NOW = datetime(2026, 11, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
MAPPING = """
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers without calling us
    key_results:
      - {id: latest, title: Calls fall, kind: outcome, baseline: 1200, target: 600, measure: calls}
      - {id: sum, title: Calls in all, kind: outcome, baseline: 0, target: 6000, measure: {use: calls, take: sum}}
measures:
  calls: {from: local, file: a.csv, series: {dates: Day, values: Calls}}
"""
GOOD = ("Day,Calls", "2026-11-02,1100", "2026-11-13,1000")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[CsvProject]:
    project = CsvProject(tmp_path, MAPPING, NOW, settings="timezone: Europe/Berlin\n")
    yield project
    project.ledger.close()


def lines(project: CsvProject, *rows: str) -> tuple[KeyResultLine, KeyResultLine]:
    """The lines of `latest` and `sum` after a cycle over these rows."""
    project.write("a.csv", *rows)
    project.cycle()
    latest, total = (project.report().line(name) for name in ("latest", "sum"))
    assert latest is not None
    assert total is not None
    return latest, total


@pytest.mark.parametrize("rows", [(*GOOD, "11/23/2026,600"), (GOOD[0], "11/23/2026,600", *GOOD[:0:-1])])
def test_newest_row_with_an_unreadable_date_makes_latest_and_sum_unknown(
    project: CsvProject, rows: tuple[str, ...]
) -> None:
    for line in lines(project, *rows):
        assert (line.value, line.quality, line.standing.health) == (None, "complete", "unknown")
        assert "holds a number whose date '11/23/2026' cannot be read; write as: {date: \"%m/%d/%Y\"}" in (
            line.reason or ""
        )


def test_newest_row_is_known_again_once_a_later_row_follows(project: CsvProject) -> None:
    assert lines(project, *GOOD, "11/23/2026,600")[0].value is None
    project.now += timedelta(days=3)
    latest, total = lines(project, *GOOD, "11/23/2026,600", "2026-11-30,550")
    assert (latest.value, latest.reason) == (550, None)
    assert total.value is None


def test_row_is_known_once_its_date_is_corrected(project: CsvProject) -> None:
    assert lines(project, *GOOD, "11/23/2026,600")[0].value is None
    latest, total = lines(project, *GOOD, "2026-11-23,600")
    assert (latest.value, total.value) == (600, 2700)


@pytest.mark.parametrize("label", ["", "Total", "next"])
def test_newest_row_without_a_date_is_left_out_and_said_in_status(project: CsvProject, label: str) -> None:
    for _ in range(2):  # in an unchanged cycle too
        latest, total = lines(project, *GOOD, f"{label},2100")
        assert (latest.value, total.value, latest.quality) == (1000, 2100, "complete")
        for line in (latest, total):
            assert (line.reason or "").startswith("1 with no date that can be read, left out: B4")


def test_label_among_the_rows_is_said_by_explain_alone(project: CsvProject) -> None:
    latest, total = lines(project, *GOOD[:2], "Total,1100", GOOD[2])
    assert (latest.value, latest.reason, total.value, total.reason) == (1000, None, 2100, None)
