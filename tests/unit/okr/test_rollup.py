"""Roll-up: an objective's score is that of its outcomes with a score, with the number of those."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.goals import Health, KeyResult, Kind, Objective, Shares, Standing, Target
from syncd.okr.rollup import ObjectiveStanding, roll_up, roll_up_all

Rollup = Literal["outcomes", "all", "weakest"]
UNKNOWN = Standing(None, None, 0.5, "unknown")


def at(score: float, expected: float = 0.5, health: Health = "on_track") -> Standing:
    return Standing(score, score, expected, health)


def roll(*lines: tuple[Kind, float, Standing], rollup: Rollup = "outcomes") -> ObjectiveStanding:
    """The roll-up of key results given as (kind, weight, standing)."""
    key_results = [
        KeyResult(str(number), "", kind, Target(1, 0), weight=weight) for number, (kind, weight, _) in enumerate(lines)
    ]
    standings = {str(number): standing for number, (_, _, standing) in enumerate(lines)}
    return roll_up(Objective("o", "", tuple(key_results), rollup=rollup), standings, Shares())


scores = st.floats(0, 1)
scored = st.builds(at, scores, scores, st.sampled_from(["off_track", "at_risk", "on_track", "done"]))
stale = scores.map(lambda score: at(score, health="unknown"))  # a number that is too old to go on
weights = st.floats(0.01, 100)
kinds = st.sampled_from(["outcome", "output"])
rollups = st.sampled_from(["outcomes", "all", "weakest"])
rows = st.lists(st.tuples(kinds, weights | st.just(0.0), scored | st.just(UNKNOWN) | stale), max_size=6)


def counts(kind: Kind, weight: float, rollup: Rollup) -> bool:
    return weight > 0 and (kind == "outcome" or rollup == "all")


class TestScore:
    def test_the_score_is_the_weighted_mean_of_the_outcomes(self) -> None:
        rolled_up = roll(("outcome", 3, at(0.8)), ("outcome", 1, at(0.4)))
        assert rolled_up.score == pytest.approx(0.7)

    def test_outputs_are_activity_beside_the_score(self) -> None:
        rolled_up = roll(("outcome", 1, at(0.2)), ("output", 1, at(1.0)), ("output", 3, at(0.6)))
        assert (rolled_up.score, rolled_up.activity) == (pytest.approx(0.2), pytest.approx(0.7))
        assert (rolled_up.scored, rolled_up.counted) == (1, 1)

    def test_all_counts_outputs_too(self) -> None:
        rolled_up = roll(("outcome", 1, at(0.2)), ("output", 1, at(1.0)), rollup="all")
        assert (rolled_up.score, rolled_up.activity) == (pytest.approx(0.6), pytest.approx(1.0))
        assert (rolled_up.scored, rolled_up.counted) == (2, 2)

    def test_weakest_takes_the_lowest_outcome(self) -> None:
        rolled_up = roll(("outcome", 1, at(0.9)), ("outcome", 9, at(0.3)), ("output", 1, at(0.1)), rollup="weakest")
        assert rolled_up.score == 0.3

    def test_a_weakest_of_zero_is_zero(self) -> None:
        assert roll(("outcome", 1, at(0.9)), ("outcome", 1, at(0.0)), rollup="weakest").score == 0

    @given(lines=rows, rollup=rollups)
    def test_a_score_lies_between_the_lowest_and_the_highest_that_count(
        self, lines: list[tuple[Kind, float, Standing]], rollup: Rollup
    ) -> None:
        counted = [
            standing.score
            for kind, weight, standing in lines
            if counts(kind, weight, rollup) and standing.score is not None and standing.health != "unknown"
        ]
        score = roll(*lines, rollup=rollup).score
        if not counted:
            assert score is None
        else:
            assert score is not None
            assert min(counted) - 1e-9 <= score <= max(counted) + 1e-9
            assert 0 <= score <= 1

    @given(lines=rows, rollup=rollups, kind=kinds, standing=scored | st.just(UNKNOWN))
    def test_a_key_result_of_weight_0_changes_nothing(
        self, lines: list[tuple[Kind, float, Standing]], rollup: Rollup, kind: Kind, standing: Standing
    ) -> None:
        assert roll(*lines, (kind, 0.0, standing), rollup=rollup) == roll(*lines, rollup=rollup)

    @given(lines=rows, rollup=rollups, factor=st.sampled_from([0.5, 2, 4]))
    def test_only_the_proportion_of_weights_matters(
        self, lines: list[tuple[Kind, float, Standing]], rollup: Rollup, factor: float
    ) -> None:
        scaled = [(kind, weight * factor, standing) for kind, weight, standing in lines]
        assert roll(*scaled, rollup=rollup).score == pytest.approx(roll(*lines, rollup=rollup).score)


class TestCoverage:
    def test_an_unknown_score_is_not_in_the_mean(self) -> None:
        rolled_up = roll(("outcome", 1, at(0.8)), ("outcome", 5, UNKNOWN), ("outcome", 1, at(0.6)))
        assert (rolled_up.score, rolled_up.scored, rolled_up.counted) == (pytest.approx(0.7), 2, 3)

    @pytest.mark.parametrize("rollup", ["outcomes", "all", "weakest"])
    def test_a_score_of_unknown_outcomes_is_unknown(self, rollup: Rollup) -> None:
        rolled_up = roll(("outcome", 1, UNKNOWN), ("outcome", 1, UNKNOWN), rollup=rollup)
        assert (rolled_up.score, rolled_up.expected, rolled_up.health) == (None, None, "unknown")
        assert (rolled_up.scored, rolled_up.counted) == (0, 2)

    def test_a_score_without_outcomes_is_unknown(self) -> None:
        rolled_up = roll(("output", 1, at(1.0)))
        assert (rolled_up.score, rolled_up.activity, rolled_up.health) == (None, 1.0, "unknown")

    def test_a_score_without_weight_is_unknown(self) -> None:
        rolled_up = roll(("outcome", 0, at(0.5)))
        assert (rolled_up.score, rolled_up.health, rolled_up.scored, rolled_up.counted) == (None, "unknown", 0, 0)

    def test_activity_of_unknown_outputs_is_none(self) -> None:
        assert roll(("outcome", 1, at(0.5)), ("output", 1, UNKNOWN)).activity is None

    @given(lines=rows, rollup=rollups, standing=st.just(UNKNOWN) | stale, weight=weights)
    def test_an_additional_unknown_changes_only_the_coverage(
        self, lines: list[tuple[Kind, float, Standing]], rollup: Rollup, standing: Standing, weight: float
    ) -> None:
        before, after = roll(*lines, rollup=rollup), roll(*lines, ("outcome", weight, standing), rollup=rollup)
        assert (after.score, after.expected, after.activity) == (before.score, before.expected, before.activity)
        assert (after.health, after.scored, after.counted) == (before.health, before.scored, before.counted + 1)


class TestHealth:
    @pytest.mark.parametrize(
        ("scores", "health"), [([0.5, 0.4], "on_track"), ([0.5, 0.2], "at_risk"), ([0.3, 0.3], "off_track")]
    )
    def test_the_same_shares_apply_to_the_mean(self, scores: list[float], health: Health) -> None:
        assert roll(*(("outcome", 1, at(score)) for score in scores)).health == health

    def test_the_expected_score_is_of_the_same_key_results_with_the_same_weights(self) -> None:
        rolled_up = roll(
            ("outcome", 1, at(0.0, 0.0)),
            ("outcome", 3, at(0.8, 1.0)),
            ("outcome", 9, UNKNOWN),
            ("output", 1, at(0.1, 0.3)),
        )
        assert rolled_up.expected == pytest.approx(0.75)

    def test_an_objective_is_on_track_and_never_done(self) -> None:
        done = at(1.0, health="done")
        assert roll(("outcome", 1, done), ("outcome", 1, done)).health == "on_track"

    def test_weakest_compares_the_lowest_score_with_the_expected_score(self) -> None:
        assert roll(("outcome", 1, at(1.0)), ("outcome", 1, at(0.1)), rollup="weakest").health == "off_track"


def roll_supporting(*parts: tuple[float, float | None, float | None]) -> ObjectiveStanding:
    """The roll-up of an objective from its supporting ones, given as (weight, outcome's score, output's score)."""
    parent = Objective("parent", "", (), rollup="supporting")
    others, standings = [], {}
    for number, (weight, outcome, output) in enumerate(parts):
        pair = [KeyResult(f"{kind}{number}", "", kind, Target(1, 0)) for kind in ("outcome", "output")]
        others.append(Objective(str(number), "", tuple(pair), supports="parent", weight=weight))
        for key_result, score in zip(pair, (outcome, output), strict=True):
            standings[key_result.id] = UNKNOWN if score is None else at(score)
    return roll_up_all([parent, *others], standings, Shares())["parent"]


class TestSupporting:
    def test_a_score_is_the_weighted_mean_of_the_supporting_objectives(self) -> None:
        rolled_up = roll_supporting((1, 0.2, 0.5), (3, 0.6, 1.0))
        assert (rolled_up.score, rolled_up.activity, rolled_up.expected) == (
            pytest.approx(0.5),
            pytest.approx(0.875),
            0.5,
        )
        assert (rolled_up.scored, rolled_up.counted, rolled_up.health) == (2, 2, "on_track")

    def test_an_unknown_objective_is_not_in_the_mean_and_shows_in_the_coverage(self) -> None:
        rolled_up = roll_supporting((1, 0.2, None), (3, None, 1.0))
        assert (rolled_up.score, rolled_up.scored, rolled_up.counted) == (pytest.approx(0.2), 1, 2)

    def test_a_score_without_any_scored_part_is_unknown(self) -> None:
        assert roll_supporting((1, None, 1.0)).health == "unknown"
        assert roll_supporting((0, 0.5, 1.0)) == ObjectiveStanding(None, None, None, "unknown", 0, 0)

    def test_a_score_rolls_up_over_several_levels(self) -> None:
        team = Objective("team", "", (KeyResult("kr", "", "outcome", Target(1, 0)),), supports="unit")
        unit = Objective("unit", "", (), rollup="supporting", supports="company")
        company = Objective("company", "", (), rollup="supporting")
        standings = roll_up_all([company, unit, team], {"kr": at(0.4)}, Shares())
        assert [standings[name].score for name in ("company", "unit", "team")] == [0.4] * 3

    def test_an_objective_with_outcomes_is_scored_by_them_whoever_supports_it(self) -> None:
        own = Objective("own", "", (KeyResult("kr", "", "outcome", Target(1, 0)),))
        other = Objective("other", "", (KeyResult("more", "", "outcome", Target(1, 0)),), supports="own")
        assert roll_up_all([own, other], {"kr": at(0.9), "more": at(0.1)}, Shares())["own"].score == 0.9

    def test_support_of_an_objective_of_a_longer_period_does_not_count_for_its_namesake(self) -> None:
        """An objective of the quarter may carry the id of the year's that it supports."""
        namesake = Objective("growth", "", (), rollup="supporting", supports="growth", supports_in="2026")
        team = Objective("team", "", (KeyResult("kr", "", "outcome", Target(1, 0)),), supports="growth")
        assert roll_up_all([namesake, team], {"kr": at(0.4)}, Shares())["growth"].score == 0.4
