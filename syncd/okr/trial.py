"""Trials: evaluates key results on the facts given in a mapping file's `tests:`, without a source or a ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from syncd.okr.alignment import Alignment, judge, on_pace_since
from syncd.okr.answer import Answer
from syncd.okr.facts import answered
from syncd.okr.goals import (
    ON_PACE,
    KeyResult,
    Level,
    PeriodOkrs,
    Shares,
    Standing,
    Target,
    guarded,
    standing,
)
from syncd.okr.measures import (
    Leaf,
    ReadingMeasure,
    RecordMeasure,
    contribution,
    distinct_text,
    evaluate_readings,
    evaluate_records,
    leaves,
    left_out,
)
from syncd.okr.past import past_values
from syncd.okr.rollup import ObjectiveStanding, roll_up_all
from syncd.okr.spans import Span
from syncd.sdk.facts import Reading, Record


@dataclass(frozen=True, slots=True)
class Given:
    """The facts of a trial, as of its moment: records and readings by measure, and numbers by key result.

    A key result listed in `numbers` has the given number, whatever its measure is; None means unknown.
    """

    records: Mapping[RecordMeasure, Sequence[Record]] = field(default_factory=dict)
    readings: Mapping[ReadingMeasure, Sequence[Reading]] = field(default_factory=dict)
    numbers: Mapping[str, float | None] = field(default_factory=dict)

    def knows(self, measure: Leaf) -> bool:
        """Whether the test gives facts for a measure; an empty list counts as given."""
        return measure in (self.records if isinstance(measure, RecordMeasure) else self.readings)


class GivenFacts:
    """Answers measures from given facts, through the plain evaluator."""

    def __init__(self, given: Given) -> None:
        self._given = given

    def answer(self, measure: Leaf, span: Span, now: datetime, cycle: int | None = None) -> Answer:
        """The number of a measure over a window; unknown if the test gives nothing for the measure."""
        if not self._given.knows(measure):
            return Answer(None, "nothing is given for it")
        if isinstance(measure, RecordMeasure):
            return evaluate_records(measure, span, now, self.records(measure))
        return evaluate_readings(measure.take, span, now, self.readings(measure, span, now)[1])

    def records(self, measure: RecordMeasure, cycle: int | None = None) -> Sequence[Record]:
        """The records given for a measure."""
        return self._given.records.get(measure, ())

    def contributions(
        self,
        measure: RecordMeasure,
        span: Span,
        cycle: int | None = None,
    ) -> Sequence[tuple[datetime, Sequence[float | str]]]:
        """The time at which each counting record was done, and the elements that it contributes, in order of time."""
        counted = [record for record in self.records(measure) if left_out(measure, span, span.end, record) is None]
        pairs = ((record.done_at, _elements(measure, record)) for record in counted if record.done_at is not None)
        return sorted(((at, elements) for at, elements in pairs if elements), key=lambda pair: pair[0])

    def readings(
        self,
        measure: ReadingMeasure,
        span: Span,
        now: datetime,
        cycle: int | None = None,
    ) -> tuple[bool, list[Reading]]:
        """Whether the given readings have dates, and the readings; an undated reading has the time of now."""
        readings = self._given.readings.get(measure, ())
        undated = min(max(now, span.start), span.end)
        dated = measure.many or any(reading.at is not None for reading in readings)
        return dated, [replace(reading, at=reading.at or undated) for reading in readings]


def _elements(measure: RecordMeasure, record: Record) -> Sequence[float | str]:
    if measure.of is None:
        return [1.0]
    if measure.take == "distinct":
        return [distinct_text(measure, value) for value in measure.values_of(record)]
    number = contribution(measure, record)
    return [] if number is None else [number]


@dataclass(frozen=True, slots=True)
class TrialResult:
    """The result of a trial: each key result's answer and standing, each objective's standing, each link's verdict."""

    answers: Mapping[str, Answer]
    standings: Mapping[str, Standing]
    objectives: Mapping[str, ObjectiveStanding]
    alignment: Mapping[tuple[str, str], Alignment]

    def level(self, key_result: KeyResult) -> Level | None:
        """The last level that a key result has reached; None before the first level."""
        number = self.answers[key_result.id].number
        return key_result.goal.level(number) if isinstance(key_result.goal, Target) and number is not None else None


def run_trial(okrs: PeriodOkrs, shares: Shares, given: Given, now: datetime) -> TrialResult:
    """Evaluates OKRs on given facts as of a moment."""
    facts = GivenFacts(given)
    answers = {kr.id: _answer(facts, given, kr, okrs, now) for kr in okrs.measured}
    unguarded = {kr.id: standing(kr, answers[kr.id].number, okrs.period.span, now, shares) for kr in okrs.measured}
    standings = {
        kr.id: guarded(unguarded[kr.id], unguarded[kr.guard.id], "its guard is broken or unknown")
        if kr.guard
        else unguarded[kr.id]
        for kr in okrs.measured
    }
    today = min(now.astimezone(okrs.period.zone).date(), okrs.period.last)
    alignment: dict[tuple[str, str], Alignment] = {}
    for kr in okrs.key_results:
        since = None
        if kr.drives and standings[kr.id].health in ON_PACE:
            guard_past = _past(facts, given, kr.guard, okrs, now) if kr.guard else ()
            since = on_pace_since(kr, okrs.period, now, shares, _past(facts, given, kr, okrs, now), dict(guard_past))
        for link in kr.drives:
            outcome = standings.get(link.outcome)  # that of another period is not given
            healths = (standings[kr.id].health, outcome.health if outcome else "unknown")
            alignment[kr.id, link.outcome] = judge(kr, link, healths, since, today)
    return TrialResult(answers, standings, roll_up_all(okrs.objectives, standings, shares), alignment)


def _past(
    facts: GivenFacts, given: Given, kr: KeyResult, okrs: PeriodOkrs, now: datetime
) -> Sequence[tuple[date, float | None]]:
    """The key result's value at the end of each past day; empty if the test gives no facts for it."""
    if kr.measure is None or kr.id in given.numbers or not all(map(given.knows, leaves(kr.measure))):
        return []
    return past_values(facts, kr.measure, okrs.period, now) or []


def _answer(facts: GivenFacts, given: Given, kr: KeyResult, okrs: PeriodOkrs, now: datetime) -> Answer:
    if kr.id in given.numbers:
        return Answer(given.numbers[kr.id], "it is given as unknown" if given.numbers[kr.id] is None else None)
    if kr.measure is None or not any(given.knows(leaf) for leaf in leaves(kr.measure)):
        return Answer(None, "nothing is given for it")
    return answered(facts, kr.measure, okrs.period, now)
