"""A sandbox, and the example's project against it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Project, write_project

from syncd.sandbox import DEMO_NOW, Sandbox, serve


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with serve(now=DEMO_NOW) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, box: Sandbox) -> Project:
    return write_project(tmp_path / "project", box)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """For processes that are killed, or have no room to write: half a file of theirs would stop coverage altogether."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
