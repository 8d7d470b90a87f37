"""Key results: their goals, their progress, and whether the progress is as expected for the day.

progress = (value - baseline) / (target - baseline), not clamped; score is progress clamped to 0 and 1. For a band,
progress and score are 1 inside and 0 outside. The expected score is the score that the key result should have by now,
according to its pace. Shares are from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Literal

from syncd.okr.measures import Measure, RecordMeasure
from syncd.okr.plausible import Plausible, out_of_scale
from syncd.okr.rule_ids import LintRule
from syncd.okr.spans import Period, Span
from syncd.sdk.language import gettext as _
from syncd.sdk.numbers import as_decimal, between, ratio, rounded, share_of_way

Health = Literal["unknown", "off_track", "at_risk", "on_track", "done"]
Quality = Literal["complete", "partial", "failed", "stale", "held"]
Kind = Literal["outcome", "output"]
Rollup = Literal["outcomes", "all", "weakest", "supporting"]
Level = Literal["commit", "target", "stretch"]
ON_PACE: frozenset[str] = frozenset({"on_track", "done"})

_GUARD = ":guard"
_TOLERANCE = 1e-9  # relative; an expected score is not a round number in the middle of a day


@dataclass(frozen=True, slots=True)
class Shares:
    """Two shares of the expected score. From the first share on, a key result is on track; from the second on, it is at
    risk; below the second, it is off track.
    """

    on_track: float = 0.9
    at_risk: float = 0.7

    def health(self, score: float, expected: float) -> Health:
        """The health of a score, compared with the score expected by now."""
        on_track, at_risk = self.bounds(expected)
        if score >= on_track:
            return "on_track"
        return "at_risk" if score >= at_risk else "off_track"

    def bounds(self, expected: float) -> tuple[float, float]:
        """The lowest score that is on track, and the lowest score that is at risk."""
        least = expected * (1 - _TOLERANCE)
        return self.on_track * least, self.at_risk * least


@dataclass(frozen=True, slots=True)
class Target:
    """A goal from a baseline to a target, up or down. An outcome may lack a baseline.

    `commit` is the promised level, before the target; `stretch` is the hoped-for level, beyond the target.
    """

    target: float
    baseline: float | None = None
    commit: float | None = None
    stretch: float | None = None

    def progress(self, value: float) -> float | None:
        """The share of the way from baseline to target; None without a baseline."""
        if self.baseline is None:
            return None
        return share_of_way(value, self.baseline, self.target)

    @property
    def levels(self) -> tuple[tuple[Level, float], ...]:
        """The levels, from the first to the last; empty if the goal has only a target."""
        if self.commit is None and self.stretch is None:
            return ()
        named: tuple[tuple[Level, float | None], ...] = (
            ("commit", self.commit),
            ("target", self.target),
            ("stretch", self.stretch),
        )
        return tuple((name, number) for name, number in named if number is not None)

    @property
    def falls(self) -> bool:
        """Whether a lower value is better. Without a baseline, the order of the levels decides."""
        start = self.baseline if self.baseline is not None else self.commit
        if start is None:
            return self.stretch is not None and self.stretch < self.target
        return self.target < start

    def level(self, value: float) -> Level | None:
        """The last level that a value has reached; None before the first level."""
        reached = [name for name, number in self.levels if (value <= number if self.falls else value >= number)]
        return reached[-1] if reached else None


@dataclass(frozen=True, slots=True)
class Band:
    """A goal to keep a value within bounds; both bounds are included."""

    at_least: float | None = None
    at_most: float | None = None

    def progress(self, value: float) -> float:
        """The progress of a value: 1 inside the band, 0 outside."""
        broken = (self.at_least is not None and value < self.at_least) or (
            self.at_most is not None and value > self.at_most
        )
        return 0.0 if broken else 1.0


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone is reached when the value is at least `at`. The milestone is due before the moment `by`."""

    title: str
    at: float
    weight: float = 1.0
    by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Milestones:
    """A goal in steps. Progress is the weight of the reached milestones as a share of the weight of all milestones."""

    steps: tuple[Milestone, ...]

    def progress(self, value: float) -> float:
        """The weight of the reached milestones as a share of the total weight."""
        return self._share(step.weight for step in self.steps if value >= step.at)

    def due(self, now: datetime) -> float | None:
        """The weight of the milestones due by now as a share of the total weight; None if a milestone has no date."""
        if any(step.by is None for step in self.steps):
            return None
        return self._share(step.weight for step in self.steps if step.by is not None and step.by <= now)

    def _share(self, weights: Iterable[float]) -> float:
        every = sum(as_decimal(step.weight) for step in self.steps)
        return ratio(sum(map(as_decimal, weights), Decimal(0)), Decimal(every))


Goal = Target | Band | Milestones


@dataclass(frozen=True, slots=True)
class Steps:
    """A pace in the key result's unit: straight lines from the start through all points (moment, value), then level."""

    points: tuple[tuple[datetime, float], ...]

    def value(self, start: datetime, baseline: float, now: datetime) -> float:
        """The expected value by now."""
        for (before, low), (after, high) in pairwise([(start, baseline), *self.points]):
            if now < after:
                return between(low, high, max(0.0, (now - before) / (after - before)))
        return self.points[-1][1]


Pace = Literal["linear", "end"] | Steps


@dataclass(frozen=True, slots=True)
class Link:
    """An output's claim to drive an outcome. An effect is expected once `lag` has passed (None: not configured).

    `period` is the id of the outcome's period, if it is a longer period around the output's period.
    """

    outcome: str
    lag: timedelta | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True)
class KeyResult:
    """A key result as its mapping defines it. `ignore` holds the ids of lint rules that do not apply to it.

    `grouped` has (key, text) of each number written like `4.000`. YAML reads this number as 4, but the author may mean
    4000. `moved_from` is the key result's earlier id, whose history continues under the present id.
    """

    id: str
    title: str
    kind: Kind
    goal: Goal
    measure: Measure | None = None
    unit: str | None = None
    owner: str | None = None
    weight: float = 1.0
    pace: Pace = "linear"
    confidence: float | None = None
    stale_after: timedelta | None = None
    drives: tuple[Link, ...] = ()
    plausible: Plausible | None = None
    guard: KeyResult | None = None
    ignore: tuple[LintRule, ...] = field(default=(), compare=False)
    grouped: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    moved_from: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective with its key results; `supports` is the id of the larger objective that it supports.

    `rollup` says what the score is computed from: its outcomes, all its key results, its weakest outcome, or its
    supporting objectives. `ignore` applies to its key results too. `supports_in` is the id of the larger objective's
    period, if it is a longer period around the objective's own.
    """

    id: str
    title: str
    key_results: tuple[KeyResult, ...]
    owner: str | None = None
    rollup: Rollup = "outcomes"
    supports: str | None = None
    weight: float = 1.0
    ignore: tuple[LintRule, ...] = field(default=(), compare=False)
    supports_in: str | None = None


@dataclass(frozen=True)
class PeriodOkrs:
    """The objectives of a period, from all of its mapping files; `work` are the lists that `work:` names."""

    period: Period
    objectives: tuple[Objective, ...]
    work: tuple[RecordMeasure, ...] = ()

    @cached_property
    def key_results(self) -> tuple[KeyResult, ...]:
        """Every key result, in the order of the files."""
        return tuple(key_result for objective in self.objectives for key_result in objective.key_results)

    @cached_property
    def measured(self) -> tuple[KeyResult, ...]:
        """Every key result, each after its guard. A guard is measured like a key result."""
        return tuple(kr for key_result in self.key_results for kr in (key_result.guard, key_result) if kr is not None)

    @cached_property
    def by_id(self) -> Mapping[str, KeyResult]:
        """Every key result and guard by its id."""
        return {kr.id: kr for kr in self.measured}

    @cached_property
    def objectives_by_id(self) -> Mapping[str, Objective]:
        """Every objective by its id."""
        return {objective.id: objective for objective in self.objectives}

    @cached_property
    def supporting(self) -> Mapping[tuple[str, str | None], Sequence[Objective]]:
        """The supporting objectives, by id and period (None: the same period) of the objective that they support."""
        by_supported: dict[tuple[str, str | None], list[Objective]] = {}
        for objective in self.objectives:
            if objective.supports is not None:
                by_supported.setdefault((objective.supports, objective.supports_in), []).append(objective)
        return by_supported

    def measured_for(self, only: str | None) -> tuple[KeyResult, ...]:
        """The key results that a cycle measures: `only` with its guard; all key results if `only` is None."""
        if only is None:
            return self.measured
        return tuple(kr for name in (guard_id(only), only) if (kr := self.by_id.get(name)) is not None)


def guard_id(key_result: str) -> str:
    """The id of a key result's guard. No key result can have such an id."""
    return f"{key_result}{_GUARD}"


def is_guard(key_result: str) -> bool:
    """Whether an id belongs to a guard."""
    return key_result.endswith(_GUARD)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a key result, as shares; None means unknown. `reason` explains the health if needed.

    `bounds` are the shares at which the health changes.
    """

    progress: float | None
    score: float | None
    expected: float
    health: Health
    reason: str | None = None
    bounds: tuple[float, ...] = field(default=(), compare=False)


def expected(key_result: KeyResult, span: Span, now: datetime) -> float:
    """The score that the key result should have by now, according to its pace."""
    goal, pace = key_result.goal, key_result.pace
    if now >= span.end or isinstance(goal, Band):
        return 1.0
    if isinstance(pace, Steps):
        assert isinstance(goal, Target)  # config refuses a pace in steps for other goals
        assert goal.baseline is not None
        return _within(goal.progress(pace.value(span.start, goal.baseline, now)) or 0.0)
    if isinstance(goal, Milestones) and (due := goal.due(now)) is not None:
        return due
    return 0.0 if pace == "end" else rounded(span.share(now))


def standing(key_result: KeyResult, value: float | None, span: Span, now: datetime, shares: Shares) -> Standing:
    """The standing of a key result that has this value at a moment."""
    expected_score = expected(key_result, span, now)
    if value is None:
        return Standing(None, None, expected_score, "unknown")
    progress = key_result.goal.progress(value)
    if progress is None:
        return Standing(None, None, expected_score, "unknown", _("it has no baseline to measure progress from"))
    score = _within(progress)
    if now < span.start:
        return Standing(progress, score, expected_score, "unknown", _("the period has not begun"))
    health = _health(key_result, progress, score, expected_score, now >= span.end, shares)
    bounds = (0.0, 1.0, *shares.bounds(expected_score))
    return Standing(progress, score, expected_score, health, out_of_scale(progress), bounds)


def guarded(unguarded: Standing, guard: Standing, guard_reason: str) -> Standing:
    """Applies a guard to a standing: while the guard is broken, the health is at best `at_risk`.

    `guard_reason` is a sentence about a broken or unknown guard; the standing's reason includes the sentence.
    """
    reason = "; ".join(filter(None, (unguarded.reason, guard_reason)))
    if guard.health == "unknown":
        return replace(unguarded, reason=reason)
    if guard.progress == 1.0 or unguarded.health not in ON_PACE:
        return unguarded
    return replace(unguarded, health="at_risk", reason=reason)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))


def _health(kr: KeyResult, progress: float, score: float, expected_score: float, over: bool, shares: Shares) -> Health:
    if isinstance(kr.goal, Band):
        if progress < 1.0:
            return "off_track"
        return "done" if over else "on_track"
    if progress < 0.0:
        return "off_track"
    return "done" if progress >= 1.0 else shares.health(score, expected_score)
