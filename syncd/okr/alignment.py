"""Alignment: does the work drive the outcome that it claims to drive? A verdict for each link.

| output | outcome | verdict |
|---|---|---|
| on pace | on pace | working |
| on pace | not | too_early until the lag has passed since the output came on pace, then watermelon |
| not | on pace | unexplained |
| not | not | under_delivered |
| either unknown | | unknown |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from syncd.okr.goals import ON_PACE, Health, KeyResult, Link, Shares, standing
from syncd.okr.spans import Period, midnight

Verdict = Literal["working", "too_early", "watermelon", "unexplained", "under_delivered", "unknown"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """The verdict on one link; `since` is the first day of the output's unbroken run on pace."""

    output: str
    outcome: str
    verdict: Verdict
    since: date | None
    lag: timedelta


def judge(output: KeyResult, link: Link, healths: tuple[Health, Health], since: date | None, today: date) -> Alignment:
    """The verdict for the healths of output and outcome, in this order."""
    of_output, of_outcome = healths
    lag = link.lag or timedelta()
    verdict: Verdict
    if "unknown" in healths:
        verdict = "unknown"
    elif of_output in ON_PACE:
        if of_outcome in ON_PACE:
            verdict = "working"
        else:
            verdict = "too_early" if since is None or today < since + lag else "watermelon"
    else:
        verdict = "unexplained" if of_outcome in ON_PACE else "under_delivered"
    return Alignment(output.id, link.outcome, verdict, since if of_output in ON_PACE else None, lag)


def on_pace_since(
    key_result: KeyResult,
    period: Period,
    now: datetime,
    shares: Shares,
    past: Sequence[tuple[date, float | None]],
    guard_past: Mapping[date, float | None],
) -> date | None:
    """The first day of the unbroken run on pace up to today, by the value at the end of each past day, oldest first.

    Today itself must be on pace already. A day counts by its end: by the next midnight's value and expectation, and by
    what its guard was then, where that is known.
    """
    since = min(now.astimezone(period.zone).date(), period.last)
    for day, value in reversed(past):
        end = midnight(day + timedelta(days=1), period.zone)
        if standing(key_result, value, period.span, end, shares).health not in ON_PACE:
            break
        if (
            key_result.guard
            and (guard := guard_past.get(day)) is not None
            and not key_result.guard.goal.progress(guard)
        ):
            break
        since = day
    return since
