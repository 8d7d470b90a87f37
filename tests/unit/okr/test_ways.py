"""Levels, milestones, paces in steps and guards: worked examples, and properties of all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.goals import (
    Band,
    Health,
    KeyResult,
    Level,
    Milestone,
    Milestones,
    Shares,
    Standing,
    Steps,
    Target,
    expected,
    guarded,
    standing,
)
from syncd.okr.spans import Period

SPAN = Period("p", date(2026, 10, 1), date(2026, 10, 10), ZoneInfo("UTC")).span
DAY = timedelta(days=1)
SHARES = Shares()

moments = st.datetimes(datetime(2026, 9, 25), datetime(2026, 10, 20), timezones=st.just(UTC))


def key_result(goal: Target | Milestones | Band, pace: Steps | None = None) -> KeyResult:
    return KeyResult("kr", "", "outcome", goal, pace=pace or "linear")


class TestLevels:
    @pytest.mark.parametrize(
        ("value", "level"), [(0, None), (59, None), (60, "commit"), (79, "commit"), (80, "target"), (95, "stretch")]
    )
    def test_level_of_a_rising_goal(self, value: float, level: Level | None) -> None:
        assert Target(80, 20, 60, 90).level(value) == level

    @pytest.mark.parametrize(("value", "level"), [(1000, None), (700, "commit"), (600, "target"), (500, "stretch")])
    def test_level_of_a_falling_goal(self, value: float, level: Level | None) -> None:
        assert Target(600, 1200, 700, 500).level(value) == level

    def test_levels_without_a_baseline_tell_the_direction_by_their_order(self) -> None:
        assert Target(600, None, 700).level(650) == "commit"
        assert Target(600, None, stretch=500).level(550) == "target"
        assert Target(600, None, stretch=700).level(550) is None

    def test_a_target_alone_has_no_levels(self) -> None:
        assert Target(600, 1200).level(100) is None

    @given(numbers=st.lists(st.integers(-100, 100), min_size=4, max_size=4, unique=True), down=st.booleans())
    def test_the_target_level_is_reached_exactly_at_progress_1(self, numbers: list[int], down: bool) -> None:
        baseline, commit, target, stretch = sorted(numbers, reverse=down)
        goal = Target(target, baseline, commit, stretch)
        for value in range(-101, 102):
            reached = goal.level(value) in ("target", "stretch")
            assert reached == ((goal.progress(value) or 0) >= 1)


STEPS = Steps(((SPAN.start + 4 * DAY, 50.0), (SPAN.start + 8 * DAY, 60.0)))


class TestSteps:
    @pytest.mark.parametrize(("day", "share"), [(-3, 0), (0, 0), (2, 0.25), (4, 0.5), (6, 0.55), (8, 0.6), (9.9, 0.6)])
    def test_steps_are_joined_by_straight_lines_and_then_flat(self, day: float, share: float) -> None:
        asked = expected(key_result(Target(100, 0), STEPS), SPAN, SPAN.start + day * DAY)
        assert asked == pytest.approx(share)

    def test_everything_is_expected_from_the_end_on(self) -> None:
        assert expected(key_result(Target(100, 0), STEPS), SPAN, SPAN.end) == 1

    def test_steps_are_in_the_unit_of_the_key_result_in_either_direction(self) -> None:
        falling = key_result(Target(600, 1200), Steps(((SPAN.start + 4 * DAY, 1140.0), (SPAN.start + 8 * DAY, 900.0))))
        assert expected(falling, SPAN, SPAN.start + 4 * DAY) == pytest.approx(0.1)
        assert expected(falling, SPAN, SPAN.start + 6 * DAY) == pytest.approx(0.3)

    @given(
        now=moments,
        points=st.lists(st.tuples(st.integers(1, 9), st.floats(-500, 500)), min_size=1, unique_by=lambda p: p[0]),
    )
    def test_steps_stay_within_0_and_1(self, now: datetime, points: list[tuple[int, float]]) -> None:
        steps = Steps(tuple((SPAN.start + day * DAY, value) for day, value in sorted(points)))
        assert 0 <= expected(key_result(Target(100, 0), steps), SPAN, now) <= 1

    @given(now=moments)
    def test_a_single_step_at_the_end_is_linear(self, now: datetime) -> None:
        single = Steps(((SPAN.end, 100.0),))
        assert expected(key_result(Target(100, 0), single), SPAN, now) == pytest.approx(
            expected(key_result(Target(100, 0)), SPAN, now)
        )


DATED = Milestones(
    (
        Milestone("designed", 1, 1, SPAN.start + 2 * DAY),
        Milestone("piloted", 2, 2, SPAN.start + 5 * DAY),
        Milestone("launched", 3, 1, SPAN.start + 8 * DAY),
    )
)


class TestMilestones:
    @pytest.mark.parametrize(("value", "progress"), [(0, 0), (0.9, 0), (1, 0.25), (2, 0.75), (3, 1), (7, 1)])
    def test_progress_is_the_weight_of_the_milestones_reached(self, value: float, progress: float) -> None:
        assert DATED.progress(value) == progress

    @pytest.mark.parametrize(("day", "share"), [(0, 0), (1.9, 0), (2, 0.25), (5, 0.75), (9, 1)])
    def test_due_milestones_are_expected(self, day: float, share: float) -> None:
        assert expected(key_result(DATED), SPAN, SPAN.start + day * DAY) == share

    def test_the_pace_is_expected_where_a_milestone_has_no_date(self) -> None:
        steps = (*DATED.steps[:2], replace(DATED.steps[2], by=None))
        assert expected(key_result(Milestones(steps)), SPAN, SPAN.start + 5 * DAY) == pytest.approx(0.5)

    @pytest.mark.parametrize(("value", "health"), [(0, "off_track"), (1, "off_track"), (2, "on_track"), (3, "done")])
    def test_milestones_have_a_health(self, value: float, health: Health) -> None:
        assert standing(key_result(DATED), value, SPAN, SPAN.start + 6 * DAY, SHARES).health == health

    @given(weights=st.lists(st.floats(0.1, 100), min_size=1, max_size=9))
    def test_all_milestones_reached_is_exactly_1(self, weights: list[float]) -> None:
        goal = Milestones(tuple(Milestone("", number, weight) for number, weight in enumerate(weights, 1)))
        shares = [goal.progress(number) for number in range(len(weights) + 1)]
        assert shares[0] == 0
        assert shares[-1] == 1
        assert shares == sorted(shares)


HOLDS = Standing(1.0, 1.0, 1.0, "on_track")
BROKEN = Standing(0.0, 0.0, 1.0, "off_track")
UNKNOWN = Standing(None, None, 1.0, "unknown", "blank")


class TestGuard:
    @pytest.mark.parametrize("health", ["unknown", "off_track", "at_risk", "on_track", "done"])
    def test_a_broken_guard_caps_health_at_risk_and_lifts_none(self, health: Health) -> None:
        stands = Standing(0.5, 0.5, 0.5, health, "a reason")
        after = guarded(stands, BROKEN, "it is broken")
        assert after.health == ("at_risk" if health in ("on_track", "done") else health)
        assert (after.progress, after.score, after.expected) == (0.5, 0.5, 0.5)

    def test_a_broken_guard_is_the_reason(self) -> None:
        assert guarded(Standing(1, 1, 0.5, "done"), BROKEN, "it is broken").reason == "it is broken"

    @pytest.mark.parametrize("health", ["unknown", "off_track", "at_risk", "on_track", "done"])
    def test_a_guard_that_holds_changes_nothing(self, health: Health) -> None:
        stands = Standing(0.5, 0.5, 0.5, health, "a reason")
        assert guarded(stands, HOLDS, "x") == stands

    def test_an_unknown_guard_is_named_and_caps_nothing(self) -> None:
        stands = Standing(1, 1, 0.5, "done")
        assert guarded(stands, UNKNOWN, "its guard is unknown") == replace(stands, reason="its guard is unknown")
        late = guarded(replace(stands, reason="late"), UNKNOWN, "its guard is unknown")
        assert late.reason == "late; its guard is unknown"
