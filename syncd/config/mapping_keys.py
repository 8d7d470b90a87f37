"""The keys of mapping files, as models: they check what is written, and the JSON Schema is made of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
    field_validator,
    model_validator,
)

from syncd.okr.goals import Link
from syncd.okr.measures import ReadingTake, RecordTake
from syncd.okr.plausible import Plausible
from syncd.okr.spans import Window
from syncd.sdk import Duration, MeasureKeys, parse_duration

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Value = str | bool | int | float | None
_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, allow_inf_nan=False)


class PeriodDays(BaseModel):
    """A period by its days, both included."""

    model_config = _STRICT

    start: date
    end: date
    id: Id | None = Field(None, description="What to call it; START..END unless given.")

    @model_validator(mode="after")
    def _in_order(self) -> PeriodDays:
        if not (self.start.year >= 1900 and self.end.year <= 2999):
            raise ValueError("must lie between the years 1900 and 2999")
        if self.end < self.start:
            raise ValueError(f"ends on {self.end}, before it starts on {self.start}; swap them")
        return self


class Keep(BaseModel):
    """A band to stay in, bounds included."""

    model_config = _STRICT

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> Keep:
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"is from {self.at_least:g} to {self.at_most:g}, which nothing can be; swap them")
        return self


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")  # noqa: TRY004 - pydantic wants ValueError
    return value


_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")


def _jump(value: Any) -> Any:
    _no_truth_value(value)
    if isinstance(value, str):
        if not (share := _SHARE.fullmatch(value)):
            raise ValueError(f"is {value!r}; write a number in the key result's unit, or a share such as 50%")
        if not float(share[1]):
            raise ValueError(f"is {value!r}; it must be more than 0")
    elif isinstance(value, int | float):
        if value <= 0:
            raise ValueError(f"is {value:g}; it must be more than 0")
    elif value is not None:
        raise ValueError("must be a number in the key result's unit, or a share such as 50%")
    return value


_Number = Annotated[float, BeforeValidator(_no_truth_value)]


class PlausibleKeys(BaseModel):
    """What a number must be to be taken without approval."""

    model_config = _STRICT

    at_least: _Number | None = Field(None, description="No number below it.")
    at_most: _Number | None = Field(None, description="No number above it.")
    jump: Annotated[float | str | None, BeforeValidator(_jump)] = Field(
        None, description="No larger step from the last number: in the key result's unit, or a share of it such as 50%."
    )

    @model_validator(mode="after")
    def _some_bound(self) -> PlausibleKeys:
        if self.at_least is None and self.at_most is None and self.jump is None:
            raise ValueError("needs at_least, at_most or jump")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"is from {self.at_least:g} to {self.at_most:g}, which nothing can be; swap them")
        return self

    def bounds(self) -> Plausible:
        """The bounds that these keys say."""
        if isinstance(self.jump, str):
            return Plausible(self.at_least, self.at_most, jump_share=float(self.jump.rstrip("% ")) / 100)
        return Plausible(self.at_least, self.at_most, self.jump)


class Drives(BaseModel):
    """A link to an outcome with its own lag."""

    model_config = _STRICT

    outcome: Id
    lag: Duration | None = None


def _one_of(of_block: str, of_others: str) -> Callable[[Any], str]:
    """Tells the forms of a key apart by what is written, so that only the form that is meant says what is wrong."""
    return lambda value: of_block if isinstance(value, dict | list | BaseModel) else of_others


_IdOrLink = Annotated[Annotated[Id, Tag("id")] | Annotated[Drives, Tag("link")], Discriminator(_one_of("link", "id"))]
_IdOrLinks = Annotated[
    Annotated[Id, Tag("id")] | Annotated[list[_IdOrLink], Tag("links")], Discriminator(_one_of("links", "id"))
]


class KeyResultKeys(BaseModel):
    """The keys of a key result."""

    model_config = _STRICT

    id: Id = Field(description="A short name, unique within the period.")
    title: str = Field(min_length=1, description="What is to be reached, in a sentence.")
    kind: Literal["outcome", "output"] = Field(description="outcome: the change wanted. output: the work done for it.")
    owner: str | None = Field(None, description="Who answers for it, where it is not the objective's owner.")
    unit: str | None = Field(None, description="What the number counts, such as calls/week.")
    baseline: float | None = Field(None, description="Where it starts; 0 for an output.")
    target: float | None = Field(None, description="Where it is to be at the end.")
    keep: Keep | None = Field(None, description="A band to stay in, in place of a target.")
    weight: float = Field(1, ge=0, description="Its weight in the objective's score; 0 is shown, not counted.")
    pace: Literal["linear", "end"] = Field("linear", description="How progress is expected: evenly, or at the end.")
    confidence: float | None = Field(None, ge=0, le=1, description="How sure the owner is, 0 to 1.")
    stale_after: Duration | None = Field(None, description="How old a number may be before it is called stale.")
    plausible: PlausibleKeys | None = Field(None, description="What a number must be to be taken without approval.")
    drives: _IdOrLinks = Field([], description="The outcome, or outcomes, that this output is for.")
    lag: Duration | None = Field(None, description="How much later the outcome is expected to move.")
    measure: dict[str, Any] | None = Field(None, description="Where its number comes from.")

    @field_validator("baseline", "target", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any) -> Any:
        return _no_truth_value(value)

    @model_validator(mode="after")
    def _one_goal(self) -> KeyResultKeys:
        if (self.target is None) == (self.keep is None):
            raise ValueError(
                "needs a goal: 'target' or 'keep'"
                if self.target is None
                else "has 'target' and 'keep'; keep one of them"
            )
        if self.keep is not None and self.baseline is not None:
            raise ValueError("has 'keep', which knows no 'baseline'; drop one of them")
        baseline = 0.0 if self.baseline is None and self.kind == "output" else self.baseline
        if self.target is not None and self.target == baseline:
            raise ValueError(f"has the target {self.target:g}, which is its baseline; there is no way to go")
        if self.drives and self.kind == "outcome":
            raise ValueError("is an outcome, and only an output drives; turn it round or drop 'drives'")
        if self.lag is not None and not self.drives:
            raise ValueError("has a 'lag' that belongs to no link; say 'drives' too")
        return self

    def links(self) -> tuple[Link, ...]:
        """Its links to outcomes; its own lag is that of each that says none."""
        lag = self.lag or timedelta()
        items = [self.drives] if isinstance(self.drives, str) else self.drives
        return tuple(
            Link(item, lag) if isinstance(item, str) else Link(item.outcome, lag if item.lag is None else item.lag)
            for item in items
        )


class ObjectiveKeys(BaseModel):
    """The keys of an objective."""

    model_config = _STRICT

    id: Id = Field(description="A short name, unique within the period.")
    title: str = Field(min_length=1, description="The change that is wanted, in a sentence.")
    owner: str | None = Field(None, description="Who answers for it.")
    rollup: Literal["outcomes", "all", "weakest"] = Field("outcomes", description="What its score is made of.")
    key_results: list[KeyResultKeys] = Field(min_length=1, description="Three to five of them.")


_NameOrDays = Annotated[
    Annotated[str, Tag("name")] | Annotated[PeriodDays, Tag("days")], Discriminator(_one_of("days", "name"))
]


class MappingFile(BaseModel):
    """The keys of a mapping file."""

    model_config = _STRICT

    period: _NameOrDays = Field(description="2026-Q4, 2026-H2, 2026-11, 2026, or {start: DAY, end: DAY}.")
    objectives: list[ObjectiveKeys] = Field(min_length=1, description="What is to change, each with its key results.")

    @field_validator("period", mode="before")
    @classmethod
    def _a_year_is_a_name(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class WindowKeys(BaseModel):
    """A window other than the period and the last so many days."""

    model_config = _STRICT

    since: date | None = Field(None, description="The first day; the period's unless given.")
    until: date | None = Field(None, description="The last day, included; the period's unless given.")
    settled: Duration | None = Field(
        None, description="Leaves out so many of the latest days, whose data still arrives."
    )

    @model_validator(mode="after")
    def _one_form(self) -> WindowKeys:
        if (self.settled is None) == (self.since is None and self.until is None):
            raise ValueError("needs 'since', 'until' or both, or 'settled' alone")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError(f"ends on {self.until}, before it starts on {self.since}; swap them")
        if self.settled is not None:
            _whole_days(self.settled)
        return self

    def window(self) -> Window:
        """The window that these keys say."""
        settled = None if self.settled is None else self.settled // _DAY
        return Window(since=self.since, until=self.until, settled=settled)


def _whole_days(length: timedelta) -> int:
    if length < _DAY or length % _DAY:
        raise ValueError("must be whole days or weeks, such as 28d or 4w")
    if length > timedelta(days=3660):
        raise ValueError("has ten years at the most")
    return length // _DAY


_DAY = timedelta(days=1)
_LastDaysOrKeys = Annotated[
    Annotated[str, Tag("last")] | Annotated[WindowKeys, Tag("keys")], Discriminator(_one_of("keys", "last"))
]


class AnyMeasureKeys(BaseModel):
    """What every measure may say."""

    model_config = _STRICT

    from_: str = Field(alias="from", description="The connection to pull through.")
    window: _LastDaysOrKeys | None = Field(
        None, description="The last so many days (28d), {since, until} or {settled: 14d}; the period unless given."
    )

    @field_validator("window")
    @classmethod
    def _in_days(cls, value: str | WindowKeys | None) -> str | WindowKeys | None:
        if isinstance(value, str):
            _whole_days(parse_duration(value))
        return value

    def time(self) -> Window:
        """The window of time that the measure looks at."""
        if self.window is None:
            return Window()
        return (
            self.window.window() if isinstance(self.window, WindowKeys) else Window(parse_duration(self.window) // _DAY)
        )


def _value_or_list(given: Any) -> Any:
    for value in given if isinstance(given, list) else [given]:
        if isinstance(value, dict | list):
            raise ValueError("must be one value, or a list of them")  # noqa: TRY004 - for pydantic
    return given


class RecordMeasureKeys(AnyMeasureKeys):
    """What every measure of records may say."""

    take: RecordTake = Field("count", description="How the records become one number.")
    of: str | None = Field(None, description="The field that the number is taken of.")
    where: dict[str, Annotated[Value | list[Value], BeforeValidator(_value_or_list)]] = Field(
        {}, description="FIELD: value or a list (any of), not_FIELD, FIELD_at_least, FIELD_at_most."
    )

    @model_validator(mode="after")
    def _field_where_needed(self) -> RecordMeasureKeys:
        if self.take == "count" and self.of is not None:
            raise ValueError(f"counts records, and needs no 'of'; drop it, or take distinct {self.of}")
        if self.take != "count" and self.of is None:
            raise ValueError(f"takes the {self.take}, but of which field? say 'of: FIELD'")
        return self


class ReadingMeasureKeys(AnyMeasureKeys):
    """What every measure of readings may say."""

    take: ReadingTake = Field("latest", description="How the readings become one number.")


@cache
def measure_model(name: str, keys: type[MeasureKeys]) -> type[BaseModel]:
    """Every key that a measure through a connection of this type may have."""
    shared = RecordMeasureKeys if keys.kind == "records" else ReadingMeasureKeys
    return cast("type[BaseModel]", create_model(f"{name}_measure", __base__=(shared, keys), __doc__=keys.__doc__))
