"""Computes the trend of an outcome's weekly values by a method that is robust against noise.

The trend is the Theil-Sen slope with its 95 % interval: the median of the slopes between all pairs of weeks. A single
outlier hardly changes the median. The trend has a direction only if the interval excludes 0 and there is enough data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from math import sqrt
from typing import Literal

from syncd.okr.goals import Band, Goal, Milestones
from syncd.okr.weeks import Week
from syncd.sdk.language import marked
from syncd.sdk.numbers import rounded

Direction = Literal["right_way", "flat", "wrong_way", "inside", "too_little_data"]

FEWEST = 5  # weeks with a number; with four weeks, only a perfect line would differ from noise
_LEAST_SHARE = 2 / 3  # at least so many of the weeks must have a number
_LARGEST = 1e300  # differences and sums of larger numbers may overflow
_WEEK = timedelta(weeks=1)
_NORMAL_95 = 1.959963984540054  # 95 % of a normal distribution is within so many standard deviations of its mean


@dataclass(frozen=True, slots=True)
class Trend:
    """The trend of an outcome's weekly values. Figures are in the outcome's unit; they are None if there is no trend.

    `per_week` is the slope, and `low` and `high` are its 95 % interval. `move` is the change over the covered time.
    `noise` is the median distance of the values from the line. `weeks` is the number of weeks that have a value.
    `settled` is the number of weeks with a value after the lag, in which the work can have had an effect. `since` is
    the first covered day. `reason` says why there is no trend, or why the trend covers more than the time after the
    lag. The direction `inside` means that the outcome is within its band. Within a band, both directions are equally
    good.
    """

    direction: Direction
    weeks: int
    settled: int
    since: date | None = None
    per_week: float | None = None
    low: float | None = None
    high: float | None = None
    move: float | None = None
    noise: float | None = None
    reason: str | None = None


def trend(goal: Goal, weeks: Sequence[Week], shows_from: date | None) -> Trend:
    """The trend of an outcome over the weeks in which the work can have had an effect. `weeks` are oldest first.

    `shows_from` is the first day on which an effect is expected: the output's first day on pace plus the lag. It is
    None while the output is not on pace. If too few weeks are after `shows_from`, the trend covers all weeks, and
    `reason` says so.
    """
    after = [week for week in weeks if shows_from is not None and week.last >= shows_from - timedelta(days=1)]
    settled = len(_points(after))
    if isinstance(goal, Milestones):
        return Trend(
            "too_little_data", len(_points(weeks)), settled, reason=marked("milestones are steps: they have no slope")
        )
    if not isinstance(goal, Band) and goal.baseline is None and not goal.levels:
        no_way = marked("without a baseline nobody knows the right way")
        return Trend("too_little_data", len(_points(weeks)), settled, reason=no_way)
    few = _too_few(after)
    looked_at = weeks if few else after
    if few and (reason := _too_few(weeks)):
        return Trend("too_little_data", len(_points(weeks)), settled, reason=reason)
    note = f"of all {len(weeks)} weeks: since the work can have shown, {few}" if few and shows_from else None
    return _trend(goal, looked_at, settled, note)


def _trend(goal: Goal, weeks: Sequence[Week], settled: int, note: str | None) -> Trend:
    from statistics import median  # imported here, because few commands need a slope

    points = _points(weeks)
    times = [(last - weeks[0].last) / _WEEK for last, _ in points]
    values = [value for _, value in points]
    if max(map(abs, values)) > _LARGEST:
        return Trend("too_little_data", len(points), settled, reason=marked("its values are too large to tell"))
    slope, low, high = theil_sen(times, values)
    residuals = [value - slope * at for at, value in zip(times, values, strict=True)]
    middle = median(residuals)
    return Trend(
        _direction(goal, values[-1], low, high),
        len(points),
        settled,
        weeks[0].first,
        rounded(slope),
        rounded(low),
        rounded(high),
        rounded(slope * (times[-1] - times[0])),
        rounded(median(abs(residual - middle) for residual in residuals)),
        note,
    )


def theil_sen(times: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """The Theil-Sen slope, and the lower and upper end of its 95 % interval, as scipy computes them.

    The slope is the median of the slopes between every two points; there must be at least two points. `times` are in
    ascending order. The interval is equation 2.6 of P. K. Sen, "Estimates of the regression coefficient based on
    Kendall's tau", Journal of the American Statistical Association 63 (1968). The more values are equal, the narrower
    is the interval.
    """
    from statistics import median  # imported here, because few commands need a slope

    pairs = combinations(zip(times, values, strict=True), 2)
    slopes = sorted((after - before) / (end - start) for (start, before), (end, after) in pairs)
    variance = _variance(len(values)) - sum(_variance(ties) for ties in Counter(values).values())
    reach = _NORMAL_95 * sqrt(variance)
    low = max(round((len(slopes) - reach) / 2) - 1, 0)
    high = min(round((len(slopes) + reach) / 2), len(slopes) - 1)
    return median(slopes), slopes[low], slopes[high]


def _variance(count: int) -> float:
    """The variance of Kendall's tau, taken as a sum of signs, for `count` values."""
    return count * (count - 1) * (2 * count + 5) / 18


def _direction(goal: Goal, value: float, low: float, high: float) -> Direction:
    if isinstance(goal, Band):
        if goal.progress(value):
            return "inside"
        right = 1 if goal.at_least is not None and value < goal.at_least else -1
    else:
        right = -1 if not isinstance(goal, Milestones) and goal.falls else 1
    if low <= 0 <= high:
        return "flat"
    return "right_way" if (low > 0) == (right > 0) else "wrong_way"


def _points(weeks: Sequence[Week]) -> list[tuple[date, float]]:
    return [(week.last, week.value) for week in weeks if week.value is not None]


def _too_few(weeks: Sequence[Week]) -> str | None:
    count = len(_points(weeks))
    if count >= FEWEST and count >= _LEAST_SHARE * len(weeks):
        return None
    if not count:
        return "no week has a number"
    of = f"{count} of {len(weeks)} weeks" if count < len(weeks) else "1 week" if count == 1 else f"{count} weeks"
    return f"{of} {'has' if count == 1 else 'have'} a number"
