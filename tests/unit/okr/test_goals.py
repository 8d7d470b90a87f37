"""Progress, pace and health: worked examples of the rules, and properties of every key result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from syncd.okr.goals import Band, Health, KeyResult, Shares, Standing, Target, expected, standing
from syncd.okr.spans import Period

PERIOD = Period("p", date(2026, 10, 1), date(2026, 10, 10), ZoneInfo("UTC"))
SPAN = PERIOD.span
START, END, TICK = SPAN.start, SPAN.end, timedelta(microseconds=1)
HALF = START + (END - START) / 2
SHARES = Shares()
CALLS = KeyResult("calls", "Fewer calls", "outcome", Target(600, 1200))

numbers = st.floats(-1e9, 1e9)
apart = st.tuples(numbers, numbers).filter(lambda pair: abs(pair[0] - pair[1]) > 1e-6)
moments = st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 30), timezones=st.just(UTC))
paces = st.sampled_from(["linear", "end"])
bands = st.builds(Band, st.none() | st.floats(-10, 10), st.none() | st.floats(-10, 10))
targets = apart.map(lambda pair: Target(*pair))
key_results = st.builds(KeyResult, st.just("kr"), st.just(""), st.just("outcome"), targets | bands, pace=paces)


def judge(value: float | None, now: datetime = HALF, key_result: KeyResult = CALLS) -> Standing:
    return standing(key_result, value, SPAN, now, SHARES)


class TestProgress:
    @pytest.mark.parametrize(
        ("goal", "value", "says"),
        [
            (
                Target(5.5, 4),
                4200,
                "its progress is 279,733 %: check that value, baseline and target have the same unit",
            ),
            (Target(5.5, 4), -40, "its progress is -2,933 %"),
            (Target(10, 0), 100.1, "its progress is 1,001 %"),
            (Target(10, 0), -100.1, "its progress is -1,001 %"),
            (Target(10, 0), 100, None),
            (Target(10, 0), -100, None),
            (Target(600, 1200), 1092, None),
            (Band(at_most=5), 4200, None),
        ],
    )
    def test_progress_of_thousands_of_percent_is_said(
        self, goal: Target | Band, value: float, says: str | None
    ) -> None:
        reason = judge(value, key_result=replace(CALLS, goal=goal)).reason
        assert (reason or "").startswith(says or "")
        assert (reason is None) is (says is None)

    @pytest.mark.parametrize(
        ("value", "progress", "score"),
        [(1200, 0, 0), (1092, 0.18, 0.18), (900, 0.5, 0.5), (600, 1, 1), (300, 1.5, 1), (1500, -0.5, 0)],
    )
    def test_progress_down_from_1200_to_600(self, value: float, progress: float, score: float) -> None:
        judged = judge(value)
        assert (judged.progress, judged.score) == (pytest.approx(progress), pytest.approx(score))

    @given(goal=apart, value=numbers)
    def test_progress_is_the_same_in_either_direction(self, goal: tuple[float, float], value: float) -> None:
        target, baseline = goal
        assert Target(target, baseline).progress(value) == Target(-target, -baseline).progress(-value)

    @given(goal=apart)
    def test_progress_goes_from_0_at_the_baseline_to_1_at_the_target(self, goal: tuple[float, float]) -> None:
        target, baseline = goal
        assert Target(target, baseline).progress(baseline) == 0
        assert Target(target, baseline).progress(target) == 1

    @given(goal=apart, first=numbers, second=numbers)
    def test_progress_is_never_less_nearer_to_the_target(
        self, goal: tuple[float, float], first: float, second: float
    ) -> None:
        target, baseline = goal
        low, high = sorted((first, second), reverse=target < baseline)
        before, after = Target(target, baseline).progress(low), Target(target, baseline).progress(high)
        assert before is not None
        assert after is not None
        assert before <= after

    @pytest.mark.parametrize(
        ("band", "inside", "outside"),
        [
            (Band(at_least=99.5), [99.5, 100, 1e9], [99.49, 0]),
            (Band(at_most=5), [5, 0, -1], [5.01]),
            (Band(20, 30), [20, 25, 30], [19.9, 30.1]),
            (Band(), [0, -1e9], []),
        ],
    )
    def test_a_band_is_kept_or_broken_with_its_bounds_inside(
        self, band: Band, inside: list[float], outside: list[float]
    ) -> None:
        assert [band.progress(value) for value in inside] == [1] * len(inside)
        assert [band.progress(value) for value in outside] == [0] * len(outside)


class TestExpected:
    @pytest.mark.parametrize(("day", "share"), [(-1, 0), (0, 0), (1, 0.1), (5, 0.5), (9, 0.9), (10, 1), (20, 1)])
    def test_linear_pace_grows_with_time(self, day: int, share: float) -> None:
        assert expected(CALLS, SPAN, START + timedelta(days=day)) == pytest.approx(share)

    def test_end_pace_expects_nothing_before_the_end(self) -> None:
        late = replace(CALLS, pace="end")
        assert [expected(late, SPAN, now) for now in (START, END - TICK, END)] == [0, 0, 1]

    def test_a_band_is_expected_from_the_start(self) -> None:
        band = replace(CALLS, goal=Band(at_most=5), pace="end")
        assert [expected(band, SPAN, now) for now in (START, HALF, END)] == [1, 1, 1]

    @given(key_result=key_results, first=moments, second=moments)
    def test_expected_never_falls_and_stays_within_0_and_1(
        self, key_result: KeyResult, first: datetime, second: datetime
    ) -> None:
        early, late = sorted((first, second))
        assert 0 <= expected(key_result, SPAN, early) <= expected(key_result, SPAN, late) <= 1


class TestHealth:
    @pytest.mark.parametrize(
        ("value", "health"),
        [
            (1201, "off_track"),  # worse than where it began
            (1200, "off_track"),
            (991, "off_track"),
            (990, "at_risk"),  # 35 % of the way: exactly 0.7 of the half expected
            (931, "at_risk"),
            (930, "on_track"),  # 45 %: exactly 0.9
            (601, "on_track"),
            (600, "done"),
            (100, "done"),
        ],
    )
    def test_health_half_way_through_the_period(self, value: float, health: Health) -> None:
        assert judge(value).health == health

    @pytest.mark.parametrize("percent", range(1, 101))
    @pytest.mark.parametrize(("share", "health"), [(0.9, "on_track"), (0.7, "at_risk")])
    def test_the_shares_are_inclusive(self, percent: int, share: float, health: Health) -> None:
        assert SHARES.health(share * (percent / 100), percent / 100) == health
        assert SHARES.health(share * (percent / 100) - 1e-6, percent / 100) != health

    def test_the_shares_are_settings(self) -> None:
        strict, lax = Shares(1.0, 0.9), Shares(0.5, 0.1)
        assert [standing(CALLS, 930, SPAN, HALF, shares).health for shares in (strict, lax)] == ["at_risk", "on_track"]

    @pytest.mark.parametrize(
        ("value", "now", "health"),
        [
            (1200, START, "on_track"),
            (600, START, "done"),
            (1200.1, START, "off_track"),
            (660, END - TICK, "on_track"),
            (660, END, "on_track"),
            (661, END, "at_risk"),
            (780, END, "at_risk"),
            (781, END, "off_track"),
            (600, END, "done"),
        ],
    )
    def test_health_at_the_edges_of_the_period(self, value: float, now: datetime, health: Health) -> None:
        assert judge(value, now).health == health

    @pytest.mark.parametrize(
        ("value", "now", "health"),
        [
            (5, START, "on_track"),
            (5, END - TICK, "on_track"),
            (5, END, "done"),
            (6, START, "off_track"),
            (6, END, "off_track"),
        ],
    )
    def test_a_band_is_done_only_at_the_end(self, value: float, now: datetime, health: Health) -> None:
        assert judge(value, now, replace(CALLS, goal=Band(at_most=5))).health == health

    def test_health_is_unknown_before_the_start(self) -> None:
        judged = judge(600, START - TICK)
        assert (judged.health, judged.reason) == ("unknown", "the period has not begun")

    def test_end_pace_is_on_track_until_the_end(self) -> None:
        late = replace(CALLS, pace="end")
        assert [judge(1200, now, late).health for now in (HALF, END)] == ["on_track", "off_track"]

    def test_an_outcome_without_a_baseline_is_unknown_with_its_reason(self) -> None:
        judged = judge(800, HALF, replace(CALLS, goal=Target(600)))
        assert (judged.progress, judged.score, judged.health) == (None, None, "unknown")
        assert "no baseline" in (judged.reason or "")

    @given(key_result=key_results, now=moments)
    def test_an_unknown_value_never_becomes_a_number(self, key_result: KeyResult, now: datetime) -> None:
        judged = standing(key_result, None, SPAN, now, SHARES)
        assert (judged.progress, judged.score, judged.health) == (None, None, "unknown")

    @given(key_result=key_results, value=numbers, now=moments)
    @example(key_result=CALLS, value=1200, now=HALF)
    def test_a_score_is_progress_within_0_and_1(self, key_result: KeyResult, value: float, now: datetime) -> None:
        judged = standing(key_result, value, SPAN, now, SHARES)
        assert judged.progress is not None
        assert judged.score == min(1, max(0, judged.progress))

    @given(key_result=key_results, value=numbers, now=moments)
    def test_each_health_means_its_share_of_the_expected_score(
        self, key_result: KeyResult, value: float, now: datetime
    ) -> None:
        judged = standing(key_result, value, SPAN, now, SHARES)
        assume(judged.progress is not None)
        progress, score = judged.progress or 0.0, judged.score or 0.0
        broken = progress < 1 if isinstance(key_result.goal, Band) else progress < 0
        assert (judged.health == "unknown") == (now < START)
        if now < START:
            return
        if broken:
            assert judged.health == "off_track"
        elif judged.health == "done":
            assert progress >= 1
            assert now >= END or not isinstance(key_result.goal, Band)
        elif judged.health == "on_track":
            assert score >= 0.9 * judged.expected - 1e-6
        elif judged.health == "at_risk":
            assert 0.7 * judged.expected - 1e-6 <= score < 0.9 * judged.expected
        else:
            assert score < 0.7 * judged.expected
