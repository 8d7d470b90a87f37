"""Finds the value of a plain scalar in YAML 1.2: null, a Boolean, a number, or its text.

`yes`, `on`, `12:30` and days are texts. `.inf`, `.nan`, `1e999`, and whole numbers too large for a float are texts too.
Underscores are allowed between digits.
"""

from __future__ import annotations

import math
import re
import sys

Scalar = str | bool | int | float | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST_CHARACTERS_OF_NUMBERS = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9_]+)")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"
    r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"  # this exponent must have a sign
)


def plain_scalar(text: str) -> Scalar:
    """The value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _FIRST_CHARACTERS_OF_NUMBERS else text


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    try:
        if _INTEGER.fullmatch(text):
            number = int(digits, 0) if "x" in digits or "o" in digits else int(digits)
            return number if abs(number) <= sys.float_info.max else text
        if _FLOAT.fullmatch(text):
            real = float(digits)
            return real if math.isfinite(real) else text
    except ValueError:  # only underscores, or more digits than Python converts
        return text
    return text
