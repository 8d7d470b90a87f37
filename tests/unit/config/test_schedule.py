"""When the next cycle begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config.schedule import next_start

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_duration_is_counted_from_start_to_start() -> None:
    started = at("2026-11-21T10:00+01:00")
    assert next_start("15m", BERLIN, started, started + timedelta(minutes=2)) == started + timedelta(minutes=15)


def test_a_cycle_longer_than_the_interval_is_followed_at_once() -> None:
    started = at("2026-11-21T10:00+01:00")
    now = started + timedelta(minutes=50)
    assert next_start("15m", BERLIN, started, now) == now


def test_a_cron_line_is_of_the_zone_on_both_sides_of_a_change_of_clocks() -> None:
    before, after = at("2026-10-24T12:00+02:00"), at("2026-10-25T12:00+01:00")
    assert next_start("0 6 * * *", BERLIN, before, before) == at("2026-10-25T06:00+01:00")
    assert next_start("0 6 * * *", BERLIN, after, after) == at("2026-10-26T06:00+01:00")
    assert next_start("30 8 * * mon", BERLIN, after, after) == at("2026-10-26T08:30+01:00")


@pytest.mark.parametrize(
    ("weekdays", "day"),
    [
        ("0", 22),
        ("7", 22),
        ("1", 23),
        ("6", 28),
        ("1-5", 23),
        ("2-4", 24),
        ("3,5", 25),
        ("sun", 22),
        ("*", 22),
    ],
)
def test_weekdays_are_counted_as_cron_counts_them(weekdays: str, day: int) -> None:
    saturday = at("2026-11-21T12:00+01:00")
    assert next_start(f"0 9 * * {weekdays}", BERLIN, saturday, saturday) == at(f"2026-11-{day}T09:00+01:00")


@given(
    schedule=st.sampled_from(["2s", "15m", "6h", "1d", "*/5 * * * *", "0 6 * * mon"]),
    started=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    took=st.integers(0, 100_000),
)
def test_it_is_never_in_the_past(schedule: str, started: datetime, took: int) -> None:
    now = started + timedelta(seconds=took)
    assert next_start(schedule, BERLIN, started, now) >= now
