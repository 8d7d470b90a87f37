"""The truth: what every example key result, objective and link is as of an instant, by the rules that syncd promises.

Written against those rules alone (progress, pace, health, roll-up, alignment), from `results`; nothing here is shared
with the product that is tested by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.sandbox.truth.counting import END, FIRST, LAST, START, ZONE, midnight
from syncd.sandbox.truth.key_results import OBJECTIVES, Objective, Outcome, Output
from syncd.sandbox.world import World

ON_TRACK, AT_RISK = 0.9, 0.7
"""Shares of the expected score."""

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class State:
    """One key result at one instant."""

    value: float | None
    progress: float | None
    score: float | None
    expected: float
    health: str

    @property
    def on_pace(self) -> bool | None:
        """None where the health is unknown."""
        return None if self.health == "unknown" else self.health in ("on_track", "done")


def truth(world: World, at: datetime | None = None) -> dict[str, Any]:
    """As JSON: `{"as_of", "period", "objectives": [...], "key_results": {id: {...}}, "alignment": [...]}`."""
    with world.lock:
        now = at or world.clock.now()
        # What happened at this very instant has happened.
        states = {one.id: _state(world, one, now, now + _INSTANT) for each in OBJECTIVES for one in _all(each)}
        links = [link for each in OBJECTIVES for output in each.outputs for link in _links(world, output, states, now)]
    names = ("value", "progress", "score", "expected", "health")
    return {
        "as_of": now.astimezone(ZONE).isoformat(),
        "period": {"id": "2026-Q4", "start": FIRST.isoformat(), "end": LAST.isoformat()},
        "objectives": [_objective(each, states) for each in OBJECTIVES],
        "key_results": {key: {name: getattr(state, name) for name in names} for key, state in states.items()},
        "alignment": links,
    }


def _all(objective: Objective) -> tuple[Outcome | Output, ...]:
    return (*objective.outcomes, *objective.outputs)


def _state(world: World, one: Outcome | Output, at: datetime, before: datetime) -> State:
    """`before` is `at` for the end of a day, and just after it for now."""
    expected = _expected(one, at)
    value = one.value(world, before)
    progress = score = None
    if value is not None:
        if one.keep is not None:
            progress = 1.0 if one.keep[0] <= value <= one.keep[1] else 0.0
        else:
            progress = (value - one.baseline) / (one.target - one.baseline)
        score = min(1.0, max(0.0, progress))
    health = "unknown"
    if progress is not None and score is not None and at >= START and not _stale(world, one, at, before):
        if progress < 0 or (one.keep is not None and progress == 0):
            health = "off_track"
        elif progress >= 1 and (one.keep is None or at >= END):
            health = "done"
        else:
            health = _health(score, expected)
    return State(value, progress, score, expected, health)


def _expected(one: Outcome | Output, at: datetime) -> float:
    if one.keep is not None or at >= END:
        return 1.0
    if isinstance(one, Output) and one.pace == "end":
        return 0.0
    return max(0.0, (at - START) / (END - START))


def _stale(world: World, one: Outcome | Output, at: datetime, before: datetime) -> bool:
    if not isinstance(one, Outcome) or one.stale_after is None or one.last_reading is None:
        return False
    last = one.last_reading(world, before)
    return last is None or at - last > timedelta(days=one.stale_after)


def _health(score: float, expected: float) -> str:
    return "on_track" if score >= ON_TRACK * expected else "at_risk" if score >= AT_RISK * expected else "off_track"


def _objective(objective: Objective, states: dict[str, State]) -> dict[str, Any]:
    """Over the known ones that carry weight; an outcome of weight 0 is no part of `coverage` either."""

    def mean(of: list[tuple[float, float]]) -> float | None:
        return sum(weight * number for weight, number in of) / sum(weight for weight, _ in of) if of else None

    counted = [one for one in objective.outcomes if one.weight > 0]
    known = [one for one in counted if states[one.id].on_pace is not None]
    scores = [(one.weight, states[one.id].score or 0.0) for one in known]
    score = min((number for _, number in scores), default=None) if objective.rollup == "weakest" else mean(scores)
    expected = mean([(one.weight, states[one.id].expected) for one in known])
    outputs = [one for one in objective.outputs if states[one.id].on_pace is not None]
    return {
        "id": objective.id,
        "score": score,
        "activity": mean([(one.weight, states[one.id].score or 0.0) for one in outputs]),
        "health": "unknown" if score is None or expected is None else _health(score, expected),
        "coverage": {"known": len(known), "of": len(counted)},
    }


def _links(world: World, output: Output, states: dict[str, State], now: datetime) -> list[dict[str, Any]]:
    today = now.astimezone(ZONE).date()
    on_pace = states[output.id].on_pace
    since = today
    if on_pace:
        while since > FIRST:
            yesterdays_end = midnight(since)
            if not _state(world, output, yesterdays_end, yesterdays_end).on_pace:
                break
            since -= timedelta(days=1)
    links = []
    for outcome, lag in output.drives:
        match on_pace, states[outcome].on_pace:
            case (None, _) | (_, None):
                verdict = "unknown"
            case True, True:
                verdict = "working"
            case True, False:
                verdict = "too_early" if today < since + timedelta(days=lag) else "watermelon"
            case False, True:
                verdict = "unexplained"
            case _:
                verdict = "under_delivered"
        shown = since.isoformat() if on_pace else None
        links.append({"output": output.id, "outcome": outcome, "verdict": verdict, "since": shown, "lag_days": lag})
    return links
