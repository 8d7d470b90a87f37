"""The keys of mapping files as models. The models check the files, and the JSON Schema is made from them."""

from __future__ import annotations

from collections import Counter
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
from syncd.config.keys import (
    STRICT,
    Day,
    Id,
    Lag,
    Number,
    NumberWithoutUnit,
    Owner,
    Share,
    StaleAfter,
    Title,
    Unit,
    tag_by_shape,
)
from syncd.config.messages import nearest
from syncd.okr.goals import Link, Rollup
from syncd.okr.rule_ids import LintRule
from syncd.okr.spans import Period
from syncd.sdk.key_rules import text


class PeriodDays(BaseModel):
    """A period by its days, both included."""

    model_config = STRICT

    start: Day = Field(description="The first day of the period.")
    end: Day = Field(description="The last day of the period.")
    id: Id | None = Field(None, description="The id of the period; by default START..END.")

    @model_validator(mode="after")
    def _in_order(self) -> PeriodDays:
        if self.end < self.start:
            raise ValueError(f"ends on {self.end}, before it starts on {self.start}; swap them")
        return self

    def period(self, zone: ZoneInfo) -> Period:
        """The period of these days."""
        return Period(self.id or f"{self.start}..{self.end}", self.start, self.end, zone)


class Drives(BaseModel):
    """A link to an outcome with its own lag."""

    model_config = STRICT

    outcome: Id = Field(description="The id of the outcome.")
    lag: Lag | None = Field(
        None,
        description="How long after the output the outcome is expected to move; by default the `lag` of the key "
        "result.",
    )


class Moved(BaseModel):
    """A new id of a key result."""

    model_config = STRICT

    from_: Id = Field(alias="from", description="The id that the key result had before, in the same period.")


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
    title: Title = Field(description="What the team wants to reach, in a sentence.")
    kind: Literal["outcome", "output"] = Field(description="outcome: the change wanted. output: the work done for it.")
    owner: Owner | None = Field(
        None, description="Who is responsible for the key result; by default the owner of the objective."
    )
    unit: Unit | None = Field(None, description="What the number counts, such as calls/week.")
    baseline: Number | None = Field(None, description="The value at the start; by default 0 for an output.")
    target: Number | None = Field(None, description="The value to reach by the end.")
    levels: LevelsKeys | None = Field(None, description="Instead of a target: the levels commit, target and stretch.")
    milestones: list[MilestoneKeys] | None = Field(
        None, min_length=1, description="Instead of a target: the steps in which the goal is reached."
    )
    keep: Keep | None = Field(None, description="Instead of a target: a band that the value must stay in.")
    weight: NumberWithoutUnit = Field(
        1,
        ge=0,
        json_schema_extra={"minimum": 0},
        description="The weight in the objective's score; with 0, the key result does not count.",
    )
    pace: Pace = Field("linear", description="How progress is expected: evenly, at the end, or in steps.")
    confidence: Share | None = Field(
        None, ge=0, le=1, description="How sure the owner is that the key result will be reached, 0 to 1."
    )
    stale_after: StaleAfter | None = Field(
        None, description="How old a value may be before it is stale and its health is unknown."
    )
    plausible: PlausibleKeys | None = Field(None, description="The bounds within which a new number needs no approval.")
    guard: GuardKeys | None = Field(
        None, description="A second number that must stay in a band while this key result improves."
    )
    drives: _IdOrLinks = Field([], description="The outcome, or outcomes, that this output is meant to change.")
    lag: Lag | None = Field(None, description="How long after the output the outcome is expected to move.")
    measure: MeasureOrName | None = Field(
        None, description="How the number is measured, or the name of a measure in `measures`."
    )
    moved: Moved | None = Field(
        None, description="`{from: OLD-ID}`, after the id has changed: the history continues under the new id."
    )
    ignore: _Rules = Field([], description="Lint rules that do not apply to this key result.")

    @field_validator("drives")
    @classmethod
    def _names_each_outcome_once(cls, value: str | list[str | Drives]) -> str | list[str | Drives]:
        links = [value] if isinstance(value, str) else value
        times = Counter(item if isinstance(item, str) else item.outcome for item in links)
        for outcome in (outcome for outcome, number in times.items() if number > 1):
            raise ValueError(f"has {outcome!r} more than once; keep one link to it")
        return value

    @field_validator("measure", mode="before")
    @classmethod
    def _is_not_blank(cls, value: Any) -> Any:
        if value is None:
            raise ValueError(
                "is empty; write a measure or the name of one, or drop the key: check-ins then set the number"
            )
        return value

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
        if self.levels.commit == baseline or way in (sorted(way), sorted(way, reverse=True)):
            return
        levels = way[1:]
        if min(levels) < baseline < max(levels):
            raise ValueError(f"has levels on both sides of its baseline {baseline:g}; put them all on one side")
        names = [name for name in ("commit", "target", "stretch") if getattr(self.levels, name) is not None]
        order = zip(names, sorted(levels, reverse=levels[0] < baseline), strict=True)
        away = ", ".join(f"{name}: {level:.15g}" for name, level in order)
        raise ValueError(
            f"has levels that come back towards its baseline {baseline:g}; write them from the baseline on, as in "
            f"levels: {{{away}}}"
        )

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
    owner: Owner | None = Field(None, description="Who is responsible for the objective.")
    supports: Id | None = Field(
        None, description="The larger objective that this objective supports. It may be in another file."
    )
    weight: NumberWithoutUnit = Field(
        1,
        ge=0,
        json_schema_extra={"minimum": 0},
        description="The weight in the score of the objective that this objective supports.",
    )
    rollup: Rollup | None = Field(
        None,
        description="The rule for the score. The default is `outcomes`, or `supporting` if the objective has no key "
        "results.",
    )
    key_results: list[KeyResultKeys] = Field(
        [], description="The key results: three to five, or none if other objectives support this objective."
    )
    ignore: _Rules = Field([], description="Lint rules that do not apply to this objective and its key results.")

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
    """Default values for the keys of objectives, key results and measures in this file."""

    model_config = STRICT

    owner: Owner | None = Field(None, description="Who is responsible for the objectives.")
    rollup: Rollup | None = Field(None, description="The rule for the scores of objectives.")
    unit: Unit | None = Field(None, description="What the numbers count.")
    pace: Pace | None = Field(None, description="How progress is expected.")
    confidence: Share | None = Field(
        None, ge=0, le=1, description="How sure the owners are that their key results will be reached, 0 to 1."
    )
    stale_after: StaleAfter | None = Field(
        None, description="How old a value may be before it is stale and its health is unknown."
    )
    plausible: PlausibleKeys | None = Field(None, description="The bounds within which a new number needs no approval.")
    lag: Lag | None = Field(None, description="How long after the outputs the outcomes are expected to move.")
    measures: dict[str, dict[str, Any]] = Field({}, description="Default keys of measures, for each connection.")


class MeasuresFile(BaseModel):
    """The keys of a mapping file that holds only measures, for other files to use."""

    model_config = STRICT

    measures: dict[Id, dict[str, Any]] = Field(
        min_length=1, description="Measures by name. Any mapping file can use them."
    )
    defaults: Defaults = Field(Defaults(), description="Default values for the keys of measures.")


class MappingFile(BaseModel):
    """The keys of a mapping file."""

    model_config = STRICT

    period: _NameOrDays = Field(description="2026-Q4, 2026-H2, 2026-11, 2026, FY27-Q1, or {start: DAY, end: DAY}.")
    objectives: list[ObjectiveKeys] = Field(min_length=1, description="The objectives, each with its key results.")
    measures: dict[Id, dict[str, Any]] = Field({}, description="Measures by name. Any mapping file can use them.")
    defaults: Defaults = Field(Defaults(), description="Default values for the keys of entries in this file.")
    tests: list[dict[str, Any]] = Field([], description="Tests: given data, and the results that are expected.")

    @field_validator("period", mode="before")
    @classmethod
    def _a_year_is_a_name(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
