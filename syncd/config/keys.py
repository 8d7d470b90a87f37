"""Shared by the models of YAML keys: strictness, ids, numbers, days, and keys that have two forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from syncd.config.number_advice import instead_of
from syncd.sdk.cells import PLAIN_NUMBER
from syncd.sdk.number_texts import possible_numbers, quoted

# Built when first used: a model that only stands within others is never built on its own.
STRICT = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=False, allow_inf_nan=False)

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


def no_truth_value(value: Any) -> Any:
    """The value; refuses true and false, which pydantic would read as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")  # noqa: TRY004 - pydantic wants ValueError
    return value


def _number(value: Any, *, share: bool = False, bound: bool = False) -> Any:
    """The number; a text that is none is refused with what to write. `4.000` in quotes may mean 4 or 4000."""
    no_truth_value(value)
    if not isinstance(value, str) or (PLAIN_NUMBER.match(value) and len(possible_numbers(value)) <= 1):
        return value
    raise ValueError(f"is {quoted(value)}; {instead_of(value, share=share, bound=bound)}")


Number = Annotated[float, BeforeValidator(_number)]
Bound = Annotated[float, BeforeValidator(partial(_number, bound=True))]
Share = Annotated[float, BeforeValidator(partial(_number, share=True))]
"""A share of 1, which people like to write as a percentage."""


def within_years(day: date | None) -> date | None:
    """The day or time; refuses far years, because the midnight after them may not be representable."""
    if day is not None and not 1900 <= day.year <= 2999:
        raise ValueError(f"is {day.isoformat()}; write one of the years 1900 to 2999")
    return day


Day = Annotated[date, AfterValidator(within_years)]


def tag_by_shape(block_tag: str, scalar_tag: str) -> Callable[[Any], str]:
    """Discriminates the two forms of a key by shape, so that only the intended form reports problems."""
    return lambda value: block_tag if isinstance(value, dict | list | BaseModel) else scalar_tag
