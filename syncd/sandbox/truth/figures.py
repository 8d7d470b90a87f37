"""Computes the state of every example key result, objective and link at an instant, by the rules that syncd promises.

This module applies the rules (progress, pace, health, roll-up, alignment) to `key_results`. This module shares no code
with syncd, so tests can compare its results with syncd's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncd.sandbox.truth.counting import END, FIRST, LAST, START, ZONE, midnight
from syncd.sandbox.truth.deliveries import deliveries
from syncd.sandbox.truth.key_results import OBJECTIVES, Objective, Outcome, Output
from syncd.sandbox.world import World

ON_TRACK, AT_RISK = 0.9, 0.7
"""The shares of the expected score from which a score is on track, or at risk."""

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class State:
    """The state of a key result at an instant."""

    value: float | None
    progress: float | None
    score: float | None
    expected: float
    health: str

    @property
    def on_pace(self) -> bool | None:
        """Whether the key result is on pace; None if its health is unknown."""
        return None if self.health == "unknown" else self.health in ("on_track", "done")


def truth(world: World, at: datetime | None = None) -> dict[str, Any]:
    """As JSON: `{"as_of", "period", "objectives": [...], "key_results": {id: {...}}, "alignment": [...],
    "delivered": {repository: {number: time}}}`.
    """
    with world.lock:
        now = at or world.clock.now()
        # An event at exactly this instant counts.
        states = {
            key_result.id: _state(world, key_result, now, now + _INSTANT)
            for objective in OBJECTIVES
            for key_result in objective.key_results
        }
        outputs = [output for objective in OBJECTIVES for output in objective.outputs]
        links = [link for output in outputs for link in _links(world, output, states, now)]
        shipped = deliveries(world.github.repos.values())
    names = ("value", "progress", "score", "expected", "health")
    return {
        "as_of": now.astimezone(ZONE).isoformat(),
        "period": {"id": "2026-Q4", "start": FIRST.isoformat(), "end": LAST.isoformat()},
        "objectives": [_objective(objective, states) for objective in OBJECTIVES],
        "key_results": {key: {name: getattr(state, name) for name in names} for key, state in states.items()},
        "alignment": links,
        "delivered": shipped,
    }


def _state(world: World, key_result: Outcome | Output, at: datetime, before: datetime) -> State:
    """The state at `at`, from the events before `before`. For the end of a day, `before` equals `at`. For the present
    time, `before` is just after `at`.
    """
    expected = _expected(key_result, at)
    value = key_result.value(world, before)
    progress = score = None
    if value is not None:
        if key_result.keep is not None:
            at_least, at_most = key_result.keep
            progress = 1.0 if at_least <= value <= at_most else 0.0
        else:
            progress = (value - key_result.baseline) / (key_result.target - key_result.baseline)
        score = min(1.0, max(0.0, progress))
    health = "unknown"
    if progress is not None and score is not None and at >= START and not _stale(world, key_result, at, before):
        if progress < 0 or (key_result.keep is not None and progress == 0):
            health = "off_track"
        elif progress >= 1 and (key_result.keep is None or at >= END):
            health = "done"
        else:
            health = _health(score, expected)
    return State(value, progress, score, expected, health)


def _expected(key_result: Outcome | Output, at: datetime) -> float:
    if key_result.keep is not None or at >= END:
        return 1.0
    if isinstance(key_result, Output) and key_result.pace == "end":
        return 0.0
    return max(0.0, (at - START) / (END - START))


def _stale(world: World, key_result: Outcome | Output, at: datetime, before: datetime) -> bool:
    if not isinstance(key_result, Outcome) or key_result.stale_after is None or key_result.last_reading is None:
        return False
    last = key_result.last_reading(world, before)
    return last is None or at - last > timedelta(days=key_result.stale_after)


def _health(score: float, expected: float) -> str:
    return "on_track" if score >= ON_TRACK * expected else "at_risk" if score >= AT_RISK * expected else "off_track"


def _objective(objective: Objective, states: dict[str, State]) -> dict[str, Any]:
    """Rolls up the key results with a known health. `coverage` also ignores an outcome of weight 0."""

    def mean(weighted: list[tuple[float, float]]) -> float | None:
        total = sum(weight for weight, _ in weighted)
        return sum(weight * number for weight, number in weighted) / total if weighted else None

    def usable(key_result: Outcome | Output) -> bool:
        return states[key_result.id].on_pace is not None

    def scores(key_results: list[Outcome] | list[Output]) -> list[tuple[float, float]]:
        return [(key_result.weight, states[key_result.id].score or 0.0) for key_result in key_results]

    counted = [outcome for outcome in objective.outcomes if outcome.weight > 0]
    outcomes = [outcome for outcome in counted if usable(outcome)]
    weakest = min((number for _, number in scores(outcomes)), default=None)
    score = weakest if objective.rollup == "weakest" else mean(scores(outcomes))
    expected = mean([(outcome.weight, states[outcome.id].expected) for outcome in outcomes])
    return {
        "id": objective.id,
        "score": score,
        "activity": mean(scores([output for output in objective.outputs if usable(output)])),
        "health": "unknown" if score is None or expected is None else _health(score, expected),
        "coverage": {"known": len(outcomes), "of": len(counted)},
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
        first_day = since.isoformat() if on_pace else None
        links.append({"output": output.id, "outcome": outcome, "verdict": verdict, "since": first_day, "lag_days": lag})
    return links
