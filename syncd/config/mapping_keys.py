"""The keys of mapping files as models, which check the files and make the JSON Schema."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from syncd.config.goal_keys import GuardKeys, Keep, LevelsKeys, MilestoneKeys, Pace, PaceKeys, PlausibleKeys
from syncd.config.keys import DAY, STRICT, Id, Lag, Number, Owner, Share, Title, Unit, tag_by_shape
from syncd.config.messages import nearest
from syncd.okr.goals import Link, Rollup
from syncd.okr.rule_ids import LintRule
from syncd.okr.spans import Period
from syncd.sdk import Duration
from syncd.sdk.key_rules import text


class PeriodDays(BaseModel):
    """A period by its days, both included."""

    model_config = STRICT

    start: Annotated[date, DAY] = Field(description="Its first day.")
    end: Annotated[date, DAY] = Field(description="Its last day.")
    id: Id | None = Field(None, description="Its id; START..END unless given.")

    @model_validator(mode="after")
    def _in_order(self) -> PeriodDays:
        if not (self.start.year >= 1900 and self.end.year <= 2999):
            raise ValueError("must lie between the years 1900 and 2999")
        if self.end < self.start:
            raise ValueError(f"ends on {self.end}, before it starts on {self.start}; swap them")
        return self

    def period(self, zone: ZoneInfo) -> Period:
        """The period of these days."""
        return Period(self.id or f"{self.start}..{self.end}", self.start, self.end, zone)


class Drives(BaseModel):
    """A link to an outcome with its own lag."""

    model_config = STRICT

    outcome: Id = Field(description="The outcome, by its id.")
    lag: Lag | None = Field(
        None, description="How much later it is expected to move; the `lag` of the key result unless given."
    )


class Moved(BaseModel):
    """A new id of a key result."""

    model_config = STRICT

    from_: Id = Field(alias="from", description="The id that it had before, in the same period.")


_IdOrLink = Annotated[
    Annotated[Id, Tag("id")] | Annotated[Drives, Tag("link")], Discriminator(tag_by_shape("link", "id"))
]
_IdOrLinks = Annotated[
    Annotated[Id, Tag("id")] | Annotated[list[_IdOrLink], Tag("links")], Discriminator(tag_by_shape("links", "id"))
]


MeasureOrName = Annotated[
    Annotated[Id, Tag("name")] | Annotated[dict[str, Any], Tag("measure")],
    Discriminator(tag_by_shape("measure", "name")),
]
_GOALS = "'target', 'levels', 'milestones' or 'keep'"


def _valid_rule(name: Any) -> Any:
    rules = get_args(LintRule)
    if isinstance(name, str) and name not in rules:
        raise ValueError(f"is {name!r}, which is no rule of lint{nearest(name, rules)}")
    return name


_Rules = list[Annotated[LintRule, BeforeValidator(_valid_rule)]]


class KeyResultKeys(BaseModel):
    """The keys of a key result."""

    model_config = STRICT

    id: Id = Field(description="A short name, unique within the period.")
    title: Title = Field(description="What is to be reached, in a sentence.")
    kind: Literal["outcome", "output"] = Field(description="outcome: the change wanted. output: the work done for it.")
    owner: Owner | None = Field(None, description="Who is responsible for it, if not the objective's owner.")
    unit: Unit | None = Field(None, description="What the number counts, such as calls/week.")
    baseline: Number | None = Field(None, description="Where it starts; 0 for an output.")
    target: Number | None = Field(None, description="Where it is to be at the end.")
    levels: LevelsKeys | None = Field(None, description="In place of a target: commit, target and stretch.")
    milestones: list[MilestoneKeys] | None = Field(None, min_length=1, description="In place of a target: steps.")
    keep: Keep | None = Field(None, description="In place of a target: a band to stay in.")
    weight: Number = Field(
        1, ge=0, json_schema_extra={"minimum": 0}, description="Its weight in the objective's score; 0 does not count."
    )
    pace: Pace = Field("linear", description="How progress is expected: evenly, at the end, or in steps.")
    confidence: Share | None = Field(None, ge=0, le=1, description="How sure the owner is, 0 to 1.")
    stale_after: Duration | None = Field(None, description="How old a number may be before it is called stale.")
    plausible: PlausibleKeys | None = Field(None, description="Bounds of a number that needs no approval.")
    guard: GuardKeys | None = Field(None, description="What must hold while this number rises.")
    drives: _IdOrLinks = Field([], description="The outcome, or outcomes, that this output is meant to change.")
    lag: Lag | None = Field(None, description="How much later the outcome is expected to move.")
    measure: MeasureOrName | None = Field(
        None, description="Where its number comes from, or the name of a measure in `measures`."
    )
    moved: Moved | None = Field(None, description="After a renaming, {from: OLD-ID}: its history goes on.")
    ignore: _Rules = Field([], description="Rules of lint that do not apply here.")

    @model_validator(mode="after")
    def _has_a_single_goal(self) -> KeyResultKeys:
        goals = {"target": self.target, "levels": self.levels, "milestones": self.milestones, "keep": self.keep}
        given = [name for name, goal in goals.items() if goal is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(map(repr, given))}; keep one of them" if given else f"needs a goal: {_GOALS}"
            )
        if given[0] in ("keep", "milestones") and self.baseline is not None:
            raise ValueError(f"has {given[0]!r}, which takes no 'baseline'; drop one of them")
        aim = self.levels.target if self.levels else self.target
        baseline = 0.0 if self.baseline is None and self.kind == "output" else self.baseline
        if aim is not None and aim == baseline:
            raise ValueError(f"has the target {aim:g}, which is its baseline; write a target that differs")
        self._check_levels(baseline)
        self._check_milestones()
        if isinstance(self.pace, PaceKeys) and (aim is None or baseline is None):
            raise ValueError("has a pace in steps, which needs a 'target' and a 'baseline'")
        if self.drives and self.kind == "outcome":
            raise ValueError("is an outcome, and only outputs drive; write 'drives' on the output, or drop it")
        if self.lag is not None and not self.drives:
            raise ValueError("has a 'lag' but drives nothing; say 'drives' too, or drop 'lag'")
        return self

    def _check_levels(self, baseline: float | None) -> None:
        if self.levels is None or baseline is None:
            return
        way = [baseline, *(n for n in (self.levels.commit, self.levels.target, self.levels.stretch) if n is not None)]
        if self.levels.commit != baseline and way not in (sorted(way), sorted(way, reverse=True)):
            raise ValueError(f"has levels on both sides of its baseline {baseline:g}; put them all on one side")

    def _check_milestones(self) -> None:
        steps = self.milestones or []
        numbers = [number if step.at is None else step.at for number, step in enumerate(steps, 1)]
        if any(step.at is None for step in steps) and any(step.at is not None for step in steps):
            raise ValueError("has milestones with 'at' and some without; give each its value, or none")
        if numbers != sorted(set(numbers)):
            raise ValueError("has milestones that do not go up; each needs a higher 'at' than the milestone before")

    def links(self) -> tuple[Link, ...]:
        """The links of the key result to outcomes. A link without a lag has the key result's lag."""
        items = [self.drives] if isinstance(self.drives, str) else self.drives
        return tuple(
            Link(item, self.lag)
            if isinstance(item, str)
            else Link(item.outcome, self.lag if item.lag is None else item.lag)
            for item in items
        )


class ObjectiveKeys(BaseModel):
    """The keys of an objective."""

    model_config = STRICT

    id: Id = Field(description="A short name, unique within the period.")
    title: Title = Field(description="The change that is wanted, in a sentence.")
    owner: Owner | None = Field(None, description="Who is responsible for it.")
    supports: Id | None = Field(None, description="The objective that it is a part of, in this file or another.")
    weight: Number = Field(
        1,
        ge=0,
        json_schema_extra={"minimum": 0},
        description="Its weight in the score of the objective that it supports.",
    )
    rollup: Rollup | None = Field(
        None, description="What its score is made of; outcomes, or supporting where it has no key results."
    )
    key_results: list[KeyResultKeys] = Field([], description="Three to five; none if other objectives support it.")
    ignore: _Rules = Field([], description="Rules of lint that do not apply here or to its key results.")

    @model_validator(mode="after")
    def _some_score(self) -> ObjectiveKeys:
        if self.supports == self.id:
            raise ValueError("supports itself; name another objective, or drop 'supports'")
        if not self.key_results and self.rollup not in (None, "supporting"):
            raise ValueError(f"is rolled up by {self.rollup!r} and has no key results; add key results")
        return self


_PERIOD = text(
    r"^(FY\d\d|\d{4})(-(Q[1-4]|H[12]|0[1-9]|1[0-2]))?$",
    "write 2026-Q4, 2026-H2, 2026-11, 2026, FY27-Q1, or {start: DAY, end: DAY}",
)
_NameOrDays = Annotated[
    Annotated[str, WithJsonSchema(_PERIOD), Tag("name")] | Annotated[PeriodDays, Tag("days")],
    Discriminator(tag_by_shape("days", "name")),
]


class Defaults(BaseModel):
    """Values for keys that the objectives, key results and measures of this file do not have."""

    model_config = STRICT

    owner: Owner | None = Field(None, description="Who is responsible for the objectives.")
    rollup: Rollup | None = Field(None, description="What scores are made of.")
    unit: Unit | None = Field(None, description="What the numbers count.")
    pace: Pace | None = Field(None, description="How progress is expected.")
    confidence: Share | None = Field(None, ge=0, le=1, description="How sure the owners are, 0 to 1.")
    stale_after: Duration | None = Field(None, description="How old a number may be before it is called stale.")
    plausible: PlausibleKeys | None = Field(None, description="Bounds of a number that needs no approval.")
    lag: Lag | None = Field(None, description="How much later outcomes are expected to move.")
    measures: dict[str, dict[str, Any]] = Field({}, description="Keys of measures, by their connection.")


class MeasuresFile(BaseModel):
    """The keys of a mapping file that holds only measures, for other files to use."""

    model_config = STRICT

    measures: dict[Id, dict[str, Any]] = Field(min_length=1, description="Measures by name, for any mapping file.")
    defaults: Defaults = Field(Defaults(), description="Values for keys that a measure does not have.")


class MappingFile(BaseModel):
    """The keys of a mapping file."""

    model_config = STRICT

    period: _NameOrDays = Field(description="2026-Q4, 2026-H2, 2026-11, 2026, FY27-Q1, or {start: DAY, end: DAY}.")
    objectives: list[ObjectiveKeys] = Field(min_length=1, description="The objectives, each with its key results.")
    measures: dict[Id, dict[str, Any]] = Field({}, description="Measures by name, for any mapping file to use.")
    defaults: Defaults = Field(Defaults(), description="Values for keys that an entry of this file does not have.")
    tests: list[dict[str, Any]] = Field([], description="Given facts, and the results expected from them.")

    @field_validator("period", mode="before")
    @classmethod
    def _a_year_is_a_name(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
