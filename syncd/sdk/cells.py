"""What a spreadsheet cell holds: a number, a date, nothing, or some other content and the reason why it is neither
number nor date.

Unknown is not zero: a blank or an error never becomes a number, and a text becomes a number only if `as:` says how to
read it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.sdk.numbers import BEYOND, is_beyond, rounded

PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a local time; developers.google.com/sheets/api/reference/rest/v4/DateTimeRenderOption
_MILLISECONDS = 1e11  # in seconds this is the year 5138: a number as large counts milliseconds
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
_ERRORS = (
    "#REF!",
    "#N/A",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#ERROR!",
    "#SPILL!",
    "#CALC!",
    "Loading...",
)
_LIBREOFFICE_ERROR = re.compile(r"Err:\d{3}\Z", re.ASCII)


class As(BaseModel):
    """How to read a text as a number or a date."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    decimal: str | None = Field(None, description="The decimal mark of numbers written as text: `,` or `.`.")
    thousands: str | None = Field(None, description="The mark between groups of three digits: `.`, `,`, a space, `'`.")
    percent: bool = Field(False, description="Read the text `85%` and the number `0.85` both as 85.")
    date: str | None = Field(None, description="How dates are written as text, as for strptime: `%d.%m.%Y`.")

    @field_validator("decimal", "thousands")
    @classmethod
    def _single_mark(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value.isalnum() or value in "+-"):
            raise ValueError("must be one mark, such as ',' or '.'")
        return value

    @field_validator("date")
    @classmethod
    def _date_pattern(cls, value: str | None) -> str | None:
        if value is not None and not re.search(r"%[dDjxcFeUWV]", value):
            raise ValueError("must say where the day stands, as in '%d.%m.%Y'")
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> As:
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            raise ValueError(
                f"has {self.thousands!r} as decimal and as thousands; in '1.050,5' decimal is ',' and thousands is '.'"
            )
        return self


@dataclass(frozen=True, slots=True)
class CellError:
    """The error of a formula, such as `#REF!`."""

    code: str


Cell = None | bool | int | float | str | date | datetime | time | timedelta | CellError
"""A cell's content by the type that its source gives it; None is blank. A datetime may be aware or not."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How to read a source's cells: by the rules of `as:`, and by the types that the source gives them."""

    zone: ZoneInfo
    rules: As = field(default_factory=As)
    text_numbers: bool = False  # a plain number in CSV is a number, for there it can be nothing else
    serial_dates: bool = False  # Google Sheets gives dates as days since 1899-12-30
    epoch_dates: bool = False  # JSON APIs give seconds since 1970

    def blank(self, cell: Cell) -> bool:
        """Whether the cell is empty."""
        return cell is None or (isinstance(cell, str) and not cell.strip())

    def number(self, cell: Cell) -> tuple[float | None, str | None]:
        """The number that a cell holds; or None, and a description of the content. A blank cell is (None, None)."""
        if self.blank(cell):
            return None, None
        if isinstance(cell, CellError):
            return None, f"the error {cell.code}"
        if isinstance(cell, bool):
            return None, f"{str(cell).upper()}, which is not a number"
        if isinstance(cell, int | float):
            return self._finite(cell)
        if isinstance(cell, str):
            return self._text_number(cell.strip().translate(_SPACES))
        return None, f"the {'date' if isinstance(cell, date) else 'time'} {shown(cell)}, not a number"

    def moment(self, cell: Cell) -> datetime | None:
        """The time that a cell holds, aware; None if it holds no time. A day is its first instant in the zone."""
        moment = self._moment(cell)
        # 0001-01-01 and 9999-12-31 mean "never", and leave the calendar in some zones.
        return moment if moment is not None and 1 < moment.year < 9999 else None

    def _moment(self, cell: Cell) -> datetime | None:
        if isinstance(cell, datetime):
            return cell if cell.tzinfo else cell.replace(tzinfo=self.zone)
        if isinstance(cell, date):
            return datetime(cell.year, cell.month, cell.day, tzinfo=self.zone)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return self._number_date(cell)
        if isinstance(cell, str) and cell.strip():
            return self._text_date(cell.strip())
        return None

    def _text_number(self, text: str) -> tuple[float | None, str | None]:
        if text in _ERRORS or _LIBREOFFICE_ERROR.match(text):
            return None, f"the error {text}"
        rules = self.rules
        if rules.decimal or rules.thousands or rules.percent:
            digits, is_percent = text, False
            if rules.percent and digits.endswith("%"):
                digits, is_percent = digits[:-1].rstrip(), True
            plain = self._plain(digits)
            if plain is not None:
                return self._finite(Decimal(plain) / 100 if is_percent else Decimal(plain))
        elif self.text_numbers and PLAIN_NUMBER.match(text):
            return self._finite(Decimal(text))
        shown = text if len(text) <= 40 else text[:39] + "…"
        return None, f"the text {shown!r}, which is not a number"

    def _plain(self, text: str) -> str | None:
        """The text with decimal and thousands marks as Python writes them; None if by the marks of `as:` it is not a
        number.
        """
        decimal = re.escape(self.rules.decimal or ".")
        thousands = self.rules.thousands.translate(_SPACES) if self.rules.thousands is not None else None
        whole = r"\d+" if thousands is None else rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
        if not re.fullmatch(rf"[+-]?{whole}(?:{decimal}\d+)?", text, re.ASCII):
            return None
        if thousands is not None:
            text = text.replace(thousands, "")
        return text.replace(self.rules.decimal or ".", ".")

    def _finite(self, number: float | Decimal) -> tuple[float | None, str | None]:
        """The number that the source gives; times 100 if `as:` reads shares of 1 as percents."""
        try:
            exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
            # In decimal, so that 0.57 is 57 and not 56.99999999999999.
            read = exact * 100 if self.rules.percent else exact
            beyond = is_beyond(read) or is_beyond(number)
        except (OverflowError, InvalidOperation):  # not a number, or larger than any decimal
            beyond = True
        return (None, f"a number {BEYOND}") if beyond else (rounded(float(read)), None)

    def _number_date(self, number: int | float) -> datetime | None:
        try:
            if self.serial_dates:
                # Rounded to a millisecond: 14:30 is not exactly a fraction of a day in binary.
                seconds = round(number * 86400, 3)
                return (_SERIAL_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=self.zone)
            if self.epoch_dates:
                seconds = number / 1000 if abs(number) >= _MILLISECONDS else number
                return datetime.fromtimestamp(seconds, self.zone)
        except (OverflowError, ValueError, OSError):
            pass
        return None

    def _text_date(self, text: str) -> datetime | None:
        moment: datetime | None = None
        with suppress(ValueError):
            if self.rules.date:
                moment = datetime.strptime(text, self.rules.date)  # noqa: DTZ007 - the zone is ours
        with suppress(ValueError):
            moment = moment or datetime.fromisoformat(text)
        if moment is None:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)


def shown(cell: Cell) -> str:
    """A cell's raw content as text, as evidence shows it."""
    if cell is None:
        return ""
    if isinstance(cell, CellError):
        return cell.code
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)
