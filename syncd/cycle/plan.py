"""What a sync would change: a cycle that keeps no value, compared with what the last sync kept.

Old is what `status` said right after that sync, new what it would say right after this one. So a key result whose
health time alone has moved is in the plan, as the sync would tell it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncd.config import Config
from syncd.cycle.due_pulls import Watcher
from syncd.cycle.foresee import judged
from syncd.cycle.hold import approval
from syncd.cycle.run import Result, run_cycle
from syncd.explain.differences import Differences, differences
from syncd.explain.edits import Edit, changes
from syncd.explain.evidence import items_of
from syncd.ledger import Definition, KeptValue, Ledger
from syncd.ledger.definitions import JUDGED_BY
from syncd.okr.goals import KeyResult, Objective, Plan, guard_id
from syncd.okr.measures import Measure, leaves, stream_keys
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import Period
from syncd.publishing.outgoing import due
from syncd.publishing.preview import Preview, preview
from syncd.sdk import RetryPolicy
from syncd.status.report import KeyResultLine, Report, line_of, report_of
from syncd.status.verdicts import Judged


@dataclass(frozen=True, slots=True)
class KeyResultChange:
    """A key result that a sync would change; `old` is None for one that no sync has measured.

    `remeasured`: old and new are measured in different ways and do not compare; `differences` then has all that counts
    as what enters, as it has for a new one. `approve` is the command that accepts what would wait.
    """

    key_result: KeyResult
    file: str
    old: KeyResultLine | None
    new: KeyResultLine
    edits: Sequence[Edit]
    remeasured: bool
    differences: Differences
    approve: str | None
    guard: KeyResultChange | None


@dataclass(frozen=True, slots=True)
class Removed:
    """A key result that the last sync measured and that no file names any more: its value stays where it is."""

    id: str
    file: str
    title: str
    value: KeptValue


@dataclass(frozen=True, slots=True)
class ObjectiveChange:
    """An objective whose score, activity or health would be another; both by the key results that it has now."""

    objective: Objective
    old: ObjectiveStanding
    new: ObjectiveStanding


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A link whose verdict would be another."""

    old: Judged
    new: Judged


@dataclass(frozen=True, slots=True)
class PeriodChanges:
    """What a sync would change in a period.

    `measured` key results were looked at; `days_edited`: the period's days, its time zone or the shares of health are
    not what they were. `waiting` are those whose number waits already. `after` is the report as it would be.
    """

    period: Period
    after: Report
    measured: int
    days_edited: bool
    key_results: Sequence[KeyResultChange]
    removed: Sequence[Removed]
    objectives: Sequence[ObjectiveChange]
    verdicts: Sequence[VerdictChange]
    waiting: Sequence[tuple[KeyResultLine, str]]

    def __bool__(self) -> bool:
        return bool(self.days_edited or self.key_results or self.removed or self.objectives or self.verdicts)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a sync at this time would change, period by period, how the pulls went that say so, what it would write."""

    as_of: datetime
    result: Result
    periods: Sequence[PeriodChanges]
    publish: Sequence[Preview] = ()

    def __bool__(self) -> bool:
        return any(self.periods) or any(one.writes for one in self.publish)

    @property
    def measured(self) -> int:
        """How many key results were looked at, guards not among them."""
        return sum(period.measured for period in self.periods)


def plan_sync(
    config: Config,
    ledger: Ledger,
    clock: Callable[[], datetime],
    *,
    retry: RetryPolicy,
    only: str | None = None,
    watcher: Watcher | None = None,
) -> Planned:
    """Pulls and measures, and compares, also what stands at the targets of `publish:`.

    Rows are kept, no value is, and nothing is written anywhere. The caller holds the ledger's lock.
    """
    last = ledger.cycles.last(pulled=True)
    result = run_cycle(config, ledger, clock, retry=retry, only=only, dry_run=True, watcher=watcher)
    now = ledger.cycles.end_of(result.cycle)
    then = last.ended_at if last and last.ended_at else now
    measured = {period for period, _ in result.results}
    plans = [plan for plan in config.plans if plan.period.id in measured]
    moved = ledger.revisions.latest()
    periods = [_Comparison(config, ledger, plan, result, then, now, moved).changes(only) for plan in plans]
    new = {name: value for name, (_, value) in result.results.items()}
    reports = [(one.plan, one.report) for one in judged(config, ledger, now, new, result.cycle)]
    outgoing = list(due(config, ledger, now, reports, only=only))
    return Planned(now.astimezone(config.zone), result, periods, preview(config, ledger, outgoing, now))


class _Comparison:
    """One period before and after."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        plan: Plan,
        result: Result,
        then: datetime,
        now: datetime,
        moved: Mapping[tuple[str, str], int],
    ) -> None:
        self._config, self._ledger, self._plan = config, ledger, plan
        self._cycle, self._then, self._now, self._moved = result.cycle, then, now, moved
        self._said = ledger.checkins.of_period(plan.period.id, now)
        self._results = {name: found for (period, name), found in result.results.items() if period == plan.period.id}
        self._kept = ledger.values.last(plan.period.id)
        self._after = {**self._kept, **{name: value for name, (_, value) in self._results.items()}}
        confirmed = {value.confirmed for value in (*self._kept.values(), *self._after.values())}
        self._times = ledger.cycles.times({cycle for cycle in confirmed if cycle is not None})
        self._digests = ledger.values.digests(plan.period.id)

    def changes(self, only: str | None) -> PeriodChanges:
        """All that differs; where `only` one key result was measured, what no file names any more is not looked for."""
        plan = self._plan
        before = {kr.id: self._line_before(kr) for kr in plan.key_results}
        after = {kr.id: self._line_after(kr) if kr.id in self._results else before[kr.id] for kr in plan.key_results}
        links = self._ledger.alignments.last(plan.period.id)
        was = report_of(self._config, plan, before, self._kept, links, self._then, self._then)
        becomes = report_of(self._config, plan, after, self._after, links, self._now, self._now)
        changed = [found for kr in plan.key_results if (found := self._change(kr, before, after)) is not None]
        named = {one.key_result.id for change in changed for one in (change, change.guard) if one is not None}
        return PeriodChanges(
            plan.period,
            becomes,
            sum(kr.id in self._results for kr in plan.key_results),
            self._days_edited(),
            changed,
            [] if only else list(self._removed()),
            list(_objectives(was, becomes)),
            list(_verdicts(was, becomes)),
            [
                (line, self._approval(line.key_result))
                for kr in plan.key_results
                for line in (after[kr.id], after[kr.id].guard)
                if line and line.quality == "held" and kr.id in self._results and line.key_result.id not in named
            ],
        )

    def _line_before(self, kr: KeyResult) -> KeyResultLine:
        """What `status` said of it after the last sync. What was edited since is as it was kept."""
        line = line_of(self._config, self._plan, kr, self._kept, self._times, self._then, self._said.get(kr.id, ()))
        kept = self._kept.get(kr.id)
        if kept is None or not self._edited(kr):
            return line
        stands = replace(
            line.standing, progress=kept.progress, score=kept.score, health=kept.health, reason=kept.reason
        )
        as_of = kept.at or self._times.get(kept.confirmed or 0)
        return replace(
            line,
            value=kept.number,
            standing=stands,
            quality=kept.quality,
            as_of=as_of,
            reason=kept.reason,
            candidate=kept.candidate,
        )

    def _line_after(self, kr: KeyResult) -> KeyResultLine:
        return line_of(self._config, self._plan, kr, self._after, self._times, self._now, self._said.get(kr.id, ()))

    def _change(
        self, kr: KeyResult, before: Mapping[str, KeyResultLine], after: Mapping[str, KeyResultLine]
    ) -> KeyResultChange | None:
        """What changes of a measured key result; None where nothing does."""
        if kr.id not in self._results:
            return None
        defined, value = self._results[kr.id]
        kept, old, new = self._kept.get(kr.id), before[kr.id], after[kr.id]
        guard = None
        if kr.guard is not None:
            lines = {kr.guard.id: self._line_before(kr.guard)}, {kr.guard.id: self._line_after(kr.guard)}
            guard = self._change(kr.guard, *lines)
        edited = list(self._edits(kr, defined))
        remeasured = kept is not None and kept.measure != value.measure
        moved = self._differences(kr.measure, None if remeasured else kept, value)
        others = value.quality == "complete" and moved  # what would count in a number that waits already is no news
        if kept is not None and not (remeasured or edited or others or guard) and _told(old, kept) == _told(new, value):
            return None
        return KeyResultChange(
            kr,
            defined.file,
            old if kept is not None else None,
            new,
            edited,
            remeasured,
            moved,
            self._approval(kr) if new.quality == "held" else None,
            guard,
        )

    def _approval(self, kr: KeyResult) -> str:
        return approval(self._config, self._plan, kr, self._now)

    def _differences(self, measure: Measure | None, kept: KeptValue | None, value: KeptValue) -> Differences:
        """What counts otherwise than it did when the last value was confirmed; of a held one, what would count.

        Nothing does in what people checked in.
        """
        if measure is None or value.quality not in ("complete", "held"):
            return Differences()
        since = kept.confirmed if kept is not None else None
        if kept is not None and since is not None and self._same_rows(measure, since):
            unmoved = value.quality == "complete" and (kept.number, kept.counted) == (value.number, value.counted)
            if unmoved:  # as most are: nothing is listed to find that out
                return Differences()
        now = items_of(self._ledger, self._plan, measure, self._now, self._cycle)
        if since is None:
            return differences((), now)
        return differences(items_of(self._ledger, self._plan, measure, self._times[since], since), now)

    def _same_rows(self, measure: Measure, since: int) -> bool:
        return all(
            self._moved.get((part.connection, key), 0) <= since for part in leaves(measure) for key in stream_keys(part)
        )

    def _edited(self, kr: KeyResult) -> bool:
        found = self._results.get(kr.id)
        return found is not None and self._digests.get(kr.id) != found[0].digest

    def _edits(self, kr: KeyResult, defined: Definition) -> Iterator[Edit]:
        if kr.id in self._digests and self._edited(kr):
            for key, before, after in changes(self._body_before(kr), defined.body):
                yield Edit(self._now, defined.file, key, before, after)

    def _body_before(self, kr: KeyResult) -> Mapping[str, Any]:
        body: Mapping[str, Any] = self._ledger.values.definitions(self._plan.period.id, kr.id)[-1]["body"]
        return body

    def _days_edited(self) -> bool:
        """Whether what all of the period are judged by was edited: definitions keep it beside their key result."""
        edited = [kr for kr in self._plan.key_results if kr.id in self._digests and self._edited(kr)]
        bodies = [(self._body_before(kr), self._results[kr.id][0].body) for kr in edited]
        # One that an early version kept lacks it: there, a definition is new that says what the one before said.
        return any(
            before[JUDGED_BY] != after[JUDGED_BY] if JUDGED_BY in before else before["KeyResult"] == after["KeyResult"]
            for before, after in bodies
        )

    def _removed(self) -> Iterator[Removed]:
        """Those that were measured as late as the others were, and that nobody names any more."""
        plan = self._plan
        named = {kr.id for kr in plan.measured}
        others = [
            value.confirmed or 0 for name, value in self._kept.items() if name in named and value.quality == "complete"
        ]
        for name, value in self._kept.items():
            seen = max(value.cycle, value.confirmed or 0)
            if name not in named and not name.endswith(guard_id("")) and seen >= min(others, default=0):
                newest = self._ledger.values.definitions(plan.period.id, name)[-1]
                yield Removed(name, newest["file"], newest["body"]["KeyResult"]["title"], value)


def _told(line: KeyResultLine, value: KeptValue) -> tuple[Any, ...]:
    """What a person is told of a key result."""
    stands = line.standing
    return line.value, stands.progress, stands.health, line.quality, line.candidate, value.at, value.reason


def _objectives(was: Report, becomes: Report) -> Iterator[ObjectiveChange]:
    for before, after in zip(was.objectives, becomes.objectives, strict=True):
        old, new = before.standing, after.standing
        if (old.score, old.activity, old.health) != (new.score, new.activity, new.health):
            yield ObjectiveChange(after.objective, old, new)


def _verdicts(was: Report, becomes: Report) -> Iterator[VerdictChange]:
    """Watermelons first."""
    before = [link for block in was.objectives for link in block.alignment]
    after = [link for block in becomes.objectives for link in block.alignment]
    found = [
        VerdictChange(old, new)
        for old, new in zip(before, after, strict=True)
        if old.alignment.verdict != new.alignment.verdict
    ]
    yield from sorted(found, key=lambda change: change.new.alignment.verdict != "watermelon")
