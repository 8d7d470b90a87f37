"""Mapping files: objectives, key results and their measures. Owned by operations teams, who read no Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from syncd.config.document import Document, Place
from syncd.config.messages import nearest, problems
from syncd.config.project import Connection
from syncd.okr.goals import Band, KeyResult, Link, Objective, Target
from syncd.okr.measures import Filter, Measure, ReadingMeasure, ReadingTake, RecordMeasure, RecordTake
from syncd.okr.spans import Period, Window, parse_period
from syncd.sdk import Duration, MeasureKeys, Problem, ReadingKeys, RecordKeys, parse_duration

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Value = str | bool | int | float | None
_STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


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


class Drives(BaseModel):
    """A link to an outcome with its own lag."""

    model_config = _STRICT

    outcome: Id
    lag: Duration = timedelta()


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
    drives: _IdOrLinks = Field([], description="The outcome, or outcomes, that this output is for.")
    lag: Duration | None = Field(None, description="How much later the outcome is expected to move.")
    measure: dict[str, Any] | None = Field(None, description="Where its number comes from.")

    @field_validator("baseline", "target", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError(f"must be a number, not {str(value).lower()}")  # noqa: TRY004 - pydantic wants ValueError
        return value

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
        if self.lag is not None and not isinstance(self.drives, str):
            where = "say it with each outcome: {outcome: ID, lag: 2w}" if self.drives else "say 'drives' too"
            raise ValueError(f"has a 'lag' that belongs to no link; {where}")
        return self

    def links(self) -> tuple[Link, ...]:
        """Its links to outcomes."""
        if isinstance(self.drives, str):
            return (Link(self.drives, self.lag or timedelta()),)
        return tuple(Link(item) if isinstance(item, str) else Link(item.outcome, item.lag) for item in self.drives)


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


class _AnyMeasure(BaseModel):
    model_config = _STRICT

    from_: str = Field(alias="from", description="The connection to pull through.")
    window: str | None = Field(None, description="A rolling window such as 28d; the period unless given.")

    @field_validator("window")
    @classmethod
    def _whole_days(cls, value: str | None) -> str | None:
        if value is not None and (
            parse_duration(value) % timedelta(days=1) or parse_duration(value) < timedelta(days=1)
        ):
            raise ValueError(f"is {value!r}; a window is whole days or weeks, such as 28d or 4w")
        if value is not None and parse_duration(value) > timedelta(days=3660):
            raise ValueError(f"is {value!r}; a window has ten years at the most")
        return value


def _value_or_list(given: Any) -> Any:
    for value in given if isinstance(given, list) else [given]:
        if isinstance(value, dict | list):
            raise ValueError("must be one value, or a list of them")  # noqa: TRY004 - for pydantic
    return given


class RecordMeasureKeys(_AnyMeasure):
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


class ReadingMeasureKeys(_AnyMeasure):
    """What every measure of readings may say."""

    take: ReadingTake = Field("latest", description="How the readings become one number.")


@cache
def measure_model(name: str, keys: type[MeasureKeys]) -> type[BaseModel]:
    """Every key that a measure through a connection of this type may have."""
    shared = RecordMeasureKeys if keys.kind == "records" else ReadingMeasureKeys
    return cast("type[BaseModel]", create_model(f"{name}_measure", __base__=(shared, keys), __doc__=keys.__doc__))


class Reader:
    """Reads the objectives of one mapping file, and gathers every problem on the way."""

    def __init__(self, document: Document, connections: Mapping[str, Connection | None], zone: ZoneInfo) -> None:
        self.document = document
        self.connections = connections
        self.zone = zone
        self.problems: list[Problem] = []

    def read(self) -> tuple[Period, list[tuple[Objective, Place]]] | None:
        """The period and the objectives with their places, or None where the file's shape is wrong."""
        try:
            parsed = MappingFile.model_validate(self.document.data)
        except ValidationError as error:
            self.problems.extend(problems(error, MappingFile, self.document))
            self._measures_of_raw()
            return None
        period = self._period(parsed.period)
        places: list[Place] = [("objectives", index) for index in range(len(parsed.objectives))]
        objectives = [
            (self._objective(keys, place), place) for keys, place in zip(parsed.objectives, places, strict=True)
        ]
        return (period, objectives) if period else None

    def _period(self, given: str | PeriodDays) -> Period | None:
        if isinstance(given, PeriodDays):
            return Period(given.id or f"{given.start}..{given.end}", given.start, given.end, self.zone)
        try:
            return parse_period(given, self.zone)
        except ValueError as error:
            self.problems.append(self.document.problem(("period",), f"period {error}"))
            return None

    def _objective(self, keys: ObjectiveKeys, place: Place) -> Objective:
        key_results = tuple(
            self._key_result(inner, (*place, "key_results", index)) for index, inner in enumerate(keys.key_results)
        )
        return Objective(keys.id, keys.title, key_results, keys.owner, keys.rollup)

    def _key_result(self, keys: KeyResultKeys, place: Place) -> KeyResult:
        if keys.keep is not None:
            goal: Target | Band = Band(keys.keep.at_least, keys.keep.at_most)
        else:
            assert keys.target is not None  # _one_goal
            goal = Target(keys.target, 0.0 if keys.baseline is None and keys.kind == "output" else keys.baseline)
        measure = self._measure(keys.measure, (*place, "measure")) if keys.measure is not None else None
        return KeyResult(
            id=keys.id,
            title=keys.title,
            kind=keys.kind,
            goal=goal,
            measure=measure,
            unit=keys.unit,
            owner=keys.owner,
            weight=keys.weight,
            pace=keys.pace,
            confidence=keys.confidence,
            stale_after=keys.stale_after,
            drives=keys.links(),
        )

    def _measures_of_raw(self) -> None:
        """Where the file's shape is wrong its measures are looked at all the same: all problems come at once."""
        for place in self.document.lines:
            if place[-1:] == ("measure",) and len(place) == 5:
                data: Any = self.document.data
                for part in place:
                    data = data[part]
                if isinstance(data, dict):
                    self._measure(data, place)

    def _measure(self, data: dict[str, Any], place: Place) -> Measure | None:
        name = data.get("from")
        if not isinstance(name, str):
            known = ", ".join(self.connections) or "none yet: add one to syncd.yaml"
            self.problems.append(self.document.problem(place, f"'from' is missing; the connections are: {known}"))
            return None
        if name not in self.connections:
            message = f"there is no connection {name!r} in syncd.yaml{nearest(name, self.connections)}"
            self.problems.append(self.document.problem((*place, "from"), message))
            return None
        connection = self.connections[name]
        if connection is None:  # it has problems of its own, which are said where it stands
            return None
        keys_model = connection.connector.Measure
        model = measure_model(connection.kind, keys_model)
        try:
            parsed = model.model_validate(data)
        except ValidationError as error:
            self.problems.extend(problems(error, model, self.document, place))
            return None
        keys = keys_model.model_validate(
            {key: value for key, value in data.items() if key in _names(keys_model) and key not in _names(_AnyMeasure)}
        )
        window = Window()
        if isinstance(parsed, _AnyMeasure) and parsed.window:
            window = Window(parse_duration(parsed.window) // timedelta(days=1))
        if isinstance(keys, RecordKeys) and isinstance(parsed, RecordMeasureKeys):
            filters = tuple(self._filters(parsed, keys, place))
            return RecordMeasure(name, tuple(keys.streams()), parsed.take, parsed.of, filters, window)
        if isinstance(keys, ReadingKeys) and isinstance(parsed, ReadingMeasureKeys):
            (stream,) = keys.streams()
            return ReadingMeasure(name, stream, keys.part(), parsed.take, window)
        raise TypeError(f"{keys_model} is neither of records nor of readings")

    def _filters(self, parsed: RecordMeasureKeys, keys: RecordKeys, place: Place) -> Iterator[Filter]:
        known = keys.fields()
        if parsed.of is not None:
            self._known(parsed.of, known, (*place, "of"))
        for key, given in parsed.where.items():
            field, negated, bound = _condition(key, known)
            where = (*place, "where", key)
            self._known(field, known, where)
            if not bound:
                values = given if isinstance(given, list) else [given]
                if not values:
                    self.problems.append(self.document.problem(where, f"{key} is an empty list, which nothing matches"))
                yield Filter(field, tuple(_scalar(value) for value in values), negated)
                continue
            if isinstance(given, list | bool) or given is None:
                self.problems.append(self.document.problem(where, f"{key} must be one number or one day"))
                continue
            limit = _scalar(given)
            yield Filter(field, at_least=limit) if bound == "_at_least" else Filter(field, at_most=limit)

    def _known(self, field: str, known: Sequence[str] | Any, place: Place) -> None:
        if known is not None and field not in known:
            self.problems.append(self.document.problem(place, f"there is no field {field!r}{nearest(field, known)}"))


def _condition(key: str, known: Any) -> tuple[str, bool, str]:
    """The field that a key of `where` is about, whether it is negated, and which bound it sets, if any."""
    if known is not None and key in known:
        return key, False, ""
    for suffix in ("_at_least", "_at_most"):
        if key.endswith(suffix):
            return key.removesuffix(suffix), False, suffix
    return (key.removeprefix("not_"), True, "") if key.startswith("not_") else (key, False, "")


def _scalar(value: Value) -> str | float | None:
    if isinstance(value, bool):
        return str(value).lower()
    return value


def _names(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}
