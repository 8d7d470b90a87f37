"""Computes the changes that a sync would make. A plan runs the first three phases of a cycle, and compares the result
with the last sync.

The plan compares the output of `syncd status` right after the last sync with its output right after a sync now. A plan
therefore also shows a key result whose health changes only because time has passed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from syncd.cycle.carry_over import carried_over_in_rehearsal
from syncd.cycle.commit import dry_result, end_dry_run
from syncd.cycle.foresee import foresee, foreseen_snapshots
from syncd.cycle.hold import approval
from syncd.cycle.measure import measure
from syncd.cycle.model import CarriedOver, CycleRequest, Measured, Pulled
from syncd.cycle.plan_changes import (
    KeyResultChange,
    ObjectiveChange,
    PeriodChanges,
    Planned,
    Removed,
    VerdictChange,
)
from syncd.cycle.pull import pull
from syncd.explain.definition_keys import key_changes
from syncd.explain.differences import Differences, differences
from syncd.explain.edit import Edit
from syncd.explain.items import RowsAfter, items_of
from syncd.explain.period_edits import objective_changes
from syncd.ledger import Cycle, Definition, KeptValue
from syncd.ledger.definitions import JUDGED_BY
from syncd.ledger.outlines import objective_outline
from syncd.okr.goals import KeyResult, PeriodOkrs, is_guard
from syncd.okr.measures import Measure, leaves, stream_keys
from syncd.okr.words import goal_bounds
from syncd.publishing.preview import preview
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, Report, line_of, report_of
from syncd.status.snapshot import Snapshot
from syncd.status.verdicts import JudgedLink


def plan_sync(request: CycleRequest) -> Planned:
    """Runs the first three phases of a cycle, then compares the result with the last sync and with the targets of
    `publish:`.

    Stores the pulled rows but no value, and writes to no target. The caller must hold the ledger's lock.
    """
    request = replace(request, dry_run=True)
    last = request.ledger.cycles.last(pulled=True)
    pulled = pull(request)
    end_dry_run(request, pulled)
    with carried_over_in_rehearsal(request, pulled.cycle, pulled.now) as (rehearsed, carried_over):
        return _planned(replace(request, ledger=rehearsed), pulled, last, carried_over)


def _planned(request: CycleRequest, pulled: Pulled, last: Cycle | None, carried_over: CarriedOver) -> Planned:
    config, ledger = request.config, request.ledger
    measured = measure(request, pulled)
    foreseen = foresee(request, pulled, measured)
    result = dry_result(request, pulled, measured, carried_over)
    then = last.ended_at if last and last.ended_at else pulled.now
    periods = {period for period, _ in measured}
    revised = ledger.revisions.latest()
    compared = [
        _Comparison(request, okrs, pulled, measured, then, revised).changes()
        for okrs in config.periods
        if okrs.period.id in periods
    ]
    publish = preview(config, ledger, foreseen.deliveries, pulled.now)
    return Planned(pulled.now.astimezone(config.zone), result, compared, publish)


class _Comparison:
    def __init__(
        self,
        request: CycleRequest,
        okrs: PeriodOkrs,
        pulled: Pulled,
        measured: Measured,
        then: datetime,
        revised: Mapping[tuple[str, str], int],
    ) -> None:
        self._config, self._ledger, self._only, self._okrs = request.config, request.ledger, request.only, okrs
        self._cycle, self._now, self._revised = pulled.cycle, pulled.now, revised
        values = {name: measurement.value for name, measurement in measured.items()}
        self._measured = {name: result for (period, name), result in measured.items() if period == okrs.period.id}
        snapshots = Snapshots(request.config, okrs, request.ledger)
        self._after = foreseen_snapshots(self._config, self._ledger, pulled.now, values, cycle=pulled.cycle)(okrs)
        # The dry run has ended, so the snapshot has all stored rows, whatever the clock was when they were stored.
        before = replace(snapshots.at(pulled.now), moment=then)
        self._before = _comparable(before, okrs, self._measured, whole=not request.only)
        self._defined_before = {kr.id: kr for kr in self._before.okrs.measured}
        self._digests = request.ledger.definitions.digests(okrs.period.id)

    def changes(self) -> PeriodChanges:
        """All changes of the period. If the request names a single key result, no key result counts as removed."""
        before, after = report_of(self._before), report_of(self._after)
        okrs = self._okrs
        changed = [change for kr in okrs.key_results if (change := self._change(kr)) is not None]
        named = {part.key_result.id for change in changed for part in (change, change.guard) if part is not None}
        lines = after.lines
        return PeriodChanges(
            okrs.period,
            after,
            sum(kr.id in self._measured for kr in okrs.key_results),
            self._days_edited(),
            changed,
            [] if self._only else list(self._removed()),
            list(self._objectives(before, after)),
            list(_verdicts(before, after)),
            [
                (line, self._approval(line.key_result))
                for own in lines
                if own.key_result.id in self._measured
                for line in (own, own.guard)
                if line and line.quality == "held" and line.key_result.id not in named
            ],
        )

    def _change(self, kr: KeyResult) -> KeyResultChange | None:
        if kr.id not in self._measured:
            return None
        measurement, kept = self._measured[kr.id], self._before.values.get(kr.id)
        defined, value = measurement.definition, measurement.value
        old = line_of(self._before, self._defined_before.get(kr.id, kr)) if kept is not None else None
        new = line_of(self._after, kr)
        guard = self._change(kr.guard) if kr.guard is not None else None
        edited = list(self._edits(kr, defined))
        remeasured = kept is not None and kept.measure != value.measure
        differs = self._differences(kr.measure, None if remeasured else kept, value)
        others = value.quality == "complete" and differs  # rows behind a held number change nothing yet
        same = kept is not None and old is not None and _shown(old, kept) == _shown(new, value)
        if same and not (remeasured or edited or others or guard):
            return None
        approve = self._approval(kr) if new.quality == "held" else None
        return KeyResultChange(kr, defined.file, old, new, edited, remeasured, differs, approve, guard)

    def _approval(self, kr: KeyResult) -> str:
        return approval(self._config, self._okrs, kr, self._now)

    def _differences(self, measure: Measure | None, kept: KeptValue | None, value: KeptValue) -> Differences:
        """How the rows that count now differ from the rows that counted for the last confirmed value. For a held value,
        these are the rows of the candidate.

        The result is empty if a check-in set the value, because such a value has no rows.
        """
        if measure is None or value.quality not in ("complete", "held"):
            return Differences()
        since = kept.confirmed if kept is not None else None
        if kept is not None and since is not None and self._same_rows(measure, since):
            unmoved = value.quality == "complete" and (kept.number, kept.counted) == (value.number, value.counted)
            if unmoved:  # the usual case; cheaper than listing the rows
                return Differences()
        rows = RowsAfter(self._ledger, self._okrs.period, self._cycle, self._now)
        if since is None:
            return differences((), items_of(rows, measure))
        before = replace(rows, cycle=since, at=self._before.times[since])
        return differences(items_of(before, measure), items_of(rows, measure))

    def _same_rows(self, measure: Measure, since: int) -> bool:
        return all(
            self._revised.get((part.connection, key), 0) <= since
            for part in leaves(measure)
            for key in stream_keys(part)
        )

    def _edited(self, kr: KeyResult) -> bool:
        measurement = self._measured.get(kr.id)
        return measurement is not None and self._digests.get(kr.id) != measurement.definition.digest

    def _edits(self, kr: KeyResult, defined: Definition) -> Iterator[Edit]:
        if kr.id in self._digests and self._edited(kr):
            for key, before, after in key_changes(self._last_defined(kr.id).body, defined.body):
                yield Edit(self._now, defined.file, key, before, after)

    def _last_defined(self, key_result: str) -> Definition:
        return self._ledger.definitions.of(self._okrs.period.id, key_result)[-1].definition

    def _days_edited(self) -> bool:
        edited = [kr for kr in self._okrs.key_results if kr.id in self._digests and self._edited(kr)]
        pairs = [(self._last_defined(kr.id).body, self._measured[kr.id].definition.body) for kr in edited]
        # Early definitions lack the days. If such a key result is the same, only the days can differ.
        return any(
            before[JUDGED_BY] != after[JUDGED_BY] if JUDGED_BY in before else before["KeyResult"] == after["KeyResult"]
            for before, after in pairs
        )

    def _objectives(self, before: Report, after: Report) -> Iterator[ObjectiveChange]:
        for was, becomes in zip(before.objectives, after.objectives, strict=True):
            old, new, objective = was.standing, becomes.standing, becomes.objective
            file = self._config.file_of(self._okrs.period.id, objective.id)
            bodies = (objective_outline(side.objective, file).body or {} for side in (was, becomes))
            edits = [Edit(self._now, file, *change) for change in objective_changes(*bodies)]
            if edits or (old.score, old.activity, old.health) != (new.score, new.activity, new.health):
                yield ObjectiveChange(objective, old, new, file, edits)

    def _removed(self) -> Iterator[Removed]:
        named, kept = {kr.id for kr in self._okrs.measured}, self._before.values
        others = [value.confirmed or 0 for name, value in kept.items() if name in named and value.quality == "complete"]
        for name, value in kept.items():
            last_measured = max(value.cycle, value.confirmed or 0)
            if name not in named and not is_guard(name) and last_measured >= min(others, default=0):
                defined = self._last_defined(name)
                kr = defined.key_result(None)
                yield Removed(name, defined.file, defined.title, value, goal_bounds(kr.goal) if kr else ())


def _comparable(snapshot: Snapshot, okrs: PeriodOkrs, measured: Collection[str], *, whole: bool) -> Snapshot:
    """A past snapshot in which only the measured key results have their old definitions, because a sync changes no
    others.

    With `whole`, the objectives have their old outlines too, because only a sync of the complete period stores edits of
    objectives. Each key result has its present links and objective, so that a new link has a verdict before and after.
    """
    was = {objective.id: objective for objective in snapshot.okrs.objectives} if whole else {}
    then = {kr.id: kr for kr in snapshot.okrs.key_results}

    def of(kr: KeyResult) -> KeyResult:
        return replace(then[kr.id], drives=kr.drives) if kr.id in measured and kr.id in then else kr

    objectives = tuple(
        replace(was.get(objective.id, objective), key_results=tuple(map(of, objective.key_results)))
        for objective in okrs.objectives
    )
    return replace(snapshot, okrs=replace(snapshot.okrs, objectives=objectives))


def _shown(line: KeyResultLine, value: KeptValue) -> tuple[Any, ...]:
    stands = line.standing
    return line.value, stands.progress, stands.health, line.quality, line.candidate, value.at, value.reason


def _id(link: JudgedLink) -> tuple[str, str, tuple[str, str] | None]:
    return link.alignment.output, link.alignment.outcome, link.alignment.periods


def _verdicts(before: Report, after: Report) -> Iterator[VerdictChange]:
    """Yields the links whose verdict changes, watermelons first. Links without an earlier verdict are left out."""
    before_it = {_id(link): link for block in before.objectives for link in block.alignment}
    changed = [
        VerdictChange(old, new)
        for block in after.objectives
        for new in block.alignment
        if (old := before_it.get(_id(new))) is not None and old.alignment.verdict != new.alignment.verdict
    ]
    yield from sorted(changed, key=lambda change: change.new.alignment.verdict != "watermelon")
