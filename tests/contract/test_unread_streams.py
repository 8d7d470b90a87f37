"""A stream of which no part could be read has failed: in the exit code, the metrics and among the sources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from csv_project import CsvProject

from syncd.ledger.pulled import LastPull

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: a, title: It, kind: outcome, baseline: 0, target: 9, measure: {from: local, file: a.csv, cell: B2}}
      - {id: b, title: It, kind: outcome, baseline: 0, target: 9,
         measure: {from: local, file: a.csv, series: {dates: Day, values: Sum}}}
"""
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def project(folder: Path) -> CsvProject:
    made = CsvProject(folder, MAPPING, NOW)
    made.write("a.csv", "Day,Sum", "2026-11-02,3")
    assert made.cycle().good
    made.now += timedelta(hours=1)
    return made


def last_pull(made: CsvProject) -> LastPull:
    last = made.ledger.cycles.last()
    assert last is not None
    return made.ledger.pulls.after(last.id, [("local", "a.csv")])["local", "a.csv"]


def test_a_damaged_file_is_a_failed_stream(tmp_path: Path) -> None:
    made = project(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"Day,Sum\n2026-11-02,\x00\x00\n")
    result = made.cycle()
    assert not result.good
    (reason,) = {why for _, why in result.failures}
    assert (last_pull(made).quality, last_pull(made).reason) == ("failed", reason)
    assert last_pull(made).completed_at == NOW, "the age of the stream goes on"
    assert [(line.value, line.quality, line.reason) for line in made.report().lines] == [
        (3, "failed", f"local: {reason}"),
        (3, "failed", f"local: {reason}"),
    ]


def test_a_part_that_is_not_there_keeps_its_stream(tmp_path: Path) -> None:
    """Its own problem is a failure; the other part was read."""
    made = project(tmp_path)
    made.write("a.csv", "Day,Amount", "2026-11-02,4")
    result = made.cycle()
    assert len(result.failures) == 1
    assert last_pull(made).quality == "complete"
    assert [(line.value, line.quality) for line in made.report().lines] == [(4, "complete"), (3, "failed")]


def test_parts_that_fail_for_different_reasons_are_named_once_each(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.edit("cell: B2", "lookup: {table: 'A1:B', row: {Day: 2026-11-02}, column: Nothing}")
    made.write("a.csv", "Dy,Amount", "2026-11-02,4")
    result = made.cycle()
    reasons = [why for _, why in result.failures]
    assert len(reasons) == len(set(reasons)) == 2
    assert last_pull(made).quality == "failed"
    assert [line.reason for line in made.report().lines] == [
        f"local: {why}" for why in sorted(reasons, key=reasons.index)
    ]
