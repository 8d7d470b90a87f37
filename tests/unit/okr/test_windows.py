"""Windows other than the period, and the mapping keys that configure them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from syncd.config.measure_keys import ReadingMeasureKeys
from syncd.okr.answer import Answer, Per, rate
from syncd.okr.facts import answered
from syncd.okr.measures import FormulaMeasure, Leaf, ReadingMeasure, RecordMeasure
from syncd.okr.past import past_values
from syncd.okr.spans import Period, Span, Window, midnight
from syncd.okr.trial import Given, GivenFacts
from syncd.sdk.facts import Reading, Record

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = Period("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), BERLIN)
NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
SETTLED = Window(settled=14)
CHANGES = RecordMeasure("code", ("pulls",), "sum", "size", window=SETTLED)
CALLS = ReadingMeasure("numbers", "sheet", "calls", "sum", SETTLED)


def days(window: Window, now: datetime = NOW) -> tuple[str, str]:
    """The first local day of a window, and the first after it."""
    span = window.span(QUARTER, now)
    return span.start.astimezone(BERLIN).isoformat(), span.end.astimezone(BERLIN).isoformat()


def window_of(keys: object) -> Window:
    return ReadingMeasureKeys.model_validate({"from": "x", "window": keys}).time()


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
def test_a_window_covers_its_configured_days(window: object, first: str, behind: str) -> None:
    assert days(window_of(window)) == (first, behind)


def test_a_pull_reaches_back_as_far_as_the_window_ever_does() -> None:
    assert window_of({"since": "2026-09-01"}).earliest(QUARTER).astimezone(BERLIN).date() == date(2026, 9, 1)
    assert window_of({"until": "2026-10-31"}).earliest(QUARTER) == QUARTER.span.start
    assert window_of("28d").earliest(QUARTER).astimezone(BERLIN).date() == date(2026, 9, 4)


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        (None, date(2026, 10, 1), date(2026, 12, 31)),
        ("28d", date(2026, 9, 4), date(2026, 12, 31)),
        ({"since": "2025-01-01", "until": "2025-03-31"}, date(2025, 1, 1), date(2025, 3, 31)),
        ({"since": "2026-11-01"}, date(2026, 10, 1), date(2026, 12, 31)),
        ({"settled": "14d"}, date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_a_window_reaches_from_its_first_day_to_its_last(window: object, first: date, last: date) -> None:
    reach = window_of(window).reach(QUARTER)
    assert (reach.start.astimezone(BERLIN).date(), reach.end.astimezone(BERLIN).date()) == (
        first,
        last + timedelta(days=1),
    )


def test_every_day_settles_after_the_period() -> None:
    late = datetime(2027, 1, 20, tzinfo=UTC)
    assert days(window_of({"settled": "14d"}), late) == days(Window(), late)


def test_a_window_is_empty_before_any_day_has_settled() -> None:
    span = window_of({"settled": "14d"}).span(QUARTER, datetime(2026, 10, 3, tzinfo=UTC))
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
def test_a_window_without_a_time_is_refused(window: object) -> None:
    with pytest.raises(ValidationError):
        window_of(window)


@pytest.mark.parametrize("measure", [CHANGES, CALLS], ids=["records", "readings"])
def test_the_past_is_unknown_and_not_0_while_no_day_has_settled(measure: Leaf) -> None:
    read = [Reading(3.0, "B2", "3", datetime(2026, 10, 1, 12, tzinfo=UTC))]
    facts = GivenFacts(Given({CHANGES: []}, {CALLS: read}))
    past = past_values(facts, measure, QUARTER, datetime(2026, 10, 18, 12, tzinfo=UTC))
    assert past is not None
    by_day = dict(past)
    assert by_day[date(2026, 10, 14)] is None
    assert by_day[date(2026, 10, 15)] == (0 if measure is CHANGES else 3)


@pytest.mark.parametrize("take", ["sum", "count", "share", "change"])
@pytest.mark.parametrize("per", [None, "day"])
def test_number_of_a_window_that_has_not_begun_is_unknown_and_not_0(take: Any, per: Per | None) -> None:
    december = Window(since=date(2026, 12, 1))
    measure: Leaf = (
        RecordMeasure("code", ("pulls",), take, window=december, per=per)
        if take in ("count", "share")
        else ReadingMeasure("numbers", "sheet", "calls", take, december, per=per)
    )
    twice = FormulaMeasure("a * 2", (("a", measure),))
    record = Record("1", "1", "", "", NOW, NOW, NOW)
    facts = GivenFacts(
        Given({measure: [record]}, {}) if isinstance(measure, RecordMeasure) else Given({}, {measure: []})
    )
    before = midnight(date(2026, 12, 1), BERLIN) - timedelta(seconds=1)
    assert answered(facts, measure, QUARTER, before).reason == "its window begins on 2026-12-01"
    assert answered(facts, twice, QUARTER, before).reason == "a: its window begins on 2026-12-01"
    for on in (measure, twice):
        days = past_values(facts, on, QUARTER, datetime(2026, 12, 2, 12, tzinfo=UTC))
        assert days is not None
        assert {number for day, number in days if day < date(2026, 12, 1)} == {None}
    if take in ("sum", "count") and per is None:
        assert answered(facts, measure, QUARTER, midnight(date(2026, 12, 1), BERLIN)).number == 0


def test_rate_is_of_the_decimal_number_to_the_last_digit() -> None:
    nine_days = Span(midnight(date(2026, 11, 1), BERLIN), midnight(date(2026, 11, 10), BERLIN))
    assert rate(Answer(68217.7225), "day", nine_days, NOW, BERLIN).number == 7579.74694444444


@pytest.mark.parametrize(("per", "number"), [("day", 1), ("week", 7)])
@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2027, 3, 28), date(2026, 11, 15)])
def test_a_day_on_which_the_clocks_change_is_one_day_of_a_rate(per: Per, number: float, day: date) -> None:
    two_weeks = Span(midnight(day - timedelta(days=7), BERLIN), midnight(day + timedelta(days=7), BERLIN))
    assert rate(Answer(14), per, two_weeks, two_weeks.end, BERLIN).number == number
