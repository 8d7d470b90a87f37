"""The numbers of a check-in on the command line."""

from __future__ import annotations

import pytest

from syncd.cycle.check_in_texts import number_of
from syncd.sdk import ConfigError


@pytest.mark.parametrize("given", ["9007199254740993", "-9007199254740993.0", "9007199254740992.5", "-1e16"])
def test_number_beyond_2_to_the_53_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=r"--value is .*, beyond 2\^53 .*; check in with a larger unit"):
        number_of("--value", given, "a number")


@pytest.mark.parametrize("given", ["9007199254740991", "9007199254740992", " -9007199254740992 "])
def test_number_of_16_digits_is_taken(given: str) -> None:
    """2^53 itself is a measured number and a target too."""
    assert number_of("--value", given, "a number") == int(given)
