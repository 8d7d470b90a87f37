"""Parses durations as people write them in YAML."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_500)
_LONGEST_WAIT = timedelta(hours=1)  # a worker's job ends after an hour, so a longer wait would never end by itself
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhdw])\Z", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The length of a duration such as `2s`, `15m`, `6h`, `10d` or `3w`. Raises ValueError for any other text."""
    match = _FORM.match(text.strip())
    if not match:
        raise ValueError(f"is {text!r}, which is no duration; {_DURATION}")
    try:
        length = timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        length = timedelta.max
    if length > _LONGEST:  # such a date may be outside the calendar
        raise ValueError(f"is {text!r}, which is longer than a hundred years; write at most {_LONGEST.days}d")
    return length


def no_bare_number(value: Any, units: str = "dhms") -> Any:
    """Returns the value. Refuses a number without a unit, and says what to write with each of the units."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not _FORM.match(f"{value}d"):  # such as -5
        raise ValueError(f"is {value}; {_DURATION}")
    *first, last = [f"{value}{unit}" for unit in units]
    raise ValueError(f"is {value}, but of what? write {', '.join(first)} or {last}")


def _parsed(value: Any) -> Any:
    no_bare_number(value)
    if isinstance(value, str | timedelta):
        return parse_duration(value) if isinstance(value, str) else value
    raise ValueError(f"is no duration; {_DURATION}")  # also true, which pydantic would read as a second


def _in_days(value: Any) -> Any:
    return _parsed(no_bare_number(value, "dw"))


def _in_seconds(value: Any) -> Any:
    """The seconds in a number, or in the text of a number or of a duration."""
    if isinstance(value, bool):
        raise ValueError(f"is {str(value).lower()}; {_SECONDS}")  # noqa: TRY004 - for pydantic
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return parse_duration(value).total_seconds()
    except ValueError:
        raise ValueError(f"is {value!r}; {_SECONDS}") from None


def _limited(value: float) -> float:
    if not 0 < value <= _LONGEST_WAIT.total_seconds():
        raise ValueError(
            f"is {value:.15g} seconds; it must be more than 0 and at most an hour: write such as 30 or 30s"
        )
    return value


_DURATION = "write a number and s, m, h, d or w, such as 15m or 10d"
_SECONDS = "write a number of seconds, or a duration such as 30s"

Duration = Annotated[timedelta, BeforeValidator(_parsed)]
"""The type of a pydantic field whose value is written as `15m`."""

DurationOfDays = Annotated[timedelta, BeforeValidator(_in_days)]
"""The type of a pydantic field whose value is written as `15d`. Parts of a day are refused."""

Seconds = Annotated[
    float,
    BeforeValidator(_in_seconds),
    AfterValidator(_limited),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": _LONGEST_WAIT.total_seconds()},
                {"type": "string", "format": "duration"},
            ]
        }
    ),
]
"""The type of a pydantic field whose value is written as `30` or `30s`: the seconds to wait for an answer, an hour at
most.
"""
