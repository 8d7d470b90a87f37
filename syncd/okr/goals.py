"""Key results: what they aim at, how far they have come, and whether that is far enough by now.

progress = (value - baseline) / (target - baseline), not clamped; score is progress within 0 and 1. For a band both are
1 inside and 0 outside. expected is the score that the pace asks for by now. Shares are 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from syncd.okr.measures import Measure
from syncd.okr.plausible import Plausible
from syncd.okr.spans import Period, Span

Health = Literal["unknown", "off_track", "at_risk", "on_track", "done"]
Quality = Literal["complete", "partial", "failed", "stale", "held"]
Kind = Literal["outcome", "output"]
Pace = Literal["linear", "end"]
ON_PACE: frozenset[str] = frozenset({"on_track", "done"})

_ROUNDING = 1e-9  # so that 0.45 is nine tenths of 0.5 whatever its last bit says


@dataclass(frozen=True, slots=True)
class Shares:
    """Which share of the expected score is still on track, and which is still only at risk."""

    on_track: float = 0.9
    at_risk: float = 0.7

    def health(self, score: float, expected: float) -> Health:
        """Where a score stands against what is expected by now."""
        if score + _ROUNDING >= self.on_track * expected:
            return "on_track"
        return "at_risk" if score + _ROUNDING >= self.at_risk * expected else "off_track"


@dataclass(frozen=True, slots=True)
class Target:
    """From a baseline to a target, in either direction; an outcome may lack its baseline."""

    target: float
    baseline: float | None = None

    def progress(self, value: float) -> float | None:
        """How much of the way is gone; None where nobody knows from where."""
        if self.baseline is None:
            return None
        return (value - self.baseline) / (self.target - self.baseline)


@dataclass(frozen=True, slots=True)
class Band:
    """A value to keep within bounds, both included."""

    at_least: float | None = None
    at_most: float | None = None

    def progress(self, value: float) -> float:
        """1 inside, 0 outside."""
        broken = (self.at_least is not None and value < self.at_least) or (
            self.at_most is not None and value > self.at_most
        )
        return 0.0 if broken else 1.0


@dataclass(frozen=True, slots=True)
class Link:
    """An output's claim to drive an outcome, which shows no sooner than `lag` later."""

    outcome: str
    lag: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class KeyResult:
    """One key result as its mapping says it."""

    id: str
    title: str
    kind: Kind
    goal: Target | Band
    measure: Measure | None = None
    unit: str | None = None
    owner: str | None = None
    weight: float = 1.0
    pace: Pace = "linear"
    confidence: float | None = None
    stale_after: timedelta | None = None
    drives: tuple[Link, ...] = ()
    plausible: Plausible | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective with its key results."""

    id: str
    title: str
    key_results: tuple[KeyResult, ...]
    owner: str | None = None
    rollup: Literal["outcomes", "all", "weakest"] = "outcomes"


@dataclass(frozen=True, slots=True)
class Plan:
    """The objectives of one period, of every mapping file that names it."""

    period: Period
    objectives: tuple[Objective, ...]

    @property
    def key_results(self) -> tuple[KeyResult, ...]:
        """Every key result, in the order of the files."""
        return tuple(key_result for objective in self.objectives for key_result in objective.key_results)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key result stands: all shares, None where unknown; `reason` says why health is unknown."""

    progress: float | None
    score: float | None
    expected: float
    health: Health
    reason: str | None = None


def expected(key_result: KeyResult, span: Span, now: datetime) -> float:
    """The score that the pace asks for by now."""
    if now >= span.end or isinstance(key_result.goal, Band):
        return 1.0
    return 0.0 if key_result.pace == "end" else span.share(now)


def standing(key_result: KeyResult, value: float | None, span: Span, now: datetime, shares: Shares) -> Standing:
    """Where a key result with this value stands."""
    ahead = expected(key_result, span, now)
    if value is None:
        return Standing(None, None, ahead, "unknown")
    progress = key_result.goal.progress(value)
    if progress is None:
        return Standing(None, None, ahead, "unknown", "it has no baseline to measure progress from")
    score = min(1.0, max(0.0, progress))
    if now < span.start:
        return Standing(progress, score, ahead, "unknown", "the period has not begun")
    return Standing(progress, score, ahead, _health(key_result, progress, score, ahead, now >= span.end, shares))


def _health(kr: KeyResult, progress: float, score: float, ahead: float, over: bool, shares: Shares) -> Health:
    if isinstance(kr.goal, Band):
        if progress < 1.0:
            return "off_track"
        return "done" if over else "on_track"
    if progress < 0.0:
        return "off_track"
    return "done" if progress >= 1.0 else shares.health(score, ahead)
