"""Check-ins: which check-in holds, for how long, and what held on each past day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.okr.checkins import (
    CheckIn,
    Withdrawal,
    as_seen_at,
    confidence,
    made_by,
    newest_value,
    past_values,
    standing,
)  # fmt: skip
from syncd.okr.spans import parse_period

PERIOD = parse_period("2026-Q4", ZoneInfo("UTC"))
SPAN = PERIOD.span
DAY = timedelta(days=1)


def check_in(day: int, holds: int = 14, **content: object) -> CheckIn:
    """A check-in at noon of a day of the quarter, counted from 1, that holds for some days."""
    at = datetime(2026, 10, 1, 12, tzinfo=UTC) + (day - 1) * DAY
    return CheckIn("ada", at, at + holds * DAY, **content)  # type: ignore[arg-type]


def test_the_newest_check_in_that_has_not_expired_holds() -> None:
    long, short = check_in(1, 30, note="so it is"), check_in(2, 1, value=2.0)
    assert standing([long, short], SPAN, short.at) == short
    assert standing([long, short], SPAN, short.expires_at) == long
    assert standing([long, short], SPAN, long.expires_at) is None
    assert standing([], SPAN, long.at) is None


def test_an_older_value_does_not_come_back_when_a_newer_one_expires() -> None:
    long, short = check_in(1, 30, value=1.0, confidence=0.9), check_in(2, 1, value=2.0, confidence=0.1)
    assert standing([long, short], SPAN, short.expires_at) is None
    assert confidence([long, short], SPAN, short.expires_at) is None
    assert newest_value([long, short]) == short
    assert past_values([long, short], PERIOD, datetime(2026, 10, 5, 9, tzinfo=UTC)) == [
        (date(2026, 10, 1), 1.0), (date(2026, 10, 2), 2.0), (date(2026, 10, 3), None), (date(2026, 10, 4), None)
    ]  # fmt: skip


def test_a_withdrawn_check_in_never_holds() -> None:
    first, second = check_in(1, 30, value=1.0, confidence=0.4), check_in(2, 30, value=2.0, confidence=0.8)
    withdrawn = replace(second, withdrawn=Withdrawal("bo", second.at + DAY))
    assert standing([first, withdrawn], SPAN, second.at) == first
    assert confidence([first, withdrawn], SPAN, second.at) == 0.4
    assert newest_value([first, withdrawn]) == first
    assert made_by([first, withdrawn], second.at) is None
    assert as_seen_at([first, withdrawn], second.at) == [first, second]
    assert as_seen_at([first, withdrawn], second.at + DAY) == [first, withdrawn]


def test_a_check_in_of_a_past_day_is_older_than_one_of_a_later_day() -> None:
    today = check_in(8, 30, value=8.0)
    late = replace(check_in(9, 30, value=3.0), dated=datetime(2026, 10, 3, 23, 59, tzinfo=UTC))
    assert standing([today, late], SPAN, late.at) == today
    assert newest_value([today, late]) == today
    assert made_by([today, late], late.dated) == late
    assert as_seen_at([today, late], today.at) == [today]
    values = dict(past_values([today, late], PERIOD, datetime(2026, 10, 10, tzinfo=UTC)))
    assert [values[date(2026, 10, day)] for day in (2, 3, 7, 8)] == [None, 3.0, 3.0, 8.0]


def test_the_later_of_two_check_ins_with_the_same_time_is_newer() -> None:
    first, second = check_in(1, value=1.0), check_in(1, value=2.0)
    assert standing([first, second], SPAN, first.at) == second
    assert made_by([first, second], first.at) == second


def test_a_check_in_that_holds_at_the_periods_end_holds_for_good() -> None:
    late, short = check_in(90, value=1.0), check_in(88, 3, value=2.0)
    assert standing([late], SPAN, SPAN.end + 100 * DAY) == late
    assert standing([short], SPAN, SPAN.end + 100 * DAY) is None
    settling = check_in(95, 1, value=3.0)
    assert standing([settling], SPAN, SPAN.end + 100 * DAY) == settling


def test_confidence_is_that_of_the_last_check_in_that_states_it() -> None:
    sure, silent = check_in(1, confidence=0.4), check_in(2, value=3.0)
    assert confidence([sure, silent], SPAN, silent.at) == 0.4
    assert confidence([sure, silent], SPAN, sure.expires_at) is None
    assert confidence([check_in(1, confidence=0.0)], SPAN, sure.at) == 0.0


def test_a_value_is_made_by_a_check_in_with_a_value() -> None:
    with_value, note = check_in(1, value=0.0), check_in(1, note="so it is")
    assert made_by([with_value, note], note.at) == with_value
    assert made_by([with_value, note], note.at + DAY) is None


def test_past_days_have_the_value_that_held_at_their_end() -> None:
    made = [check_in(2, 2, value=1.0), check_in(3, 2, note="no number"), check_in(6, 30, value=2.0)]
    values = past_values(made, PERIOD, datetime(2026, 10, 8, 9, tzinfo=UTC))
    assert values == [
        (date(2026, 10, 1), None),
        (date(2026, 10, 2), 1.0),
        (date(2026, 10, 3), 1.0),
        (date(2026, 10, 4), None),
        (date(2026, 10, 5), None),
        (date(2026, 10, 6), 2.0),
        (date(2026, 10, 7), 2.0),
    ]
