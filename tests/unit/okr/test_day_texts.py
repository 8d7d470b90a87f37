"""The past day or time that `--at` names."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.day_texts import past_day, past_moment
from syncd.sdk import ConfigError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=BERLIN)


def test_a_day_stands_for_its_end_and_a_time_for_itself() -> None:
    assert past_moment("2026-11-20", BERLIN, NOW) == (datetime(2026, 11, 21, tzinfo=BERLIN), True)
    assert past_moment("2026-11-20T14:30", BERLIN, NOW) == (datetime(2026, 11, 20, 14, 30, tzinfo=BERLIN), False)
    assert past_moment("2026-11-20T14:30+00:00", BERLIN, NOW)[0] == datetime(2026, 11, 20, 15, 30, tzinfo=BERLIN)


def test_today_is_a_past_day() -> None:
    assert past_day("2026-11-21", BERLIN, NOW) == date(2026, 11, 21)
    assert past_moment("2026-11-21", BERLIN, NOW) == (datetime(2026, 11, 22, tzinfo=BERLIN), True)


@pytest.mark.parametrize("read", [past_day, past_moment])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-11-22", "in the future"),
        ("9999-12-31", "in the future"),
        ("0001-01-01", "write a day after 1970-01-01"),
        ("yesterday", "write a day as 2026-11-02"),
        ("2026-13-01", "write a day as 2026-11-02"),
        ("20261116", "write a day as 2026-11-02"),
        ("2026-W47", "write a day as 2026-11-02"),
        ("2026-W47-1", "write a day as 2026-11-02"),
        ("2026W471", "write a day as 2026-11-02"),
        ("2026-1116", "write a day as 2026-11-02"),
        ("20261116T14:30", "write a day as 2026-11-02"),
        ("2026-W47-1T14:30", "write a day as 2026-11-02"),
        ("２０２６-11-16", "write a day as 2026-11-02"),
        ("", "write a day as 2026-11-02"),
    ],
)
def test_another_text_is_refused_with_what_to_write(read: object, text: str, message: str) -> None:
    assert callable(read)
    with pytest.raises(ConfigError, match=message):
        read(text, BERLIN, NOW)
