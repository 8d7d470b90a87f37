"""The keys for a key result's goal, its pace, and the conditions that must hold on the way."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from syncd.config.keys import (
    STRICT,
    Bound,
    Day,
    Number,
    NumberWithoutUnit,
    StaleAfter,
    Title,
    no_truth_value,
    tag_by_shape,
)
from syncd.config.number_advice import instead_of
from syncd.okr.plausible import Plausible


class Keep(BaseModel):
    """A band to stay in, bounds included."""

    model_config = STRICT

    at_least: Bound | None = Field(None, description="The lower bound, included.")
    at_most: Bound | None = Field(None, description="The upper bound, included.")

    @model_validator(mode="after")
    def _some_bound(self) -> Keep:
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"is from {self.at_least:g} to {self.at_most:g}, which no number meets; swap them")
        return self


_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")


def _jump(value: Any) -> Any:
    no_truth_value(value)
    if isinstance(value, str):
        if not (share := _SHARE.fullmatch(value)):
            raise ValueError(f"is {value!r}; {instead_of(value, bound=True)}, or a share such as 50%")
        if not float(share[1]):
            raise ValueError(f"is {value!r}; it must be more than 0")
    elif isinstance(value, int | float):
        if value <= 0:
            raise ValueError(f"is {value:g}; it must be more than 0")
    elif value is not None:
        raise ValueError("must be a number in the key result's unit, or a share such as 50%")
    return value


_JUMP = {
    "type": ["number", "string", "null"],
    "exclusiveMinimum": 0,
    "pattern": r"^(?=.*[1-9])\d+(\.\d+)? ?%$",
    "errorMessage": "must be a number of more than 0 in the key result's unit, or a share such as 50%",
}


class PlausibleKeys(BaseModel):
    """The bounds within which a new number needs no approval."""

    model_config = STRICT

    at_least: Bound | None = Field(None, description="The lower bound, included.")
    at_most: Bound | None = Field(None, description="The upper bound, included.")
    jump: Annotated[float | str | None, BeforeValidator(_jump), WithJsonSchema(_JUMP)] = Field(
        None,
        description="The largest step from the last number that needs no approval, in the key result's unit or as a "
        "share such as 50%.",
    )

    @model_validator(mode="after")
    def _some_bound(self) -> PlausibleKeys:
        if self.at_least is None and self.at_most is None and self.jump is None:
            raise ValueError("needs at_least, at_most or jump")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"is from {self.at_least:g} to {self.at_most:g}, which no number meets; swap them")
        return self

    def bounds(self) -> Plausible:
        """The bounds of these keys."""
        if isinstance(self.jump, str):
            return Plausible(self.at_least, self.at_most, jump_share=float(self.jump.rstrip("% ")) / 100)
        return Plausible(self.at_least, self.at_most, self.jump)


class LevelsKeys(BaseModel):
    """Levels of a goal: what is promised, what is aimed at, and what is hoped for, in this order."""

    model_config = STRICT

    commit: Number | None = Field(None, description="The value that is promised.")
    target: Number = Field(description="The value that is aimed at. Progress is measured towards it.")
    stretch: Number | None = Field(None, description="The value that is hoped for, beyond the target.")

    @model_validator(mode="after")
    def _in_order(self) -> LevelsKeys:
        if self.commit is None and self.stretch is None:
            raise ValueError("needs 'commit' or 'stretch' beside 'target'; with a target alone say 'target'")
        numbers = [number for number in (self.commit, self.target, self.stretch) if number is not None]
        if len(set(numbers)) < len(numbers) or numbers not in (sorted(numbers), sorted(numbers, reverse=True)):
            raise ValueError("must rise or fall in order: commit, then target, then stretch")
        return self


class MilestoneKeys(BaseModel):
    """One milestone."""

    model_config = STRICT

    title: Title = Field(description="What is reached with this milestone.")
    at: Number | None = Field(
        None, description="The value that reaches the milestone; by default its position in the list."
    )
    weight: NumberWithoutUnit = Field(
        1, gt=0, json_schema_extra={"exclusiveMinimum": 0}, description="The weight of the milestone in the progress."
    )
    by: Day | None = Field(None, description="The day by the end of which the milestone is expected.")


class StepKeys(BaseModel):
    """One point of a pace."""

    model_config = STRICT

    by: Day = Field(description="The day by the end of which the value is expected.")
    value: Number = Field(description="The expected value, in the key result's unit.")


class PaceKeys(BaseModel):
    """A pace in steps."""

    model_config = STRICT

    steps: list[StepKeys] = Field(
        min_length=1, description="The points of the pace. Straight lines join them, beginning at the baseline."
    )

    @model_validator(mode="after")
    def _in_order(self) -> PaceKeys:
        days = [step.by for step in self.steps]
        if days != sorted(set(days)):
            raise ValueError("must go on in time: each step needs a later 'by' than the step before")
        return self


Pace = Annotated[
    Annotated[Literal["linear", "end"], Tag("name")] | Annotated[PaceKeys, Tag("steps")],
    Discriminator(tag_by_shape("steps", "name")),
]


class GuardKeys(BaseModel):
    """A second number that must stay in a band while the key result improves."""

    model_config = STRICT

    title: Title | None = Field(None, description="What must hold, in a sentence.")
    measure: dict[str, Any] | str = Field(description="How the number of the guard is measured.")
    keep: Keep = Field(description="The band that the number of the guard must stay in.")
    stale_after: StaleAfter | None = Field(
        None, description="How old the number of the guard may be before it is stale."
    )
