"""What the values of a database are as elements of a record's field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.cells import elements_of
from syncd.okr.filters import scalar_text

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        (None, []),
        (True, ["true"]),
        (7, [7.0]),
        (Decimal("7.50"), [7.5]),
        (["7", None, "web"], [7.0, "web"]),
        ("7", [7.0]),
        ("7.5", [7.5]),
        ("-0.25", [-0.25]),
        ("007", ["007"]),
        ("7.50", ["7.50"]),
        ("1.10", ["1.10"]),
        ("1e3", ["1e3"]),
        ("5:00:00", ["5:00:00"]),
        ("nan", ["nan"]),
        ("9007199254740993", ["9007199254740993"]),
        ("", [""]),
    ],
)
def test_a_text_that_writes_a_number_is_that_number(value: Any, elements: list[float | str]) -> None:
    assert elements_of(value, BERLIN) == elements


@given(st.text("0123456789.-e", max_size=8))
def test_a_filter_or_distinct_sees_the_same_text_as_before(text: str) -> None:
    (element,) = elements_of(text, BERLIN)
    assert scalar_text(element) == text
