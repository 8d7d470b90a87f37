"""The checks of `publish:` against the mappings."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import load_config
from syncd.sdk import ConfigError

MAPPING = """
period: 2026-Q4
objectives:
  - id: o
    title: Fewer calls
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 9, target: 1,
         measure: {from: local, file: calls.csv, cell: B2, take: latest}}
"""
PROJECT = """
mappings: okrs.yaml
connections:
  local: {type: files, root: .}
publish:
  - {to: local, file: FILE, override: true}
"""


def test_a_place_that_a_key_result_is_measured_from_is_never_a_target(tmp_path: Path) -> None:
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    project = tmp_path / "syncd.yaml"
    project.write_text(PROJECT.replace("FILE", "calls.csv"))
    with pytest.raises(ConfigError) as error:
        load_config(project)
    (problem,) = error.value.problems
    assert (problem.line, problem.message) == (
        6,
        "a key result is measured from calls.csv; write to another place",
    )
    project.write_text(PROJECT.replace("FILE", "okrs.csv"))
    assert len(load_config(project).publications) == 1
