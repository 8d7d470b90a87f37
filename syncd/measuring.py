"""Measuring key results: a new value where every stream is complete, else the last complete one with what is wrong.

A new value that is not plausible is held: the last complete one stays, and the new number waits beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache

from syncd.config import Config
from syncd.definitions import definition
from syncd.in_force import past_of
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.okr import checkins
from syncd.okr.alignment import on_pace_since
from syncd.okr.facts import answered
from syncd.okr.goals import ON_PACE, KeyResult, Plan, Quality, guard_id, guarded, is_guard, standing
from syncd.okr.measures import Answer, Measure, ReadingMeasure, leaves, stream_keys
from syncd.okr.plausible import implausible, shown
from syncd.pulls import Outcome
from syncd.report import choose_plan
from syncd.unchanged import Unchanged
from syncd.words import place


class Measuring:
    """Measures what one cycle pulled, as of its end."""

    def __init__(self, config: Config, ledger: Ledger, outcomes: Sequence[Outcome], cycle: int, now: datetime) -> None:
        self._config = config
        self._ledger = ledger
        self._outcomes = {(outcome.pull.connection, outcome.pull.stream.key): outcome for outcome in outcomes}
        self._cycle = cycle
        self._now = now
        self._unchanged = Unchanged(ledger, self._outcomes, cycle, now)
        self._state = cache(ledger.streams.state)  # it has the notes of all parts, and many of them may be unknown

    def results(self, plan: Plan, only: str | None) -> Iterator[tuple[KeyResult, tuple[Definition, KeptValue]]]:
        """Each key result of a plan that is measured, or `only` the one, with its definition and its value."""
        kept = self._ledger.values.last(plan.period.id)
        digests = self._ledger.values.digests(plan.period.id)
        guards: dict[str, KeptValue] = {}
        frozen = self._now >= plan.period.span.end + self._config.settings.settle
        for key_result in plan.measured_for(only):
            first = kept.get(key_result.id)
            if frozen and is_guard(key_result.id) and first is not None and first.confirmed is not None:
                guards[key_result.id] = first  # its key result never was measured, and it was
                continue
            measure = key_result.measure
            file = self._config.file_of(plan.period.id, key_result.id)
            defined = definition(key_result, plan.period, self._config.shares, file)
            last = kept.get(key_result.id)
            if last is not None and last.measure != defined.measure:
                # Measured in another way, it is no value of this; one from before an edit that was taken back is.
                last = self._ledger.values.last_under(plan.period.id, key_result.id, defined.measure)
            if measure is None:
                if last is not None:
                    value = self._checked_in(plan, key_result, defined, last, guards.get(guard_id(key_result.id)))
                    yield key_result, (defined, value)
                continue
            failure = self._failure(measure)
            if failure is not None:
                value = self._kept_on(last, defined, *failure)
            else:
                edited = digests.get(key_result.id) != defined.digest
                known = None if edited else self._unchanged.answer(measure, plan.period, last)
                answer = known or answered(self._ledger.answers, measure, plan.period, self._now)
                value = complete_value(
                    self._config,
                    self._ledger,
                    plan,
                    key_result,
                    defined,
                    self._why_nothing(measure, answer),
                    last,
                    self._now,
                    self._cycle,
                    goes_on=known is not None and self._unchanged.same_day(plan.period),
                    guard=guards.get(guard_id(key_result.id)),
                )
                begun = any(other.confirmed is not None for other in (kept.get(key_result.id), last) if other)
                again = last is not None and last is kept.get(key_result.id)  # else of before an edit
                if why := self._implausible(key_result, measure, value, last, begun, again):
                    why += f"; {self._release(plan, key_result)}"
                    value = self._kept_on(last, defined, "held", why, value.number)
            guards[key_result.id] = value
            yield key_result, (defined, value)

    def _checked_in(
        self, plan: Plan, key_result: KeyResult, defined: Definition, last: KeptValue, guard: KeptValue | None
    ) -> KeptValue:
        """The value that a check-in made, as it stands now: only its health may be another. One that expired stays."""
        made_by = checkins.made_by(self._ledger.checkins.of(plan.period.id, key_result.id, self._now), last.at)
        if made_by is None or made_by.expired(plan.period.span, self._now):
            return last
        answer = Answer(last.number, at=last.at)
        value = complete_value(
            self._config, self._ledger, plan, key_result, defined, answer, last, self._now, self._cycle, guard=guard
        )
        return replace(value, confirmed=last.confirmed)

    def _why_nothing(self, measure: Measure, answer: Answer) -> Answer:
        """An answer for which nothing was read at all, with what its source said of that: it tells more."""
        if not isinstance(measure, ReadingMeasure) or answer.number is not None or answer.counted:
            return answer
        state = self._state(measure.connection, measure.stream)
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

    def _implausible(
        self,
        key_result: KeyResult,
        measure: Measure,
        value: KeptValue,
        last: KeptValue | None,
        begun: bool,
        again: bool,
    ) -> str | None:
        """Why a value is to be held, or None.

        `begun`: the period has had a complete value, in whatever way; `again`: the last one is of the cycle before.
        """
        complete = last if last is not None and last.confirmed is not None else None
        if complete is None and not begun and value.number == 0 and not value.counted:
            return None  # a new quarter begins at 0
        if complete is not None and value.number == complete.number:
            return None
        if again and last and last.quality == "held" and last.candidate == value.number and self._repeated:
            return None
        if complete is not None and complete.confirmed is not None:
            for part in leaves(measure):
                fallen = self._ledger.members.fallen(part, complete.confirmed)
                if fallen is not None:
                    what = "readings" if isinstance(part, ReadingMeasure) else "records"
                    where = place(part.part) if isinstance(part, ReadingMeasure) else fallen.stream
                    number = "unknown" if value.number is None else shown(value.number)
                    return f"{number} waits: {part.connection}: {where} went from {fallen.held:,} {what} to none"
        if key_result.plausible is None:
            return None
        return implausible(key_result.plausible, value.number, complete.number if complete else None)

    def _release(self, plan: Plan, key_result: KeyResult) -> str:
        """What a person, or the next cycle, can do about a held value."""
        again = ", and so does a second cycle with the same" if self._repeated else ""
        return f"`{approval(self._config, plan, key_result, self._now)}` accepts it{again}"

    @property
    def _repeated(self) -> bool:
        return self._config.settings.held_until == "repeated"

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


def approval(config: Config, plan: Plan, key_result: KeyResult, now: datetime) -> str:
    """The command that accepts the number that a key result waits with."""
    shown_first = choose_plan(config, None, now)
    is_shown = shown_first is not None and shown_first.period.id == plan.period.id
    chosen = "" if is_shown else f" --period {plan.period.id}"
    return f"syncd approve {key_result.id}{chosen}"


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
) -> KeptValue:
    """The value that an answer makes, as it stands now; `cycle` is the one that measured it.

    A run on pace that merely `goes_on` began when the last value says that it did. A `guard` is the value of its own.
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
            since = _since(config, ledger, plan, key_result, last, now)
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
    config: Config, ledger: Ledger, plan: Plan, key_result: KeyResult, last: KeptValue | None, now: datetime
) -> date | None:
    """The first day of the run on pace; from the sources' own dates, or the check-ins', else from what was kept."""
    if not key_result.drives:
        return None
    past = past_of(config, plan, ledger, key_result, now)
    if past is None and last is not None and last.since is not None:
        return last.since
    days, guard, terms = (past.values, past.guard, past.terms) if past else ((), {}, {})
    return on_pace_since(key_result, plan.period, now, config.shares, days, guard, terms)
