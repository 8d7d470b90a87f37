"""The keys of measures: those that all measures have, those of measures of records, those of measures of readings, and
those of formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import Annotated, Any, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from syncd.config.keys import STRICT, Day, tag_by_shape
from syncd.okr.answer import LENGTHS, Per
from syncd.okr.measures import ReadingTake, RecordTake
from syncd.okr.spans import Window
from syncd.sdk import DurationOfDays, MeasureKeys, Pulls, all_measure_keys, parse_duration
from syncd.sdk.durations import no_bare_number
from syncd.sdk.key_rules import text

Value = str | bool | int | float | None


class WindowKeys(BaseModel):
    """A window that `since`, `until` or `settled` describes."""

    model_config = STRICT

    since: Day | None = Field(None, description="The first day; by default the first day of the period.")
    until: Day | None = Field(None, description="The last day, included; by default the last day of the period.")
    settled: DurationOfDays | None = Field(
        None, description="How many of the latest days to leave out, because their data still arrives."
    )

    @model_validator(mode="after")
    def _has_a_single_form(self) -> WindowKeys:
        if (self.settled is None) == (self.since is None and self.until is None):
            raise ValueError("needs 'since', 'until' or both, or 'settled' alone")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError(f"ends on {self.until}, before it starts on {self.since}; swap them")
        if self.settled is not None:
            _whole_days(self.settled)
        return self

    def window(self) -> Window:
        """The window of these keys."""
        settled = None if self.settled is None else self.settled // _DAY
        return Window(since=self.since, until=self.until, settled=settled)


def _whole_days(length: timedelta) -> int:
    if length < _DAY or length % _DAY:
        raise ValueError("must be whole days or weeks, such as 28d or 4w")
    if length > timedelta(days=3660):
        raise ValueError("must be ten years at most")
    return length // _DAY


_DAY = timedelta(days=1)
WHOLE_DAYS = (
    r"^\s*0*([1-9]\d*(\.0+)?[dw]|(24|48|72|96|[1-9]\d{2,})(\.0+)?h|[1-9]\d{3,}(\.0+)?m|[1-9]\d{4,}(\.0+)?s)\s*$"
)
"""The pattern for days or weeks, or for an amount of a smaller unit that may be whole days. Only `validate` checks that
such an amount makes whole days.
"""
_WINDOW = text(WHOLE_DAYS, "write whole days or weeks, such as 28d or 4w, or {since, until} or {settled: 14d}")
_LastDaysOrKeys = Annotated[
    Annotated[str, BeforeValidator(partial(no_bare_number, units="dw")), WithJsonSchema(_WINDOW), Tag("last")]
    | Annotated[WindowKeys, Tag("keys")],
    Discriminator(tag_by_shape("keys", "last")),
]


class AnyMeasureKeys(BaseModel):
    """The keys of every measure."""

    model_config = STRICT

    from_: str = Field(alias="from", description="The connection to pull through.")
    window: _LastDaysOrKeys | None = Field(
        None, description="The last days (28d), {since, until} or {settled: 14d}; by default the period."
    )

    @field_validator("window")
    @classmethod
    def _in_days(cls, value: str | WindowKeys | None) -> str | WindowKeys | None:
        if isinstance(value, str):
            _whole_days(parse_duration(value))
        return value

    per: Per | None = Field(None, description="Divides the number by the days or weeks of the window that have passed.")

    @model_validator(mode="after")
    def _window_fits_the_rate(self) -> AnyMeasureKeys:
        if self.per is None:
            return self
        window = self.time()
        days = None if window.days is None else window.days - 1  # today has not ended
        if window.since is not None and window.until is not None:
            days = (window.until - window.since).days + 1
        if days is not None and days < LENGTHS[self.per]:
            raise ValueError(
                f"takes a rate per {self.per}, and no whole {self.per} of its window ever passes; take a longer "
                f"window, or drop 'per'"
            )
        return self

    def time(self) -> Window:
        """The window of the measure."""
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


ValueOrValues = Annotated[Value | list[Value], BeforeValidator(_value_or_list)]


_FieldOrFields = Annotated[
    Annotated[str, Tag("field")] | Annotated[list[str], Field(min_length=1), Tag("fields")],
    Discriminator(tag_by_shape("fields", "field")),
]


class RecordMeasureKeys(AnyMeasureKeys):
    """The keys of every measure of records."""

    take: RecordTake = Field("count", description="How the records become one number.")
    of: _FieldOrFields | None = Field(
        None,
        description="The field to aggregate. For a list of fields, each record uses the first field that has a value.",
    )
    where: dict[str, ValueOrValues] = Field(
        {},
        description="Conditions on fields: FIELD with a value or a list of allowed values, not_FIELD, FIELD_at_least,"
        " FIELD_at_most.",
    )

    def of_fields(self) -> tuple[str, ...]:
        """The fields of `of`, in order; empty if records are counted."""
        return tuple(dict.fromkeys([self.of] if isinstance(self.of, str) else self.of or ()))

    @model_validator(mode="after")
    def _field_where_needed(self) -> RecordMeasureKeys:
        if self.take == "count" and self.of is not None:
            raise ValueError(
                f"counts records, and needs no 'of'; drop it, or take distinct {' or '.join(self.of_fields())}"
            )
        if self.take == "share" and self.of is not None:
            raise ValueError("takes the share of records that are done, and needs no 'of'; drop it")
        if self.take == "share" and self.window is not None:
            raise ValueError("takes the share of all records, whenever they were done, and needs no 'window'; drop it")
        _rate(self.per, self.take, ("count", "sum", "distinct"))
        if self.take not in ("count", "share") and self.of is None:
            raise ValueError(f"takes the {self.take}, but of which field? say 'of: FIELD'")
        return self


class ReadingMeasureKeys(AnyMeasureKeys):
    """The keys of every measure of readings."""

    take: ReadingTake = Field("latest", description="How the readings become one number.")

    @model_validator(mode="after")
    def _only_amounts_have_rates(self) -> ReadingMeasureKeys:
        _rate(self.per, self.take, ("sum", "change"))
        return self


_FORMULA = text(
    r"^(?!.*(\*\s*\*|//))(?=.*\S)(?!.*[-+*/(,]\s*$)(?!(.*[\s+*/(),-])?(?!(abs|min|max|round)\s*\()[A-Za-z_]\w*\s*\()"
    r"[^'\"\[\]{}=<>!&|^%@#;:?\\`~$]*$",
    "is no formula; it may have names, numbers, + - * / ( ) and abs, min, max, round",
    maxLength=1000,
)
_PART: JsonDict = {
    "pattern": r"^[^\d\s.,+*/()-][^\s.,+*/()-]*$",
    "errorMessage": "cannot be used in a formula; write letters, digits and '_', such as open_bugs",
}


class FormulaKeys(BaseModel):
    """A number computed from several measures. All other keys apply to every part."""

    model_config = ConfigDict(extra="allow", frozen=True)

    formula: Annotated[str, WithJsonSchema(_FORMULA)] = Field(
        description="A calculation with the names of the parts, such as closed / (closed + open) * 100."
    )
    parts: dict[str, dict[str, Any] | str] = Field(
        min_length=1,
        description="The parts by name. Each part is a measure, or the name of a measure in `measures`.",
        json_schema_extra={"propertyNames": _PART},
    )


def _rate(per: Per | None, take: str, amounts: tuple[str, ...]) -> None:
    if per is not None and take not in amounts:
        raise ValueError(f"takes {take} per {per}, and only an amount has a rate: {', '.join(amounts)}")


def measure_models(name: str, connector: type[Pulls]) -> Sequence[type[BaseModel]]:
    """The models of each kind of measure that a connection of this type can have."""
    return [
        measure_model(name if keys is connector.Measure else f"{name}_records", keys)
        for keys in all_measure_keys(connector)
    ]


@cache
def measure_model(name: str, keys: type[MeasureKeys]) -> type[BaseModel]:
    """The model with all keys of a measure of a connection of this type."""
    shared = RecordMeasureKeys if keys.kind == "records" else ReadingMeasureKeys
    return cast("type[BaseModel]", create_model(f"{name}_measure", __base__=(shared, keys), __doc__=keys.__doc__))
