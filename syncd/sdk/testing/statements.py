"""Statements for tests. Some publisher once wrote each of these kinds of statement wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from syncd.sdk.publishing import Statement
from syncd.sdk.testing.ailments import NOW


def statement(key_result: str = "calls", **changes: Any) -> Statement:
    """A complete statement of a key result, with `changes` to its fields."""
    complete = Statement(
        key_result=key_result,
        title=f"The number of {key_result} falls",
        kind="outcome",
        unit="calls/week",
        objective="self-service",
        objective_title="Customers find answers without calling us",
        owner="support",
        period="2030-Q1",
        value=1092.0,
        baseline=1200.0,
        target=600.0,
        progress=0.18,
        score=0.18,
        expected=0.56,
        health="off_track",
        quality="complete",
        reason=None,
        confidence=0.4,
        note="The second release is out",
        as_of=NOW - timedelta(hours=2),
        updated=NOW,
        evidence="https://okr.example/?period=2030-Q1#calls",
    )
    return replace(complete, **changes)


KINDS: Mapping[str, Mapping[str, Any]] = {
    "complete": {},
    "zero": {"value": 0.0, "progress": 0.0, "score": 0.0, "expected": 0.0, "confidence": 0.0},
    "negative": {"value": -12.5, "progress": -0.3, "score": 0.0},
    "a large number": {"value": 123456789012.25, "progress": 1 / 3},
    "texts that begin as formulas do": {"note": "=1+1", "title": "=HYPERLINK(1)", "reason": "+1", "owner": "@all"},
    "unicode": {"note": "Größe, 数字, 🎯, e\u0301", "title": "Żółć"},
    "markup": {"note": "**bold** <b>x</b> | [a](b) *{color}* {{c}}", "title": "`a` & b"},
    "a note of 1,000 characters": {"note": "words " * 166 + "end."},
    "a note of two lines": {"note": "first\nsecond"},
    "an unknown number": {
        **dict.fromkeys(("value", "progress", "score", "expected", "confidence", "note", "as_of", "evidence")),
        "health": "unknown",
        "quality": "failed",
        "reason": "HTTP 503",
    },
}
"""For each kind of statement, by its name: the changes that turn a complete statement into this kind."""
