"""What the contract tests of several connectors share: an empty sandbox, and a context that never sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.world import World
from syncd.sdk import Context, RetryPolicy

BERLIN = ZoneInfo("Europe/Berlin")


SAMPLE = {
    "503", "429 for 7 s", "429 for an hour", "a reset", "half an answer", "half of its JSON", "401", "404",
    "an answer that is lost",
}  # fmt: skip
"""The ailments of a suite whose client library another suite tries with all of them: of each kind a few."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is beyond the sample of a sibling is left to the nightly run."""
    for item in items:
        if item.get_closest_marker("sibling") and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            ailment = item.callspec.params.get("ailment") or item.callspec.params.get("passing")
            if ailment is not None and ailment.name not in SAMPLE:
                item.add_marker(pytest.mark.nightly)


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
