"""Exact arithmetic with the decimal numbers in sources and files.

A float preserves any decimal number of up to 15 significant digits. Each computed number is therefore rounded to 15
digits at once: 29 of 50 are 58 %, not 57.99999999999999 %. Whole numbers keep all their digits, because a float is
exact for each whole number up to 2^53. Beyond 2^53, two whole numbers may become the same float.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

LARGEST_WHOLE = 2**53
BEYOND = f"beyond 2^53 ({LARGEST_WHOLE:,}), where whole numbers are no longer exact"
"""The end of an error message about a number that `is_beyond`."""

_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)
_OFF = Fraction(3, 2**53)
"""The maximal relative error of a sum of floats: 2^-53 for the numbers, 2^-53 for the sum, and 2^-53 as a margin."""
_LONG = 10**14
_FEW = 50  # numbers; the exact sum of so many takes no longer than an estimate


def is_beyond(number: float | Decimal) -> bool:
    """Whether a whole number of this size may have lost digits.

    The float 2^53 is beyond the limit, because its source may have written 2^53 + 1. The int or Decimal 2^53 is exact.
    """
    return abs(number) >= LARGEST_WHOLE if isinstance(number, float) else abs(number) > LARGEST_WHOLE


def is_text_beyond(text: str) -> bool:
    """Whether the number in a text is beyond 2^53. The text is judged, because the float of 2^53 + 1 is 2^53."""
    number = float(text)
    return is_beyond(Decimal(text) if abs(number) == LARGEST_WHOLE else number)


def rounded(number: float) -> float:
    """A computed number with 15 significant digits; a whole number keeps all of its digits."""
    value = float(number)
    return value if value.is_integer() or not math.isfinite(value) else float(f"{value:.15g}")


def as_decimal(number: float) -> Decimal:
    """The decimal number that a float stands for: 0.1 is one tenth, not the nearest binary fraction."""
    return Decimal(repr(float(number)))


def as_float(exact: Decimal | Fraction) -> float:
    """The float of an exact result, with 15 significant digits. If the result is beyond 2^53, so is the float: the
    nearest float to 2^53 + 1 would be 2^53.
    """
    try:
        number = float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
    if abs(number) == LARGEST_WHOLE and not -LARGEST_WHOLE <= exact <= LARGEST_WHOLE:
        return math.nextafter(number, math.copysign(math.inf, number))
    return rounded(number)


def difference(after: float, before: float) -> float:
    """`after` minus `before`: 100.3 - 100.1 is 0.2, not 0.20000000000000284."""
    return as_float(_EXACT.subtract(as_decimal(after), as_decimal(before)))


def total(numbers: Sequence[float]) -> float:
    """The sum of the numbers. If the sum is beyond 2^53, the result is an approximation that is beyond 2^53 too."""
    if (nearly := _float_sum(numbers)) is not None and (settled := _settled(nearly, Fraction(1))) is not None:
        return settled
    return as_float(_exact_sum(numbers))


def mean(numbers: Sequence[float]) -> float:
    """The average of at least one number."""
    count = Fraction(len(numbers))
    if (nearly := _float_sum(numbers)) is not None and (settled := _settled(nearly, count)) is not None:
        return settled
    return _quotient(_exact_sum(numbers), count)


def quotient(number: float, divisor: Fraction) -> float:
    """`number / divisor`: 68217.7225 / 9 is 7579.74694444444. Binary arithmetic would return 7579.74694444445."""
    return _quotient(as_decimal(number), divisor)


def _quotient(number: Decimal, divisor: Fraction) -> float:
    return as_float(Fraction(number) / divisor)


def _float_sum(numbers: Sequence[float]) -> float | None:
    """The sum of many numbers with a relative error of at most `_OFF`; None if there are few numbers, or if the error
    may be larger. This sum is much faster to compute than the exact sum.
    """
    if len(numbers) > _FEW and (min(numbers) >= 0 or max(numbers) <= 0):  # numbers of both signs cancel each other
        with suppress(OverflowError):
            whole = math.fsum(numbers)
            if abs(whole) < LARGEST_WHOLE:
                return whole
    return None


def _settled(number: float, divisor: Fraction) -> float | None:
    """`number / divisor` if the result is the same for every relative error up to `_OFF`, else None."""
    low, high = (rounded(float(Fraction(number) * edge / divisor)) for edge in (1 - _OFF, 1 + _OFF))
    return low if low == high and abs(low) < _LONG else None  # a longer whole number has uncertain digits


def _exact_sum(numbers: Sequence[float]) -> Decimal:
    exact = Decimal(0)
    for number in numbers:
        exact = _EXACT.add(exact, as_decimal(number))
    return exact


def quantile(ordered: Sequence[float], share: Decimal) -> float:
    """The quantile of at least one number in ascending order, interpolated like PERCENTILE in a spreadsheet."""
    position = share * (len(ordered) - 1)
    low = int(position)
    return between(ordered[low], ordered[min(low + 1, len(ordered) - 1)], position - low)


def ratio(part: Decimal, whole: Decimal) -> float:
    """`part / whole` with 15 significant digits. A ratio below 1 is never rounded to 1, and keeps its sign."""
    return _below_1(rounded(float(part / whole)), short=abs(part) < abs(whole))


def _below_1(share: float, *, short: bool) -> float:
    """The rounded share, or the next float below 1 if the share is 1 only by rounding (`short`). A share of 0 has no
    sign, though 0 of a way down is -0.0 as a float.
    """
    return math.nextafter(1.0, 0.0) if short and share == 1.0 else share + 0.0


def share_of_way(value: float, start: float, end: float) -> float:
    """How much of the way from `start` to `end` is done at `value`: below 0 before `start`, above 1 beyond `end`."""
    part, whole = float(value - start), float(end - start)
    if float(start).is_integer() and part.is_integer() and whole.is_integer() and abs(part) < LARGEST_WHOLE:
        # Floats are much faster, and exact for differences of whole numbers.
        return _below_1(rounded(part / whole), short=abs(part) < abs(whole))
    exact_start = as_decimal(start)
    return ratio(as_decimal(value) - exact_start, as_decimal(end) - exact_start)


def weighted_mean(pairs: Iterable[tuple[float, float]]) -> float | None:
    """The mean of pairs (weight, number); None if the weights add up to zero."""
    weights, products = Decimal(0), Decimal(0)
    for weight, number in pairs:
        exact = as_decimal(weight)
        weights = _EXACT.add(weights, exact)
        products = _EXACT.fma(exact, as_decimal(number), products)
    return ratio(products, weights) if weights else None


def between(low: float, high: float, share: float | Decimal) -> float:
    """The number at this share of the way from `low` to `high`."""
    start, exact_share = as_decimal(low), share if isinstance(share, Decimal) else as_decimal(share)
    return rounded(float(_EXACT.fma(_EXACT.subtract(as_decimal(high), start), exact_share, start)))


def product(factor: float, number: float) -> float:
    """`factor * number`."""
    return as_float(as_decimal(factor) * as_decimal(number))
