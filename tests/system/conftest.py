"""A sandbox, and the example's project against it: as it is written, or as its first sync leaves it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from projects import Project, write_project

from syncd.sandbox import DEMO_NOW, Sandbox, serve

PORT = 10_000 + os.getpid() % 20_000
"""Of the sandbox of a test that begins `synced`: a ledger holds addresses, so that this one must stay the same."""


@contextmanager
def serve_at_port() -> Iterator[Sandbox]:
    """The sandbox at `PORT`; at any other if somebody else has it."""
    with ExitStack() as opened:
        try:
            box = opened.enter_context(serve(now=DEMO_NOW, port=PORT))
        except OSError:
            box = opened.enter_context(serve(now=DEMO_NOW))
        yield box


@pytest.fixture(scope="session")
def first_ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The sandbox's address, and the ledger after the example's first sync with it."""
    with serve_at_port() as box:
        project = write_project(tmp_path_factory.mktemp("first") / "project", box)
        project.run("sync", check=0)
    return box.url, project.folder / "syncd.db"


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.node.get_closest_marker("synced"):
        request.getfixturevalue("first_ledger")  # which needs the same port, and so comes first
        with serve_at_port() as running:
            yield running
    else:
        with serve(now=DEMO_NOW) as running:
            yield running


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path, box: Sandbox) -> Project:
    project = write_project(tmp_path / "project", box)
    if request.node.get_closest_marker("synced"):
        address, ledger = request.getfixturevalue("first_ledger")
        if address == box.url:
            shutil.copy(ledger, project.folder)
        else:
            project.run("sync", check=0)
    return project
