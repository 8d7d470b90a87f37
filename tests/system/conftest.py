"""A sandbox, and the example's project against it."""

from __future__ import annotations

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
