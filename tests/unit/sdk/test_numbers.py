"""Exact arithmetic with decimal numbers, and figures that never cross a bound."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.figures import number, percent
from syncd.sdk.numbers import (
    as_float,
    between,
    difference,
    is_beyond,
    mean,
    rounded,
    share_of_way,
    total,
    weighted_mean,
)

decimals = st.decimals(-(10**6), 10**6, places=4).map(float)


def exact(value: float) -> Fraction:
    return Fraction(repr(float(value)))


def test_computed_number_has_15_significant_digits() -> None:
    assert rounded(29 / 50 * 100) == 58
    assert rounded(122.99999999999999) == 123
    assert rounded(2**53 - 1) == 2**53 - 1


def test_float_of_2_to_the_53_may_have_lost_a_digit() -> None:
    assert is_beyond(2.0**53)
    assert not is_beyond(2**53)
    assert is_beyond(2**53 + 1)
    assert not is_beyond(Decimal(2**53))
    assert not is_beyond(2.0**53 - 1)


@given(number=st.integers(2**53 - 9, 2**53 + 9), sign=st.sampled_from([1, -1]))
def test_float_of_an_exact_result_is_beyond_2_to_the_53_if_the_result_is(number: int, sign: int) -> None:
    of_fraction, of_decimal = as_float(Fraction(sign * number)), as_float(Decimal(sign * number))
    assert of_fraction == of_decimal
    assert (of_fraction * sign > 2**53) == (number > 2**53)


def test_difference_just_beyond_2_to_the_53_is_beyond() -> None:
    assert difference(2.0**53, -1.0) > 2**53
    assert difference(-(2.0**53), 1.0) < -(2**53)
    assert as_float(Fraction(-(10**400))) == -math.inf


@given(after=decimals, before=decimals)
def test_difference_has_no_noise(after: float, before: float) -> None:
    assert difference(after, before) == rounded(float(exact(after) - exact(before)))


@given(numbers=st.lists(decimals, min_size=1, max_size=9) | st.lists(decimals.map(abs), min_size=60, max_size=70))
def test_sum_and_mean_are_those_of_the_decimal_numbers(numbers: list[float]) -> None:
    whole = sum(map(exact, numbers), Fraction())
    assert total(numbers) == rounded(float(whole))
    assert mean(numbers) == rounded(float(whole / len(numbers)))


def test_mean_is_of_the_decimal_numbers_to_the_last_digit() -> None:
    assert mean([0.0] * 8 + [68217.7225]) == 7579.74694444444


@given(value=decimals, start=decimals, end=decimals)
def test_share_of_a_way_is_1_only_at_its_end(value: float, start: float, end: float) -> None:
    if start == end:
        return
    share = (exact(value) - exact(start)) / (exact(end) - exact(start))
    computed = share_of_way(value, start, end)
    assert computed == pytest.approx(float(share), rel=1e-14)
    assert (computed >= 1) == (share >= 1)
    assert (computed < 0) == (share < 0)


@pytest.mark.parametrize(("start", "end"), [(0, 10), (1200, 600), (0.3, 0.1), (-1, -2.5), (1e16, 1)])
def test_share_of_no_way_has_no_sign(start: float, end: float) -> None:
    assert str(share_of_way(start, start, end)) == "0.0"


def test_value_that_falls_short_of_its_target_by_the_last_digit_has_not_gone_the_way() -> None:
    assert share_of_way(9007199254740990, 0, 9007199254740991) < 1
    assert share_of_way(0.0999999999999999, -1e10, 0.1) < 1


def test_weighted_mean_and_interpolation_are_exact() -> None:
    assert weighted_mean([(0.1, 0.3), (0.2, 0.3)]) == 0.3
    assert weighted_mean([]) is None
    assert between(0.1, 0.3, 0.5) == 0.2


@pytest.mark.parametrize(
    ("value", "bounds", "text"),
    [
        (599.6, [600], "599.6"),
        (599.999, [600], "599.999"),
        (599.9999, [600], "599.999"),
        (600.001, [600], "600.001"),
        (600, [600], "600"),
        (1092.456, [600], "1,092.46"),
        (599.996, [599.996], "599.996"),
        (0.29999999, [0.3], "0.2999"),
        (1234567890123456, [], "1,234,567,890,123,456"),
        (-0.0, [], "0"),
    ],
)
def test_number_is_not_rounded_across_a_bound(value: float, bounds: list[float], text: str) -> None:
    assert number(value, bounds=bounds) == text


@pytest.mark.parametrize(
    ("share", "bounds", "text"),
    [
        (0.8996, [0.9], "89.9 %"),
        (0.8996, [], "90 %"),
        (0.9, [0.9], "90 %"),
        (0.9004, [0.9], "90 %"),
        (0.999999, [0, 1], "99.9 %"),
        (-0.001, [0, 1], "-0.1 %"),
        (0.001, [0], "0 %"),
        (0.185, [], "19 %"),
    ],
)
def test_share_is_not_rounded_across_a_bound(share: float, bounds: list[float], text: str) -> None:
    assert percent(share, bounds) == text


@given(share=st.decimals(-2, 2, places=6).map(float), bounds=st.lists(st.decimals(-2, 2, places=3).map(float)))
def test_figure_stays_on_its_side_of_every_bound(share: float, bounds: list[float]) -> None:
    shown = Fraction(percent(share, bounds).removesuffix(" %").replace(",", "")) / 100
    for bound in bounds:
        assert (shown >= exact(bound)) == (exact(share) >= exact(bound))
