"""Measuring key results: a new value where every stream is complete, else the last complete one with what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from syncd.config import Config
from syncd.definitions import definition
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.okr.alignment import on_pace_since
from syncd.okr.goals import ON_PACE, KeyResult, Plan, Quality, standing
from syncd.okr.measures import Answer, Measure, ReadingMeasure, stream_keys
from syncd.past import past_values
from syncd.pulls import Outcome


class Measuring:
    """Measures what one cycle pulled, as of its end."""

    def __init__(self, config: Config, ledger: Ledger, outcomes: Sequence[Outcome], cycle: int, now: datetime) -> None:
        self._config = config
        self._ledger = ledger
        self._outcomes = {(outcome.pull.connection, outcome.pull.stream.key): outcome for outcome in outcomes}
        self._cycle = cycle
        self._now = now

    def results(self, plan: Plan, only: str | None) -> Iterator[tuple[KeyResult, tuple[Definition, KeptValue]]]:
        """Each key result of a plan that is measured, or `only` the one, with its definition and its value."""
        kept = self._ledger.values.last(plan.period.id)
        for key_result in plan.key_results:
            measure = key_result.measure
            if measure is None or only not in (None, key_result.id):
                continue
            source = self._config.sources[(plan.period.id, key_result.id)]
            defined = definition(key_result, source.document.file)
            last = kept.get(key_result.id)
            if last is not None and last.measure != defined.measure:
                # Measured in another way, it is no value of this; one from before an edit that was taken back is.
                last = self._ledger.values.last_under(plan.period.id, key_result.id, defined.measure)
            failure = self._failure(measure)
            if failure is None:
                value = self._value(plan, key_result, measure, defined, last)
            else:
                value = self._kept_on(last, defined, failure)
            yield key_result, (defined, value)

    def _failure(self, measure: Measure) -> tuple[Quality, str] | None:
        for key in stream_keys(measure):
            outcome = self._outcomes[(measure.connection, key)]
            if outcome.quality != "complete":
                return outcome.quality, f"{measure.connection}: {outcome.reason}"
            if isinstance(measure, ReadingMeasure) and (problem := outcome.problems.get(measure.part)):
                return "failed", f"{measure.connection}: {problem}"
        return None

    def _value(
        self, plan: Plan, key_result: KeyResult, measure: Measure, defined: Definition, last: KeptValue | None
    ) -> KeptValue:
        window = measure.window.span(plan.period, self._now)
        if window.start < window.end:
            answer = self._ledger.answers.answer(measure, window, self._now)
        else:
            answer = Answer(None, "no day of its window has settled yet")
        stands = standing(key_result, answer.number, plan.period.span, self._now, self._config.shares)
        return KeptValue(
            number=answer.number,
            progress=stands.progress,
            score=stands.score,
            health=stands.health,
            quality="complete",
            reason=self._why(measure, answer) or stands.reason,
            at=answer.at,
            counted=answer.counted,
            lacking=answer.lacking,
            since=self._since(plan, key_result, measure, last) if stands.health in ON_PACE else None,
            measure=defined.measure,
            cycle=self._cycle,
            confirmed=self._cycle,
        )

    def _why(self, measure: Measure, answer: Answer) -> str | None:
        """Why there is no number; where nothing was read at all, what its source said of that."""
        if isinstance(measure, ReadingMeasure) and answer.number is None and not answer.counted:
            state = self._ledger.streams.state(measure.connection, measure.stream)
            notes = state.notes.get(measure.part) if state else None
            return notes[0] if notes else answer.reason
        return answer.reason

    def _since(self, plan: Plan, key_result: KeyResult, measure: Measure, last: KeptValue | None) -> date | None:
        """The first day of the run on pace; from the sources' own dates, else from the values kept so far."""
        if not key_result.drives:
            return None
        past = past_values(self._ledger, measure, plan.period, self._now)
        if past is None and last is not None and last.since is not None:
            return last.since
        return on_pace_since(key_result, plan.period, self._now, self._config.shares, past or [])

    def _kept_on(self, last: KeptValue | None, defined: Definition, failure: tuple[Quality, str]) -> KeptValue:
        """The last complete value, with what keeps it from being renewed."""
        quality, reason = failure
        if last is not None:
            return replace(last, quality=quality, reason=reason, cycle=self._cycle)
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
        )
