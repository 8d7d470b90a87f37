"""A series of many years through cycles of several quarters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from csv_project import CsvProject
from sqlalchemy import func, select

from syncd.ledger.schema import readings

MAPPING = """\
period: {period}
objectives:
  - id: support
    title: Customers find answers without calling us
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600
        kind: outcome
        baseline: 1200
        target: 600
        measure: {{from: local, file: calls.csv, series: {{dates: Day, values: Calls}}, take: {take}}}
"""


def rows(until: date) -> list[str]:
    """Eight rows a day for four years."""
    days = [until - timedelta(days=back) for back in range(1460, -1, -1)]
    return ["Day,Calls", *(f"{day}T0{hour}:00,{hour}" for day in days for hour in range(8))]


def count(project: CsvProject, *, ended: bool) -> int:
    is_ended = readings.c.until.is_not(None) if ended else readings.c.until.is_(None)
    with project.ledger.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(readings).where(is_ended)).scalar() or 0


def test_a_long_series_keeps_its_quarter_and_leaves_the_quarters_before(tmp_path: Path) -> None:
    summer = datetime(2026, 9, 29, 12, tzinfo=UTC)
    project = CsvProject(tmp_path, MAPPING.format(period="2026-Q3", take="sum"), summer)
    project.write("calls.csv", *rows(summer.date()))
    result = project.cycle()
    assert not result.failures
    days = (summer.date() - date(2026, 7, 1)).days + 1
    assert project.snapshots().now(project.now).values["calls"].number == 28.0 * days
    assert count(project, ended=False) == 8 * days

    project.now = datetime(2026, 11, 20, 12, tzinfo=UTC)  # the summer has settled
    (tmp_path / "okrs.yaml").write_text(MAPPING.format(period="2026-Q4", take="latest"))
    project.write("calls.csv", *rows(project.now.date()))
    project.cycle()
    assert project.snapshots().now(project.now).values["calls"].number == 7
    autumn = (project.now.date() - date(2026, 10, 1)).days + 1
    assert count(project, ended=False) == 8 * (days + autumn)
    assert count(project, ended=True) == 0  # the rows of the summer are not gone
