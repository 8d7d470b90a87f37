"""Sandboxes: a fresh `box` for each test that changes something, `shared_box` for all tests that only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from waiting import HANG

from syncd.sandbox import DEMO_NOW, Sandbox, serve


@pytest.fixture(scope="session")
def shared_box() -> Iterator[Sandbox]:
    """A sandbox for tests that only read it."""
    with serve(seed=7, now=DEMO_NOW) as box:
        yield box


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with serve(seed=7, now=DEMO_NOW) as box:
        yield box


@pytest.fixture
def raw(box: Sandbox) -> Iterator[Callable[..., httpx.Response]]:
    """Gets an address of GitHub without a client library: `raw("/repos/…", headers=…)`."""
    headers = {"Authorization": f"Bearer {box.credentials['github']}"}
    with httpx.Client(base_url=box.github_url, headers=headers, timeout=HANG) as client:
        yield client.get
