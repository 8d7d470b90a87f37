"""The keys of a mapping file's `tests:`: the given facts, the moment of the test, and the expected results."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from syncd.config.keys import STRICT, Id, NumberWithoutUnit, Title, within_years
from syncd.config.measure_keys import ValueOrValues
from syncd.config.number_advice import instead_of
from syncd.okr.alignment import Verdict
from syncd.okr.goals import Health, Level
from syncd.sdk.key_rules import text

_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?) ?%")


def _moment(value: Any) -> Any:
    """Reads a day or a time. A day stays a day without a time."""
    if value is None or isinstance(value, date):
        return value
    try:
        if not isinstance(value, str):  # pydantic would read a number as seconds since 1970
            raise ValueError  # noqa: TRY301, TRY004 - every case has the same message
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"is {value!r}; write a day as 2026-11-20, or a time as 2026-11-20T14:30") from None


_MOMENT = text(r"^(19|2\d)\d\d-\d\d-\d\d([T ].*)?$", "write a day as 2026-11-20, or a time as 2026-11-20T14:30")
Moment = Annotated[datetime | date, BeforeValidator(_moment), AfterValidator(within_years), WithJsonSchema(_MOMENT)]


class About(BaseModel):
    """An expected number. It is compared to as many decimal places as the test writes: 0.1799 meets both 0.18 and
    18%.
    """

    model_config = STRICT

    number: float
    places: int

    def met_by(self, actual: float | None) -> bool:
        """Rounds `actual` to the decimal places of the expected number, and returns whether the two numbers are
        equal.
        """
        return actual is not None and abs(actual - self.number) <= 0.5 * 10.0**-self.places * (1 + 1e-9)


def _about(value: Any) -> Any:
    if isinstance(value, str) and (share := _PERCENT.fullmatch(value)):
        return {"number": float(share[1]) / 100, "places": len(share[1].partition(".")[2]) + 2}
    if isinstance(value, bool) or not isinstance(value, int | float):
        instead = instead_of(value, unit=False).split("; ")[0] if isinstance(value, str) else "write a number"
        raise ValueError(f"is {value!r}; {instead}, a share such as 18%, or null where it is unknown")  # noqa: TRY004
    text = repr(float(value)).partition("e")[0].partition(".")[2]
    return {"number": float(value), "places": 0 if isinstance(value, int) or text == "0" else len(text)}


Expected = (
    Annotated[
        About,
        BeforeValidator(_about),
        WithJsonSchema(
            {
                "type": ["number", "string"],
                "pattern": f"^{_PERCENT.pattern}$",
                "errorMessage": "write a number, a share such as 18%, or null where it is unknown",
            }
        ),
    ]
    | None
)


class ExpectKeys(BaseModel):
    """What is expected of a key result or an objective; null means unknown."""

    model_config = STRICT

    value: Expected = Field(None, description="The expected value.")
    progress: Expected = Field(None, description="The expected progress, such as 0.18 or 18%.")
    score: Expected = Field(None, description="The expected score of the key result or objective.")
    expected: Expected = Field(None, description="The score that the pace requires at the moment of the test.")
    activity: Expected = Field(
        None, description="For an objective: the expected activity, which is the score of its outputs."
    )
    health: Health | None = Field(None, description="The expected health of the key result or objective.")
    level: Level | None = Field(None, description="The highest level that the value is expected to reach.")
    alignment: dict[Id, Verdict] = Field(
        {}, description="For an output: the expected verdict for each outcome that it drives."
    )


class MappingTestKeys(BaseModel):
    """A test."""

    model_config = STRICT

    name: Title = Field(description="What the test shows, in a sentence.")
    at: Moment = Field(description="The moment of the test: a time, or a day, which means its end.")
    given: dict[str, Any] = Field(
        {}, description="The data of each key result: records, readings, parts of a formula, or a number."
    )
    expect: dict[str, ExpectKeys] = Field(
        min_length=1, description="The expected results of each key result or objective."
    )


class GivenRecord(BaseModel):
    """A given record. Its further keys are its fields."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, ValueOrValues]

    done: Moment | None = Field(None, description="When the record was done. Without this key, the record is open.")
    created: Moment | None = Field(None, description="When the record was opened.")
    not_done: str | None = Field(None, description="Why the record does not count although it is closed.")
    times: int = Field(1, strict=True, ge=1, le=10_000, description="How many such records there are.")


class GivenReading(BaseModel):
    """A given reading."""

    model_config = STRICT

    date: Moment | None = Field(
        None, description="The day or time of the reading. Leave it out for a cell without a date."
    )
    value: NumberWithoutUnit | None = Field(
        None, description="The number. `null` stands for a blank cell, which gives no reading."
    )
    problem: str | None = Field(None, description="What the cell holds in place of a number, such as '#REF!'.")

    @model_validator(mode="after")
    def _number_or_problem(self) -> GivenReading:
        if self.value is not None and self.problem is not None:
            raise ValueError("has a value and a problem, which is what a cell holds in place of a number; keep one")
        return self
