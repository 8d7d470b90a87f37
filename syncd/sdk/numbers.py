"""Exact arithmetic with the decimal numbers that sources and files write.

A float holds a decimal number of 15 significant digits exactly enough to give it back. So a number that is computed is
rounded to 15 digits where it is made, and 29 of 50 are 58 %, not 57.99999999999999 %. Whole numbers keep all their
digits: a float holds each of them up to 2^53. Beyond it two whole numbers may be one float.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

LARGEST_WHOLE = 2**53
BEYOND = f"beyond 2^53 ({LARGEST_WHOLE:,}), where whole numbers are no longer exact"
"""What is wrong with a number that `is_beyond`, as the end of a sentence."""

_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)
_OFF = Fraction(3, 2**53)
"""A float is off by at most the share 2^-53 of the decimal number that it stands for; a sum once more. One is spare."""
_LONG = 10**14
_FEW = 50  # numbers: as many are added exactly in the time that an estimate takes


def is_beyond(number: float | Decimal) -> bool:
    """Whether a whole number as large as this may have lost digits.

    The float 2^53 is beyond: its source may have written 2^53 + 1. A whole number or a decimal is exactly 2^53.
    """
    return abs(number) >= LARGEST_WHOLE if isinstance(number, float) else abs(number) > LARGEST_WHOLE


def rounded(number: float) -> float:
    """A computed number with 15 significant digits; a whole number keeps all of its digits."""
    value = float(number)
    return value if value.is_integer() or not math.isfinite(value) else float(f"{value:.15g}")


def as_decimal(number: float) -> Decimal:
    """The decimal number that a float stands for: 0.1 is one tenth, and not the binary fraction nearest to it."""
    return Decimal(repr(float(number)))


def difference(after: float, before: float) -> float:
    """`after` minus `before`: of 100.3 and 100.1 it is 0.2, and not 0.20000000000000284."""
    return rounded(float(_EXACT.subtract(as_decimal(after), as_decimal(before))))


def total(numbers: Sequence[float]) -> float:
    """The sum of the numbers. If it is beyond 2^53, the result is beyond it too, and only about the sum."""
    if (nearly := _float_sum(numbers)) is not None and (settled := _settled(nearly, Fraction(1))) is not None:
        return settled
    exact = _exact_sum(numbers)
    if abs(exact) > LARGEST_WHOLE:
        return float(exact.copy_sign(Decimal(1)).max(Decimal(LARGEST_WHOLE + 2)).copy_sign(exact))
    return rounded(float(exact))


def mean(numbers: Sequence[float]) -> float:
    """The average of at least one number."""
    count = Fraction(len(numbers))
    if (nearly := _float_sum(numbers)) is not None and (settled := _settled(nearly, count)) is not None:
        return settled
    return _quotient(_exact_sum(numbers), count)


def quotient(number: float, divisor: Fraction) -> float:
    """`number / divisor`: a ninth of 68217.7225 is 7579.74694444444. In binary it comes out as 7579.74694444445."""
    return _quotient(as_decimal(number), divisor)


def _quotient(number: Decimal, divisor: Fraction) -> float:
    return rounded(float(Fraction(number) / divisor))


def _float_sum(numbers: Sequence[float]) -> float | None:
    """The sum of many numbers, off by at most the share `_OFF`, which is much faster to compute than the exact one;
    None if there are few, or if it may be off by more.
    """
    if len(numbers) > _FEW and (min(numbers) >= 0 or max(numbers) <= 0):  # addends of both signs cancel each other
        with suppress(OverflowError):
            whole = math.fsum(numbers)
            if abs(whole) < LARGEST_WHOLE:
                return whole
    return None


def _settled(number: float, divisor: Fraction) -> float | None:
    """`number / divisor` if it is the same for every number that is off by the share `_OFF`, else None."""
    low, high = (rounded(float(Fraction(number) * edge / divisor)) for edge in (1 - _OFF, 1 + _OFF))
    return low if low == high and abs(low) < _LONG else None  # a longer whole number keeps digits that are not sure


def _exact_sum(numbers: Sequence[float]) -> Decimal:
    exact = Decimal(0)
    for number in numbers:
        exact = _EXACT.add(exact, as_decimal(number))
    return exact


def quantile(ordered: Sequence[float], share: Decimal) -> float:
    """The quantile of at least one number in rising order, interpolated as by PERCENTILE in a spreadsheet."""
    position = share * (len(ordered) - 1)
    low = int(position)
    return between(ordered[low], ordered[min(low + 1, len(ordered) - 1)], position - low)


def ratio(part: Decimal, whole: Decimal) -> float:
    """`part / whole` with 15 significant digits. Rounding never lifts a ratio below 1 to 1, and makes none negative."""
    return _below_1(rounded(float(part / whole)), short=abs(part) < abs(whole))


def _below_1(share: float, *, short: bool) -> float:
    """A rounded share, or the next float below 1 if it rounds to 1 although the exact share falls `short` of 1."""
    return math.nextafter(1.0, 0.0) if short and share == 1.0 else share


def share_of_way(value: float, start: float, end: float) -> float:
    """The share of the way from `start` to `end` at `value`; it is below 0 behind `start`, and above 1 beyond `end`."""
    part, whole = float(value - start), float(end - start)
    if float(start).is_integer() and part.is_integer() and whole.is_integer() and abs(part) < LARGEST_WHOLE:
        # Differences of whole numbers are exact as floats, which are much faster.
        return _below_1(rounded(part / whole), short=abs(part) < abs(whole))
    exact_start = as_decimal(start)
    return ratio(as_decimal(value) - exact_start, as_decimal(end) - exact_start)


def weighted_mean(pairs: Iterable[tuple[float, float]]) -> float | None:
    """The mean of (weight, number); None if there is no weight."""
    weights, products = Decimal(0), Decimal(0)
    for weight, number in pairs:
        exact = as_decimal(weight)
        weights = _EXACT.add(weights, exact)
        products = _EXACT.fma(exact, as_decimal(number), products)
    return ratio(products, weights) if weights else None


def between(low: float, high: float, share: float | Decimal) -> float:
    """The number that lies a share of the way from `low` to `high`."""
    start, exact_share = as_decimal(low), share if isinstance(share, Decimal) else as_decimal(share)
    return rounded(float(_EXACT.fma(_EXACT.subtract(as_decimal(high), start), exact_share, start)))


def product(factor: float, number: float) -> float:
    """`factor * number`."""
    return rounded(float(as_decimal(factor) * as_decimal(number)))
