"""An expression of a mapping file is evaluated within bounds, whatever it is and whatever the answer holds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import evaluation
from connectors.http.evaluation import search
from connectors.http.expressions import items_of_lists, why_filters_fail
from syncd.sdk.numbers import rounded

DATA = {"points": [{"day": "2026-10-01", "value": n} for n in range(50)], "n": 7, "text": "abc"}


@pytest.mark.parametrize(
    "expression",
    [
        " | ".join(["[@,@]"] * 30),
        " | ".join(["{a: @, b: @}"] * 30),
        " | ".join(["[@,@][]"] * 30),
        "text | " + " | ".join(["join('', [@,@])"] * 30),
        " | ".join(["[@,@]"] * 30) + " | to_string(@)",
        " | ".join(["map(&[@,@], [@,@])"] * 30),
    ],
)
def test_an_expression_that_doubles_is_stopped(expression: str) -> None:
    with pytest.raises(ValueError, match=r"makes more than 2,000,000 values; read a smaller part of the answer"):
        search(expression, DATA)


def test_steps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_MOST_STEPS", 100)
    with pytest.raises(ValueError, match=r"takes more than 100 steps; read a smaller part of the answer"):
        search("points[?value > `1`].value", DATA)


@pytest.mark.parametrize(
    "expression",
    [
        "contains(n, `1`)",
        "contains(text, `1`)",
        "abs(text)",
        "sum(points)",
        "sort_by(points, &@)",
        "text[0].x | max(@)",
    ],
)
def test_a_function_on_another_type_is_a_sentence(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        search(expression, DATA)
    assert why_filters_fail(expression, DATA) is None


@given(numbers=st.lists(st.decimals(-1000, 1000, places=3), min_size=1, max_size=20))
def test_sum_and_average_are_those_of_the_decimal_numbers(numbers: list[Decimal]) -> None:
    data = {"a": [float(number) for number in numbers]}
    exact = sum(map(Fraction, numbers), Fraction())
    assert search("sum(a)", data) == rounded(float(exact))
    assert search("avg(a)", data) == rounded(float(exact / len(numbers)))


@pytest.mark.parametrize(
    ("expression", "number"),
    [
        ("sum([`100.3`, `-100.1`])", 0.2),
        ("avg([`100.3`, `-100.1`])", 0.1),
        ("sum([`9007199254740992`, `1`])", 2**53 + 1),  # a whole number keeps its digits, so that it is refused
        ("sum(`[]`)", 0),
        ("avg(`[]`)", None),
        ("to_number('-3.50')", -3.5),
        ("to_number(' 1e3 ')", 1000),
        ("to_number(`7`)", 7),
        ("to_number('1_000')", None),
        ("to_number('\u0661\u0662')", None),
        ("to_number('nan')", None),
    ],
)
def test_functions_compute_with_decimal_numbers(expression: str, number: float | None) -> None:
    assert search(expression, {}) == number


def test_an_answer_nested_deeper_than_python_recurses_is_a_sentence() -> None:
    deep: object = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(ValueError, match=r"recursion"):
        search("[@, @]", deep)


def test_a_large_answer_is_read() -> None:
    rows = {"points": [{"day": "2026-10-01", "value": n} for n in range(20_000)]}
    assert len(search("points[].[day, value]", rows)) == 20_000
    assert search("sum(points[?value > `1`].value)", rows) == sum(range(2, 20_000))
    assert list(items_of_lists("points[].other", rows)) == [("other", 20_000, 0)]
