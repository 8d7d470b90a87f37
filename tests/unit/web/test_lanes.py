"""Lanes: each link is drawn on its days, from its output to its outcome, with its verdict."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import date, timedelta

import pytest
from test_charts import extent

from syncd.web.charts import Chart, Level, Mark
from syncd.web.lanes import NARROW, WIDE, Arrow, Lane, draw_lanes
from syncd.web.svg import Days, Frame, Line, cut_to

FIRST, LAST = date(2026, 10, 1), date(2026, 12, 31)


def lane(name: str, *marks: Mark) -> Lane:
    points = [(FIRST + timedelta(days=day), float(day)) for day in range(50)]
    chart = Chart(name, "", FIRST, LAST, [Line(points, "value")], [Level(90.0, "target 90", "goal")], marks=marks)
    return Lane(name, chart, [(name, "name"), ("49 of 90", "figure"), ("✓ on track", "health on_track")])


def arrow(output: str, outcome: str, since: int, lag: int, words: str = "! watermelon") -> Arrow:
    day = FIRST + timedelta(days=since)
    return Arrow(output, outcome, day, day + timedelta(days=lag), words, "watermelon")


def drawn(lanes: list[Lane], arrows: list[Arrow], frame: Frame = WIDE) -> ElementTree.Element:
    return ElementTree.fromstring(draw_lanes("Calls & more", "as told", lanes, arrows, frame))


def elements(tree: ElementTree.Element, style: str) -> list[ElementTree.Element]:
    return [node for node in tree.iter() if style in node.get("class", "").split()]


@pytest.mark.parametrize("frame", [WIDE, NARROW])
def test_lag_is_shaded_from_the_day_on_pace_and_the_link_leads_up_at_its_end(frame: Frame) -> None:
    tree = drawn([lane("calls"), lane("articles")], [arrow("articles", "calls", 11, 21)], frame)
    days = Days(FIRST, LAST, frame)
    (lag,), (link,) = elements(tree, "lag"), elements(tree, "link")
    left, width = float(lag.get("x", "")), float(lag.get("width", ""))
    assert left == pytest.approx(days.x(date(2026, 10, 12)), abs=0.1)
    assert left + width == pytest.approx(days.x(date(2026, 11, 2)), abs=0.2)
    start, end = link.get("d", "").removeprefix("M").split("V")
    x, top = map(float, start.split())
    assert x == pytest.approx(left + width, abs=0.2)
    assert top == float(lag.get("y", ""))
    assert float(end) < top
    (verdict,) = elements(tree, "verdict")
    assert verdict.text == "! watermelon"


def test_links_that_end_in_the_same_lane_have_a_row_each() -> None:
    arrows = [arrow("articles", "calls", 11, 21), arrow("search", "calls", 11, 21, "… too early until 30 Nov")]
    heights = [
        node.get("y") for node in elements(drawn([lane("calls"), lane("articles"), lane("search")], arrows), "verdict")
    ]
    assert len(set(heights)) == 2


def test_link_to_a_lane_below_leads_down() -> None:
    (link,) = elements(drawn([lane("articles"), lane("calls")], [arrow("articles", "calls", 1, 7)]), "link")
    start, end = link.get("d", "").removeprefix("M").split("V")
    assert float(end) > float(start.split()[1])


def test_link_from_another_objective_is_left_out_and_one_beyond_the_axis_ends_at_it() -> None:
    assert elements(drawn([lane("calls")], [arrow("articles", "calls", 1, 7)]), "link") == []
    (lag,) = elements(drawn([lane("calls"), lane("articles")], [arrow("articles", "calls", 80, 90)]), "lag")
    assert float(lag.get("x", "")) + float(lag.get("width", "")) == WIDE.width - WIDE.right


def test_drawing_grows_with_its_lanes_and_holds_them() -> None:
    tree = drawn([lane(f"lane-{number}") for number in range(30)], [])
    height = float(tree.get("viewBox", "").split()[3])
    assert all(float(node.get("y", "0")) <= height for node in tree.iter())
    assert len(elements(tree, "name")) == 30


def test_text_of_others_is_never_markup() -> None:
    hostile = "<script>"
    svg = draw_lanes(
        hostile,
        hostile,
        [lane(hostile, Mark(FIRST, "✎", hostile)), lane("calls")],
        [arrow(hostile, "calls", 1, 1, hostile)],
        WIDE,
    )
    assert "<script" not in svg
    ElementTree.fromstring(svg)


@pytest.mark.parametrize("frame", [WIDE, NARROW])
@pytest.mark.parametrize(
    "words", ["baseline 1,200", "Ausgangswert 1.200", "baseline 1,200,000", "Zielwert 123.456.789"]
)
def test_no_words_are_cut_off_at_an_edge(frame: Frame, words: str) -> None:
    calls = lane("calls")
    with_words = replace(calls, chart=replace(calls.chart, levels=[Level(0.0, words), Level(90.0, words, "goal")]))
    verdicts = [arrow("articles", "calls", since, 21, f"… {words} bis 30. Nov.") for since in (0, 20, 24, 60)]
    texts = [
        text
        for style in ("words", "verdict")
        for text in elements(drawn([with_words, lane("articles")], verdicts, frame), style)
    ]
    assert len(texts) == 3 + len(verdicts)
    for text in texts:
        left, right = extent(text)
        assert (left >= 0, right <= frame.width) == (True, True), text.text


def test_words_above_a_lane_do_not_cover_the_texts_of_the_lane() -> None:
    tree = drawn([lane("calls"), lane("articles")], [], NARROW)
    for health, goal in zip(elements(tree, "health"), elements(tree, "goal")[1::2], strict=True):
        assert float(goal.get("y", "")) + float(goal.get("dy", "")) >= float(health.get("y", "")) + 12


@pytest.mark.parametrize(
    ("words", "cut"),
    [
        ("1,092 · 1,200 → 600", "1,092 · 1,200 → 600"),
        ("1,092 · 1,200 → 600 calls/week", "1,092 · 1,200 → 600 …"),
        ("1,092,000 · 1,200,000 → 600,000", "1,092,000 · 1,200,000 …"),
        ("a-key-result-with-a-long-id", "a-key-result-with-a-lon…"),
    ],
)
def test_words_of_a_lane_are_cut_between_numbers(words: str, cut: str) -> None:
    assert cut_to(words, WIDE.left) == cut


def test_arrow_stands_on_its_day_or_not_at_all() -> None:
    lanes = [lane("calls"), lane("articles")]
    for since, lag, within in ((11, 21, True), (80, 90, False), (-60, 30, False), (-10, 30, True)):
        tree = drawn(lanes, [arrow("articles", "calls", since, lag)])
        assert (len(elements(tree, "link")), len(elements(tree, "head"))) == (int(within), int(within))
        (verdict,) = elements(tree, "verdict")
        assert WIDE.left <= float(verdict.get("x", "")) <= WIDE.width - WIDE.right
    assert elements(drawn(lanes, [arrow("articles", "calls", -60, 30)]), "lag") == []
