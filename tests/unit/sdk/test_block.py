"""A statement as lines of plain text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from syncd.sdk.block import lines
from syncd.sdk.testing import statement

CALLS = statement(
    title="Calls to the support line fall from 1,200 to 600 a week",
    confidence=None,
    note=None,
    as_of=datetime(2026, 11, 20, 10, 15, tzinfo=ZoneInfo("Europe/Berlin")),
    evidence=None,
)


def test_a_complete_key_result_shows_value_and_goal() -> None:
    assert lines(CALLS) == [
        "Calls to the support line fall from 1,200 to 600 a week",
        "1,092 calls/week, 18 % of the way (56 % expected): off track",
        "goal: 1,200 → 600 calls/week",
        "as of 2026-11-20 10:15",
    ]


def test_an_incomplete_value_shows_its_reason_and_then_the_note() -> None:
    changed = replace(
        CALLS,
        quality="stale",
        reason="the last reading is 12 days old",
        health="unknown",
        confidence=0.6,
        note="The hotline moved.\n\nWe wait for its numbers.",
        evidence="https://okr.acme.example/?period=2026-Q4#calls",
    )
    assert lines(changed)[1:] == [
        "1,092 calls/week, 18 % of the way (56 % expected): health unknown",
        "goal: 1,200 → 600 calls/week",
        "stale: the last reading is 12 days old",
        "confidence 60 %",
        "note: The hotline moved. We wait for its numbers.",
        "as of 2026-11-20 10:15",
        "why: https://okr.acme.example/?period=2026-Q4#calls",
    ]


def test_an_unknown_number_is_called_unknown_and_a_zero_is_a_zero() -> None:
    unknown = replace(CALLS, value=None, progress=None, score=None, as_of=None, health="unknown", quality="unknown")
    assert lines(replace(unknown, reason="not pulled yet"))[1:] == [
        "value unknown (56 % expected): health unknown",
        "goal: 1,200 → 600 calls/week",
        "not pulled yet",
    ]
    assert lines(replace(CALLS, baseline=None, progress=None, expected=None))[1:3] == [
        "1,092 calls/week, progress unknown: off track",
        "goal: unknown → 600 calls/week",
    ]
    zero = replace(CALLS, value=0.0, progress=0.0, baseline=0.0, unit=None)
    assert lines(zero)[1:3] == ["0, 0 % of the way (56 % expected): off track", "goal: 0 → 600"]


def test_a_band_shows_no_goal_and_a_complete_number_shows_its_reason_too() -> None:
    band = replace(CALLS, unit="%", value=99.95, baseline=None, target=None, progress=1.0, expected=1.0)
    guarded = replace(band, health="at_risk", reason="its guard complaints is broken")
    assert lines(guarded)[1:3] == [
        "99.95 %, 100 % of the way (100 % expected): at risk",
        "its guard complaints is broken",
    ]
