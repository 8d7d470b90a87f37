"""Lint: each rule finds what it is for, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.goals import Band, KeyResult, Link, Milestone, Milestones, Objective, PeriodOkrs, Target
from syncd.okr.lint import RULES, lint
from syncd.okr.measures import Filter, ReadingMeasure, RecordMeasure
from syncd.okr.plausible import Plausible
from syncd.okr.rule_ids import LintRule
from syncd.okr.spans import Window, parse_period

PERIOD = parse_period("2026-Q4", ZoneInfo("UTC"))
COUNT = RecordMeasure("code", ("issues of a/b",))
CALLS = KeyResult("calls", "Fewer calls", "outcome", Target(600, 1200), unit="calls/week")
SCORE = KeyResult("score", "A better score", "outcome", Band(at_least=40), unit="points")
GUARD = KeyResult("articles:guard", "Helpful", "outcome", Band(at_least=80))
LINK = Link("calls", timedelta(weeks=3))
ARTICLES = KeyResult("articles", "40 articles", "output", Target(40, 0), COUNT, drives=(LINK,), guard=GUARD)
GOOD = Objective("self-service", "", (CALLS, SCORE, ARTICLES), "support")


def lint_findings(objective: Objective) -> list[tuple[str, str]]:
    """(rule, subject) of every finding about an objective."""
    return [(finding.rule.id, finding.subject) for finding in lint(PeriodOkrs(PERIOD, (objective,)))]


def with_key_result(key_result: KeyResult) -> Objective:
    """The good objective with this key result in place of its own key result of the same id."""
    return replace(GOOD, key_results=tuple(key_result if kr.id == key_result.id else kr for kr in GOOD.key_results))


def measured(**measure: object) -> Objective:
    return with_key_result(replace(ARTICLES, measure=replace(COUNT, **measure)))


def filtered(*filters: Filter) -> Objective:
    return measured(filters=filters)


def windowed(**window: date) -> Objective:
    return with_key_result(replace(CALLS, measure=ReadingMeasure("numbers", "sheet", "{}", window=Window(**window))))


def bounded(key_result: KeyResult, **bounds: float) -> Objective:
    return with_key_result(replace(key_result, plausible=Plausible(**bounds)))


def written(text: str, title: str) -> Objective:
    """An objective whose file writes the baseline of its calls in this way."""
    return with_key_result(replace(CALLS, title=title, grouped=(("baseline", text),)))


def counting(count: int) -> Objective:
    return replace(GOOD, key_results=tuple(replace(CALLS, id=f"calls-{number}") for number in range(count)))


DUE = Milestone("Designed", 1, by=datetime(2026, 11, 1, tzinfo=UTC))
OPEN = Milestone("Running", 2)


def stepping(*steps: Milestone) -> Objective:
    return with_key_result(replace(CALLS, unit=None, goal=Milestones(steps)))


OUTPUTS = tuple(replace(ARTICLES, id=f"articles-{number}") for number in range(3))
BUG = Filter("label", ("bug",))

# By rule: the id of the subject, objectives that break the rule, and similar objectives that break none.
CASES: dict[str, tuple[str, list[Objective], list[Objective]]] = {
    "no-outcome": (
        "self-service",
        [replace(GOOD, key_results=OUTPUTS)],
        [replace(GOOD, key_results=(*OUTPUTS, CALLS))],
    ),
    "key-result-count": (
        "self-service",
        [counting(1), counting(2), counting(6)],
        [counting(3), counting(5), replace(GOOD, key_results=())],
    ),
    "no-owner": (
        "calls",
        [replace(GOOD, owner=None, key_results=(CALLS, *(replace(kr, owner="web") for kr in (SCORE, ARTICLES))))],
        [replace(GOOD, owner=None, key_results=tuple(replace(kr, owner="web") for kr in GOOD.key_results))],
    ),
    "no-unit": (
        "articles",
        [measured(take="sum", of="points")],
        [
            with_key_result(replace(ARTICLES, unit="points", measure=replace(COUNT, take="sum", of="points"))),
            measured(),
        ],
    ),
    "no-baseline": (
        "calls",
        [with_key_result(replace(CALLS, goal=Target(600)))],
        [with_key_result(replace(CALLS, goal=Target(600, 0)))],
    ),
    "no-end": ("calls", [stepping(DUE, OPEN)], [stepping(DUE, DUE), stepping(OPEN, OPEN)]),
    "drives-nothing": ("articles", [with_key_result(replace(ARTICLES, drives=()))], [GOOD]),
    "no-lag": (
        "articles",
        [with_key_result(replace(ARTICLES, drives=(LINK, Link("score"))))],
        [with_key_result(replace(ARTICLES, drives=(LINK, Link("score", timedelta()))))],
    ),
    "no-guard": (
        "articles",
        [
            with_key_result(replace(ARTICLES, guard=None)),
            with_key_result(replace(ARTICLES, guard=None, measure=replace(COUNT, take="distinct", of="author"))),
        ],
        [
            with_key_result(replace(ARTICLES, guard=None, measure=replace(COUNT, take="median", of="lead_time"))),
            with_key_result(replace(ARTICLES, guard=None, measure=ReadingMeasure("numbers", "sheet", "{}", "sum"))),
            with_key_result(replace(ARTICLES, guard=None, measure=None)),
            with_key_result(replace(CALLS, measure=COUNT)),
        ],
    ),
    "outcome-worded-as-work": (
        "calls",
        [with_key_result(replace(CALLS, title="Launch the portal"))],
        [with_key_result(replace(ARTICLES, title="Launch the portal"))],
    ),
    "outcome-worded-as-upkeep": (
        "calls",
        [with_key_result(replace(CALLS, title="Keep calls below 600 a week"))],
        [
            with_key_result(replace(CALLS, title="Keep calls below 600 a week", goal=Band(at_most=600))),
            with_key_result(replace(ARTICLES, title="Keep 40 articles at 3 languages")),
        ],
    ),
    "output-worded-as-change": (
        "articles",
        [with_key_result(replace(ARTICLES, title="Calls fall to 600"))],
        [with_key_result(replace(CALLS, title="Calls fall to 600"))],
    ),
    "met-by-baseline": (
        "calls",
        [
            with_key_result(replace(CALLS, goal=Target(1200, 600))),
            with_key_result(replace(CALLS, title="Calls from 1,200 to 600", goal=Target(600, 500))),
            with_key_result(replace(CALLS, title="Answers increase to 1,200")),
            with_key_result(replace(CALLS, goal=Target(600, 1200, commit=1200))),
        ],
        [
            with_key_result(replace(CALLS, title="Calls to the support line", goal=Target(1200, 600))),
            with_key_result(replace(CALLS, goal=Target(600, 1200, commit=900))),
            with_key_result(replace(CALLS, title="Reduce calls by 600", goal=Target(600, 0))),
            with_key_result(replace(CALLS, title="Answers increase to 1,200", goal=Target(1200, 600))),
        ],
    ),
    "title-against-numbers": (
        "calls",
        [
            with_key_result(replace(CALLS, title="Churn falls from 5% to 3%", goal=Target(10, 0))),
            with_key_result(replace(CALLS, title="Calls fall from 1,200 to 600", goal=Target(700, 1200))),
            with_key_result(replace(CALLS, title="Sign-ups from 0 to 400", goal=Target(400, 100))),
        ],
        [
            with_key_result(replace(CALLS, title="Churn falls from 5% to 3%", goal=Target(0.03, 0.05))),
            with_key_result(
                replace(CALLS, title="Revenue grows from $1.2M to $1.8M", goal=Target(1_800_000, 1_200_000))
            ),
            with_key_result(replace(CALLS, title="Time falls from 2 hours to 1 hour", goal=Target(60, 120))),
            with_key_result(replace(CALLS, title="Calls fall from 1,200 to 600", goal=Target(600, 0))),
            with_key_result(replace(CALLS, title="Calls fall from 1,200 to 600", goal=Target(50, 0))),
            with_key_result(replace(CALLS, title="Calls fall from 1,200 to 600", goal=Target(700, 1200, stretch=600))),
            with_key_result(replace(CALLS, title="Answer within 4 hours, in place of 9")),
        ],
    ),
    "never-matches": (
        "articles",
        [
            filtered(Filter("number", at_least=5), Filter("number", at_most=4)),
            filtered(Filter("merged", at_least="2026-11-01"), Filter("merged", at_most="2026-10-01")),
            filtered(BUG, Filter("label", ("bug", "wish"), negated=True)),
            filtered(BUG, Filter("label", ("b*",), negated=True)),
            filtered(Filter("label", ("Bug",), ignores_case=True), Filter("label", ("bug",), True, ignores_case=True)),
            filtered(Filter("milestone", (None,)), Filter("milestone", (None,), negated=True)),
            filtered(Filter("milestone", (None,)), Filter("milestone", at_least="v2")),
            measured(never="asks for drafts, which are never merged"),
            measured(window=Window(since=date(2027, 1, 1))),
            measured(window=Window(until=date(2026, 9, 30))),
            with_key_result(replace(ARTICLES, guard=replace(GUARD, measure=replace(COUNT, never="asks for nothing")))),
        ],
        [
            filtered(Filter("number", at_least=5), Filter("number", at_most=5)),
            filtered(Filter("number", at_least=5), Filter("size", at_most=4)),
            filtered(Filter("merged", at_least="2026-11-01"), Filter("merged", at_most="2026-11-01")),
            filtered(Filter("label", ("bug", "wish")), Filter("label", ("bug",), negated=True)),
            filtered(BUG, Filter("base", ("bug",), negated=True)),
            filtered(Filter("label", ("Bug",)), Filter("label", ("bug",), negated=True)),
            filtered(Filter("label", ("b*",)), Filter("label", ("bug",), negated=True)),
            filtered(Filter("label", ("bug",), negated=True), Filter("label", ("bug", "wish"), negated=True)),
            filtered(Filter("number", at_least="5"), Filter("number", at_most=4)),
            windowed(since=date(2026, 12, 31)),
            windowed(since=date(2026, 7, 1), until=date(2026, 9, 30)),
            windowed(until=date(2026, 10, 1)),
        ],
    ),
    "excludes-nothing": (
        "articles",
        [
            measured(idle="says not_author: dependabot, and the login is dependabot[bot]"),
            with_key_result(replace(ARTICLES, guard=replace(GUARD, measure=replace(COUNT, idle="excludes nothing")))),
        ],
        [filtered(Filter("author", ("dependabot[bot]",), negated=True))],
    ),
    "implausible-goal": (
        "calls",
        [bounded(CALLS, at_least=700), bounded(CALLS, at_most=1000), bounded(CALLS, at_least=2000)],
        [
            bounded(CALLS, at_least=600, at_most=1200),
            bounded(ARTICLES, jump=5),
            bounded(SCORE, at_least=50),
            bounded(CALLS, jump=5),
        ],
    ),
    "thousands-point": (
        "calls",
        [
            written("1.200", "Calls fall from 1.200 to 600"),
            written("1.234", "1,234 calls at most"),
            written("1.234", "1 234 calls at most"),
            written("1.234", "1234 calls at most"),
            written("5.500", "Fewer calls"),
        ],
        [
            written("1.234", "Fewer calls"),
            written("1.234", "11,234 calls at most"),
            written("1.234", "12345 calls at most"),
            written("99.950", "99.950 % of calls are answered"),
            written("1.250", "1.250 hours at most, and 0.900 at best"),
            with_key_result(replace(CALLS, unit="%", grouped=(("target", "99.950"),))),
        ],
    ),
    "unused-ignore": (
        "calls",
        [
            with_key_result(replace(CALLS, ignore=("no-unit",))),
            with_key_result(replace(CALLS, ignore=("key-result-count",))),  # that rule is about objectives
        ],
        [
            with_key_result(replace(CALLS, unit=None, ignore=("no-unit",))),
            replace(with_key_result(replace(CALLS, unit=None)), ignore=("no-unit",)),
            with_key_result(replace(CALLS, ignore=("no-unit", "unused-ignore"))),
        ],
    ),
}


def test_a_good_objective_has_no_finding() -> None:
    assert lint_findings(GOOD) == []


def test_every_rule_has_its_cases() -> None:
    of_rows_alone = ["counts-undelivered"]  # held by tests/contract/test_delivered_unless.py
    assert [rule.id for rule in RULES] == list(get_args(LintRule))
    assert list(CASES) == [rule.id for rule in RULES if rule.id not in of_rows_alone]
    assert all(breaking and similar for _, breaking, similar in CASES.values())


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_finds_what_it_is_for_and_nothing_else(rule: str) -> None:
    subject, breaking, similar = CASES[rule]
    for objective in breaking:
        assert lint_findings(objective) == [(rule, subject)], objective
    for objective in similar:
        assert lint_findings(objective) == [], objective


@pytest.mark.parametrize("rule", CASES)
def test_every_rule_can_be_ignored(rule: str) -> None:
    subject, breaking, _ = CASES[rule]
    for objective in breaking:
        assert lint_findings(replace(objective, ignore=(rule,))) == []
        about = next((kr for kr in objective.key_results if kr.id == subject), None)
        if about is not None:
            excused = replace(about, ignore=(*about.ignore, rule))
            others = tuple(excused if kr is about else kr for kr in objective.key_results)
            assert lint_findings(replace(objective, key_results=others)) == []


def test_an_outcome_needs_a_unit_whatever_its_title_says() -> None:
    assert lint_findings(with_key_result(replace(CALLS, unit=None, title="80 % of calls"))) == [("no-unit", "calls")]


def test_a_band_beyond_the_plausible_bounds_breaks_a_rule() -> None:
    assert lint_findings(bounded(SCORE, at_most=30)) == [("implausible-goal", "score")]
    up_to = replace(SCORE, goal=Band(at_most=40), plausible=Plausible(at_least=50))
    assert lint_findings(with_key_result(up_to)) == [("implausible-goal", "score")]


def test_a_finding_names_all_that_it_is_about() -> None:
    without_lag = replace(ARTICLES, drives=(Link("calls"), Link("score")))
    far = replace(CALLS, plausible=Plausible(at_least=2000))
    messages = [
        finding.message for finding in lint(PeriodOkrs(PERIOD, (with_key_result(without_lag), with_key_result(far))))
    ]
    assert "no lag for calls and score" in messages[0]
    assert "the baseline 1,200 and the target 600" in messages[1]


def test_an_objectives_ignore_that_no_key_result_needs_is_unused() -> None:
    assert lint_findings(replace(GOOD, ignore=("no-unit",))) == [("unused-ignore", "self-service")]


def test_an_ignore_that_the_objectives_ignore_covers_too_is_used() -> None:
    needing = replace(CALLS, unit=None, ignore=("no-unit",))
    assert lint_findings(replace(with_key_result(needing), ignore=("no-unit",))) == []


def test_an_ignore_of_a_finding_about_another_key_result_is_unused() -> None:
    elsewhere = (replace(CALLS, ignore=("no-unit",)), replace(SCORE, unit=None), ARTICLES)
    assert lint_findings(replace(GOOD, key_results=elsewhere)) == [("unused-ignore", "calls"), ("no-unit", "score")]


def test_findings_come_in_the_order_of_the_file() -> None:
    bare = KeyResult("a", "", "output", Target(1, 0))
    okrs = PeriodOkrs(PERIOD, (Objective("first", "", (bare,), "web"), replace(GOOD, id="second", key_results=OUTPUTS)))
    assert [finding.subject for finding in lint(okrs)] == ["first", "first", "a", "second"]
    assert all(finding.message for finding in lint(okrs))
