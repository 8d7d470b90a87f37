"""Formats numbers and shares for people and spreadsheet programs. On a page, the format is that of the reader's
language.

A figure has few digits, but is never rounded across a bound that a judgement depends on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from syncd.sdk.inert import inert
from syncd.sdk.language import language
from syncd.sdk.numbers import LARGEST_WHOLE, as_decimal

_MOST_DIGITS = 16
_DIGITS = re.compile(r"-?\d+(\.\d+)?")

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # spreadsheet programs read these as formulas (OWASP)
_AFTER_A_SEPARATOR = re.compile(r"([;|][\"']?)([=+@＝＋＠-])")  # some programs start a new cell here


def number(value: float | None, unknown: str = "–", bounds: Collection[float] = ()) -> str:
    """A number such as `1,092`, `99.95` or `0.0042`. None becomes the text `unknown`, a dash by default.

    The figure stays on its side of each of the `bounds`: 599.999 is not shown as 600 if the target of 600 is not met.
    """
    if value is None:
        return unknown
    if value == 0:
        return "0"
    if abs(value) > LARGEST_WHOLE:
        return f"{value:g}"
    places = 2 if abs(value) >= 1 else min(6, 2 - math.floor(math.log10(abs(value))))
    exact, limits = as_decimal(value), [as_decimal(bound) for bound in bounds]
    figure = _first(_roundings(exact, places), lambda figure: [figure.compare(limit) for limit in limits], exact)
    return language().decimal(_plain(figure))


def whole(count: int) -> str:
    """A count, such as `1,092`."""
    return language().decimal(Decimal(count))


def exact(text: str) -> str:
    """A number with all its digits, without separators, and with the decimal point of the reader's language: `1092.5`.
    Any other text is unchanged.
    """
    return language().decimal(Decimal(text), grouped=False) if _DIGITS.fullmatch(text) else text


def full_number(value: float | None, unknown: str = "–") -> str:
    """A number with all its digits, to compare it with a bound: `1,500`, `1,500.004`; `unknown` for None."""
    if value is None:
        return unknown
    text = f"{value:.15g}"
    return language().decimal(Decimal(text)) if _DIGITS.fullmatch(text) else text


def percent(share: float | None, bounds: Collection[float] = ()) -> str:
    """A share in percent, such as `18 %`, with halves rounded up; a dash for None.

    The figure stays on its side of each of the `bounds`, which are shares too. If 90 % is a bound, 89.96 % is shown as
    `89.9 %`. A share that equals a bound counts as above the bound.
    """
    if share is None:
        return "–"
    hundredths = as_decimal(share) * 100
    if abs(hundredths) > LARGEST_WHOLE:
        return f"{float(hundredths):g} %"  # too long to read with all digits; the same in every language
    limits = [as_decimal(bound) * 100 for bound in bounds]
    figures = _roundings(hundredths, 0)
    figure = _first(figures, lambda figure: [figure >= limit for limit in limits], hundredths)
    return language().percent(_plain(figure))


def spreadsheet_cell(value: object) -> object:
    """The value of a cell in a CSV file for spreadsheet programs: no text becomes a formula, and no whole number gets
    decimals.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    text = _AFTER_A_SEPARATOR.sub(r"\1'\2", inert(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _first(figures: Iterator[Decimal], sides: Callable[[Decimal], object], exact: Decimal) -> Decimal:
    """The first figure that is on the same side of each bound as the exact number; the exact number if no figure is."""
    wanted = sides(exact)
    return next((figure for figure in figures if sides(figure) == wanted), exact)


def _roundings(exact: Decimal, places: int) -> Iterator[Decimal]:
    yield exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    for more in range(places + 1, _MOST_DIGITS - max(0, exact.adjusted())):
        for direction in (ROUND_HALF_UP, ROUND_FLOOR, ROUND_CEILING):
            yield exact.quantize(Decimal(1).scaleb(-more), direction)


def _plain(figure: Decimal) -> Decimal:
    """A number without trailing zeros; zero has no sign."""
    text = f"{figure:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text) if figure else Decimal(0)
