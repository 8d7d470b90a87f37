"""What the contract tests of several connectors share: a sandbox, and a context that never sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from syncd.sandbox import DEMO_NOW, Sandbox, serve
from syncd.sdk import Context, RetryPolicy

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with serve(seed=7, now=DEMO_NOW) as one:
        yield one


@pytest.fixture(scope="module")
def quiet_box() -> Iterator[Sandbox]:
    """Only for reading."""
    with serve(seed=7, now=DEMO_NOW) as one:
        yield one


@pytest.fixture
def slept() -> list[float]:
    """How long the connector of this test waited, each time."""
    return []


@pytest.fixture
def context(slept: list[float]) -> Context:
    return Context(RetryPolicy(attempts=3, sleep=slept.append), BERLIN, lambda: DEMO_NOW)
