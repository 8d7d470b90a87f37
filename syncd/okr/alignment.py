"""Alignment: does the work drive the outcome that it claims to drive? Each link gets a verdict.

| output | outcome | verdict |
|---|---|---|
| on pace | on pace | working |
| on pace | not on pace | too_early until the lag has passed since the output came on pace, then watermelon |
| not on pace | on pace | unexplained |
| not on pace | not on pace | under_delivered |
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
    """The verdict on one link. The output has been on pace without a break from the day `since`.

    `periods` are the ids of the output's and the outcome's period; None if the periods are the same.
    """

    output: str
    outcome: str
    verdict: Verdict
    since: date | None
    lag: timedelta
    periods: tuple[str, str] | None = None

    def is_of(self, period: str) -> bool:
        """Whether the output belongs to the period with this id. The report of a longer period also has links whose
        outputs belong to shorter periods.
        """
        return self.periods is None or self.periods[0] == period


def judge(output: KeyResult, link: Link, healths: tuple[Health, Health], since: date | None, today: date) -> Alignment:
    """The verdict on a link; `healths` are the healths of its output and its outcome, in this order."""
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
    """The terms by which a key result is judged: its definition, its period and the health shares."""

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
    """The day since which the key result has been on pace without a break. The key result must be on pace today.

    `past` holds each past day with the value at its end, oldest first. A day counts as on pace if, at its end, the
    health is `on_track` or `done` and the guard is not broken. A guard without a value is not broken. Each day is
    judged by the terms in force on that day: `earlier` holds the terms of the days whose terms differ from the present
    terms.
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
