"""One cycle: pull what the plans need, measure it, and keep each key result's value with what it rests on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime

import structlog

from syncd.config import Config
from syncd.config.messages import nearest
from syncd.definitions import definition
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.okr.alignment import on_pace_since
from syncd.okr.goals import ON_PACE, KeyResult, Plan, Quality, standing
from syncd.okr.measures import Answer, Measure, ReadingMeasure, RecordMeasure, stream_keys
from syncd.past import past_values
from syncd.pulls import Outcome, Pull, Unopened, Watcher, due_pulls, needed_streams, pull_all
from syncd.sdk import ConfigError, Context, Problem, RetryPolicy, Source, SourceError, Stream, UnknownField

log = structlog.get_logger("syncd.cycle")


@dataclass(frozen=True, slots=True)
class Change:
    """A key result whose value is not what it was; `old` is None for its first."""

    period: str
    key_result: str
    old: KeptValue | None
    new: KeptValue


@dataclass(frozen=True, slots=True)
class Result:
    """What a cycle came to."""

    cycle: int
    outcomes: Sequence[Outcome] = ()
    measured: int = 0
    changes: Sequence[Change] = ()

    @property
    def failures(self) -> list[tuple[Pull, str]]:
        """Each stream, or part of one, that could not be read, and why."""
        found = [
            (outcome.pull, outcome.reason or "failed") for outcome in self.outcomes if outcome.quality != "complete"
        ]
        for outcome in self.outcomes:
            found.extend((outcome.pull, problem) for problem in outcome.problems.values())
        return found


def run_cycle(
    config: Config,
    ledger: Ledger,
    clock: Callable[[], datetime],
    *,
    retry: RetryPolicy,
    only: str | None = None,
    reconcile: bool = False,
    dry_run: bool = False,
    tolerant: bool = False,
    watcher: Watcher | None = None,
    stopping: threading.Event | None = None,
) -> Result:
    """Pulls, measures and keeps. ConfigError before anything is touched; a source that fails is in the result.

    `only` narrows the cycle to one key result; `dry_run` keeps the rows that were pulled, and no value. With
    `tolerant`, for a service that runs already, a connection that cannot be opened fails alone. The caller holds the
    ledger's lock.
    """
    watcher = watcher or Watcher()
    plans = [part for plan in config.plans if (part := _open_part(plan, config, ledger, clock()))]
    with ExitStack() as opened:
        sources = _open_sources(config, plans, only, ledger, lambda: _context(config, retry), opened, tolerant)
        cycle = ledger.cycles.begin(clock())
        work = {
            name: (source, list(due_pulls(ledger, config.connections[name], streams, clock(), reconcile)))
            for name, (source, streams) in sources.items()
        }
        opened.pop_all()  # each pulling thread closes its source when it ends
        watcher.pulling([pull for _, pulls in work.values() for pull in pulls])
        secrets = {secret for name in sources for secret in config.connections[name].secrets()}
        outcomes = pull_all(ledger, cycle, clock, work, watcher, secrets, stopping)
    by_stream = {(outcome.pull.connection, outcome.pull.stream.key): outcome for outcome in outcomes}
    now = clock()
    results = {
        (plan.period.id, key_result.id): result
        for plan in plans
        for key_result, result in _measured(config, ledger, plan, only, by_stream, cycle, now)
    }
    pulls = {
        str(outcome.pull.id): {"quality": outcome.quality, "reason": outcome.reason, "changed": outcome.changed}
        for outcome in outcomes
        if outcome.changed or outcome.quality != "complete"
    }
    kept = {plan.period.id: ledger.values.last(plan.period.id) for plan in plans}
    changes = [
        Change(period, key_result, kept[period].get(key_result), value)
        for (period, key_result), (_, value) in results.items()
        if (old := kept[period].get(key_result)) is None or not old.says_what(value)
    ]
    ledger.values.commit(cycle, now, pulls, {} if dry_run else results)
    for outcome in outcomes:
        if outcome.quality != "complete":
            log.warning("pull failed", stream=outcome.pull.stream.key, reason=outcome.reason)
    return Result(cycle, outcomes, len(results), changes)


def _open_part(plan: Plan, config: Config, ledger: Ledger, now: datetime) -> Plan | None:
    """What of a plan is measured: all of it from its period's start until that has settled; none of it before.

    Afterwards it is frozen, but for key results that never were measured.
    """
    span = plan.period.span
    if now < span.start:
        return None
    if now < span.end + config.settings.settle:
        return plan
    kept = ledger.values.last(plan.period.id)

    def lacks(kr: KeyResult) -> bool:
        value = kept.get(kr.id)
        return value is None or value.confirmed is None

    objectives = tuple(
        replace(objective, key_results=lacking)
        for objective in plan.objectives
        if (lacking := tuple(kr for kr in objective.key_results if kr.measure is not None and lacks(kr)))
    )
    return replace(plan, objectives=objectives) if objectives else None


def _context(config: Config, retry: RetryPolicy) -> Context:
    return Context(retry.fresh(), config.zone, folder=str(config.path.parent))


def _open_sources(
    config: Config,
    plans: Sequence[Plan],
    only: str | None,
    ledger: Ledger,
    context: Callable[[], Context],
    opened: ExitStack,
    tolerant: bool,
) -> dict[str, tuple[Source, list[Stream]]]:
    """Every source that the plans need, opened and asked whether it has the fields that are wanted of it.

    A cycle of one key result pulls the streams of that one, with all that the others need of them.
    """
    wanted = {
        (measure.connection, key)
        for plan in plans
        for kr in plan.key_results
        if (measure := kr.measure) is not None and only in (None, kr.id)
        for key in stream_keys(measure)
    }
    sources: dict[str, tuple[Source, list[Stream]]] = {}
    problems: list[Problem] = []
    for connection in config.connections.values():
        needed = needed_streams(connection.name, plans)
        streams = [stream for key, stream in needed.items() if (connection.name, key) in wanted]
        if not streams:
            continue
        source: Source
        try:
            source = connection.open(context())
        except ConfigError as error:
            source = Unopened(str(error))
            problems.extend(error.problems)
        opened.callback(source.close)
        sources[connection.name] = (source, streams)
    if problems and not tolerant:
        raise ConfigError(problems=problems)
    problems = []
    for name, (source, streams) in sources.items():
        for stream in streams:
            state = ledger.streams.state(name, stream.key)
            if state is None or state.completed_cycle is None or not state.covers(stream):
                problems.extend(_unknown_fields(config, plans, source, name, stream))
    if problems:
        raise ConfigError(problems=problems)
    return sources


def _unknown_fields(
    config: Config, plans: Sequence[Plan], source: Source, connection: str, stream: Stream
) -> Iterator[Problem]:
    try:
        source.verify(stream)
    except ConfigError as error:
        for plan in plans:
            for kr in plan.key_results:
                measure = kr.measure
                if not isinstance(measure, RecordMeasure) or measure.connection != connection:
                    continue
                if stream.key not in measure.streams:
                    continue
                place = config.sources[(plan.period.id, kr.id)]
                if not isinstance(error, UnknownField):
                    yield place.problem(f"{connection}: {error}", "measure")
                elif error.field in measure.fields:
                    message = f"{connection} has no field {error.field!r}{nearest(error.field, error.known)}"
                    yield place.problem(message, "measure")
    except SourceError as error:
        log.info("fields not checked", stream=stream.key, reason=str(error))  # the pull itself will say so


def _measured(
    config: Config,
    ledger: Ledger,
    plan: Plan,
    only: str | None,
    outcomes: Mapping[tuple[str, str], Outcome],
    cycle: int,
    now: datetime,
) -> Iterator[tuple[KeyResult, tuple[Definition, KeptValue]]]:
    kept = ledger.values.last(plan.period.id)
    for key_result in plan.key_results:
        if key_result.measure is None or only not in (None, key_result.id):
            continue
        source = config.sources[(plan.period.id, key_result.id)]
        defined = definition(key_result, source.document.file)
        last = kept.get(key_result.id)
        if last is not None and last.measure != defined.measure:
            # Measured in another way, it is no value of this; one from before an edit that was taken back is.
            last = ledger.values.last_under(plan.period.id, key_result.id, defined.measure)
        failure = _failure(key_result, outcomes)
        if failure is None:
            yield key_result, (defined, _value(config, ledger, plan, key_result, defined, last, cycle, now))
        else:
            yield key_result, (defined, _kept_on(last, defined, failure, cycle))


def _failure(key_result: KeyResult, outcomes: Mapping[tuple[str, str], Outcome]) -> tuple[Quality, str] | None:
    measure = key_result.measure
    assert measure is not None
    for key in stream_keys(measure):
        outcome = outcomes[(measure.connection, key)]
        if outcome.quality != "complete":
            return outcome.quality, f"{measure.connection}: {outcome.reason}"
        if isinstance(measure, ReadingMeasure) and (problem := outcome.problems.get(measure.part)):
            return "failed", f"{measure.connection}: {problem}"
    return None


def _value(
    config: Config,
    ledger: Ledger,
    plan: Plan,
    key_result: KeyResult,
    defined: Definition,
    last: KeptValue | None,
    cycle: int,
    now: datetime,
) -> KeptValue:
    measure = key_result.measure
    assert measure is not None
    window = measure.window.span(plan.period, now)
    if window.start < window.end:
        answer = ledger.answers.answer(measure, window, now)
    else:
        answer = Answer(None, "no day of its window has settled yet")
    stands = standing(key_result, answer.number, plan.period.span, now, config.shares)
    since = _since(config, ledger, plan, key_result, last, now) if stands.health in ON_PACE else None
    return KeptValue(
        number=answer.number,
        progress=stands.progress,
        score=stands.score,
        health=stands.health,
        quality="complete",
        reason=_why(ledger, measure, answer) or stands.reason,
        at=answer.at,
        counted=answer.counted,
        lacking=answer.lacking,
        since=since,
        measure=defined.measure,
        cycle=cycle,
        confirmed=cycle,
    )


def _why(ledger: Ledger, measure: Measure, answer: Answer) -> str | None:
    """Why there is no number; where nothing was read at all, what its source said of that."""
    if isinstance(measure, ReadingMeasure) and answer.number is None and not answer.counted:
        state = ledger.streams.state(measure.connection, measure.stream)
        notes = state.notes.get(measure.part) if state else None
        return notes[0] if notes else answer.reason
    return answer.reason


def _since(
    config: Config, ledger: Ledger, plan: Plan, key_result: KeyResult, last: KeptValue | None, now: datetime
) -> date | None:
    """The first day of the run on pace; from the sources' own dates, else from the values kept so far."""
    if not key_result.drives or key_result.measure is None:
        return None
    past = past_values(ledger, key_result.measure, plan.period, now)
    if past is not None:
        return on_pace_since(key_result, plan.period, now, config.shares, past)
    if last is not None and last.since is not None:
        return last.since
    return on_pace_since(key_result, plan.period, now, config.shares, [])


def _kept_on(last: KeptValue | None, defined: Definition, failure: tuple[Quality, str], cycle: int) -> KeptValue:
    """The last complete value, with what keeps it from being renewed."""
    quality, reason = failure
    if last is None:
        return KeptValue(
            None, None, None, "unknown", quality, reason, None, 0, 0, None, defined.measure, cycle, confirmed=None
        )
    return replace(last, quality=quality, reason=reason, cycle=cycle)
