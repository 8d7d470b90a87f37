"""Shares as people read them."""

from __future__ import annotations

import math

import pytest

from syncd.okr.words import percent


@pytest.mark.parametrize(
    ("share", "said"),
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
def test_every_share_can_be_said_however_far_a_number_went(share: float | None, said: str) -> None:
    assert percent(share) == said
