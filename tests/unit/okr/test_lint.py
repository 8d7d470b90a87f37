"""What is valid and yet likely not meant so."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.goals import Band, KeyResult, Link, Objective, Plan, Target
from syncd.okr.lint import lint
from syncd.okr.plausible import Plausible
from syncd.okr.spans import parse_period

CALLS = KeyResult("calls", "Fewer calls", "outcome", Target(600, 1200))
SCORE = KeyResult("score", "A better score", "outcome", Band(at_least=40))
ARTICLES = KeyResult("articles", "40 articles", "output", Target(40, 0), drives=(Link("calls"),))
GOOD = (CALLS, SCORE, ARTICLES)


def found(*key_results: KeyResult) -> list[tuple[str, str]]:
    """(rule, subject) of every finding about an objective of these."""
    plan = Plan(parse_period("2026-Q4", ZoneInfo("UTC")), (Objective("self-service", "", key_results),))
    return [(finding.rule, finding.subject) for finding in lint(plan)]


def test_a_good_objective_earns_nothing() -> None:
    assert found(*GOOD) == []


def test_an_objective_without_an_outcome() -> None:
    outputs = [replace(ARTICLES, id=f"articles-{number}", drives=(Link("elsewhere"),)) for number in range(3)]
    assert found(*outputs) == [("no-outcome", "self-service")]


@pytest.mark.parametrize(("number", "said"), [(1, True), (2, True), (3, False), (5, False), (6, True)])
def test_three_to_five_key_results(number: int, said: bool) -> None:
    outcomes = [replace(CALLS, id=f"calls-{each}") for each in range(number)]
    assert (found(*outcomes) == [("key-result-count", "self-service")]) is said
    assert bool(found(*outcomes)) is said


def test_an_output_that_drives_nothing() -> None:
    assert found(CALLS, SCORE, replace(ARTICLES, drives=())) == [("drives-nothing", "articles")]


def test_an_outcome_without_a_baseline() -> None:
    assert found(replace(CALLS, goal=Target(600)), SCORE, ARTICLES) == [("no-baseline", "calls")]


def test_a_baseline_of_zero_is_a_baseline() -> None:
    assert found(replace(CALLS, goal=Target(600, 0)), SCORE, ARTICLES) == []


def test_every_objective_is_read_in_order() -> None:
    bare = KeyResult("a", "", "output", Target(1, 0))
    period = parse_period("2026-Q4", ZoneInfo("UTC"))
    plan = Plan(period, (Objective("first", "", (bare,)), Objective("second", "", GOOD)))
    assert [finding.subject for finding in lint(plan)] == ["first", "first", "a"]
    assert all(finding.message for finding in lint(plan))


@pytest.mark.parametrize(
    ("key_result", "bounds", "warned"),
    [
        (CALLS, Plausible(at_least=600, at_most=1200), False),
        (CALLS, Plausible(at_least=700), True),
        (CALLS, Plausible(at_most=1000), True),
        (ARTICLES, Plausible(at_least=5), True),
        (ARTICLES, Plausible(jump=5), False),
        (SCORE, Plausible(at_least=50), False),
        (SCORE, Plausible(at_most=30), True),
    ],
)
def test_a_goal_that_would_be_held(key_result: KeyResult, bounds: Plausible, warned: bool) -> None:
    others = [other for other in GOOD if other is not key_result]
    expected = [("implausible-goal", key_result.id)] if warned else []
    assert found(*others, replace(key_result, plausible=bounds)) == expected
