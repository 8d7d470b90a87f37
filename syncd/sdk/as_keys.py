"""The key `as:` of a measure: how to read the texts of a source as numbers and dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from syncd.sdk.date_texts import NAMED_FORMS
from syncd.sdk.key_rules import all_match, text

_LONGEST_FORM = 50
_SAMPLE = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


_DECIMAL = r"^[,.]$", "write ',' or '.'"
# An apostrophe and a space in their typographic forms too.
_THOUSANDS = "^[.,'\u2019 \u00a0\u2009\u202f]$", """write '.', ',', a space or "'\""""
_PARTS = "(?:[^%]|%.)*"
_DATE_FORM = text(
    rf"^({'|'.join(NAMED_FORMS)})$|^(?!{_PARTS}%Z)(?={_PARTS}%[YyGcxDF])(?={_PARTS}%[mbBjUWVcxDF])"
    rf"(?!{_PARTS}%([A-Za-z]){_PARTS}%\2)",
    "must say year and month, each once, as in '%d.%m.%Y' or '%b %Y', and no %Z, or be one of "
    + ", ".join(NAMED_FORMS),
    maxLength=_LONGEST_FORM,
)
_ZONE_AS_TEXT = re.compile(
    r"((?:UTC|GMT) ?[+-]\d[\d:]*)|%[HIMSfpX][^\w%]*?([+-]\d[\d:]*|(?!(?:UTC|GMT|AM|PM)\b)[A-Z]{2,5}\b)"
)


class As(BaseModel):
    """The keys of `as:`, which say how to read a text as a number or a date."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    decimal: Annotated[str, AfterValidator(all_match(*_DECIMAL)), WithJsonSchema(text(*_DECIMAL))] | None = Field(
        None, description="The decimal mark of numbers written as text: `,` or `.`."
    )
    thousands: Annotated[str, AfterValidator(all_match(*_THOUSANDS)), WithJsonSchema(text(*_THOUSANDS))] | None = Field(
        None, description="The mark between groups of three digits: `.`, `,`, a space, `'`."
    )
    percent: bool = Field(False, strict=True, description="Read the text `85%` and the number `0.85` both as 85.")
    accounting: bool = Field(False, strict=True, description="Read `(1,234)` and `1,234-` as -1234.")
    currency: bool = Field(
        False, strict=True, description="Read `$1,234.50`, `€ 1.234,50` and `USD 12` without the currency."
    )
    date: Annotated[str, Field(max_length=_LONGEST_FORM), WithJsonSchema(_DATE_FORM)] | None = Field(
        None,
        description="How dates are written: a format of strptime such as `%d.%m.%Y`, or month, quarter, iso-week, "
        "epoch.",
    )

    @field_validator("date")
    @classmethod
    def _date_form(cls, value: str | None) -> str | None:
        if value is not None and value not in NAMED_FORMS and not _says_which_day(value):
            names = ", ".join(NAMED_FORMS)
            raise ValueError(f"must say year and month, or more, as in '%d.%m.%Y' or '%b %Y', or be one of {names}")
        if value is not None and (zone := _unread_zone(value)) is not None:
            raise ValueError(
                f"has the time zone {zone}, which is not read; write %z, which reads offsets such as +0100, "
                "or UTC, GMT or Z if every date ends with it"
            )
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> As:
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise ValueError(
                f"has {self.thousands!r} as decimal and as thousands; in '1.050,5' decimal is ',' and thousands is '.'"
            )
        return self

    @property
    def money(self) -> bool:
        """Whether numbers are written as amounts of money, with grouped thousands."""
        return self.accounting or self.currency

    @property
    def marks(self) -> bool:
        """Whether `as:` sets the mark for decimals or for thousands."""
        return self.decimal is not None or self.thousands is not None

    @property
    def reads_texts(self) -> bool:
        """Whether `as:` says how to read a text as a number."""
        return self.marks or self.percent or self.money


def _unread_zone(form: str) -> str | None:
    """The zone in a form that strptime would pass over, so that the time would count as local time; None if there is
    none. strptime reads `%Z` only as the names of the machine's own zone, and without their offset.
    """
    form = form.replace("%%", "")
    if "%Z" in form:
        return "%Z"
    zone = None if "%z" in form else _ZONE_AS_TEXT.search(form)
    return zone and (zone[1] or zone[2])


def _says_which_day(form: str) -> bool:
    """Whether strptime can read back a date that was written in this form: as the same day, or as the first day of its
    month.

    Without a year, every date would be in 1900. Python reads the week of `%Y-%W` only with a weekday.
    """
    try:
        back = datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007 - it has no zone
    except (ValueError, re.error):  # the form names a part twice, such as `%d%d`
        return False
    first_of_month = not re.search(r"%[djUWVuwaA]", form) and back.date() == _SAMPLE.date().replace(day=1)
    return back.date() == _SAMPLE.date() or first_of_month
