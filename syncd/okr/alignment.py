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
from types import MappingProxyType
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


@dataclass(frozen=True, slots=True)
class Terms:
    """What a key result was judged by on a day: its definition, its period's days, the shares."""

    key_result: KeyResult
    period: Period
    shares: Shares


def on_pace_since(
    key_result: KeyResult,
    period: Period,
    now: datetime,
    shares: Shares,
    past: Sequence[tuple[date, float | None]],
    guard_past: Mapping[date, float | None],
    earlier: Mapping[date, Terms] = MappingProxyType({}),
) -> date | None:
    """The first day of the unbroken run on pace up to today, by the value at the end of each past day, oldest first.

    Today itself must be on pace already. A day counts by its end: by the next midnight's value and expectation, and by
    what its guard was then, where that is known. It is judged by what was in force then: `earlier` says so of the days
    for which that is not what is in force now.
    """
    since = min(now.astimezone(period.zone).date(), period.last)
    in_force = Terms(key_result, period, shares)
    for day, value in reversed(past):
        terms = earlier.get(day, in_force)
        end = midnight(day + timedelta(days=1), period.zone)
        if standing(terms.key_result, value, terms.period.span, end, terms.shares).health not in ON_PACE:
            break
        own = terms.key_result.guard
        if own and (guard := guard_past.get(day)) is not None and not own.goal.progress(guard):
            break
        since = day
    return since
