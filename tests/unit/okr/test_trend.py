"""The trend of an outcome, computed from its weekly values and never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.okr.goals import Band, Goal, Milestone, Milestones, Target
from syncd.okr.spans import Period
from syncd.okr.trend import FEWEST, Trend, theil_sen, trend
from syncd.okr.weeks import Week, weeks_of

FIRST = date(2026, 10, 1)
RISES, FALLS = Target(target=600, baseline=0), Target(target=600, baseline=1200)
WEEK = timedelta(weeks=1)


def weeks(*values: float | None) -> list[Week]:
    return [Week(FIRST + at * WEEK, FIRST + at * WEEK + timedelta(days=6), value) for at, value in enumerate(values)]


def of(goal: Goal, *values: float | None, shows_from: date | None = None) -> Trend:
    return trend(goal, weeks(*values), shows_from)


numbers = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def lines_with_noise(draw: st.DrawFn) -> tuple[float, list[float]]:
    """A slope, and values on its line, each off by less than half a week's step, so that every week moves its way."""
    slope = draw(st.floats(0.01, 1e4)) * draw(st.sampled_from((-1, 1)))
    count = draw(st.integers(FEWEST, 13))
    noise = draw(st.lists(st.floats(-0.49, 0.49), min_size=count, max_size=count))
    start = draw(st.floats(-1e4, 1e4))
    return slope, [start + slope * (at + off) for at, off in enumerate(noise)]


@given(
    points=st.dictionaries(st.integers(0, 60), st.integers(-5, 5) | st.floats(-1e300, 1e300), min_size=2, max_size=30),
    step=st.sampled_from((1.0, 1 / 7, 0.3)),
)
@settings(deadline=None)
def test_the_slope_and_its_interval_are_those_of_scipy(points: dict[int, float], step: float) -> None:
    from scipy.stats import theilslopes  # here: it takes a second to import

    times, values = [step * week for week in sorted(points)], [points[week] for week in sorted(points)]
    line = theilslopes(values, times, alpha=0.95)
    assert theil_sen(times, values) == (line.slope, line.low_slope, line.high_slope)


@given(line=lines_with_noise())
def test_a_line_with_little_noise_has_its_own_direction(line: tuple[float, list[float]]) -> None:
    slope, values = line
    rising, falling = of(RISES, *values), of(FALLS, *values)
    assert rising.direction == ("right_way" if slope > 0 else "wrong_way")
    assert falling.direction == ("wrong_way" if slope > 0 else "right_way")
    assert rising.per_week is not None
    assert rising.low is not None
    assert rising.high is not None
    assert rising.low <= rising.per_week <= rising.high
    assert rising.noise is not None
    assert rising.noise <= abs(slope) * len(values)


@given(values=st.lists(st.integers(-1000, 1000), min_size=FEWEST, max_size=13))
def test_the_mirror_of_a_series_moves_the_other_way(values: list[int]) -> None:
    ahead, mirrored = of(RISES, *values), of(RISES, *(-value for value in values))
    other = {"right_way": "wrong_way", "wrong_way": "right_way", "flat": "flat"}
    assert mirrored.direction == other[ahead.direction]
    assert mirrored.per_week == pytest.approx(-(ahead.per_week or 0.0))
    assert mirrored.low == pytest.approx(-(ahead.high or 0.0))
    assert mirrored.noise == pytest.approx(ahead.noise)


@pytest.mark.parametrize("count", [5, 6])
def test_few_orders_of_pure_noise_look_like_a_move(count: int) -> None:
    """Takes every order, so that nothing depends on luck: a 95 % interval is wrong in at most one case of twenty."""
    directions = [of(RISES, *order).direction for order in permutations((0.0, 1.0, 3.0, 4.5, 7.0, 7.5)[:count])]
    assert directions.count("flat") >= 0.95 * len(directions)
    assert directions.count("right_way") == directions.count("wrong_way") > 0


@given(values=st.lists(st.none() | numbers, max_size=13), goal=st.sampled_from((RISES, FALLS, Band(1, 2))))
def test_too_little_data_is_never_a_guess(values: list[float | None], goal: Goal) -> None:
    present = sum(value is not None for value in values)
    computed = of(goal, *values)
    figures = (computed.per_week, computed.low, computed.high, computed.move, computed.noise, computed.since)
    if present < FEWEST or present * 3 < len(values) * 2:
        assert computed.direction == "too_little_data"
        assert computed.reason
    assert computed.weeks == present
    assert all(figure is None for figure in figures) == (computed.direction == "too_little_data")


@given(values=st.lists(st.integers(-1000, 1000), min_size=FEWEST, max_size=13), scale=st.sampled_from((0.5, 2, 8)))
def test_all_figures_are_in_the_unit_of_the_outcome(values: list[int], scale: float) -> None:
    small, large = of(RISES, *values), of(RISES, *(scale * value for value in values))
    assert large == replace(
        small,
        **{
            name: pytest.approx(scale * getattr(small, name), abs=1e-9)
            for name in ("per_week", "low", "high", "move", "noise")
        },
    )


def test_the_slope_is_per_week_and_the_move_over_all_weeks() -> None:
    computed = of(FALLS, 1200, 1186, 1172, 1158, 1144, 1130)
    assert (computed.direction, computed.per_week, computed.low, computed.high) == ("right_way", -14, -14, -14)
    assert (computed.move, computed.noise, computed.weeks, computed.since) == (-70, 0, 6, FIRST)


def test_a_week_without_a_number_still_takes_its_time() -> None:
    assert of(RISES, 0, 10, None, 30, 40, 50).per_week == 10


def test_a_single_outlier_does_not_move_the_slope() -> None:
    assert of(RISES, 0, 10, 20, 9000, 40, 50, 60).per_week == pytest.approx(10, abs=1)


def test_a_constant_series_is_flat() -> None:
    computed = of(RISES, *[0.1] * 6)
    assert (computed.direction, computed.per_week, computed.noise) == ("flat", 0, 0)


class TestSettledWeeks:
    UP_THEN_DOWN: Sequence[float] = (0, 10, 20, 30, 40, 41, 33, 25, 16, 8)

    def test_the_trend_is_of_the_settled_weeks_where_they_suffice(self) -> None:
        shows_from = weeks(*self.UP_THEN_DOWN)[5].last + timedelta(days=1)
        computed = of(RISES, *self.UP_THEN_DOWN, shows_from=shows_from)
        assert (computed.direction, computed.weeks, computed.settled, computed.reason) == ("wrong_way", 5, 5, None)
        assert computed.since == weeks(*self.UP_THEN_DOWN)[5].first

    def test_a_settled_week_ends_on_the_day_before_or_later(self) -> None:
        day = weeks(*self.UP_THEN_DOWN)[5].last
        settled = [of(RISES, *self.UP_THEN_DOWN, shows_from=day + timedelta(days=days)).settled for days in (0, 1, 2)]
        assert settled == [5, 5, 4]

    def test_the_trend_is_of_all_weeks_with_a_reason_where_settled_weeks_are_too_few(self) -> None:
        shows_from = weeks(*self.UP_THEN_DOWN)[7].last
        computed = of(RISES, *self.UP_THEN_DOWN, shows_from=shows_from)
        assert (computed.weeks, computed.settled, computed.since) == (10, 3, FIRST)
        assert computed.reason == "of all 10 weeks: since the work can have shown, 3 weeks have a number"

    def test_an_output_that_is_not_on_pace_settles_no_week(self) -> None:
        computed = of(RISES, *self.UP_THEN_DOWN)
        assert (computed.weeks, computed.settled, computed.reason) == (10, 0, None)


class TestGoals:
    @pytest.mark.parametrize(
        ("goal", "values", "direction"),
        [
            (Band(at_least=50), (10, 20, 30, 35, 40), "right_way"),
            (Band(at_least=50), (40, 35, 30, 20, 10), "wrong_way"),
            (Band(at_most=5), (40, 35, 30, 20, 10), "right_way"),
            (Band(at_most=5), (10, 20, 30, 35, 40), "wrong_way"),
            (Band(at_least=5, at_most=15), (40, 35, 30, 20, 10), "inside"),
            (Band(at_least=5, at_most=15), (10, 9, 8, 7, 6), "inside"),
            (Band(at_least=50), (10, 40, 20, 30, 10), "flat"),
            (Target(target=80, commit=60), (10, 20, 30, 35, 40), "right_way"),
        ],
    )
    def test_a_goal_decides_which_way_is_right(self, goal: Goal, values: Sequence[float], direction: str) -> None:
        assert of(goal, *values).direction == direction

    def test_milestones_have_no_trend(self) -> None:
        computed = of(Milestones((Milestone("first", 1),)), 1, 2, 3, 4, 5, 6)
        assert (computed.direction, computed.per_week) == ("too_little_data", None)

    def test_a_goal_without_a_baseline_has_no_right_way(self) -> None:
        computed = of(Target(target=80), 1, 2, 3, 4, 5, 6)
        assert (computed.direction, computed.reason) == (
            "too_little_data",
            "without a baseline nobody knows the right way",
        )


class TestWeeks:
    PERIOD = Period("p", FIRST, date(2026, 12, 31), ZoneInfo("Europe/Berlin"))

    def test_weeks_are_whole_and_end_with_the_last_past_day(self) -> None:
        whole_weeks = weeks_of(self.PERIOD, datetime(2026, 10, 22, 22, 30, tzinfo=UTC))  # 00:30 of the 23rd in Berlin
        assert whole_weeks == [
            (date(2026, 10, 2), date(2026, 10, 8)),
            (date(2026, 10, 9), date(2026, 10, 15)),
            (date(2026, 10, 16), date(2026, 10, 22)),
        ]

    def test_no_week_is_over_in_the_first_days(self) -> None:
        assert weeks_of(self.PERIOD, datetime(2026, 10, 7, 10, tzinfo=UTC)) == []

    def test_weeks_stay_within_the_period_after_its_end(self) -> None:
        assert weeks_of(self.PERIOD, datetime(2027, 1, 9, tzinfo=UTC))[-1] == (date(2026, 12, 25), date(2026, 12, 31))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [(1e308, -1e308) * 4, (1.7e308,) * 6])
def test_values_too_large_to_subtract_have_no_trend(values: tuple[float, ...]) -> None:
    computed = of(RISES, *values)
    assert (computed.direction, computed.noise) == ("too_little_data", None)
    assert computed.reason == "its values are too large to tell"
