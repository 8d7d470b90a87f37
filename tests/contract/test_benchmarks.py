"""The projects of the benchmarks: a key or an example that changes must not break `make bench` unnoticed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from syncd.config import load_config

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import measured_projects
from box import Box

CREDENTIALS = {"github": "a", "jira_token": "b", "google_token": "c"}
BOX = cast("Box", SimpleNamespace(url="http://127.0.0.1:9", credentials=CREDENTIALS))  # nothing is asked of it


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: measured_projects.whole_pulls(folder, BOX),
        lambda folder: measured_projects.light_pulls(folder, BOX),
        lambda folder: measured_projects.many_repos(folder, BOX),
        lambda folder: measured_projects.issues(folder, BOX),
        lambda folder: measured_projects.books(folder, BOX),
        lambda folder: measured_projects.many_files(folder, 2),
    ],
)
def test_project_of_a_benchmark_is_valid(
    make: Callable[[Path], measured_projects.Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert load_config(make(tmp_path).folder / "syncd.yaml").periods
