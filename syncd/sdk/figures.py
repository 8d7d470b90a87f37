"""Numbers and shares as people and spreadsheet programs read them."""

from __future__ import annotations

import math

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # spreadsheet programs read these as formulas (OWASP, CSV Injection)


def number(value: float | None, unknown: str = "–") -> str:
    """`1,092`, `99.95`, `0.0042`; for None the text `unknown`, a dash by default."""
    if value is None:
        return unknown
    if value == 0 or abs(value) >= 1e15:
        return f"{value:g}"
    places = 2 if abs(value) >= 1 else min(6, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float | None) -> str:
    """A share as `18 %`, halves rounded up; a dash for None."""
    if share is None:
        return "–"
    hundredths = share * 100
    return f"{hundredths:g} %" if abs(hundredths) >= 1e15 else f"{math.floor(hundredths + 0.5):,} %"


def spreadsheet_cell(value: object) -> object:
    """A cell of a CSV file that spreadsheet programs show as it is: no text becomes a formula, no whole number gets
    decimals.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
