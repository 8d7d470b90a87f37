"""Shares, goals, days and ages as people read them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.okr.goals import Band, Goal, KeyResult, Milestone, Milestones, Objective, Shares, Target, standing
from syncd.okr.rollup import roll_up
from syncd.okr.spans import Period
from syncd.okr.words import (
    age,
    ago,
    clock_time,
    count,
    goal,
    number,
    percent,
    place,
    progress_figure,
    score_figure,
    span,
    steps,
    value_figure,
)
from syncd.review.movement_words import amount

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 11, 30, 23, tzinfo=UTC)  # in Berlin
RUNS = Milestones(tuple(Milestone(f"run {at}", at) for at in (5, 20, 50)))
RELEASES = Milestones((Milestone("alpha", 1), Milestone("beta", 2, by=MIDNIGHT)))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0.185, "19 %"),
        (-0.44, "-44 %"),
        (12.5, "1,250 %"),
        (1e300, "1e+302 %"),
        (1e308, "inf %"),
        (-math.inf, "-inf %"),
    ],
)
def test_every_share_has_a_text_however_large_it_is(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("kind", "aim", "unit", "words"),
    [
        ("outcome", Target(600, 1200), "calls/week", "1,200 → 600 calls/week"),
        ("outcome", Target(600), None, "? → 600"),
        ("output", Target(40, 0), None, "of 40"),
        ("output", Target(40, 10), "articles", "10 → 40 articles"),
        ("outcome", Band(at_least=99.5), "%", "at least 99.5 %"),
        ("outcome", Band(at_most=3), None, "at most 3"),
        ("outcome", Band(1, 2), "s", "1 to 2 s"),
        ("output", RELEASES, None, "of 2 milestones"),
        ("output", RUNS, "km", "3 milestones to 50 km"),
    ],
)
def test_a_goal_is_read_in_its_unit(kind: str, aim: Goal, unit: str | None, words: str) -> None:
    assert goal(KeyResult("kr", "A title", kind, aim, unit=unit)) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "reached"), [(-1, 0), (4.9, 0), (5, 1), (21, 2), (50, 3), (1000, 3)])
def test_milestones_at_amounts_are_counted_by_the_value_that_reached_them(value: float, reached: int) -> None:
    ran = KeyResult("kr", "A title", "output", RUNS, unit="km")
    assert goal(ran, value) == f"{reached} of 3 milestones to 50 km"
    assert amount(value_figure(ran, value), ran) == f"{number(value)} km"
    made = KeyResult("kr", "A title", "output", RELEASES)
    assert goal(made, 1) == goal(made)
    assert amount("1", made) == "1 of 2 milestones"


@pytest.mark.parametrize(
    ("aim", "value", "words"),
    [
        (RELEASES, None, None),
        (RELEASES, 0.0, "next: alpha"),
        (RELEASES, 1.0, "next: beta, by 30 Nov"),
        (RELEASES, 2.0, "every milestone is reached"),
        (Target(40, 0), 10.0, None),
        (Band(1, 2), 1.0, None),
        (Target(40, 0, commit=30, stretch=50), 10.0, "commit is 30; target is 40; stretch is 50"),
        (Target(40, 0, commit=30, stretch=50), 42.0, "target reached; stretch is 50"),
        (Target(40, 0, commit=30, stretch=50), 50.0, "stretch reached"),
    ],
)
def test_a_step_that_is_reached_names_the_next(aim: Goal, value: float | None, words: str | None) -> None:
    assert steps(KeyResult("kr", "A title", "outcome", aim), value, BERLIN) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=14, seconds=50), "14 min"),
        (timedelta(hours=2, minutes=59), "2 h"),
        (timedelta(days=5, hours=23), "5 d"),
    ],
)
def test_an_age_is_read_in_whole_units(passed: timedelta, words: str) -> None:
    assert age(NOW - passed, NOW) == words
    assert ago(NOW - passed, NOW) == ("just now" if words == "now" else f"{words} ago")


def test_an_age_of_nothing_is_no_text() -> None:
    assert age(None, NOW) == ""


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(weeks=3), "3 weeks"),
        (timedelta(weeks=1), "1 week"),
        (timedelta(days=10), "10 days"),
        (timedelta(hours=6), "6 hours"),
        (timedelta(hours=1, minutes=30), "0.0625 days"),
    ],
)
def test_a_lag_is_read_in_its_largest_whole_unit(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_a_place_names_its_shape_and_how_its_cells_are_read() -> None:
    part = '{"series": {"dates": "A2:A", "values": "C2:C"}, "as": {"decimal": ",", "percent": true}}'
    assert place(part) == "series dates A2:A, values C2:C; as decimal ,, percent true"


@pytest.mark.parametrize(
    ("columns", "words"),
    [('"value": "calls", "date": "week"', "value calls, date week"), ('"value": "calls"', "value calls")],
)
def test_a_place_of_a_query_names_its_columns(columns: str, words: str) -> None:
    assert place(f'{{"query": "SELECT 1", {columns}}}') == words


def test_counts_and_moments_are_short() -> None:
    assert (count(1, "stream"), count(1200, "row")) == ("1 stream", "1,200 rows")
    assert clock_time(NOW.astimezone(BERLIN)) == "21 Nov 10:15"


def test_figures_are_not_rounded_across_what_the_health_stands_on() -> None:
    october = Period("2026-10", date(2026, 10, 1), date(2026, 10, 31), BERLIN)
    over, shares = october.span.end, Shares()
    shipped = KeyResult("shipped", "Changes are merged", "output", Target(1000, 0))
    late = standing(shipped, 899.6, october.span, over, shares)
    assert (late.health, progress_figure(late), score_figure(late)) == ("at_risk", "89.9 %", "89.9 %")
    short = standing(shipped, 999.996, october.span, over, shares)
    assert (short.health, progress_figure(short)) == ("on_track", "99.9 %")
    assert value_figure(shipped, 999.996) == "999.996"
    rolled_up = roll_up(Objective("o", "An objective", (replace(shipped, kind="outcome"),)), {"shipped": late}, shares)
    assert (rolled_up.health, score_figure(rolled_up)) == ("at_risk", "89.9 %")
    assert goal(KeyResult("kr", "A title", "outcome", Target(599.996, 1200.125))) == "1,200.125 → 599.996"
