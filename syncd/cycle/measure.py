"""The second phase: measures key results. If every stream of a key result is complete, the key result gets a new value.
Otherwise, it keeps the last complete value, with the reason.

If a new number is not plausible, the last complete value stays as a held value, and the new number is stored as its
candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from syncd.cycle.hold import Holding, was_measured
from syncd.cycle.model import CycleRequest, KeyResultId, Measured, Measurement, Pulled
from syncd.cycle.unchanged import Unchanged
from syncd.cycle.value import Case, complete_value
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.ledger.definitions import definition
from syncd.ledger.streams import StreamState
from syncd.okr import checkins
from syncd.okr.alignment import Terms
from syncd.okr.answer import Answer
from syncd.okr.checkins import CheckIn
from syncd.okr.facts import answered
from syncd.okr.goals import KeyResult, PeriodOkrs, Quality, guard_id, is_guard
from syncd.okr.measures import Leaf, Measure, ReadingMeasure, leaves, stream_keys
from syncd.status.past_days import KeptHistory
from syncd.status.report import WAITS


def measure(request: CycleRequest, pulled: Pulled) -> Measured:
    """Measures the key results of the open periods as of the end of the pulls. If the request has `only`, measures only
    this key result.
    """
    measuring = Measuring(request, pulled)
    return {name: measurement for okrs in pulled.periods for name, measurement in measuring.measurements(okrs)}


@dataclass(frozen=True, slots=True)
class _Task:
    """A key result to be measured. `failure` is the reason why it cannot be measured, or None.

    `unchanged` is the answer of the previous cycle, if this answer is still valid. `never_read` is the reason why a dry
    run has no value: no sync has read the stream, and a dry run must not send its request.
    """

    case: Case
    failure: tuple[Quality, str] | None
    unchanged: Answer | None
    never_read: str | None

    @property
    def key_result(self) -> KeyResult:
        return self.case.key_result


class Measuring:
    """Measures the rows that one cycle pulled."""

    def __init__(self, request: CycleRequest, pulled: Pulled) -> None:
        self._config = request.config
        self._only = request.only
        self._ledger = request.ledger
        self._results = {(result.pull.connection, result.pull.stream.key): result for result in pulled.results}
        self._cycle = pulled.cycle
        self._now = pulled.now
        self._unchanged = Unchanged(request.ledger, self._results, pulled.cycle, pulled.now)
        self._states = cache(request.ledger.streams.states)  # cached: a state has the notes of all parts

    def measurements(self, okrs: PeriodOkrs) -> Iterator[tuple[KeyResultId, Measurement]]:
        """Yields each measured key result of a period. A guard comes before its key result."""
        kept = self._ledger.values.last(okrs.period.id)
        checkins_by_id = self._ledger.checkins.of_period(okrs.period.id, self._now)
        guards: dict[str, KeptValue] = {}
        wanted = list(okrs.measured_for(self._only))
        if self._now >= okrs.period.span.end + self._config.settings.settle:
            # In a frozen period, a key result may never have been measured although its guard was.
            guards = {kr.id: kept[kr.id] for kr in wanted if is_guard(kr.id) and was_measured(kept.get(kr.id))}
        tasks = list(self._tasks(okrs, [kr for kr in wanted if kr.id not in guards], kept, checkins_by_id))
        shrink = {name: connection.shrink for name, connection in self._config.connections.items()}
        losses = self._ledger.members.losses(self._may_have_lost(tasks), shrink)
        holding = Holding(self._config, okrs, self._now, losses)
        with self._ledger.together(self._read_ahead(okrs, tasks)) as ledger:
            for task in tasks:
                name, case = task.key_result.id, replace(task.case, guard=guards.get(guard_id(task.key_result.id)))
                if task.key_result.measure is None:
                    checked_in = self._checked_in(ledger, case, kept.get(name))
                    if checked_in is None:
                        continue
                    value = checked_in
                elif task.failure is not None:
                    value = self._kept_on(case, *task.failure)
                elif task.never_read is not None:
                    unknown = Answer(None, task.never_read)
                    value = complete_value(case, unknown, ledger.answers, self._now, self._cycle)
                else:
                    value = self._measured(ledger, okrs, replace(task, case=case), task.key_result.measure)
                    if why := holding.why(task.key_result, value, case.last, kept.get(name)):
                        value = self._kept_on(case, "held", why, value.number)
                guards[name] = value
                yield (okrs.period.id, name), Measurement(case.definition, value, case.last, kept.get(name))

    def _tasks(
        self,
        okrs: PeriodOkrs,
        wanted: Sequence[KeyResult],
        kept: Mapping[str, KeptValue],
        checkins_by_id: Mapping[str, Sequence[CheckIn]],
    ) -> Iterator[_Task]:
        period, shares = okrs.period, self._config.shares
        digests = self._ledger.definitions.digests(period.id)
        files = {kr.id: self._config.file_of(period.id, kr.id) for kr in wanted}
        defined = {kr.id: definition(kr, period, shares, files[kr.id]) for kr in wanted}
        # The last value under this measure. If an edit was undone, it is the value from before the edit.
        edited = {
            name: now.measure for name, now in defined.items() if name in kept and kept[name].measure != now.measure
        }
        before = self._ledger.values.last_under(period.id, edited)
        driving = {kr.id: defined[kr.id].digest for kr in wanted if kr.drives}
        versions = self._ledger.definitions.redefined(period.id, driving)
        guards = [guard_id(name) for name in driving]
        histories = cache(lambda: self._ledger.values.histories(period.id, guards))  # most cycles need none
        for kr in wanted:
            last = before.get(kr.id) if kr.id in edited else kept.get(kr.id)
            newest = None if kr.id in edited else kept.get(kr.id)
            failure = self.failure(kr.measure, newest) if kr.measure is not None else None
            unchanged = None
            if kr.measure is not None and failure is None and digests.get(kr.id) == defined[kr.id].digest:
                unchanged = self._unchanged.answer(kr.measure, period, last)
            made_of = checkins_by_id.get(kr.id, ()) if kr.measure is None else ()
            terms = Terms(kr, period, shares)
            case = Case(
                terms,
                defined[kr.id],
                last,
                None,
                made_of,
                versions.get(kr.id, ()),
                partial(_history, histories, guard_id(kr.id)),
            )
            yield _Task(case, failure, unchanged, self.never_read(kr.measure))

    def _may_have_lost(self, tasks: Sequence[_Task]) -> Iterator[tuple[Leaf, int]]:
        for task in tasks:
            last = task.case.last
            if task.failure is None and task.unchanged is None and last and last.confirmed is not None:
                for leaf in leaves(task.key_result.measure):
                    yield leaf, last.confirmed

    def _read_ahead(self, okrs: PeriodOkrs, tasks: Sequence[_Task]) -> Iterator[Measure | None]:
        for task in tasks:
            if task.failure is None and (task.unchanged is None or not self._unchanged.same_day(okrs.period)):
                key_result = task.key_result
                if task.unchanged is None or key_result.drives:
                    yield key_result.measure
                if key_result.drives and key_result.guard is not None:
                    yield key_result.guard.measure

    def _measured(self, ledger: Ledger, okrs: PeriodOkrs, task: _Task, measure: Measure) -> KeptValue:
        answer = task.unchanged or answered(ledger.answers, measure, okrs.period, self._now)
        goes_on = task.unchanged is not None and self._unchanged.same_day(okrs.period)
        answer = self.with_note(measure, answer)
        return complete_value(task.case, answer, ledger.answers, self._now, self._cycle, goes_on=goes_on)

    def _checked_in(self, ledger: Ledger, case: Case, newest: KeptValue | None) -> KeptValue | None:
        """The value that the check-in in force gives, judged as of now, because its health may have changed with time.
        Without a check-in in force: the `newest` value unchanged (None if there is none), or an unknown value if the
        newest value is of a measure that the file no longer has.
        """
        checkin = checkins.newest_value(case.checkins)
        in_force = checkin is not None and not checkin.expired(case.terms.period.span, self._now)
        is_checked_in = newest is None or newest.measure == case.definition.measure
        if is_checked_in and not in_force:
            return newest
        answer = Answer(checkin.value, at=checkin.as_of) if checkin and in_force else Answer(None, WAITS)
        value = complete_value(case, answer, ledger.answers, self._now, self._cycle)
        return replace(value, confirmed=newest.confirmed) if newest is not None and is_checked_in else value

    def with_note(self, measure: Measure, answer: Answer) -> Answer:
        """The answer with the warnings or notes of its source as the reason.

        A number gets the warnings of its parts. An unknown number without any reading gets the part's note, because the
        note says more than the answer's own reason.
        """
        reading = [leaf for leaf in leaves(measure) if isinstance(leaf, ReadingMeasure)]
        states = [(leaf, self._states(leaf.connection).get(leaf.stream)) for leaf in reading]
        if answer.number is not None:
            warnings = [state.warnings[leaf.part] for leaf, state in states if state and leaf.part in state.warnings]
            return replace(answer, reason="; ".join(dict.fromkeys(warnings))) if warnings else answer
        if answer.counted or not isinstance(measure, ReadingMeasure):
            return answer
        notes = [note for leaf, state in states if state for note in state.notes.get(leaf.part, ())]
        return replace(answer, reason=notes[0]) if notes else answer

    def never_read(self, measure: Measure | None) -> str | None:
        """Why a dry run has no rows of a stream: no sync has pulled the stream, and a dry run must not. None if every
        stream has been read.
        """
        for part in leaves(measure):
            for key in stream_keys(part):
                not_sent = self._results[(part.connection, key)].not_sent
                if not_sent is not None and not _was_read(part, self._states(part.connection).get(key)):
                    return f"{part.connection}: {not_sent}"
        return None

    def failure(self, measure: Measure, newest: KeptValue | None) -> tuple[Quality, str] | None:
        """How a stream of a measure failed: the quality, and the reason. None if no stream failed. A stream that a dry
        run did not pull counts as failed if the quality of the `newest` value is failed or partial.
        """
        for part in leaves(measure):
            for key in stream_keys(part):
                result = self._results[(part.connection, key)]
                if result.not_sent is not None and newest is not None and newest.quality in ("failed", "partial"):
                    return newest.quality, newest.reason or ""
                if result.quality != "complete" and not result.unread:  # otherwise the part has its own reason
                    return result.quality, f"{part.connection}: {result.reason}"
                if isinstance(part, ReadingMeasure):
                    problems = [result.problems[part.part]] if part.part in result.problems else []
                else:
                    problems = [reason for name, reason in result.pull.unusable.items() if name in part.fields]
                if problems:
                    is_partial = isinstance(part, ReadingMeasure) and part.part in result.partial
                    return "partial" if is_partial else "failed", f"{part.connection}: {problems[0]}"
                if isinstance(part, ReadingMeasure) and (unsettled := result.unsettled.get(part.part)) is not None:
                    return unsettled.quality, f"{part.connection}: {unsettled.reason}"
        return None

    def _kept_on(self, case: Case, quality: Quality, reason: str, candidate: float | None = None) -> KeptValue:
        if case.last is not None:
            return replace(case.last, quality=quality, reason=reason, cycle=self._cycle, candidate=candidate)
        return _no_value(case.definition, quality, reason, self._cycle, candidate)


def _history(histories: Callable[[], Mapping[str, KeptHistory]], name: str) -> KeptHistory:
    return histories().get(name, ())


def _was_read(measure: Leaf, state: StreamState | None) -> bool:
    if state is None or state.completed_cycle is None:
        return False
    return not isinstance(measure, ReadingMeasure) or measure.part in state.read


def _no_value(definition: Definition, quality: Quality, reason: str, cycle: int, candidate: float | None) -> KeptValue:
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
        measure=definition.measure,
        cycle=cycle,
        confirmed=None,
        candidate=candidate,
    )
