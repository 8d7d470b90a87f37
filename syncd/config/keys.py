"""Parts that the models of YAML keys share: strictness, ids, numbers, days, and keys that have two forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from math import isinf
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticKnownError

from syncd.config.number_advice import instead_of
from syncd.sdk.cells import PLAIN_NUMBER
from syncd.sdk.durations import Duration, no_bare_number, parse_duration
from syncd.sdk.key_rules import text
from syncd.sdk.number_texts import possible_numbers, quoted
from syncd.sdk.numbers import BEYOND, LARGEST_WHOLE, is_beyond, is_text_beyond

# Built on first use: a model that is only used within others is never built on its own.
STRICT = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=False, allow_inf_nan=False)

Id = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        max_length=100,
        json_schema_extra={"errorMessage": "write letters, digits, '-', '_' and '.' only"},
    ),
]

Title = Annotated[str, Field(min_length=1, max_length=300)]
Owner = Annotated[str, Field(max_length=100)]
Unit = Annotated[str, Field(max_length=50)]


def no_truth_value(value: Any) -> Any:
    """Returns the value. Refuses true and false, which pydantic would read as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")  # noqa: TRY004 - pydantic wants ValueError
    return value


_DAY = timedelta(days=1)


def _days_and_weeks(value: Any) -> Any:
    """The lag in a text such as `10d` or `3w`. syncd refuses `m`: in other durations it means minutes, but people write
    a lag of `1m` for a month.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(no_bare_number(value, "dw"), str):
        raise ValueError(f"is {value!r}; write a number of days or weeks, such as 10d or 3w")  # noqa: TRY004
    length = parse_duration(value)
    if value.strip()[-1] not in "dw" or length % _DAY:
        raise ValueError(f"is {value!r}; a lag is a whole number of days or weeks, such as 10d or 3w; a month is 30d")
    return length


Lag = Annotated[
    timedelta,
    BeforeValidator(_days_and_weeks),
    WithJsonSchema(
        text(
            r"^\s*\d+(\.0+)?[dw]\s*$",
            "a lag is a whole number of days or weeks, such as 10d or 3w; a month is 30d",
            examples=["10d", "3w"],
        )
    ),
]
"""The time, such as `10d` or `3w`, after which an outcome is expected to follow."""


def _above_zero(length: timedelta) -> timedelta:
    if not length:
        raise ValueError("is 0; write a duration above 0, such as 10d")
    return length


StaleAfter = Annotated[
    Duration,
    AfterValidator(_above_zero),
    WithJsonSchema(
        text(
            r"^(?=.*[1-9])\d+(\.\d+)?[smhdw]$",
            "write a number above 0 and s, m, h, d or w, such as 15m or 10d",
            examples=["10d", "3w"],
        )
    ),
]
"""How old a number may be before it is stale."""


def within_whole_numbers(value: Any) -> Any:
    """Returns the value. Refuses a number, or the text of a number, beyond 2^53.

    An int and a text are judged before they become a float: the float of 2^53 + 1 is 2^53.
    """
    if isinstance(value, str):
        shown = quoted(value) if PLAIN_NUMBER.match(value) and is_text_beyond(value) else ""
    elif isinstance(value, int | float) and is_beyond(value):
        shown = f"{value:,}" if isinstance(value, int) else f"{value:,.17g}"
    else:
        shown = ""
    if shown:
        raise ValueError(f"is {shown}, {BEYOND}; choose a larger unit, such as millions")
    return value


def _number(value: Any, *, share: bool = False, bound: bool = False, unit: bool = True) -> Any:
    """Returns the number. Refuses other texts, and says what to write instead. Refuses `4.000` in quotes, which may
    mean 4 or 4000.
    """
    no_truth_value(value)
    if not share:
        within_whole_numbers(value)
    elif isinstance(value, str) and PLAIN_NUMBER.match(value) and isinf(float(value)):
        raise ValueError(f"is {quoted(value)}; write a share such as 0.7")
    if not isinstance(value, str) or (PLAIN_NUMBER.match(value) and len(possible_numbers(value)) <= 1):
        return value
    raise ValueError(f"is {quoted(value)}; {instead_of(value, share=share, bound=bound, unit=unit)}")


_GROUPED = r"[+-]?[1-9]\d{0,2}\.\d{3}$"  # `4.000` in quotes
_PLAIN = PLAIN_NUMBER.pattern.removesuffix(r"\Z")
_QUOTED = text(f"^(?!{_GROUPED}){_PLAIN}$", "write a number")


def _or_quoted(**bounds: float) -> WithJsonSchema:
    """The schema of a number within bounds, with or without quotes."""
    kinds = ["number", "string"]
    return WithJsonSchema({"type": kinds, **bounds, "allOf": [{"if": {"type": "string"}, "then": _QUOTED}]})


_WITHIN = _or_quoted(minimum=-LARGEST_WHOLE, maximum=LARGEST_WHOLE)

Number = Annotated[float, BeforeValidator(_number), _WITHIN]
NumberWithoutUnit = Annotated[float, BeforeValidator(partial(_number, unit=False)), _WITHIN]
"""A number that is not in the unit of its key result, such as a weight."""
Bound = Annotated[float, BeforeValidator(partial(_number, bound=True, unit=False)), _WITHIN]
"""A bound. The bound of a guard is not in the unit of its key result."""
Share = Annotated[float, BeforeValidator(partial(_number, share=True)), _or_quoted()]
"""A share of 1. People often write it as a percentage."""


_WRITTEN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _written_day(value: Any) -> Any:
    """Returns the day. Refuses a time, whose zone pydantic would drop, and a number, which it would read as seconds."""
    if value is None or isinstance(value, date) or (isinstance(value, str) and _WRITTEN_DAY.fullmatch(value)):
        return value
    raise PydanticKnownError("date_type")


def within_years(day: date | None) -> date | None:
    """Returns the day or time. Refuses years outside 1900 to 2999, for which datetime may have no following
    midnight.
    """
    if day is not None and not 1900 <= day.year <= 2999:
        raise ValueError(f"is {day.isoformat()}; write one of the years 1900 to 2999")
    return day


_DAY_SCHEMA = WithJsonSchema(
    text(
        r"^(19|2\d)\d\d-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|[12]\d))$",
        "write a day of the years 1900 to 2999 as 2026-12-31",
        format="date",
    )
)
Day = Annotated[date, BeforeValidator(_written_day), AfterValidator(within_years), _DAY_SCHEMA]


def tag_by_shape(block_tag: str, scalar_tag: str) -> Callable[[Any], str]:
    """Returns a function that tells the two forms of a key apart by shape, so that only the intended form reports
    problems.
    """
    return lambda value: block_tag if isinstance(value, dict | list | BaseModel) else scalar_tag
