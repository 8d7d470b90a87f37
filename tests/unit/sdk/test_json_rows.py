"""Rows of JSON, read by paths."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.sdk import JsonRow, RetryLater

ROW = JsonRow(
    {
        "id": 7, "draft": False, "author": {"username": "ada"}, "milestone": None, "labels": ["bug", None, "ui"],
        "assignees": [{"username": "bo"}, {"username": "cy"}], "at": "2026-10-05T10:00:00.123+02:00",
        "day": "2026-10-05",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "elements"),
    [
        ("id", [7]),
        ("draft", ["false"]),
        ("author.username", ["ada"]),
        ("milestone.title", []),
        ("labels", ["bug", "ui"]),
        ("assignees.username", ["bo", "cy"]),
        ("reviewers?.username", []),
    ],
)
def test_elements_of_a_field(path: str, elements: list[Any]) -> None:
    assert ROW.elements(path) == elements


def test_texts_and_times() -> None:
    assert (ROW.text("id"), ROW.text("milestone.title"), ROW.time("milestone.due")) == ("7", None, None)
    assert ROW.time("at") == datetime(2026, 10, 5, 8, 0, 0, 123000, UTC)


@pytest.mark.parametrize(
    ("read", "path", "problem"),
    [
        ("elements", "reviewers", "reviewers is missing"),
        ("elements", "author.name", "author.name is missing"),
        ("elements", "id.of", "id.of is missing"),
        ("elements", "author", "author is no text, number or truth value"),
        ("text", "labels", "labels has several values"),
        ("time", "id", "id is no time"),
        ("time", "day", "day is a time without a zone"),
    ],
)
def test_row_of_another_shape_is_asked_for_again(read: str, path: str, problem: str) -> None:
    with pytest.raises(RetryLater, match=f"its answer is not what was expected: {problem}"):
        getattr(ROW, read)(path)
