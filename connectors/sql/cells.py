"""Converts values of a database into cells of a table, and into elements of a record's fields."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncd.sdk import Scalar
from syncd.sdk.cells import PLAIN_NUMBER, Cell
from syncd.sdk.numbers import as_decimal, is_beyond, rounded

LARGEST_CELL = 1_000_000
"""The most characters of a stored text. A longer text cannot be a label."""


def cell_of(value: Any) -> Cell:
    """A database's value as a cell. Numbers stay exact, times stay unchanged, and a value that is not a scalar becomes
    a text.
    """
    if value is None or isinstance(value, bool | int | float | Decimal | date | time | timedelta):
        return value
    if isinstance(value, str):
        return value[:LARGEST_CELL]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(bytes(value)):,} bytes"
    if isinstance(value, Mapping | Sequence):
        return orjson.dumps(value, default=str).decode()[:LARGEST_CELL]
    return str(value)[:LARGEST_CELL]


def elements_of(value: Any, zone: ZoneInfo) -> Sequence[Scalar]:
    """A database's value as a field of a record: NULL as an empty field, an array as one element for each of its
    values.
    """
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [element for inner in value for element in elements_of(inner, zone)]
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, int | float | Decimal):
        number = (
            Decimal(value) if isinstance(value, int) else value if isinstance(value, Decimal) else as_decimal(value)
        )
        if not number.is_finite():
            return [str(value)]
        return [_number(number)]
    if isinstance(value, datetime):
        return [(value if value.tzinfo else value.replace(tzinfo=zone)).isoformat()]
    if isinstance(value, date):
        return [value.isoformat()]
    text = str(cell_of(value))
    return [text if (written := _written_in(text)) is None else written]


def _written_in(text: str) -> float | None:
    """The number in a text such as `7` or `7.5`, which a column from a JSON document may have.

    Returns None if syncd would write the number differently: 007, 1.10 and 1e3 may be names, and stay texts.
    """
    if not PLAIN_NUMBER.match(text) or is_beyond(number := float(text)):
        return None
    return number if text == (str(int(number)) if number.is_integer() else repr(number)) else None


def _number(number: Decimal) -> float:
    """A number for a field. A number that is too large for a float becomes 1.7e308 with the same sign."""
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    return rounded(value) if math.isfinite(value) else math.copysign(1.7e308, number)
