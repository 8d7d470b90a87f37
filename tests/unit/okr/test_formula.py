"""Formulas: arithmetic over named parts, in which an unknown part makes the result unknown."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.formula import NoFormula, evaluate, names
from syncd.okr.measures import Answer

numbers = st.floats(-1e6, 1e6)


def of(expression: str, **parts: float | None) -> Answer:
    return evaluate(
        expression, {name: Answer(number, None if number is not None else "blank", 1) for name, number in parts.items()}
    )


class TestNames:
    def test_an_expression_names_its_parts_and_not_its_functions(self) -> None:
        assert names("max(closed, 1) / (closed + open_ones) * 100") == {"closed", "open_ones"}

    @pytest.mark.parametrize(
        "expression",
        [
            "",
            "a b",
            "a ** 2",
            "a; b",
            "a = 3",
            "[a]",
            "(a, b)",
            "a.b",
            "'a' * 3",
            "a > b",
            "len(a)",
            "__import__('os')",
            "a if a > 1 else 2",
            "lambda: a",
            "a[0]",
            "True",
            "1e999",
            "round(a) * 1" + "0" * 400,
            "a or b",
            "a if b else 2",
            "not a",
        ],
    )
    def test_anything_but_arithmetic_is_refused(self, expression: str) -> None:
        with pytest.raises(NoFormula, match=r"formula|number"):
            names(expression)

    def test_a_formula_may_divide_by_zero_for_some_numbers(self) -> None:
        assert names("100 / (a - b)") == {"a", "b"}


class TestEvaluate:
    @given(a=numbers, b=numbers)
    def test_a_formula_is_arithmetic(self, a: float, b: float) -> None:
        assert of("a + b", a=a, b=b).number == a + b
        assert of("(a - b) * 2", a=a, b=b).number == (a - b) * 2
        assert of("min(a, b)", a=a, b=b).number == min(a, b)
        assert of("-a", a=a).number == -a

    @given(closed=st.integers(0, 1000), left=st.integers(0, 1000))
    def test_a_share_lies_between_0_and_100_or_is_unknown(self, closed: int, left: int) -> None:
        share = of("closed / (closed + left) * 100", closed=closed, left=left).number
        if closed + left:
            assert share is not None
            assert 0 <= share <= 100
            assert math.isclose(share, closed / (closed + left) * 100)
        else:
            assert share is None

    def test_a_division_by_zero_is_unknown_with_its_reason(self) -> None:
        assert of("a / b", a=1, b=0) == Answer(None, "a / b divides by zero", 2)

    @given(a=numbers)
    def test_an_unknown_part_makes_the_result_unknown_even_times_zero(self, a: float) -> None:
        assert of("a * 0 + b * 0", a=a, b=None) == Answer(None, "b: blank", 2)

    def test_an_infinite_result_is_unknown(self) -> None:
        answer = of("a * a", a=1e300)
        assert answer.number is None
        assert answer.reason == "'a * a' comes to no finite number"

    def test_a_formula_is_as_of_its_oldest_part_and_sums_the_counts(self) -> None:
        old, new = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
        parts = {"a": Answer(1.0, None, 3, 1, new), "b": Answer(2.0, None, 4, 0, old), "c": Answer(3.0, None, 5, 2)}
        assert evaluate("a + b + c", parts) == Answer(6.0, None, 12, 3, old)
