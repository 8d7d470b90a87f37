"""An expression of a mapping file is evaluated within bounds, whatever it is and whatever the answer holds."""

from __future__ import annotations

import pytest

from connectors.http import evaluation
from connectors.http.evaluation import search
from connectors.http.expressions import items_without_value, why_nothing

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
    assert isinstance(why_nothing(expression, DATA), str)


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
    assert items_without_value("points[].other", rows) == 20_000
