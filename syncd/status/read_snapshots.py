"""Snapshots of a period read from the ledger: of now, of past moments, or once values are kept that are not yet.

Of the past a period is judged by the definitions, days and shares that were in force then, whatever the files say now.
A definition is in force from the end of the cycle that met it. Before syncd knew any, the first ones count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from types import MappingProxyType

from syncd.config import Config
from syncd.ledger import DefinitionVersion, EndedCycle, KeptAlignment, KeptValue, Ledger, LinkId
from syncd.ledger.definitions import measure_digest
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Objective, Plan, Shares, guard_id, is_guard
from syncd.okr.spans import Period
from syncd.status.snapshot import Rules, Snapshot

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _InForce:
    """The plan and rules of a moment. `measures` maps what a value was measured by to what it is judged as measured by.

    It has an entry for each key result whose definition an early version wrote in a form that is not read any more.
    """

    plan: Plan
    rules: Rules
    measures: Mapping[str, tuple[str, str]]

    def judged(self, name: str, value: KeptValue) -> KeptValue:
        """A value as one of the measure that its key result is judged by."""
        measured_by, judged_by = self.measures.get(name, (None, ""))
        return replace(value, measure=judged_by) if value.measure == measured_by else value


class Snapshots:
    """Reads the snapshots of one period. Without a ledger, before the first sync, everything is unknown."""

    def __init__(self, config: Config, plan: Plan, ledger: Ledger | None) -> None:
        self._plan = plan
        self._ledger = ledger
        self._rules = Rules(config.shares, config.settings.settle, config.zone)
        self._in_force: dict[tuple[int, frozenset[LinkId]], _InForce] = {}

    def now(self, now: datetime) -> Snapshot:
        """The period as it stands, judged by the files as they are."""
        ledger, period = self._ledger, self._plan.period.id
        if ledger is None:
            return Snapshot(self._plan, self._rules, now, now)
        values, links = ledger.values.last(period), ledger.alignments.last(period)
        last, synced = ledger.cycles.last(), ledger.cycles.last(pulled=True)
        confirmed = {value.confirmed for value in values.values() if value.confirmed is not None}
        cycles = confirmed | {link.confirmed for link in links.values()} | ({synced.id} if synced else set())
        return Snapshot(
            self._plan,
            self._rules,
            now,
            now,
            values,
            ledger.checkins.of_period(period, now),
            links,
            ledger.cycles.times(cycles),
            last.id if last else 0,
            synced.id if synced else 0,
        )

    def foreseen(
        self,
        now: datetime,
        new: Mapping[str, KeptValue],
        checkins: Mapping[str, CheckIn] = MappingProxyType({}),
        cycle: int = 0,
    ) -> Snapshot:
        """The period as it will stand once new values of a `cycle` that ends now, and new check-ins, are kept."""
        snapshot = self.now(now)
        assert self._ledger is not None
        kept = {name: _as_kept(value, snapshot.values.get(name)) for name, value in new.items()}
        confirmed = {value.confirmed for value in new.values() if value.confirmed is not None}
        of_people = {name: (*snapshot.checkins.get(name, ()), checkin) for name, checkin in checkins.items()}
        return replace(
            snapshot,
            values={**snapshot.values, **kept},
            checkins={**snapshot.checkins, **of_people},
            times={**snapshot.times, **self._ledger.cycles.times(confirmed), cycle: now},
            cycle=cycle,
            synced=cycle,
        )

    def at(self, moment: datetime) -> Snapshot:
        """The period as it stood at a past moment."""
        (snapshot,) = self._past([(moment, moment)])
        return self._with_links(snapshot)

    def at_end(self, midnight: datetime) -> Snapshot:
        """The period as it stood at the midnight that ends a day, by what was known before it."""
        (snapshot,) = self.at_ends([midnight])
        return self._with_links(snapshot)

    def at_ends(self, midnights: Sequence[datetime], key_results: Collection[str] | None = None) -> Sequence[Snapshot]:
        """The same of many days, which ascend, in one pass; without what was kept of links.

        With `key_results` the values of these and of their guards alone.
        """
        return self._past([(midnight, midnight - _INSTANT) for midnight in midnights], key_results)

    def _past(
        self, moments: Sequence[tuple[datetime, datetime]], key_results: Collection[str] | None = None
    ) -> Sequence[Snapshot]:
        """Snapshots of (moment, last instant), which ascend."""
        if self._ledger is None:
            return [Snapshot(self._plan, self._rules, *moment, past=True) for moment in moments]
        bounds = self._last_cycles([last_instant for _, last_instant in moments])
        names = None if key_results is None else [name for kr in key_results for name in (kr, guard_id(kr))]
        values = self._ledger.values.at_cycles(self._plan.period.id, [cycle for cycle, _ in bounds], names)
        newest = max((last_instant for _, last_instant in moments), default=None)
        checkins = self._ledger.checkins.of_period(self._plan.period.id, newest) if newest else {}
        syncs = _SyncsSoFar(self._ended)
        snapshots: list[Snapshot] = []
        for (moment, last_instant), (cycle, synced), kept in zip(moments, bounds, values, strict=True):
            in_force = self._in_force_after(cycle)
            syncs.advance(cycle)
            snapshots.append(
                Snapshot(
                    in_force.plan,
                    in_force.rules,
                    moment,
                    last_instant,
                    {name: in_force.judged(name, syncs.confirmed(name, value)) for name, value in kept.items()},
                    {name: [made for made in every if made.at <= last_instant] for name, every in checkins.items()},
                    {},
                    self._times,
                    cycle,
                    synced,
                    past=True,
                )
            )
        return snapshots

    def _with_links(self, snapshot: Snapshot) -> Snapshot:
        """A past snapshot with what had been kept of links by then."""
        if self._ledger is None or not snapshot.cycle:
            return snapshot
        links = self._ledger.alignments.last(self._plan.period.id, snapshot.cycle)
        days = self._days_of_syncs(snapshot.synced, min((link.cycle for link in links.values()), default=0))
        today = days.get(snapshot.synced)
        first_of_day = min((cycle for cycle, day in days.items() if day == today), default=0)
        newest = self._ledger.alignments.last(self._plan.period.id)
        judged = frozenset(name for name in links if newest[name].confirmed >= first_of_day)
        return replace(
            snapshot,
            plan=self._in_force_after(snapshot.cycle, judged).plan,
            links={name: _as_judged(name, link, days, first_of_day, snapshot.values) for name, link in links.items()},
        )

    @cached_property
    def _ended(self) -> Sequence[EndedCycle]:
        return self._ledger.cycles.ended() if self._ledger else ()

    @cached_property
    def _times(self) -> Mapping[int, datetime]:
        return {cycle.id: cycle.ended_at for cycle in self._ended}

    @cached_property
    def _definitions(self) -> Sequence[DefinitionVersion]:
        return self._ledger.definitions.of_period(self._plan.period.id) if self._ledger else ()

    def _last_cycles(self, moments: Sequence[datetime]) -> list[tuple[int, int]]:
        """The last cycle and the last sync that had ended by each moment, 0 where none had.

        A clock may have been set back: of two cycles that had ended by then, the one with the higher number is later.
        """
        by_time = sorted((ended_at, cycle, synced) for cycle, ended_at, synced, _ in self._ended)
        ends = [ended_at for ended_at, _, _ in by_time]
        last = [0, *accumulate((cycle for _, cycle, _ in by_time), max)]
        synced = [0, *accumulate((cycle if is_sync else 0 for _, cycle, is_sync in by_time), max)]
        reached = [bisect_right(ends, moment) for moment in moments]
        return [(last[index], synced[index]) for index in reached]

    def _days_of_syncs(self, until: int, since: int) -> Mapping[int, date]:
        """The local day of each sync from one cycle to another."""
        zone = self._plan.period.zone
        return {
            cycle.id: cycle.ended_at.astimezone(zone).date()
            for cycle in self._ended
            if cycle.synced and since <= cycle.id <= until
        }

    def _in_force_after(self, cycle: int, judged: frozenset[LinkId] = frozenset()) -> _InForce:
        """What was in force after a cycle; `judged` are the links that were judged on the day that is looked at."""
        count = bisect_right(self._definitions, cycle, key=lambda version: version.cycle)
        if (count, judged) not in self._in_force:
            self._in_force[count, judged] = self._defined(count, judged)
        return self._in_force[count, judged]

    def _defined(self, count: int, judged: Collection[LinkId]) -> _InForce:
        """The plan and rules by the first `count` definitions of the ledger.

        Key results that left the files since are in it, in an objective without a name.
        """
        newest = {version.key_result: version for version in self._definitions[:count]}
        today = {kr.id: kr for kr in self._plan.measured}
        defined: dict[str, KeyResult] = {}
        measures: dict[str, tuple[str, str]] = {}
        for name in newest.keys() | (today.keys() & self._first.keys()):
            version = newest.get(name) or self._first[name]
            if (key_result := version.definition.key_result(today.get(name))) is not None:
                defined[name] = key_result
                if (digest := measure_digest(key_result.measure)) != version.definition.measure:
                    measures[name] = version.definition.measure, digest
        left = [defined[name] for name in newest if name in defined and name not in today and not is_guard(name)]
        named = today.keys() | {kr.id for kr in left}

        def then(kr: KeyResult) -> KeyResult:
            """As it was defined, with the links that were drawn by then."""
            sure = kr.id in today and kr.id in newest
            kr = defined.get(kr.id, kr)
            drives = (link for link in kr.drives if link.outcome in named and (sure or (kr.id, link.outcome) in judged))
            return replace(kr, drives=tuple(drives))

        objectives = [
            replace(objective, key_results=tuple(map(then, objective.key_results)))
            for objective in self._plan.objectives
        ]
        if left:
            objectives.append(Objective("", "", tuple(map(then, left))))
        period, shares = self._judged_by(count)
        return _InForce(Plan(period, tuple(objectives)), replace(self._rules, shares=shares), measures)

    def _judged_by(self, count: int) -> tuple[Period, Shares]:
        """The days and shares of the newest of the first `count` definitions."""
        period, shares = self._plan.period, self._rules.shares
        if not self._definitions:
            return period, shares
        newest = self._definitions[count - 1] if count else self._first[self._definitions[0].key_result]
        return newest.definition.judged_by(period, shares)

    @cached_property
    def _first(self) -> Mapping[str, DefinitionVersion]:
        """The first definition of each key result, as it stood at the end of its local day.

        It counts for the days before syncd knew any.
        """
        first: dict[str, DefinitionVersion] = {}
        for version in self._definitions:
            earliest = first.setdefault(version.key_result, version)
            if self._local_day(version) == self._local_day(earliest):
                first[version.key_result] = version
        return first

    def _local_day(self, version: DefinitionVersion) -> date:
        return version.ended_at.astimezone(self._plan.period.zone).date()


class _SyncsSoFar:
    """The syncs up to a cycle that only moves on: the last of everything, and since then the last of one key result."""

    def __init__(self, ended: Sequence[EndedCycle]) -> None:
        self._ended = ended
        self._read = 0
        self._cycle = 0
        self._whole = 0
        self._only: dict[str, int] = {}

    def advance(self, cycle: int) -> None:
        """Takes in the syncs up to a cycle."""
        self._cycle = cycle
        while self._read < len(self._ended) and self._ended[self._read].id <= cycle:
            ended = self._ended[self._read]
            if ended.synced and ended.only is None:
                self._whole, self._only = ended.id, {}
            elif ended.synced and ended.only is not None:
                self._only[ended.only] = self._only[guard_id(ended.only)] = ended.id
            self._read += 1

    def confirmed(self, name: str, value: KeptValue) -> KeptValue:
        """A value as it was known by then: later cycles may have found the same number, perhaps on other evidence."""
        if value.confirmed is None or value.confirmed <= self._cycle:
            return value
        return replace(value, confirmed=max(self._whole, self._only.get(name, 0)) or self._cycle)


def _as_kept(value: KeptValue, last: KeptValue | None) -> KeptValue:
    """A new value as it will be read back: if it says what the last one says, only the confirmation moves."""
    if last is None or not last.says_what(value):
        return value
    return replace(last, confirmed=last.confirmed if value.confirmed is None else value.confirmed)


def _as_judged(
    name: LinkId, link: KeptAlignment, days: Mapping[int, date], first_of_day: int, values: Mapping[str, KeptValue]
) -> KeptAlignment:
    """What was kept of a link, with the last cycle that had judged it by then; later ones may have found the same.

    A cycle judges a link where it is the first of its day, or a value of either side is new.
    """
    if link.confirmed <= max(days, default=0):
        return link
    new = max((values[side].cycle for side in name if side in values), default=0)
    after_value = min((cycle for cycle in days if cycle >= new), default=0)
    return replace(link, confirmed=max(link.cycle, first_of_day, after_value))
