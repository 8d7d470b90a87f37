"""Sizes as people write them in YAML."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9}
_FORM = r"^\d+(\.\d+)? ?[kMG]B$"


def parse_size(text: str) -> int:
    """Bytes of `500 kB`, `64 MB` or `2 GB`; ValueError for any other text."""
    if not re.match(_FORM, text.strip(), re.ASCII):
        raise ValueError(f"is {text!r}, which is no size; write a number and kB, MB or GB, such as 64 MB")
    number, unit = text.strip()[:-2], text.strip()[-2:]
    return int(float(number) * _UNITS[unit])


def _parsed(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"is {value}, but of what? write {value} MB or {value} kB")  # noqa: TRY004 - for pydantic
    return parse_size(value) if isinstance(value, str) else value


Size = Annotated[
    int, BeforeValidator(_parsed), WithJsonSchema({"type": "string", "pattern": _FORM, "examples": ["64 MB"]})
]
"""A pydantic field that is written as `64 MB`; a number of bytes."""
