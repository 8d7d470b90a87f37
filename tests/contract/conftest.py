"""What the contract tests of several connectors share: an empty sandbox, and a context that never sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.world import World
from syncd.sdk import Context, RetryPolicy

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """With nothing in it: a test says itself what there is."""
    with Sandbox(World(DEMO_NOW), "127.0.0.1", 0).running() as one:
        yield one


@pytest.fixture
def slept() -> list[float]:
    """How long the connector of this test waited, each time."""
    return []


@pytest.fixture
def context(slept: list[float]) -> Context:
    return Context(RetryPolicy(attempts=3, sleep=slept.append), BERLIN, lambda: DEMO_NOW)
