"""What a score is made of stands beside it, so that outputs are never mixed in silently; and where a key result is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject

from syncd.cli.output import plain
from syncd.cli.status_view import render
from syncd.config import load_config
from syncd.sdk import ConfigError
from syncd.status.choosing import chosen_key_result

NOW = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Berlin"))
MAPPING = """\
period: {period}
objectives:
  - id: all-{name}
    title: Everything
    rollup: {rollup}
    key_results:
      - {{id: {name}, title: It, kind: outcome, baseline: 0, target: 10, measure: {measure}}}
      - {{id: {name}-done, title: It, kind: output, target: 1, measure: {measure}}}
"""


def mapping(period: str, name: str, rollup: str) -> str:
    return MAPPING.format(period=period, name=name, rollup=rollup, measure="{from: local, file: a.csv, cell: A1}")


@pytest.mark.parametrize(
    ("rollup", "score"),
    [("outcomes", "outcome 10 %"), ("weakest", "weakest 10 %"), ("all", "all results 55 %")],
)
def test_score_is_shown_with_what_it_is_made_of(tmp_path: Path, rollup: str, score: str) -> None:
    project = CsvProject(tmp_path, mapping("2026-Q4", "calls", rollup), NOW)
    project.write("a.csv", "1")
    project.cycle()
    shown = plain(render(project.report(), [], None, 80))
    assert f"\n  {score} (" in shown
    assert "activity 100 %" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_key_result_of_another_period_is_named_with_its_period(tmp_path: Path) -> None:
    project = CsvProject(tmp_path, mapping("2026-Q4", "calls", "all"), NOW)
    (tmp_path / "syncd.yaml").write_text("mappings: '*okrs.yaml'\nconnections: {local: {type: files, root: .}}\n")
    (tmp_path / "year-okrs.yaml").write_text(mapping("2026", "nps", "all"))
    config = load_config(tmp_path / "syncd.yaml")
    quarter = next(okrs for okrs in config.periods if okrs.period.id == "2026-Q4")
    with pytest.raises(ConfigError, match=r"no key result 'nps' in 2026-Q4; it is in 2026: add --period 2026$"):
        chosen_key_result(quarter, "nps", config)
    project.ledger.close()
