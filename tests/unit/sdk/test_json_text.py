"""JSON from outside is bounded in its depth and its numbers, and the reason says how."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sdk import RetryLater, SourceBroken
from syncd.sdk.json_text import read_json


def nested(depth: int, form: str) -> bytes:
    opening, closing = {"lists": ("[", "]"), "objects": ('{"a":', "}")}[form]
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize("form", ["lists", "objects"])
@pytest.mark.parametrize(("depth", "is_read"), [(0, True), (100, True), (101, False), (1_000, False), (100_000, False)])
def test_json_is_nested_a_hundred_levels_at_most(form: str, depth: int, is_read: bool) -> None:
    if is_read:
        read_json(nested(depth, form))
    else:
        with pytest.raises(SourceBroken, match="nested more than 100 levels deep"):
            read_json(nested(depth, form))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400, "9" * 100_000, "123456789e99999999"])
@pytest.mark.parametrize("around", ["{}", "[{}]", '{{"a": [1, {}]}}'])
def test_number_that_no_calculation_holds_is_refused(number: str, around: str) -> None:
    with pytest.raises(SourceBroken, match=r"a number beyond 1\.8e308") as caught:
        read_json(around.format(number).encode())
    assert number[:10].split("e")[0] in str(caught.value)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(("text", "value"), [("1e308", 1e308), ("1e-999", 0.0), ("9007199254740993", 2**53 + 1)])
def test_other_numbers_are_read(text: str, value: float) -> None:
    assert read_json(text.encode()) == value


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"NaN", b"[Infinity]", b'{"a": 1,}', b"\xff"])
def test_body_that_is_no_json_may_come_right(body: bytes) -> None:
    with pytest.raises(RetryLater, match="not JSON"):
        read_json(body)


def test_a_million_pairs_are_read() -> None:
    pairs: Any = read_json(b"[" + b"[1,2]," * 999_999 + b"[1,2]]")
    assert len(pairs) == 1_000_000
