"""Reads spreadsheet cells. A cell is blank, or holds a number, a date or other content. Other content is described in a
text.

A blank or an error never becomes a number. A text becomes a number only if `as:` says how to read it, or if it is a
plain number in a CSV file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.sdk.as_keys import As
from syncd.sdk.date_texts import epoch, is_epoch, is_label, is_plausible, read_date
from syncd.sdk.number_texts import SPACES, needs_decimal_comma, number_advice, quoted, read_number
from syncd.sdk.numbers import BEYOND, is_beyond, rounded

PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a local time; developers.google.com/sheets/api/reference/rest/v4/DateTimeRenderOption
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


@dataclass(frozen=True, slots=True)
class CellError:
    """The error of a formula, such as `#REF!`."""

    code: str


Cell = None | bool | int | float | Decimal | str | date | datetime | time | timedelta | CellError
"""A cell's content, in the type that its source gives it. None is a blank cell. A datetime may be aware or naive."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a source's cells by the rules of `as:` and by the types that the source gives its cells."""

    zone: ZoneInfo
    rules: As = field(default_factory=As)
    text_numbers: bool = False  # CSV has only texts, so a plain number in it is a number
    serial_dates: bool = False  # Google Sheets gives dates as days since 1899-12-30
    epoch_dates: bool = False  # JSON APIs give seconds since 1970
    decimal_comma: bool = False  # another cell of the column can only be read with a decimal comma

    def blank(self, cell: Cell) -> bool:
        """Whether the cell is empty."""
        return cell is None or (isinstance(cell, str) and not cell.strip())

    def number(self, cell: Cell) -> tuple[float | None, str | None]:
        """Returns (number, None), or (None, description) if the cell holds no number, or (None, None) for a blank
        cell.
        """
        if self.blank(cell):
            return None, None
        if isinstance(cell, CellError):
            return None, f"the error {cell.code}"
        if isinstance(cell, bool):
            return None, f"{str(cell).upper()}, which is not a number"
        if isinstance(cell, int | float | Decimal):
            return self._finite(cell)
        if isinstance(cell, str):
            return self._text_number(cell.strip().translate(SPACES))
        return None, f"the {'date' if isinstance(cell, date) else 'time'} {shown(cell)}, not a number"

    def moment(self, cell: Cell) -> datetime | None:
        """The time in a cell, as a timezone-aware datetime; None if the cell holds no time. A day becomes 00:00 of that
        day in the zone.
        """
        moment = self._moment(cell)
        return moment if moment is not None and _in_calendar(moment) else None

    def means_date(self, cell: Cell) -> bool:
        """Whether a cell is meant to be a date, even if the date cannot be read. False for a label, a blank, and a date
        that means "never".
        """
        if isinstance(cell, str):
            read = self._moment(cell)
            return _in_calendar(read) if read is not None else not is_label(cell)
        return not isinstance(cell, bool | None)

    def _moment(self, cell: Cell) -> datetime | None:
        if isinstance(cell, datetime):
            return self._aware(cell)
        if isinstance(cell, date):
            return datetime(cell.year, cell.month, cell.day, tzinfo=self.zone)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return self._number_date(cell)
        if isinstance(cell, str) and cell.strip():
            return self._aware(read_date(cell.strip(), self.rules.date))
        return None

    def _aware(self, read: date | datetime | None) -> datetime | None:
        if read is None:
            return None
        moment = read if isinstance(read, datetime) else datetime(read.year, read.month, read.day)  # noqa: DTZ001
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)

    def _text_number(self, text: str) -> tuple[float | None, str | None]:
        if text in _ERRORS or _LIBREOFFICE_ERROR.match(text):
            return None, f"the error {text}"
        if self.rules.reads_texts:
            number = read_number(text, self.rules, decimal_comma=self.decimal_comma)
            if number is not None:
                return self._finite(number)
        elif self.text_numbers and PLAIN_NUMBER.match(text) and not (self.decimal_comma and "." in text):
            return self._finite(text)
        what = "which is not a number"
        doubtful = "." in text or ("," in text and read_number(text, self.rules) is not None)  # such as `€ 1,180`
        if self.decimal_comma and doubtful and not needs_decimal_comma(text):
            what = "and another cell has a decimal comma or grouping points"
        advice = number_advice(text, decimal_comma=self.decimal_comma)
        return None, f"the text {quoted(text)}, {what}" + (f"; {advice}" if advice else "")

    def _finite(self, number: float | Decimal | str) -> tuple[float | None, str | None]:
        """Returns (number, None), or (None, description) for NaN and for a number beyond 2^53. The number is multiplied
        by 100 if `as:` has `percent`.
        """
        try:
            exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
            if exact.is_nan():
                return None, "NaN, which is not a number"
            # Decimal arithmetic: 0.57 becomes 57, not 56.99999999999999.
            read = exact * 100 if self.rules.percent else exact
            if not (is_beyond(read) or is_beyond(exact if isinstance(number, str) else number)):
                return rounded(float(read)), None
        except (ArithmeticError, ValueError):  # not a number, or larger than any decimal
            pass
        return None, f"a number {BEYOND}"

    def _number_date(self, number: int | float) -> datetime | None:
        form = self.rules.date
        try:
            if form is not None and float(number).is_integer() and (read := read_date(str(int(number)), form)):
                return self._aware(read)
            if self.serial_dates:
                # Rounded to a millisecond, because a float cannot hold 14:30 exactly as a fraction of a day.
                seconds = round(number * 86400, 3)
                day = (_SERIAL_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=self.zone)
                return day if is_plausible(day) else None
        except (OverflowError, ValueError):
            return None
        moment = epoch(number) if self.epoch_dates and is_epoch(number) else None
        return moment.astimezone(self.zone) if moment is not None else None


class ColumnReader:
    """Reads the cells of a column. Once a cell needs a decimal comma, such as `42,50` or `1.234.567`, the text `1.180`
    and the amount `€ 1,180` in another cell are not numbers.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.looks = not reader.rules.marks  # whether another cell could still change the reader

    def look(self, cell: Cell) -> None:
        """Checks whether a cell of the column, counted or not, needs a decimal comma."""
        if self.looks and type(cell) is str and needs_decimal_comma(cell):
            self.looks = False
            self.reader = replace(self.reader, decimal_comma=True)


def _in_calendar(moment: datetime) -> bool:
    """Whether a time is a real date. The dates 0001-01-01 and 9999-12-31 mean "never", and overflow in some time
    zones.
    """
    return 1 < moment.year < 9999


def shown(cell: Cell) -> str:
    """A cell's raw content as text, for evidence."""
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
