"""Compares a table's cells with a value in a mapping, by the same rules in CSV, XLSX, ODS and Google Sheets.

A spreadsheet may store the day 2 November as a date, as a text or as a number of days, and the number 4 as a number or
as a text. The values `2026-11-02` and `4` in a mapping match all of these forms.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time
from decimal import Decimal

from syncd.sdk.cells import Cell, Reader, shown

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?\Z", re.ASCII)  # `007` is a name, and not the number 7
_EXACT = 2**53


def plain_text(cell: Cell) -> str:
    """A cell as text for a comparison: in Unicode's composed form (NFC), with one space for each run of white space."""
    text = " ".join(shown(cell).split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


class Match:
    """Compares cells with a value: as texts, as numbers, or as times.

    A day without a time equals every time of that day in the reader's zone. Texts are read by the rules of `as:`.
    """

    def __init__(self, value: str | bool | int | float, reader: Reader) -> None:
        self._reader = reader
        self._is_truth = isinstance(value, bool)
        self._text = plain_text(value)
        self._number = self._as_number(value)
        self._moment = reader.moment(value) if isinstance(value, str) else None
        self._is_name = not self._is_truth and self._number is None and self._moment is None
        self._words = self._text.split()

    def __call__(self, cell: Cell) -> bool:
        """Whether the cell equals the value."""
        if self._is_name and type(cell) is str and cell.isascii():
            return cell.split() == self._words  # same result as below, but fast for a million names
        text = plain_text(cell)
        if self._is_truth or isinstance(cell, bool):
            return text.upper() == self._text.upper()
        if text == self._text:
            return True
        if self._number is not None and self._number == self._as_number(cell):
            return True
        if self._number is not None and not isinstance(cell, str) and self._number == self._as_read(cell):
            return True  # 85 equals the number 0.85 where `as:` reads it as percents
        return self._moment is not None and self._is_same_time(self._reader.moment(cell), self._moment)

    def _as_number(self, cell: Cell) -> Decimal | None:
        if isinstance(cell, bool):
            return None
        if isinstance(cell, int | float):
            number = Decimal(repr(cell))
            return number if number.is_finite() else None
        if isinstance(cell, str):
            text = cell.strip()
            if self._reader.rules.reads_texts:
                return self._as_read(text)
            return Decimal(text) if _NUMBER.match(text) else None
        return None

    def _as_read(self, cell: Cell) -> Decimal | None:
        """The cell's number as the measure reads it; None without a number, or from 2^53 on."""
        number, _ = self._reader.number(cell)
        return None if number is None or abs(number) >= _EXACT else Decimal(repr(number))

    def _is_same_time(self, moment: datetime | None, wanted: datetime) -> bool:
        if moment is None:
            return False
        zone = self._reader.zone
        local, wanted_local = moment.astimezone(zone), wanted.astimezone(zone)
        if wanted_local.time() == time(0):
            return local.date() == wanted_local.date()
        return moment == wanted
