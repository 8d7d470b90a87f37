"""Charts: SVG that a browser can read, that never invents a number, and that carries no text as markup."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
import zlib
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from syncd.web.charts import NARROW, WIDE, Band, Chart, Level, Mark, bar, draw, nice_ticks, sparkline
from syncd.web.svg import Frame, Line, spread, without_points_between

FIRST = date(2026, 10, 1)
NUMBERS = st.one_of(st.none(), st.floats(-1e9, 1e9))


def chart(values: list[float | None], **parts: object) -> Chart:
    points = [(FIRST + timedelta(days=index), value) for index, value in enumerate(values)]
    return Chart("A & B", "told", FIRST, FIRST + timedelta(days=91), [Line(points, "value")], **parts)  # type: ignore[arg-type]


def numbers_of(svg: str, style: str) -> int:
    """How many points a drawing shows in a style, its end not counted again."""
    tree = ElementTree.fromstring(svg)
    lines = [len(node.get("points", "").split()) for node in tree.iter() if node.get("class") == style]
    return sum(lines) + sum(node.get("class") in (f"{style} dot", f"{style} open") for node in tree.iter())


def extent(text: ElementTree.Element) -> tuple[float, float]:
    """Where a text begins and ends, if its letters are as wide as digits are."""
    x, width = float(text.get("x", "")), 7 * len(text.text or "")
    is_at_end = text.get("text-anchor") == "end" or "end" in text.get("class", "").split()
    return (x - width, x) if is_at_end else (x, x + width)


@given(values=st.lists(NUMBERS, max_size=60), frame=st.sampled_from([WIDE, NARROW]))
def test_every_chart_is_xml_and_stays_within_its_frame(values: list[float | None], frame: Frame) -> None:
    svg = draw(chart(values, levels=[Level(600, "target")], today=FIRST), "{:,.0f}".format, frame)
    tree = ElementTree.fromstring(svg)
    for node in tree.iter():
        for pair in node.get("points", "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= frame.width
            assert 0 <= y <= frame.height
    assert tree[0].text == "A & B"


@given(
    values=st.lists(st.floats(-1e9, 1e9), max_size=9), at=st.floats(-1e9, 1e9), frame=st.sampled_from([WIDE, NARROW])
)
@example(values=[], at=5e-324, frame=WIDE)
def test_no_number_is_cut_off_at_an_edge(values: list[float | None], at: float, frame: Frame) -> None:
    levels = [Level(at, f"Ausgangswert {at:,.0f}"), Level(at / 2, f"Zielwert {at / 2:,.0f}", "goal")]
    tree = ElementTree.fromstring(draw(chart(values, levels=levels), "{:,.0f}".format, frame))
    numbers = [node for node in tree.iter() if {"end", "words"} & set(node.get("class", "").split()) and node.text]
    assert len(numbers) > len(levels)
    for node in numbers:
        left, right = extent(node)
        assert (left >= 0, right <= frame.width) == (True, True), node.text


def test_a_day_without_a_number_is_a_gap() -> None:
    svg = draw(chart([1, 5, None, 2, None, None, 7]), str)
    assert svg.count("<polyline") == 1
    assert numbers_of(svg, "value") == 4  # 1 and 5, then 2 and 7 alone
    assert draw(chart([None, None]), str).count("<polyline") == 0


def test_a_held_number_is_a_ring_and_not_a_part_of_the_line() -> None:
    held = Line([(FIRST, 1.0), (FIRST + timedelta(days=1), 9.0)], "value", frozenset({FIRST + timedelta(days=1)}))
    svg = draw(Chart("t", "d", FIRST, FIRST + timedelta(days=9), [held]), str)
    assert svg.count('class="value open"') == 1
    assert "<polyline" not in svg


def test_points_on_a_straight_line_are_drawn_by_its_ends() -> None:
    assert numbers_of(draw(chart([float(day) for day in range(80)]), str), "value") == 2
    assert numbers_of(draw(chart([0, 0, 0, 5, 5]), str), "value") == 4


def test_text_is_never_markup() -> None:
    hostile = '<script>alert("1")</script>'
    svg = draw(
        Chart(hostile, hostile, FIRST, FIRST, [], [Level(1, hostile)], [Band("band")], [Mark(FIRST, "✎", hostile)]), str
    )
    assert "<script" not in svg
    assert "<script" not in sparkline([1], hostile) + bar(0.1, 0.2, hostile, "on_track")
    ElementTree.fromstring(svg)


@given(lowest=st.floats(-1e12, 1e12), spread=st.floats(1e-3, 1e12))
def test_ticks_span_the_range_in_few_round_steps(lowest: float, spread: float) -> None:
    ticks = nice_ticks(lowest, lowest + spread)
    assert 2 <= len(ticks) <= 8
    assert ticks == sorted(ticks)
    assert ticks[0] <= lowest + spread * 1e-6 + abs(lowest) * 1e-9
    assert ticks[-1] >= lowest + spread * (1 - 1e-6) - abs(lowest) * 1e-9


def test_an_unknown_score_is_hatched_and_a_zero_is_an_empty_bar() -> None:
    assert "hatch" in bar(None, 0.5, "unknown", "unknown")
    assert "hatch" not in bar(0.0, 0.5, "0 %", "off_track")


@given(points=st.lists(NUMBERS, max_size=52))
def test_every_small_line_is_xml(points: list[float | None]) -> None:
    ElementTree.fromstring(sparkline(points, "weekly values"))


@given(values=st.lists(st.floats(0, 40), min_size=2, max_size=60), flat=st.sampled_from([0.05, 0.6]))
def test_point_that_is_left_out_of_a_line_lies_on_what_is_drawn(values: list[float], flat: float) -> None:
    run = [(4.0 * index, value) for index, value in enumerate(values)]
    kept = without_points_between(run, flat)
    assert set(kept) <= set(run)
    for (x0, y0), (x1, y1) in pairwise(kept):
        for x, y in run:
            if x0 <= x <= x1:
                assert abs(y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y) <= flat + 1e-9


def test_hundred_small_lines_of_52_points_are_small() -> None:
    walks = [[week / 9 + math.sin(week * (line + 1)) for week in range(52)] for line in range(100)]
    lines = "".join(sparkline(walk, f"weekly values of key-result-{line}") for line, walk in enumerate(walks))
    assert len(lines) <= 36_000
    assert len(zlib.compress(lines.encode())) <= 6_000


def test_small_line_has_gaps_and_shows_a_single_number_as_a_dot() -> None:
    svg = sparkline([None, 1, None, 2, 3, None], "weekly values")
    assert svg.count("M") == 2
    assert "l0 0" in svg
    assert "<title>weekly values: 1 → 3</title>" in svg
    assert "<path" not in sparkline([None, None], "weekly values")


def test_words_of_levels_do_not_lie_on_each_other() -> None:
    assert spread([10, 11, 12, 40], 5) == [10, 15, 20, 40]
    assert spread([40, 10], 5) == [40, 10]
