"""Durations as people write them in YAML."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_500)
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhdw])\Z", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The length of a duration such as `2s`, `15m`, `6h`, `10d` or `3w`. Raises ValueError for any other text."""
    match = _FORM.match(text.strip())
    if not match:
        raise ValueError(f"is {text!r}, which is no duration; write a number and s, m, h, d or w, such as 15m or 10d")
    try:
        length = timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST:  # such a date may be outside the calendar
        raise ValueError(f"is {text!r}, which is longer than a hundred years; write at most {_LONGEST.days}d")
    return length


def _parsed(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"is {value}, but of what? write {value}d, {value}h or {value}m")  # noqa: TRY004 - for pydantic
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_parsed)]
"""A pydantic field that is written as `15m`."""
