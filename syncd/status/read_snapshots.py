"""Reads the snapshots of a period from the ledger: of the present, of past moments, or with values that are not stored
yet.

A past snapshot has the definitions, days and shares of its moment, even if the files are different now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo

from syncd.config import Config
from syncd.ledger import EndedCycle, KeptAlignment, KeptValue, Ledger, LinkId
from syncd.ledger.cycles import newest_by
from syncd.okr.checkins import CheckIn, as_seen_at
from syncd.okr.goals import PeriodOkrs, guard_id
from syncd.okr.spans import Period
from syncd.status.in_force import PastDefinitions
from syncd.status.neighbours import with_neighbours
from syncd.status.periods import every_period
from syncd.status.snapshot import Rules, Snapshot

_INSTANT = timedelta(microseconds=1)


class Snapshots:
    """Reads the snapshots of one period. Before the first sync there is no ledger, and everything is unknown."""

    def __init__(self, config: Config, okrs: PeriodOkrs, ledger: Ledger | None) -> None:
        self.ledger = ledger
        self._config = config
        self._okrs = okrs
        self._rules = Rules(config.shares, config.settings.settle, config.zone)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days begin and end: the zone of the present files, for past snapshots too."""
        return self._okrs.period.zone

    def days_of(self, snapshot: Snapshot) -> Period:
        """The period of a snapshot with its days in the present time zone, even if the zone was another at that
        moment.
        """
        return replace(snapshot.okrs.period, zone=self.zone)

    def now(self, now: datetime) -> Snapshot:
        """The present state of the period, judged by the present files."""
        return with_neighbours(
            self._now(now),
            self._config.periods,
            lambda okrs: Snapshots(self._config, okrs, self.ledger)._now(now),
            self.alone_at_end,
        )

    def _now(self, now: datetime) -> Snapshot:
        ledger, period = self.ledger, self._okrs.period.id
        if ledger is None:
            return Snapshot(self._okrs, self._rules, now, now)
        values, links = ledger.values.last(period), ledger.alignments.last(period)
        last, synced = ledger.cycles.last(), ledger.cycles.last(pulled=True)
        confirmed = {value.confirmed for value in values.values() if value.confirmed is not None}
        cycles = confirmed | {link.confirmed for link in links.values()} | ({synced.id} if synced else set())
        return Snapshot(
            self._okrs,
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
        checkins: Mapping[str, Sequence[CheckIn]] = MappingProxyType({}),
        cycle: int = 0,
    ) -> Snapshot:
        """The period as it will be once the `new` values of a `cycle` that ends now are stored. Key results in
        `checkins` have these check-ins instead of the stored check-ins. The snapshot lacks the other periods to which
        it has links.
        """
        snapshot = self._now(now)
        assert self.ledger is not None
        kept = {name: _as_kept(value, snapshot.values.get(name)) for name, value in new.items()}
        confirmed = {value.confirmed for value in new.values() if value.confirmed is not None}
        return replace(
            snapshot,
            values={**snapshot.values, **kept},
            checkins={**snapshot.checkins, **checkins},
            times={**snapshot.times, **self.ledger.cycles.times(confirmed), cycle: now},
            cycle=cycle,
            synced=cycle,
        )

    def at(self, moment: datetime) -> Snapshot:
        """The period at a past moment."""
        return self._past_with_neighbours(moment, moment)

    def at_end(self, midnight: datetime) -> Snapshot:
        """The period at the midnight that ends a day, by the facts from before that midnight."""
        return self._past_with_neighbours(midnight, midnight - _INSTANT)

    def _past_with_neighbours(self, moment: datetime, last_instant: datetime) -> Snapshot:
        """A past snapshot with the snapshots of the periods to which it had links then, even if the files are different
        now.
        """
        snapshot = self._at(moment, last_instant)
        days = snapshot.okrs.period
        others = {
            okrs.period.id: Snapshots(self._config, okrs, self.ledger)._at(moment, last_instant)
            for okrs in every_period(self._config, self.ledger)
            if okrs.period.id != days.id and okrs.period.overlaps(days)
        }
        periods = [other.okrs for other in others.values()]
        return with_neighbours(snapshot, periods, lambda okrs: others[okrs.period.id], self.alone_at_end)

    def alone_at_end(self, okrs: PeriodOkrs, midnight: datetime) -> Snapshot:
        """Another period at the midnight that ends a day, without the periods to which it has links."""
        return Snapshots(self._config, okrs, self.ledger)._at(midnight, midnight - _INSTANT)

    def _at(self, moment: datetime, last_instant: datetime) -> Snapshot:
        (snapshot,) = self._past([(moment, last_instant)])
        return self._with_links(snapshot)

    def at_ends(self, midnights: Sequence[datetime], key_results: Collection[str] | None = None) -> Sequence[Snapshot]:
        """The period at the ends of many days in ascending order, read in one pass. These snapshots have no stored
        links and no other periods.

        With `key_results`, the snapshots have the values and check-ins of these key results and of their guards only.
        """
        return self._past([(midnight, midnight - _INSTANT) for midnight in midnights], key_results)

    def _past(
        self, moments: Sequence[tuple[datetime, datetime]], key_results: Collection[str] | None = None
    ) -> Sequence[Snapshot]:
        if self.ledger is None:
            return [Snapshot(self._okrs, self._rules, *moment, past=True) for moment in moments]
        last_instants = [last_instant for _, last_instant in moments]
        cycles = _last_ended(self._ended, last_instants)
        syncs = _last_ended([cycle for cycle in self._ended if cycle.synced], last_instants)
        names = None if key_results is None else [name for kr in key_results for name in (kr, guard_id(kr))]
        values = self.ledger.values.at_cycles(self._okrs.period.id, cycles, names)
        newest = max(last_instants, default=None)
        checkins = self.ledger.checkins.of_period(self._okrs.period.id, newest) if newest else {}
        if names is not None:
            checkins = {name: checkins[name] for name in names if name in checkins}
        syncs_so_far = _SyncsSoFar(self._ended)
        snapshots: list[Snapshot] = []
        for (moment, last_instant), cycle, synced, kept in zip(moments, cycles, syncs, values, strict=True):
            in_force = self._definitions.after(cycle)
            syncs_so_far.advance(cycle)
            snapshots.append(
                Snapshot(
                    in_force.okrs,
                    in_force.rules,
                    moment,
                    last_instant,
                    {name: syncs_so_far.as_confirmed(name, value) for name, value in kept.items()},
                    {name: as_seen_at(every, last_instant) for name, every in checkins.items()},
                    {},
                    self._times,
                    cycle,
                    synced,
                    past=True,
                    unread=in_force.unread,
                    later=in_force.later,
                )
            )
        return snapshots

    def _with_links(self, snapshot: Snapshot) -> Snapshot:
        if self.ledger is None or not snapshot.cycle:
            return snapshot
        links = self.ledger.alignments.last(self._okrs.period.id, snapshot.cycle)
        days = self._days_of_syncs(snapshot.synced, min((link.cycle for link in links.values()), default=0))
        today = days.get(snapshot.synced)
        first_of_day = min((cycle for cycle, day in days.items() if day == today), default=0)
        newest = self.ledger.alignments.last(self._okrs.period.id)
        judged = frozenset(name for name in links if newest[name].confirmed >= first_of_day)
        return replace(
            snapshot,
            okrs=self._definitions.after(snapshot.cycle, judged).okrs,
            links={name: _as_judged(name, link, days, first_of_day, snapshot.values) for name, link in links.items()},
        )

    @cached_property
    def _ended(self) -> Sequence[EndedCycle]:
        return self.ledger.cycles.ended() if self.ledger else ()

    @cached_property
    def _times(self) -> Mapping[int, datetime]:
        return {cycle.id: cycle.ended_at for cycle in self._ended}

    @cached_property
    def _definitions(self) -> PastDefinitions:
        if self.ledger is None:
            return PastDefinitions(self._okrs, self._rules, ())
        period = self._okrs.period.id
        versions, outlines = self.ledger.definitions.of_period(period), self.ledger.outlines.of_period(period)
        return PastDefinitions(self._okrs, self._rules, versions, outlines)

    def _days_of_syncs(self, until: int, since: int) -> Mapping[int, date]:
        zone = self._okrs.period.zone
        return {
            cycle.id: cycle.ended_at.astimezone(zone).date()
            for cycle in self._ended
            if cycle.synced and since <= cycle.id <= until
        }


class _SyncsSoFar:
    """The syncs up to a cycle: the last sync of all key results, and any later sync of a single key result."""

    def __init__(self, ended: Sequence[EndedCycle]) -> None:
        self._ended = ended
        self._read = 0
        self._cycle = 0
        self._whole = 0
        self._only: dict[str, int] = {}

    def advance(self, cycle: int) -> None:
        self._cycle = cycle
        while self._read < len(self._ended) and self._ended[self._read].id <= cycle:
            ended = self._ended[self._read]
            if ended.synced and ended.only is None:
                self._whole, self._only = ended.id, {}
            elif ended.synced and ended.only is not None:
                self._only[ended.only] = self._only[guard_id(ended.only)] = ended.id
            self._read += 1

    def as_confirmed(self, name: str, value: KeptValue) -> KeptValue:
        """A value with its last confirmation up to the present cycle. Later confirmations are left out, because they
        may come from other evidence.
        """
        if value.confirmed is None or value.confirmed <= self._cycle:
            return value
        return replace(value, confirmed=max(self._whole, self._only.get(name, 0)) or self._cycle)


def _last_ended(cycles: Sequence[EndedCycle], moments: Sequence[datetime]) -> Sequence[int]:
    """For each moment, the last of these cycles that had ended by then; 0 if no cycle had ended."""
    newest = newest_by(moments, [cycle.ended_at for cycle in cycles])
    return [0 if index is None else cycles[index].id for index in newest]


def _as_kept(value: KeptValue, last: KeptValue | None) -> KeptValue:
    """A new value as the ledger will return it: if it equals the last value, the last value with the new
    confirmation.
    """
    if last is None or not last.says_what(value):
        return value
    return replace(last, confirmed=last.confirmed if value.confirmed is None else value.confirmed)


def _as_judged(
    name: LinkId, link: KeptAlignment, days: Mapping[int, date], first_of_day: int, values: Mapping[str, KeptValue]
) -> KeptAlignment:
    """The state of a link as it was stored at a moment, with the last cycle that had judged the link by that moment.
    Later cycles may have confirmed the state.

    A cycle judges a link if the cycle is the first of its day, or if its output or outcome has a new value.
    """
    if link.confirmed <= max(days, default=0):
        return link
    new = max((values[side].cycle for side in name if side in values), default=0)
    after_value = min((cycle for cycle in days if cycle >= new), default=0)
    return replace(link, confirmed=max(link.cycle, first_of_day, after_value))
