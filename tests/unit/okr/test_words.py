"""Shares as people read them."""

from __future__ import annotations

import math

import pytest

from syncd.okr.words import percent


@pytest.mark.parametrize(
    ("share", "text"),
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
def test_every_share_has_a_text_however_large_it_is(share: float | None, text: str) -> None:
    assert percent(share) == text
