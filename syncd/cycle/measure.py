"""Measuring key results: a new value where every stream is complete, else the last complete one with what is wrong.

A new value that is not plausible is held: the last complete one stays, and the new number waits beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from syncd.config import Config
from syncd.cycle.due_pulls import Outcome
from syncd.cycle.hold import Holding, was_measured
from syncd.cycle.unchanged import Unchanged
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.ledger.definitions import definition
from syncd.okr import checkins
from syncd.okr.alignment import Terms, on_pace_since
from syncd.okr.checkins import CheckIn
from syncd.okr.facts import answered
from syncd.okr.goals import ON_PACE, KeyResult, Plan, Quality, guard_id, guarded, is_guard, standing
from syncd.okr.measures import Answer, Leaf, Measure, ReadingMeasure, leaves, stream_keys
from syncd.status.in_force import past_of


@dataclass(frozen=True, slots=True)
class _Case:
    """A key result to be measured. `last` is its last value that was measured as it is now, `known` its answer still.

    `failure` is what keeps it from being measured at all; `earlier` are the definitions of one that drives something,
    where it was ever defined otherwise.
    """

    key_result: KeyResult
    defined: Definition
    last: KeptValue | None
    failure: tuple[Quality, str] | None = None
    known: Answer | None = None
    earlier: Sequence[Mapping[str, Any]] = ()


class Measuring:
    """Measures what one cycle pulled, as of its end; `last` is the value that each was measured after, if any."""

    def __init__(self, config: Config, ledger: Ledger, outcomes: Sequence[Outcome], cycle: int, now: datetime) -> None:
        self._config = config
        self._ledger = ledger
        self._outcomes = {(outcome.pull.connection, outcome.pull.stream.key): outcome for outcome in outcomes}
        self._cycle = cycle
        self._now = now
        self._unchanged = Unchanged(ledger, self._outcomes, cycle, now)
        self._states = cache(ledger.streams.states)  # with the notes of all parts, and many of them may be unknown
        self.last: dict[tuple[str, str], KeptValue | None] = {}

    def results(self, plan: Plan, only: str | None) -> Iterator[tuple[KeyResult, tuple[Definition, KeptValue]]]:
        """Each key result of a plan that is measured, or `only` the one, with its definition and its value."""
        kept = self._ledger.values.last(plan.period.id)
        said = self._ledger.checkins.of_period(plan.period.id, self._now)
        guards: dict[str, KeptValue] = {}
        wanted = list(plan.measured_for(only))
        if self._now >= plan.period.span.end + self._config.settings.settle:
            # Frozen: where a key result never was measured, its guard may have been.
            guards = {kr.id: kept[kr.id] for kr in wanted if is_guard(kr.id) and was_measured(kept.get(kr.id))}
        cases = list(self._cases(plan, [kr for kr in wanted if kr.id not in guards], kept))
        self.last.update({(plan.period.id, case.key_result.id): case.last for case in cases})
        fallen = self._ledger.members.fallen(self._may_have_fallen(cases))
        holding = Holding(self._config, plan, self._now, fallen)
        with self._ledger.together(self._looked_at(plan, cases)) as ledger:
            for case in cases:
                key_result, last = case.key_result, case.last
                of_guard = guards.get(guard_id(key_result.id))
                if key_result.measure is None:
                    if last is None:
                        continue
                    value = self._checked_in(ledger, plan, case, last, said.get(key_result.id, ()), of_guard)
                elif case.failure is not None:
                    value = self._kept_on(last, case.defined, *case.failure)
                else:
                    value = self._measured(ledger, plan, case, key_result.measure, of_guard)
                    if why := holding.why(key_result, value, last, kept.get(key_result.id)):
                        value = self._kept_on(last, case.defined, "held", why, value.number)
                guards[key_result.id] = value
                yield key_result, (case.defined, value)

    def _cases(self, plan: Plan, wanted: Sequence[KeyResult], kept: Mapping[str, KeptValue]) -> Iterator[_Case]:
        period = plan.period
        digests = self._ledger.values.digests(period.id)
        files = {kr.id: self._config.file_of(period.id, kr.id) for kr in wanted}
        defined = {kr.id: definition(kr, period, self._config.shares, files[kr.id]) for kr in wanted}
        # Measured in another way, a value is none of this; one from before an edit that was taken back is.
        edited = {
            name: one.measure for name, one in defined.items() if name in kept and kept[name].measure != one.measure
        }
        before = self._ledger.values.last_under(period.id, edited)
        driving = {kr.id: defined[kr.id].digest for kr in wanted if kr.drives}
        earlier = self._ledger.values.redefined(period.id, driving)
        for kr in wanted:
            last = before.get(kr.id) if kr.id in edited else kept.get(kr.id)
            failure = self._failure(kr.measure) if kr.measure is not None else None
            known = None
            if kr.measure is not None and failure is None and digests.get(kr.id) == defined[kr.id].digest:
                known = self._unchanged.answer(kr.measure, period, last)
            yield _Case(kr, defined[kr.id], last, failure, known, earlier.get(kr.id, ()))

    def _may_have_fallen(self, cases: Sequence[_Case]) -> Iterator[tuple[Leaf, int]]:
        """What is measured anew, and the cycle that measured it last."""
        for case in cases:
            if case.failure is None and case.known is None and case.last and case.last.confirmed is not None:
                for leaf in leaves(case.key_result.measure):
                    yield leaf, case.last.confirmed

    def _looked_at(self, plan: Plan, cases: Sequence[_Case]) -> Iterator[Measure | None]:
        """The measures whose facts will be asked for, in that order."""
        for case in cases:
            if case.failure is None and (case.known is None or not self._unchanged.same_day(plan.period)):
                key_result = case.key_result
                if case.known is None or key_result.drives:
                    yield key_result.measure
                if key_result.drives and key_result.guard is not None:
                    yield key_result.guard.measure

    def _measured(
        self, ledger: Ledger, plan: Plan, case: _Case, measure: Measure, guard: KeptValue | None
    ) -> KeptValue:
        answer = case.known or answered(ledger.answers, measure, plan.period, self._now)
        return complete_value(
            self._config,
            ledger,
            plan,
            case.key_result,
            case.defined,
            self._why_nothing(measure, answer),
            case.last,
            self._now,
            self._cycle,
            goes_on=case.known is not None and self._unchanged.same_day(plan.period),
            guard=guard,
            earlier=case.earlier,
        )

    def _checked_in(
        self,
        ledger: Ledger,
        plan: Plan,
        case: _Case,
        last: KeptValue,
        said: Sequence[CheckIn],
        guard: KeptValue | None,
    ) -> KeptValue:
        """The value that a check-in made, as it stands now: only its health may be another. One that expired stays."""
        made_by = checkins.made_by(said, last.at)
        if made_by is None or made_by.expired(plan.period.span, self._now):
            return last
        answer = Answer(last.number, at=last.at)
        value = complete_value(
            self._config,
            ledger,
            plan,
            case.key_result,
            case.defined,
            answer,
            last,
            self._now,
            self._cycle,
            guard=guard,
            said=said,
            earlier=case.earlier,
        )
        return replace(value, confirmed=last.confirmed)

    def _why_nothing(self, measure: Measure, answer: Answer) -> Answer:
        """An answer for which nothing was read at all, with what its source said of that: it tells more."""
        if not isinstance(measure, ReadingMeasure) or answer.number is not None or answer.counted:
            return answer
        state = self._states(measure.connection).get(measure.stream)
        notes = state.notes.get(measure.part) if state else None
        return replace(answer, reason=notes[0]) if notes else answer

    def _failure(self, measure: Measure) -> tuple[Quality, str] | None:
        for part in leaves(measure):
            for key in stream_keys(part):
                outcome = self._outcomes[(part.connection, key)]
                if outcome.quality != "complete":
                    return outcome.quality, f"{part.connection}: {outcome.reason}"
                if isinstance(part, ReadingMeasure) and (problem := outcome.problems.get(part.part)):
                    return "failed", f"{part.connection}: {problem}"
        return None

    def _kept_on(
        self,
        last: KeptValue | None,
        defined: Definition,
        quality: Quality,
        reason: str,
        candidate: float | None = None,
    ) -> KeptValue:
        """The last complete value, with what keeps it from being renewed."""
        if last is not None:
            return replace(last, quality=quality, reason=reason, cycle=self._cycle, candidate=candidate)
        return KeptValue(
            number=None,
            progress=None,
            score=None,
            health="unknown",
            quality=quality,
            reason=reason,
            at=None,
            counted=0,
            lacking=0,
            since=None,
            measure=defined.measure,
            cycle=self._cycle,
            confirmed=None,
            candidate=candidate,
        )


def complete_value(
    config: Config,
    ledger: Ledger,
    plan: Plan,
    key_result: KeyResult,
    defined: Definition,
    answer: Answer,
    last: KeptValue | None,
    now: datetime,
    cycle: int,
    *,
    goes_on: bool = False,
    guard: KeptValue | None = None,
    said: Sequence[CheckIn] = (),
    earlier: Sequence[Mapping[str, Any]] | None = None,
) -> KeptValue:
    """The value that an answer makes, as it stands now; `cycle` is the one that measured it.

    A run on pace that merely `goes_on` began when the last value says that it did. A `guard` is the value of its own;
    `said` are the check-ins that values of one without a measure are made of. `earlier` are its definitions, where it
    was ever defined otherwise; they are looked up where nobody has.
    """
    stands = standing(key_result, answer.number, plan.period.span, now, config.shares)
    if key_result.guard is not None and guard is not None:
        of_guard = standing(key_result.guard, guard.number, plan.period.span, now, config.shares)
        stands = replace(stands, health=guarded(stands, of_guard, "").health)
    since: date | None = None
    if stands.health in ON_PACE:
        if goes_on and last is not None and last.health in ON_PACE:
            since = last.since
        else:
            since = _since(config, ledger, plan, key_result, defined, last, now, said, earlier)
    return KeptValue(
        number=answer.number,
        progress=stands.progress,
        score=stands.score,
        health=stands.health,
        quality="complete",
        reason=answer.reason or stands.reason,
        at=answer.at,
        counted=answer.counted,
        lacking=answer.lacking,
        since=since,
        measure=defined.measure,
        cycle=cycle,
        confirmed=cycle,
    )


def _since(
    config: Config,
    ledger: Ledger,
    plan: Plan,
    key_result: KeyResult,
    defined: Definition,
    last: KeptValue | None,
    now: datetime,
    said: Sequence[CheckIn],
    earlier: Sequence[Mapping[str, Any]] | None,
) -> date | None:
    """The first day of the run on pace; from the sources' own dates, or the check-ins', else from what was kept."""
    if not key_result.drives:
        return None
    if earlier is None:
        earlier = ledger.values.redefined(plan.period.id, {key_result.id: defined.digest}).get(key_result.id, ())
    past = past_of(ledger.answers, Terms(key_result, plan.period, config.shares), now, said, earlier)
    if past is None and last is not None and last.since is not None:
        return last.since
    days, guard, terms = (past.values, past.guard, past.terms) if past else ((), {}, {})
    return on_pace_since(key_result, plan.period, now, config.shares, days, guard, terms)
