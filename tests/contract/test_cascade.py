"""A key result that a workspace exports is a reading in another: its value, its day, its quality and its reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from two_workspaces import Deployment


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """The deployment on each database."""
    if request.param == "postgresql":
        return Deployment(tmp_path, request.getfixturevalue("new_postgres")())
    return deployment_in(tmp_path)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return deployment_in(tmp_path)


def deployment_in(folder: Path) -> Deployment:
    return Deployment(folder, "sqlite:///ledgers/{workspace}.db")


def reason(deployment: Deployment) -> str:
    """Why the company's number is unknown, without a number; it must be, and no source failed."""
    assert not deployment.sync("company").failures
    line = deployment.line()
    assert (line.value, line.standing.health) == (None, "unknown")
    assert line.reason is not None
    return line.reason


def test_value_crosses_with_its_day_and_its_place(both: Deployment) -> None:
    assert both.sync("search", "company").good
    line = both.line()
    assert (line.value, line.quality) == (800, "complete")
    assert line.as_of is not None
    assert line.as_of.astimezone(both.config("company").zone).date() == date(2026, 11, 16)
    evidence = both.evidence()
    assert [part.words for part in evidence.parts] == ["latest of search/calls"]
    assert [(item.label, item.title) for item in evidence.counted] == [
        ("search/calls 2026-11-16", "holds 800 calls/week in 2026-Q4")
    ]
    assert [(stream.connection, stream.key) for stream in evidence.streams] == [("workspace", "search")]
