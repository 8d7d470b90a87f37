"""What a database's values are to syncd: cells of a table, and elements of a record's fields."""

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
"""Characters of a text that is kept; a longer one is no label."""


def cell_of(value: Any) -> Cell:
    """A value as a cell. Numbers stay exact, times stay as they are, and what is no scalar becomes a text."""
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
    """A value as a field of a record. NULL is an empty field; an array has an element for each of its values."""
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
    """The number that a text column holds, such as that of a JSON document: `7` or `7.5`.

    None for any text that syncd writes otherwise: 007, 1.10 and 1e3 may be names, and stay texts.
    """
    if not PLAIN_NUMBER.match(text) or is_beyond(number := float(text)):
        return None
    return number if text == (str(int(number)) if number.is_integer() else repr(number)) else None


def _number(number: Decimal) -> float:
    """A number for a field; one that is too large for a float stays beyond all that count."""
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    return rounded(value) if math.isfinite(value) else math.copysign(1.7e308, number)
