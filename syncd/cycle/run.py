"""One cycle: pull what the plans need, measure it, keep each key result's value, and deliver what is due of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncd.config import Config
from syncd.cycle.due_pulls import Outcome, Pull, Watcher, Work, due_pulls
from syncd.cycle.foresee import judged, keep_links
from syncd.cycle.judge_links import NewVerdict
from syncd.cycle.measure import Measuring
from syncd.cycle.open_sources import open_sources
from syncd.cycle.pull import pull_all
from syncd.explain.restatements import Known, Restatement, restated
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.ledger.definitions import definition
from syncd.notifying.news import news
from syncd.notifying.telling import Told, tell
from syncd.okr.goals import KeyResult, Plan, is_guard
from syncd.publishing.delivery import Delivered, deliver
from syncd.publishing.outgoing import due
from syncd.sdk import Json, RetryPolicy

log = logging.getLogger("syncd.cycle")


@dataclass(frozen=True, slots=True)
class Change:
    """A key result whose value is not what it was; `old` is None for its first.

    `restated` is what its sources say of the past otherwise than before.
    """

    period: str
    key_result: str
    old: KeptValue | None
    new: KeptValue
    restated: Sequence[Restatement] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a cycle came to; `results` by period and key result, each guard's under its own id."""

    cycle: int
    outcomes: Sequence[Outcome] = ()
    results: Mapping[tuple[str, str], tuple[Definition, KeptValue]] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    verdicts: Sequence[NewVerdict] = ()
    delivered: Sequence[Delivered] = ()
    told: Sequence[Told] = ()

    @property
    def measured(self) -> int:
        """How many key results were measured, guards not among them."""
        return sum(not is_guard(key_result) for _, key_result in self.results)

    @property
    def held(self) -> int:
        """How many of them wait for approval."""
        return sum(value.quality == "held" for _, value in self.results.values())

    @property
    def retry_at(self) -> datetime | None:
        """When the first of the sources and publishers that asked for a later time may be asked again."""
        asked = [one.retry_at for one in self.outcomes] + [one.retry_at for one in self.delivered]
        return min((moment for moment in asked if moment), default=None)

    @property
    def unwritten(self) -> int:
        """How many check-ins a publisher failed to write, and messages that did not arrive."""
        return sum(one.failed for one in self.delivered) + sum(one.problem is not None for one in self.told)

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
    patient: bool = False,
    watcher: Watcher | None = None,
    stopping: threading.Event | None = None,
) -> Result:
    """Pulls, measures and keeps. ConfigError before anything is touched; a source that fails is in the result.

    `only` narrows the cycle to one key result; `dry_run` keeps the rows that were pulled, no value, and sends nothing.
    With `tolerant`, for a service that runs already, a connection that cannot be opened, or lacks a field, fails alone.
    With `patient` a source that asked for a later time is not asked before; a person who types `syncd sync` may. The
    caller holds the ledger's lock.
    """
    watcher = watcher or Watcher()
    plans = [part for plan in config.plans if (part := _open_part(plan, config, ledger, clock()))]
    with ExitStack() as opened:
        policies = {name: retry.fresh() for name in config.connections}
        sources = open_sources(config, plans, only, ledger, policies, opened, tolerant)
        cycle = ledger.cycles.begin(clock())
        work = {
            name: Work(
                source,
                due_pulls(ledger, config.connections[name], streams, clock(), reconcile, patient),
                policies[name].budget,
            )
            for name, (source, streams) in sources.items()
        }
        opened.pop_all()  # each pulling thread closes its source when it ends
        watcher.pulling([pull for part in work.values() for pull in part.pulls])
        secrets = {secret for name in sources for secret in config.connections[name].secrets()}
        outcomes = pull_all(ledger, cycle, clock, work, watcher, secrets, stopping)
    now = clock()
    measuring = Measuring(config, ledger, outcomes, cycle, now)
    results = {
        (plan.period.id, key_result.id): result
        for plan in plans
        for key_result, result in measuring.results(plan, only)
    }
    pulls = {
        str(outcome.pull.id): {
            "quality": outcome.quality,
            "reason": outcome.reason,
            "changed": outcome.changed,
            "got": outcome.got,
            "expected": outcome.expected,
        }
        for outcome in outcomes
        if outcome.changed or outcome.quality != "complete"
    }
    narrowed: Mapping[str, Json] | None = (
        {"key_result": only, "streams": [outcome.pull.id for outcome in outcomes]} if only else None
    )
    kept = {plan.period.id: ledger.values.last(plan.period.id) for plan in plans}
    changes = [
        Change(period, key_result, kept[period].get(key_result), value)
        for (period, key_result), (_, value) in results.items()
        if (old := kept[period].get(key_result)) is None or not old.says_what(value)
    ]
    if dry_run:
        ledger.values.commit(cycle, now, pulls, {}, only=narrowed, dry_run=True)
    else:
        new = {name: value for name, (_, value) in results.items()}
        ahead = judged(config, ledger, now, new, cycle)
        reports = [(one.plan, one.report) for one in ahead]
        outgoing = list(due(config, ledger, now, reports, only=only))
        told = list(news(config, ledger, now, reports))
        waiting = dict(_waiting(config, plans, only, results))
        ledger.values.commit(cycle, now, pulls, results, outgoing, told, defined_alone=waiting, only=narrowed)
    changes = _restated(ledger, plans, changes, measuring.last, cycle)
    for outcome in outcomes:
        if outcome.changed:
            said = {"stream": outcome.pull.stream.key, "changed": outcome.changed, "got": outcome.got}
            log.info("pulled", extra=said | ({"expected": outcome.expected} if outcome.expected else {}))
        if outcome.quality != "complete":
            log.warning("pull failed", extra={"stream": outcome.pull.stream.key, "reason": outcome.reason})
    if dry_run:
        return Result(cycle, outcomes, results, changes)
    verdicts = keep_links(config, ledger, ahead)
    delivered = deliver(config, ledger, clock, retry=retry, only=only, patient=patient, stopping=stopping)
    messages = tell(config, ledger, clock, stopping=stopping)
    return Result(cycle, outcomes, results, changes, verdicts, delivered, messages)


def _waiting(
    config: Config, plans: Sequence[Plan], only: str | None, results: Mapping[tuple[str, str], object]
) -> Iterator[tuple[tuple[str, str], Definition]]:
    """The key results that wait for their first check-in, with what is asked of them."""
    for plan in plans:
        for kr in plan.measured_for(only):
            name = plan.period.id, kr.id
            if kr.measure is None and name not in results:
                yield name, definition(kr, plan.period, config.shares, config.file_of(*name))


def _restated(
    ledger: Ledger,
    plans: Sequence[Plan],
    changes: Sequence[Change],
    lasts: Mapping[tuple[str, str], KeptValue | None],
    cycle: int,
) -> list[Change]:
    """The changes, each with what its sources restated in this cycle; `lasts` are the values that they came after."""
    key_results = {(plan.period.id, kr.id): (plan, kr) for plan in plans for kr in plan.measured}
    looked_at: dict[tuple[str, str], Known] = {}
    for change in changes:
        name, last, old = (change.period, change.key_result), lasts[change.period, change.key_result], change.old
        if old is None or old.number == change.new.number or last is None or last.confirmed is None:
            continue
        before = max(old.confirmed or old.cycle, last.confirmed)  # rows may have come in cycles that broke off since
        values = [replace(last, cycle=last.confirmed)]  # as it was when it was measured: it may have failed since
        if change.new.quality == "complete":
            values.append(change.new)
        looked_at[name] = Known(*key_results[name], values, before)
    found = dict(zip(looked_at, restated(ledger, list(looked_at.values()), cycle), strict=True))
    for name, restatements in found.items():
        for one in restatements:
            log.info("restated", extra={"key_result": name[1], "record": one.label, "why": one.why})
    return [replace(one, restated=found.get((one.period, one.key_result), ())) for one in changes]


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
