"""What a chart shows of its time, and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from syncd.explain.edit import Edit
from syncd.explain.history import Point, Series, SeriesEvent
from syncd.okr.goals import KeyResult, Target
from syncd.okr.spans import Period
from syncd.web.lines import chart_of, figures_of
from syncd.web.zoom import WHOLE, Zoom

FIRST = date(2026, 10, 1)
PERIOD = Period("2026-Q4", FIRST, date(2026, 12, 31), ZoneInfo("UTC"))
GOAL = Target(600.0, 1200.0)
CALLS = KeyResult("calls", "Fewer calls", "outcome", GOAL)


def point(offset: int, value: float | None, quality: str = "complete") -> Point:
    day = FIRST + timedelta(days=offset)
    return Point(day, value, None, None, 0.5, "off_track", quality, None, "kept", None, "m", GOAL)  # type: ignore[arg-type]


def series(values: Sequence[float | None], *events: SeriesEvent) -> Series:
    return Series(CALLS, PERIOD, [point(index, value) for index, value in enumerate(values)], events)


def edit(offset: int) -> Edit:
    return Edit(datetime(2026, 10, 1, 12, tzinfo=UTC) + timedelta(days=offset), "okrs.yaml", "target", 500, 600)


@given(days=st.sampled_from([None, 28, 90]), weekly=st.booleans(), count=st.integers(0, 92))
def test_zoom_shows_the_last_point_and_no_day_outside_of_its_axis(days: int | None, weekly: bool, count: int) -> None:
    points = [point(index, 1.0) for index in range(count)]
    zoom = Zoom(days, weekly)
    shown, (first, last) = zoom.points(points), zoom.span(PERIOD, points)
    assert shown[-1:] == points[-1:]
    assert all(first <= each.day <= last for each in shown)
    assert (last - first).days < (days or 92)
    if weekly:
        assert all((shown[-1].day - each.day).days % 7 == 0 for each in shown)
        assert len(shown) >= min(count, days or 92) // 7


def test_address_names_the_zoom_and_a_wrong_one_is_refused() -> None:
    assert Zoom.of(QueryParams("range=28d&by=week")) == Zoom(28, True)
    assert Zoom.of(QueryParams("")) == WHOLE
    for query, sentence in (("range=30", "write range as one of period, 28d, 90d"), ("by=hour", "write by as one of")):
        with pytest.raises(HTTPException, match=sentence) as refused:
            Zoom.of(QueryParams(query))
        assert refused.value.status_code == 400


def test_switches_keep_the_rest_of_the_address_and_offer_no_range_beyond_the_period() -> None:
    october = Period("2026-10", FIRST, date(2026, 10, 31), ZoneInfo("UTC"))
    ranges, steps = Zoom(28).switches(QueryParams("tab=history&range=28d"), october)
    assert [choice.address for choice in ranges] == ["?tab=history&range=period", "?tab=history&range=28d"]
    assert [choice.chosen for choice in ranges] == [False, True]
    assert [choice.address for choice in steps] == ["?tab=history&range=28d&by=day", "?tab=history&range=28d&by=week"]
    assert [choice.chosen for choice in steps] == [True, False]


def test_table_behind_a_chart_has_each_value_the_pace_and_all_that_happened() -> None:
    figures = figures_of(series([None, 1190, 1180], edit(0), edit(2)), WHOLE)
    assert figures.headings == ["day", "value", "pace", "what happened"]
    assert [row[1][0] for row in figures.rows] == ["unknown", "1,190", "1,180"]
    assert [bool(row[1][2]) for row in figures.rows] == [True, False, True]


def test_week_of_the_table_names_what_happened_on_each_of_its_days() -> None:
    figures = figures_of(series([1200.0 - day for day in range(15)], edit(9), edit(11)), Zoom(None, weekly=True))
    assert [day.day for day, _ in figures.rows] == [1, 8, 15]
    assert [row[1][2].count("edited") for row in figures.rows] == [0, 0, 2]


def test_held_number_is_an_open_point_and_named_in_the_table() -> None:
    held = Series(CALLS, PERIOD, [point(0, 1190), point(1, 1190, "held")])
    assert chart_of(held, None).lines[1].open == {FIRST + timedelta(days=1)}
    assert [row[1][0] for row in figures_of(held, WHOLE).rows] == ["1,190", "1,190 (held)"]


def test_events_of_a_day_share_a_mark() -> None:
    (mark,) = chart_of(series([1200, 1190], edit(1), edit(1)), None).marks
    assert (mark.sign, mark.words.count("edited")) == ("✎", 2)
    assert chart_of(series([1200.0] * 40, edit(1)), None, Zoom(28)).marks == []


def test_series_of_one_axis_share_its_days() -> None:
    """Also one that ends before the others, and one that has no number yet."""
    zoom, long, short, empty = Zoom(28), series([1.0] * 60), series([1.0] * 40), series([])
    axis = zoom.span(PERIOD, *(each.points for each in (empty, long, short)))
    assert axis == (FIRST + timedelta(days=32), FIRST + timedelta(days=59))
    for each, count in ((long, 28), (short, 8), (empty, 0)):
        chart = chart_of(each, None, zoom, axis)
        assert (chart.first, chart.last) == axis
        pace, value = chart.lines
        assert len(value.points) == count
        assert len(pace.points) == 28
        assert all(axis[0] <= day <= axis[1] for day, _ in (*pace.points, *value.points))
