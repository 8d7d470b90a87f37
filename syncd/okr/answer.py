"""The result of a measure: one number with 15 significant digits, or the reason why there is no number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from syncd.okr.spans import Span
from syncd.sdk.language import marked
from syncd.sdk.numbers import BEYOND, LARGEST_WHOLE, is_beyond, mean, quantile, quotient, rounded, total

Per = Literal["day", "week"]
LENGTHS: dict[Per, int] = {"day": 1, "week": 7}
"""The lengths in days."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a measure: a number, or None and the reason.

    This class rounds every measured number to 15 significant digits; whole numbers keep all their digits. A number
    beyond 2^53 is unknown. `counted` is the number of records or readings from which the number is computed. `lacking`
    is the number of records that were left out because they have no value in the aggregated field. `at` is the time of
    the newest reading, if the source dates its readings.
    """

    number: float | None
    reason: str | None = None
    counted: int = 0
    lacking: int = 0
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.number is None:
            return
        if abs(self.number) > LARGEST_WHOLE:
            object.__setattr__(self, "number", None)
            object.__setattr__(self, "reason", f"it is {BEYOND}")
        else:
            object.__setattr__(self, "number", rounded(self.number))


def rate(answer: Answer, per: Per | None, span: Span, now: datetime, zone: ZoneInfo) -> Answer:
    """Turns an answer into a rate: divides its number by the local days or weeks (`per`) of the window that have
    passed. Without `per`, the answer is unchanged.
    """
    if per is None or answer.number is None:
        return answer
    passed = span.days_passed(now, zone) / LENGTHS[per]
    if passed < 1:
        return replace(answer, number=None, reason=f"no whole {per} of its window has passed")
    return replace(answer, number=quotient(answer.number, passed))


def aggregate(take: str, numbers: Sequence[float]) -> float | None:
    """Turns many numbers into one number. Without numbers, `count` and `sum` are 0, and every other aggregate is None.

    `p90` interpolates between ranks, like PERCENTILE in a spreadsheet.
    """
    if take == "count":
        return float(len(numbers))
    if take == "sum":
        return total(numbers)
    if not numbers:
        return None
    match take:
        case "average":
            return mean(numbers)
        case "median":
            return quantile(sorted(numbers), Decimal("0.5"))
        case "p90":
            return quantile(sorted(numbers), Decimal("0.9"))
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
    raise ValueError(take)


def answer_numbers(take: str, of: str | None, numbers: Sequence[float], lacking: int) -> Answer:
    """The answer for the numbers of the counted records; `lacking` is the number of records without a number."""
    if any(map(is_beyond, numbers)):
        return Answer(None, f"a record's {of} holds a number {BEYOND}", len(numbers), lacking)
    number = aggregate(take, numbers)
    if number is None:
        reason = f"none of {lacking} records has {of}" if lacking else marked("no record in the window")
        return Answer(None, reason, len(numbers), lacking)
    return Answer(number, None, len(numbers), lacking)
