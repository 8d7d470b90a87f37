"""Check-ins, pure: which one stands, for how long, and what stood on each past day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.okr.checkins import CheckIn, confidence, made_by, past_values, standing
from syncd.okr.spans import parse_period

PERIOD = parse_period("2026-Q4", ZoneInfo("UTC"))
SPAN = PERIOD.span
DAY = timedelta(days=1)


def said(day: int, stands: int = 14, **what: object) -> CheckIn:
    """A check-in at noon of a day of the quarter, the first being 1."""
    at = datetime(2026, 10, 1, 12, tzinfo=UTC) + (day - 1) * DAY
    return CheckIn("ada", at, at + stands * DAY, **what)  # type: ignore[arg-type]


def test_the_newest_that_has_not_expired_stands() -> None:
    long, short = said(1, 30, value=1.0), said(2, 1, value=2.0)
    assert standing([long, short], SPAN, short.at) == short
    assert standing([long, short], SPAN, short.expires_at) == long
    assert standing([long, short], SPAN, long.expires_at) is None
    assert standing([], SPAN, long.at) is None


def test_of_two_at_the_same_time_the_later_is_newer() -> None:
    first, second = said(1, value=1.0), said(1, value=2.0)
    assert standing([first, second], SPAN, first.at) == second
    assert made_by([first, second], first.at) == second


def test_what_stood_at_the_periods_end_stands_for_good() -> None:
    late, short = said(90, value=1.0), said(88, 3, value=2.0)
    assert standing([late], SPAN, SPAN.end + 100 * DAY) == late
    assert standing([short], SPAN, SPAN.end + 100 * DAY) is None
    settling = said(95, 1, value=3.0)
    assert standing([settling], SPAN, SPAN.end + 100 * DAY) == settling


def test_confidence_is_that_of_the_last_who_said_so() -> None:
    sure, silent = said(1, confidence=0.4), said(2, value=3.0)
    assert confidence([sure, silent], SPAN, silent.at) == 0.4
    assert confidence([sure, silent], SPAN, sure.expires_at) is None
    assert confidence([said(1, confidence=0.0)], SPAN, sure.at) == 0.0


def test_what_made_a_value_had_one() -> None:
    with_value, note = said(1, value=0.0), said(1, note="so it is")
    assert made_by([with_value, note], note.at) == with_value
    assert made_by([with_value, note], note.at + DAY) is None


def test_past_days_have_the_value_that_stood_at_their_end() -> None:
    made = [said(2, 2, value=1.0), said(3, 2, note="no number"), said(6, 30, value=2.0)]
    found = past_values(made, PERIOD, datetime(2026, 10, 8, 9, tzinfo=UTC))
    assert found == [
        (date(2026, 10, 1), None),
        (date(2026, 10, 2), 1.0),
        (date(2026, 10, 3), 1.0),
        (date(2026, 10, 4), None),
        (date(2026, 10, 5), None),
        (date(2026, 10, 6), 2.0),
        (date(2026, 10, 7), 2.0),
    ]
