"""Streams that several measures share."""

from __future__ import annotations

from datetime import UTC, datetime

from syncd.sdk import Stream
from syncd.sdk.facts import Between

AUTUMN: Between = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
SUMMER: Between = (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))


def stream(part: str, window: Between | None) -> Stream:
    return Stream("a.csv", "readings", frozenset({part}), windows={} if window is None else {part: window})


def test_a_part_of_two_periods_needs_the_time_of_both() -> None:
    both = stream("calls", AUTUMN).joined(stream("calls", SUMMER))
    assert both.windows == {"calls": (SUMMER[0], AUTUMN[1])}
    assert both.joined(stream("cost", SUMMER)).windows == {"calls": (SUMMER[0], AUTUMN[1]), "cost": SUMMER}


def test_a_part_that_some_measure_needs_whole_is_needed_whole() -> None:
    assert stream("calls", AUTUMN).joined(stream("calls", None)).windows == {}
    assert stream("calls", None).joined(stream("calls", AUTUMN)).windows == {}
