"""What is valid and yet likely not meant so."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.goals import Band, KeyResult, Link, Objective, Plan, Target
from syncd.okr.lint import lint
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
