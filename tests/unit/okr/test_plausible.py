"""Which numbers are plausible, and the reason given for a number that is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.okr.plausible import Plausible, implausible

BAND = Plausible(at_least=100, at_most=1500)
numbers = st.floats(-1e9, 1e9)
maybe = st.none() | numbers
jumps = st.none() | st.floats(0.001, 1e6)
bounds = st.builds(Plausible, maybe, maybe, jumps, jumps)


@pytest.mark.parametrize("number", [100, 1500, 1092.5])
def test_bounds_are_included(number: float) -> None:
    assert implausible(BAND, number, 1000) is None


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (1950, "1,950 is outside plausible (at most 1,500)"),
        (1500.004, "1,500.004 is outside plausible (at most 1,500)"),
        (99.5, "99.5 is outside plausible (at least 100)"),
        (-3, "-3 is outside plausible (at least 100)"),
    ],
)
def test_a_number_outside_names_itself_and_the_bound(number: float, reason: str) -> None:
    assert implausible(BAND, number, None) == reason


def test_a_jump_is_a_step_in_either_direction() -> None:
    by_ten = Plausible(jump=10)
    assert [implausible(by_ten, number, 100) is None for number in (89, 90, 110, 111)] == [False, True, True, False]
    assert implausible(by_ten, 75, 100) == "75 is outside plausible (a jump of 25 from 100, at most 10)"


def test_a_jump_can_be_a_share_of_the_last_number() -> None:
    by_half = Plausible(jump_share=0.5)
    assert [implausible(by_half, number, -100) is None for number in (-151, -150, -50, -49)] == [
        False,
        True,
        True,
        False,
    ]
    assert implausible(by_half, 160, 100) == "160 is outside plausible (a jump of 60 from 100, at most 50%)"


def test_zero_has_no_share_but_a_step() -> None:
    assert implausible(Plausible(jump_share=0.5), 1, 0) is None
    assert implausible(Plausible(jump=0.5), 1, 0) is not None


def test_a_first_number_is_no_jump() -> None:
    assert implausible(Plausible(jump=10, jump_share=0.1), 5000, None) is None


def test_the_last_bit_of_a_float_is_no_jump() -> None:
    assert implausible(Plausible(jump=0.1), 1.3, 1.2) is None


@given(bounds, maybe)
def test_the_last_number_again_is_plausible_whatever_the_bounds_are(within: Plausible, number: float | None) -> None:
    assert implausible(within, number, number) is None


@given(bounds, maybe)
def test_an_unknown_number_breaks_no_bound(within: Plausible, last: float | None) -> None:
    assert implausible(within, None, last) is None


@given(bounds, numbers, maybe)
def test_a_plausible_number_is_within_every_bound(within: Plausible, number: float, last: float | None) -> None:
    if implausible(within, number, last) is None and number != last:
        assert within.at_least is None or number >= within.at_least
        assert within.at_most is None or number <= within.at_most
        if last is not None:
            assert within.jump is None or abs(number - last) <= within.jump * 1.001
