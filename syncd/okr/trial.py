"""Trials: evaluates key results from the facts in a mapping file's `tests:`, without a source or a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from syncd.okr.alignment import Alignment, judge, on_pace_since
from syncd.okr.answer import Answer
from syncd.okr.facts import answered
from syncd.okr.goals import (
    ON_PACE,
    Health,
    KeyResult,
    Level,
    Objective,
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

    A key result in `numbers` has the given number, whatever its measure; None means unknown.
    """

    records: Mapping[RecordMeasure, Sequence[Record]] = field(default_factory=dict)
    readings: Mapping[ReadingMeasure, Sequence[Reading]] = field(default_factory=dict)
    numbers: Mapping[str, float | None] = field(default_factory=dict)

    def knows(self, measure: Leaf) -> bool:
        """Whether the test gives facts for a measure. An empty list of facts counts too."""
        return measure in (self.records if isinstance(measure, RecordMeasure) else self.readings)


class GivenFacts:
    """Computes measures from the given facts, with the plain evaluator."""

    def __init__(self, given: Given) -> None:
        self._given = given

    def answer(self, measure: Leaf, span: Span, now: datetime, cycle: int | None = None) -> Answer:
        """The number of a measure over a window; unknown if the test gives no facts for the measure."""
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
        """The time at which each counted record was done, and the elements that it contributes, in order of time."""
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
        """A pair: whether the given readings have dates, and the readings. A missing date becomes the present time."""
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


class Trial:
    """OKRs with given facts, as of a moment. Results are computed only when requested, because a test needs few."""

    def __init__(self, okrs: PeriodOkrs, shares: Shares, given: Given, now: datetime) -> None:
        self._okrs = okrs
        self._shares = shares
        self._given = given
        self._facts = GivenFacts(given)
        self._now = now
        self._standings: dict[str, Standing] = {}

    def answer(self, name: str) -> Answer:
        """The answer of a key result or guard."""
        kr, given = self._okrs.by_id[name], self._given
        if name in given.numbers:
            return Answer(given.numbers[name], "it is given as unknown" if given.numbers[name] is None else None)
        if kr.measure is None or not any(given.knows(leaf) for leaf in leaves(kr.measure)):
            return Answer(None, "nothing is given for it")
        return answered(self._facts, kr.measure, self._okrs.period, self._now)

    def standing(self, name: str) -> Standing:
        """The standing of a key result or guard."""
        if name not in self._standings:
            kr = self._okrs.by_id[name]
            stands = standing(kr, self.answer(name).number, self._okrs.period.span, self._now, self._shares)
            if kr.guard is not None:
                stands = guarded(stands, self.standing(kr.guard.id), "its guard is broken or unknown")
            self._standings[name] = stands
        return self._standings[name]

    def level(self, name: str) -> Level | None:
        """The last level that a key result has reached; None before the first level."""
        goal, number = self._okrs.by_id[name].goal, self.answer(name).number
        return goal.level(number) if isinstance(goal, Target) and number is not None else None

    def objective(self, name: str) -> ObjectiveStanding:
        """The standing of an objective."""
        objectives = list(self._with_supporting(self._okrs.objectives_by_id[name]))
        standings = {kr.id: self.standing(kr.id) for objective in objectives for kr in objective.key_results}
        return roll_up_all(objectives, standings, self._shares)[name]

    def alignment(self, output: str, outcome: str) -> Alignment:
        """The verdict on a link."""
        kr, period = self._okrs.by_id[output], self._okrs.period
        (link,) = (link for link in kr.drives if link.outcome == outcome)
        since = None
        if self.standing(output).health in ON_PACE:
            guard_past = self._past(kr.guard) if kr.guard else ()
            since = on_pace_since(kr, period, self._now, self._shares, self._past(kr), dict(guard_past))
        of_outcome: Health = "unknown"  # a test gives no outcome of another period
        if outcome in self._okrs.by_id:
            of_outcome = self.standing(outcome).health
        healths = (self.standing(output).health, of_outcome)
        return judge(kr, link, healths, since, min(self._now.astimezone(period.zone).date(), period.last))

    def _with_supporting(self, objective: Objective) -> Iterator[Objective]:
        yield objective
        for other in self._okrs.supporting.get((objective.id, None), ()):
            yield from self._with_supporting(other)

    def _past(self, kr: KeyResult) -> Sequence[tuple[date, float | None]]:
        given = self._given
        if kr.measure is None or kr.id in given.numbers or not all(map(given.knows, leaves(kr.measure))):
            return []
        return past_values(self._facts, kr.measure, self._okrs.period, self._now) or []
