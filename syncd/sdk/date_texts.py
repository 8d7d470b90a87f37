"""Reads the dates in texts and plain numbers by the rules of `as: {date: ...}`, and suggests an `as:` for texts.

A month, a quarter or a week is read as its first day: also by the form `%b %Y`, in a spreadsheet's date cell that shows
`Oct 2026`, and as `2026-W41` in ISO 8601 (docs/decisions/0033).
"""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime

_MONTHS = tuple(name.lower() for name in month_name if name)
_YEAR_MONTH = re.compile(r"(\d{4})(?:[-/](\d{1,2})|\.?(\d{2}))")
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})")
_NAME_YEAR = re.compile(r"([a-z]{3,9})\.?(?:[-/, ]*(\d{4})|(?:-| ?['’])(\d{2}))", re.IGNORECASE)
_YEAR_NAME = re.compile(r"(\d{4})[-/ ]*([a-z]{3,9})\.?", re.IGNORECASE)
_YEAR_QUARTER = re.compile(r"(\d{4})[-/ ]?Q([1-4])", re.IGNORECASE)
_QUARTER_YEAR = re.compile(r"Q([1-4])[-/ ]*(?:(\d{4})|['’]?(\d{2}))", re.IGNORECASE)
_WEEK = r"(?:W|KW|CW|WK|WEEK) ?"
_YEAR_WEEK = re.compile(rf"(\d{{4}})(?:[-/ ]?{_WEEK}(\d{{1,2}})|(\d{{2}}))", re.IGNORECASE)
_WEEK_YEAR = re.compile(rf"{_WEEK}(\d{{1,2}})[-/, ]*(\d{{4}})", re.IGNORECASE)
_RUN = re.compile("%[YymdHMSj]%[YymdHMSj]")  # numbers without a separator
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_DIRECTIVE = re.compile("%.", re.DOTALL)
_UTC_NAME = re.compile(r"\b(?:UTC|GMT|Z)\b", re.IGNORECASE)
_UNIT_STEP = 1e11  # as seconds the year 5138; a number of this size counts milliseconds or smaller units
_EPOCHS = (
    (1e8, 4.2e9),
    (9e11, 4.2e12),
)  # seconds from 1973 to 2103, milliseconds from 1998; other numbers need `as:`
_YEARS = range(1990, 2101)
_ISO = re.compile(r"[0-9]{4}(-?[0-9]{2}-?[0-9]{2}|-?W[0-9]{2}(-?[0-9])?)([Tt ][^ ].*)?", re.ASCII | re.DOTALL)
_TOTALS = (
    "total|totals|subtotal|sum|average|avg|mean|median|summe|gesamt|gesamtsumme|zwischensumme|durchschnitt|mittelwert"
)
_LABEL = re.compile(rf"\D*|(?:{_TOTALS})\b\D*\d{{1,4}}\D*", re.IGNORECASE)  # with two numbers, perhaps a date
_FORMS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d. %B %Y", "%a %d %b %Y", "%a, %d %b %Y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %H:%M:%S GMT")


def _month(text: str) -> date | None:
    if match := _YEAR_MONTH.fullmatch(text):
        return date(int(match[1]), int(match[2] or match[3]), 1)
    if match := _MONTH_YEAR.fullmatch(text):
        return date(int(match[2]), int(match[1]), 1)
    if match := _NAME_YEAR.fullmatch(text):
        name, year = match[1], int(match[2] or f"20{match[3]}")
    elif match := _YEAR_NAME.fullmatch(text):
        name, year = match[2], int(match[1])
    else:
        return None
    numbers = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
    return date(year, numbers[0], 1) if len(numbers) == 1 else None


def _quarter(text: str) -> date | None:
    if match := _YEAR_QUARTER.fullmatch(text):
        return date(int(match[1]), int(match[2]) * 3 - 2, 1)
    match = _QUARTER_YEAR.fullmatch(text)
    return date(int(match[2] or f"20{match[3]}"), int(match[1]) * 3 - 2, 1) if match else None


def _iso_week(text: str) -> date | None:
    if match := _YEAR_WEEK.fullmatch(text):
        return date.fromisocalendar(int(match[1]), int(match[2] or match[3]), 1)
    match = _WEEK_YEAR.fullmatch(text)
    return date.fromisocalendar(int(match[2]), int(match[1]), 1) if match else None


def _epoch(text: str) -> datetime | None:
    moment = epoch(float(text)) if _NUMBER.fullmatch(text) else None
    return moment if moment is not None and is_plausible(moment) else None


_READ: dict[str, Callable[[str], date | None]] = {
    "month": _month,
    "quarter": _quarter,
    "iso-week": _iso_week,
    "epoch": _epoch,
}
NAMED_FORMS = tuple(_READ)
"""The named forms of `as: {date: ...}`, such as `month`. Each form accepts several ways to write a date."""


def read_date(text: str, form: str | None) -> date | datetime | None:
    """The day or time in a text, read by a form of `as: {date: ...}`, else by ISO 8601; None if neither can read it.

    The returned time may lack a time zone. In a form, the texts `UTC`, `GMT` and `Z` say that the time is in UTC. A
    pattern checks ISO 8601 first, because `fromisoformat` accepts any character between day and time, even the next
    digit of a number.
    """
    read = _by_form(text, form) if form is not None else None
    with suppress(ValueError):
        return read or (datetime.fromisoformat(text) if _ISO.fullmatch(text) else None)
    return None


def _by_form(text: str, form: str) -> date | datetime | None:
    with suppress(ValueError, OverflowError):
        if form in _READ:
            return _READ[form](text)
        read = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the caller's
        # strptime reads 2026111 by `%Y%m%d`, but the text is ambiguous.
        if _RUN.search(form) and read.strftime(form) != text:
            return None
        return read if read.tzinfo or not _UTC_NAME.search(_DIRECTIVE.sub("%", form)) else read.replace(tzinfo=UTC)
    return None


def epoch(number: float) -> datetime | None:
    """The time that is a number of seconds after 1970-01-01; None if it is out of range. A larger number is read as
    milliseconds, microseconds or nanoseconds.
    """
    try:
        for _ in range(3):
            if abs(number) >= _UNIT_STEP:
                number /= 1000
        return datetime.fromtimestamp(number, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def is_epoch(number: float) -> bool:
    """Whether a number can only count seconds or milliseconds since 1970: it is not a year, and not a date such as
    `20261123` or `202611231430`.
    """
    return any(first <= number < last for first, last in _EPOCHS)


def is_plausible(day: date) -> bool:
    """Whether a plain number that counts days or seconds up to this day can be a date, not the number of a week, a year
    or a month: 45, 2026 and 202610 would be days of 1900, 1905 and 2454 (docs/decisions/0033).
    """
    return day.year in _YEARS


def is_label(text: str) -> bool:
    """Whether a text is a label such as `Total` or `Total 2026`, and cannot be a date: the text has no digit, or begins
    with a word for a total and has at most one short number.

    No other word makes a label, because `2026-10-12 10:00 CEST`, `Okt 2026` and `2026-11-09 (preliminary)` are dates.
    """
    return _LABEL.fullmatch(text.strip()) is not None


def as_date(form: str) -> str:
    """Writes a date form as people write it in YAML: `as: {date: month}`."""
    return f"as: {{date: {form}}}" if form in NAMED_FORMS else f'as: {{date: "{form}"}}'


def date_advice(texts: Sequence[str]) -> str:
    """Advice with the `as:` that reads all of these texts, such as `write as: {date: "%d.%m.%Y"}`. If no `as:` reads
    all of the texts, the advice names the ISO 8601 form.
    """
    iso = "times such as 2026-11-21T14:30+01:00" if any(":" in text for text in texts) else "dates such as 2026-11-21"
    readings: dict[tuple[date, ...], str] = {}
    for form in (*NAMED_FORMS, *(form + time for form in _FORMS for time in _TIMES)) if texts else ():
        read = [_by_form(text, form) for text in texts]
        days = [moment.date() if isinstance(moment, datetime) else moment for moment in read if moment is not None]
        if len(days) == len(texts) and all(map(is_plausible, days)):
            readings.setdefault(tuple(days), as_date(form))
    return f"write {' or '.join(list(readings.values())[:2]) or iso}"
