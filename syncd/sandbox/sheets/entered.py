"""Computes the content of a cell after the API enters a value: unchanged (RAW), or as if a person typed it
(USER_ENTERED).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from syncd.sandbox.sheets.workbook import Cell, day, typed

OPTIONS = ("RAW", "USER_ENTERED")

_NUMBER = re.compile(r"[-+]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?(?P<percent>%)?")


def entered(value: Any, option: str, was: Cell) -> Cell | None:
    """The cell's new content, in the number format of the old content (`was`). None if `value` is null, which does not
    change the cell.

    Raises ValueError, with the kind of the JSON value, if the value is a list or an object.
    """
    match value:
        case None:
            return None
        case bool():
            return Cell(value, was.format)
        case int() | float():
            return Cell(float(value), was.format)
        case "":
            return Cell(None, was.format)
        case str() if option == "RAW":
            return Cell(value, was.format)
        case str():
            return _typed(value, was)
    raise ValueError("list_value" if isinstance(value, list) else "struct_value")


def _typed(text: str, was: Cell) -> Cell:
    """The content of a cell after a person types a text, in the locale en_US. A text after an apostrophe stays a
    text.
    """
    if text.startswith("'"):
        return Cell(text[1:], was.format)
    if text.upper() in ("TRUE", "FALSE"):
        return Cell(text.upper() == "TRUE", was.format)
    number = _NUMBER.fullmatch(text)
    if number and any(character.isdigit() for character in text):
        plain = float(text.rstrip("%").replace(",", ""))
        return Cell(plain / 100, "percent") if number["percent"] else Cell(plain, was.format)
    try:
        return day(date.fromisoformat(text)) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else typed(text, was.format)
    except ValueError:
        return typed(text, was.format)
