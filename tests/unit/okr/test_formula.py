"""Formulas: arithmetic over named parts, in which an unknown part makes the result unknown."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.answer import Answer
from syncd.okr.formula import NoFormula, evaluate, names
from syncd.sdk.numbers import rounded

numbers = st.floats(-1e6, 1e6).map(rounded)


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
            "'a' * 4000000000",
            "f'{a}'",
            "(5).real",
            "a.numerator",
            "round(7, -999999999)",
            "round(a, 1e308)",
            "9**9**9**9",
            "1 << 99999999999",
            "a * " + "9" * 5000,
            "*".join(["1e308"] * 20_000),
            "-" * 100_000 + "a",
            "(" * 990 + "a",
            "abs(*a)",
            "round(a, places=2)",
        ],
    )
    def test_anything_but_arithmetic_is_refused(self, expression: str) -> None:
        with pytest.raises(NoFormula, match=r"formula|number|write at most 1,000"):
            names(expression)

    @pytest.mark.parametrize("expression", ["+".join("a" * 102), "-" * 101 + "a", "abs(" * 101 + "a" + ")" * 101])
    def test_formula_that_is_too_deep_is_refused_with_the_limit(self, expression: str) -> None:
        with pytest.raises(NoFormula, match=r"^the formula has more than 100 operations within each other, .* at most"):
            names(expression)

    @pytest.mark.parametrize(
        "expression",
        [
            "+".join("a" * 101),
            "-" * 100 + "a",
            "abs(" * 100 + "a" + ")" * 100,
            "+".join(["(" + "+".join("a" * 49) + ")"] * 10),
        ],
    )
    def test_formula_within_the_limit_is_evaluated_also_by_a_deep_caller(self, expression: str) -> None:
        def called(depth: int) -> float | None:
            return called(depth - 1) if depth else of(expression, a=1).number

        assert names(expression) == {"a"}
        assert called(400) == called(0) is not None

    def test_message_shortens_a_long_formula(self) -> None:
        with pytest.raises(NoFormula) as raised:
            names("a b" + " + a" * 200)
        assert len(str(raised.value)) < 200

    def test_a_formula_may_divide_by_zero_for_some_numbers(self) -> None:
        assert names("100 / (a - b)") == {"a", "b"}


class TestEvaluate:
    @given(a=numbers, b=numbers)
    def test_a_formula_is_arithmetic(self, a: float, b: float) -> None:
        exact_a, exact_b = Decimal(repr(a)), Decimal(repr(b))
        assert of("a + b", a=a, b=b).number == rounded(float(exact_a + exact_b))
        assert of("(a - b) * 2", a=a, b=b).number == rounded(float((exact_a - exact_b) * 2))
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

    @pytest.mark.parametrize("expression", ["a * a", "a" + " * a" * 30, "-a * 2"])
    def test_result_beyond_2_to_the_53_is_unknown_and_says_so(self, expression: str) -> None:
        answer = of(expression, a=9e15)
        assert answer.number is None
        assert answer.reason == "it is beyond 2^53 (9,007,199,254,740,992), where whole numbers are no longer exact"

    def test_whole_number_of_16_digits_keeps_all_of_them(self) -> None:
        assert of("a + b", a=9007199254740000, b=991).number == 9007199254740991
        assert of("a + a - b", a=9007199254740991, b=9007199254740990).number == 9007199254740992

    @pytest.mark.parametrize(
        ("expression", "parts", "result"),
        [
            ("a / b * 100", {"a": 29, "b": 50}, 58),
            ("a + b", {"a": 0.1, "b": 0.2}, 0.3),
            ("a - b", {"a": 100.3, "b": 100.1}, 0.2),
            ("a * 0.1 * 3", {"a": 1}, 0.3),
            ("a / 3 * 3", {"a": 1}, 1),
            ("a / 3", {"a": 2}, 0.666666666666667),
        ],
    )
    def test_result_has_no_noise_digits(self, expression: str, parts: dict[str, float], result: float) -> None:
        assert of(expression, **parts).number == result

    @pytest.mark.parametrize(
        ("expression", "a", "result"),
        [
            ("round(a)", 2.5, 3),
            ("round(a)", -2.5, -3),
            ("round(a)", 0.5, 1),
            ("round(a)", 1.4999, 1),
            ("round(a, 2)", 2.675, 2.68),
            ("round(a, 2)", -1.005, -1.01),
            ("round(a, -1)", 25, 30),
            ("round(a / 3 * 1.5)", 1, 1),
            ("round(a, 4 / 2)", 0.125, 0.13),
        ],
    )
    def test_round_rounds_half_away_from_zero(self, expression: str, a: float, result: float) -> None:
        assert of(expression, a=a).number == result

    @pytest.mark.parametrize("expression", ["round(a, 0.5)", "round(a, 99)"])
    def test_round_takes_a_whole_number_of_places(self, expression: str) -> None:
        with pytest.raises(NoFormula):
            names(expression)

    def test_a_formula_is_as_of_its_oldest_part_and_sums_the_counts(self) -> None:
        old, new = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
        parts = {"a": Answer(1.0, None, 3, 1, new), "b": Answer(2.0, None, 4, 0, old), "c": Answer(3.0, None, 5, 2)}
        assert evaluate("a + b + c", parts) == Answer(6.0, None, 12, 3, old)
