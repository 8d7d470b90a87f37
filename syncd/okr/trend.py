"""Where an outcome is heading: a robust trend of its weekly values, and how it compares with their noise.

Theil and Sen's slope, the median of the slopes between every two weeks, with its 95 % interval. One week that is off
does not move it. A direction is said only where the interval leaves 0 out, and where there is too little data, that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from syncd.okr.goals import Band, Goal, Milestones
from syncd.okr.weeks import Week

Direction = Literal["right_way", "flat", "wrong_way", "inside", "too_little_data"]

FEWEST = 5  # weeks with a number; of four nothing but a perfect line would be told from noise
_KNOWN = 2 / 3  # of the weeks looked at
_LARGEST = 1e300  # differences and sums of larger ones are no numbers
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Trend:
    """Where the weekly values of an outcome are heading; numbers are in its unit, None where there is no trend.

    `per_week` is the slope, `low` to `high` its 95 % interval, `move` what it comes to over the time looked at, and
    `noise` the median distance of the values from the line. `weeks` had a number, `settled` of them since the work can
    have shown; `since` is the first day looked at. `reason` says why there is no trend, or none of that time alone.
    `inside`: the outcome is within its band, where every way is as good as the other.
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
    """The trend of an outcome over the weeks in which the work can have shown, oldest first.

    `shows_from` is the first day on which it can: the output's first day on pace and the lag after it; None while the
    output is not on pace. Where that leaves too few weeks the trend is of all of them, and `reason` says so.
    """
    after = [week for week in weeks if shows_from is not None and week.last >= shows_from - timedelta(days=1)]
    settled = len(_known(after))
    if isinstance(goal, Milestones):
        return Trend("too_little_data", len(_known(weeks)), settled, reason="milestones are steps: they have no slope")
    if not isinstance(goal, Band) and goal.baseline is None and not goal.levels:
        reason = "without a baseline nobody knows the right way"
        return Trend("too_little_data", len(_known(weeks)), settled, reason=reason)
    few = _too_few(after)
    looked_at = weeks if few else after
    if few and (why := _too_few(weeks)):
        return Trend("too_little_data", len(_known(weeks)), settled, reason=why)
    note = f"of all {len(weeks)} weeks: since the work can have shown, {few}" if few and shows_from else None
    return _trend(goal, looked_at, settled, note)


def _trend(goal: Goal, weeks: Sequence[Week], settled: int, note: str | None) -> Trend:
    # They take a second to import: only who needs a slope waits for them.
    from statistics import median

    from scipy.stats import theilslopes

    known = _known(weeks)
    times = [(last - weeks[0].last) / _WEEK for last, _ in known]
    values = [value for _, value in known]
    if max(map(abs, values)) > _LARGEST:
        return Trend("too_little_data", len(known), settled, reason="its values are too large to tell")
    found = theilslopes(values, times, alpha=0.95)
    slope, low, high = float(found.slope), float(found.low_slope), float(found.high_slope)
    residuals = [value - slope * at for at, value in zip(times, values, strict=True)]
    middle = median(residuals)
    return Trend(
        _direction(goal, values[-1], low, high),
        len(known),
        settled,
        weeks[0].first,
        slope,
        low,
        high,
        slope * (times[-1] - times[0]),
        median(abs(residual - middle) for residual in residuals),
        note,
    )


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


def _known(weeks: Sequence[Week]) -> list[tuple[date, float]]:
    return [(week.last, week.value) for week in weeks if week.value is not None]


def _too_few(weeks: Sequence[Week]) -> str | None:
    known = len(_known(weeks))
    if known >= FEWEST and known >= _KNOWN * len(weeks):
        return None
    if not known:
        return "no week has a number"
    of = f"{known} of {len(weeks)} weeks" if known < len(weeks) else "1 week" if known == 1 else f"{known} weeks"
    return f"{of} {'has' if known == 1 else 'have'} a number"
