"""Parses sizes as people write them in YAML."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9}
_FORM = r"^\d+(\.\d+)? ?[kMG]B$"


def _parsed(value: Any) -> int:
    text = str(value).strip()
    if not re.match(_FORM, text, re.ASCII):
        raise ValueError(f"is {value!r}, which is no size; write a number and kB, MB or GB, such as 64 MB")
    return int(float(text[:-2]) * _UNITS[text[-2:]])


Size = Annotated[
    int, BeforeValidator(_parsed), WithJsonSchema({"type": "string", "pattern": _FORM, "examples": ["64 MB"]})
]
"""The type of a pydantic field whose value is written as `64 MB` and becomes a number of bytes."""
