"""Shared by the models of YAML keys: strictness, ids, numbers, days, and keys that have two forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# Built when first used: a model that only stands within others is never built on its own.
STRICT = ConfigDict(defer_build=True, extra="forbid", frozen=True, populate_by_name=False, allow_inf_nan=False)

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


def no_truth_value(value: Any) -> Any:
    """The value; refuses true and false, which pydantic would read as 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")  # noqa: TRY004 - pydantic wants ValueError
    return value


Number = Annotated[float, BeforeValidator(no_truth_value)]


def within_years(day: date | None) -> date | None:
    """The day or time; refuses far years, because the midnight after them may not be representable."""
    if day is not None and not 1900 <= day.year <= 2999:
        raise ValueError(f"is {day.isoformat()}; write one of the years 1900 to 2999")
    return day


Day = Annotated[date, AfterValidator(within_years)]


def tag_by_shape(block_tag: str, scalar_tag: str) -> Callable[[Any], str]:
    """Discriminates the two forms of a key by shape, so that only the intended form reports problems."""
    return lambda value: block_tag if isinstance(value, dict | list | BaseModel) else scalar_tag
