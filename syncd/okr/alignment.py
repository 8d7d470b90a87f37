"""Alignment: does the work drive the outcome that it claims to drive? Each link gets a verdict.

| output | outcome | verdict |
|---|---|---|
| on pace | on pace | working |
| on pace | not | too_early until the lag has passed since the output's run on pace began, then watermelon |
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
    """The verdict on one link; `since` is the first day of the output's unbroken run on pace.

    `periods` are those of the output and of the outcome if they differ.
    """

    output: str
    outcome: str
    verdict: Verdict
    since: date | None
    lag: timedelta
    periods: tuple[str, str] | None = None

    def is_of(self, period: str) -> bool:
        """Whether its output is of this period, by the period's id. A longer period shows the links that lead to it."""
        return self.periods is None or self.periods[0] == period


def judge(output: KeyResult, link: Link, healths: tuple[Health, Health], since: date | None, today: date) -> Alignment:
    """The verdict on a link; `healths` are those of its output and its outcome, in this order."""
    output_health, outcome_health = healths
    lag = link.lag or timedelta()
    verdict: Verdict
    if "unknown" in healths:
        verdict = "unknown"
    elif output_health in ON_PACE:
        if outcome_health in ON_PACE:
            verdict = "working"
        else:
            verdict = "too_early" if since is None or today < since + lag else "watermelon"
    else:
        verdict = "unexplained" if outcome_health in ON_PACE else "under_delivered"
    return Alignment(output.id, link.outcome, verdict, since if output_health in ON_PACE else None, lag)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that judge a key result: its definition, its period and the health shares."""

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
    """The first day of the unbroken run on pace up to today. The caller has checked that the key result is on pace
    today.

    `past` holds each past day with the value at its end, oldest first. A day is on pace if, at the midnight that ends
    it, the value meets the expected score and the guard was not broken. A guard without a value breaks nothing. Each
    day is judged by the terms in force on that day: `earlier` holds the terms of days whose terms differed from the
    present ones.
    """
    since = min(now.astimezone(period.zone).date(), period.last)
    in_force = Terms(key_result, period, shares)
    for day, value in reversed(past):
        terms = earlier.get(day, in_force)
        end = midnight(day + timedelta(days=1), period.zone)
        if standing(terms.key_result, value, terms.period.span, end, terms.shares).health not in ON_PACE:
            break
        guard = terms.key_result.guard
        guard_value = guard_past.get(day)
        if guard is not None and guard_value is not None and not guard.goal.progress(guard_value):
            break
        since = day
    return since
