"""Named measures, and how they are used."""

from __future__ import annotations

from pathlib import Path

from syncd.config import load_config
from syncd.okr.measures import Measure, ReadingMeasure

PROJECT = "connections:\n  local: {type: files, root: data/}\n"
MAPPING = """\
period: 2026-Q4
measures:
  calls: {from: local, file: calls.csv, cell: B2}
  recent-calls: {use: calls, window: 28d}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600, measure: MEASURE}
"""


def measure(written: str, folder: Path) -> Measure | None:
    (folder / "syncd.yaml").write_text(PROJECT)
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings/okrs.yaml").write_text(MAPPING.replace("MEASURE", written))
    return load_config(folder / "syncd.yaml").periods[0].key_results[0].measure


def test_a_named_measure_may_use_another(tmp_path: Path) -> None:
    base, recent = measure("calls", tmp_path), measure("recent-calls", tmp_path)
    assert isinstance(base, ReadingMeasure)
    assert isinstance(recent, ReadingMeasure)
    assert (base.window.days, recent.window.days) == (None, 28)
    assert base.part == recent.part


def test_a_use_overrides_keys_of_the_measure_that_it_uses(tmp_path: Path) -> None:
    own = measure("{use: recent-calls, window: 7d, take: first}", tmp_path)
    assert isinstance(own, ReadingMeasure)
    assert (own.window.days, own.take) == (7, "first")
