"""Windows other than the period, and the mapping keys that say them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from syncd.config.measure_keys import ReadingMeasureKeys
from syncd.okr.spans import Period, Window

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), BERLIN)
NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)


def days(window: Window, now: datetime = NOW) -> tuple[str, str]:
    """The first local day of a window, and the first after it."""
    span = window.span(QUARTER, now)
    return span.start.astimezone(BERLIN).isoformat(), span.end.astimezone(BERLIN).isoformat()


def written(window: object) -> Window:
    return ReadingMeasureKeys.model_validate({"from": "x", "window": window}).time()


@pytest.mark.parametrize(
    ("window", "first", "behind"),
    [
        (None, "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        ("28d", "2026-10-25T00:00:00+02:00", "2026-11-22T00:00:00+01:00"),
        ("4w", "2026-10-25T00:00:00+02:00", "2026-11-22T00:00:00+01:00"),
        ({"since": "2026-10-10", "until": "2026-11-10"}, "2026-10-10T00:00:00+02:00", "2026-11-11T00:00:00+01:00"),
        ({"since": "2026-09-01"}, "2026-09-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        ({"until": "2026-10-31"}, "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        ({"settled": "14d"}, "2026-10-01T00:00:00+02:00", "2026-11-08T00:00:00+01:00"),
    ],
)
def test_what_is_written_is_this_time(window: object, first: str, behind: str) -> None:
    assert days(written(window)) == (first, behind)


def test_a_pull_reaches_back_as_far_as_the_window_ever_does() -> None:
    assert written({"since": "2026-09-01"}).earliest(QUARTER).astimezone(BERLIN).date() == date(2026, 9, 1)
    assert written({"until": "2026-10-31"}).earliest(QUARTER) == QUARTER.span.start
    assert written("28d").earliest(QUARTER).astimezone(BERLIN).date() == date(2026, 9, 4)


def test_after_the_period_everything_settles() -> None:
    late = datetime(2027, 1, 20, tzinfo=UTC)
    assert days(written({"settled": "14d"}), late) == days(Window(), late)


def test_before_any_day_has_settled_the_window_is_empty() -> None:
    span = written({"settled": "14d"}).span(QUARTER, datetime(2026, 10, 3, tzinfo=UTC))
    assert span.end < span.start


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"since": "2026-10-10", "settled": "14d"},
        {"since": "2026-11-10", "until": "2026-10-10"},
        {"settled": "36h"},
        "36h",
    ],
)
def test_what_says_no_time_is_refused(window: object) -> None:
    with pytest.raises(ValidationError):
        written(window)
