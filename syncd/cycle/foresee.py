"""The third phase: computes the state of each period with the new values, and the deliveries and events that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from syncd.config import Config
from syncd.cycle.judge_links import judge_links, new_verdicts
from syncd.cycle.model import CycleRequest, Foreseen, ForeseenPeriod, KeyResultId, Measured, Pulled
from syncd.ledger import KeptValue, Ledger, NewDelivery
from syncd.notifying.new_events import new_events
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import PeriodOkrs
from syncd.publishing.due_deliveries import due_deliveries
from syncd.status.neighbours import with_neighbours
from syncd.status.periods import published_periods
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of
from syncd.status.snapshot import Snapshot

_New = TypeVar("_New", KeptValue, Sequence[CheckIn])

NewValues = Mapping[KeyResultId, KeptValue]
"""Values that will be stored next, by key result."""

NewCheckIns = Mapping[KeyResultId, Sequence[CheckIn]]
"""For each key result that gets a new check-in or a withdrawal, all its check-ins after this change."""


def foresee(request: CycleRequest, pulled: Pulled, measured: Measured) -> Foreseen:
    """Judges the links by the cycle's values, and computes the deliveries and events that follow from the values."""
    config, ledger, now = request.config, request.ledger, pulled.now
    values = {name: measurement.value for name, measurement in measured.items()}
    snapshot_of = foreseen_snapshots(config, ledger, now, values, cycle=pulled.cycle)
    periods = [
        _foreseen(okrs, snapshot_of(okrs), ledger)
        for okrs in published_periods(config, now)
        if _is_published(config) or any(kr.drives for kr in okrs.key_results)
    ]
    reports = [period.report for period in periods]
    deliveries = list(due_deliveries(config, ledger, now, reports, only=request.only))
    return Foreseen(periods, deliveries, list(new_events(config, ledger, now, reports)))


def deliveries_after(
    config: Config,
    ledger: Ledger,
    now: datetime,
    values: NewValues = MappingProxyType({}),
    checkins: NewCheckIns = MappingProxyType({}),
) -> Sequence[NewDelivery]:
    """The deliveries that become due because of a person's new values and check-ins."""
    if not _is_published(config):
        return []
    snapshot_of = foreseen_snapshots(config, ledger, now, values, checkins)
    reports = [report_of(snapshot_of(okrs)) for okrs in published_periods(config, now)]
    return list(due_deliveries(config, ledger, now, reports))


def _foreseen(okrs: PeriodOkrs, snapshot: Snapshot, ledger: Ledger) -> ForeseenPeriod:
    report = report_of(snapshot)
    links = judge_links(snapshot, report, ledger)
    verdicts = list(new_verdicts(report, links, snapshot.links))
    if links:
        report = report_of(replace(snapshot, links={**snapshot.links, **links}))
    return ForeseenPeriod(okrs, report, links, verdicts)


def foreseen_snapshots(
    config: Config,
    ledger: Ledger,
    now: datetime,
    values: NewValues,
    checkins: NewCheckIns = MappingProxyType({}),
    cycle: int = 0,
) -> Callable[[PeriodOkrs], Snapshot]:
    """Returns a function that makes the snapshot of a period with a cycle's new values. The snapshot includes the
    periods that have links with the period.

    Each period is read once, even if several periods have links with it.
    """
    read: dict[str, Snapshot] = {}

    def alone(okrs: PeriodOkrs) -> Snapshot:
        name = okrs.period.id
        if name not in read:
            read[name] = Snapshots(config, okrs, ledger).foreseen(now, _of(okrs, values), _of(okrs, checkins), cycle)
        return read[name]

    return lambda okrs: with_neighbours(
        alone(okrs), config.periods, alone, Snapshots(config, okrs, ledger).alone_at_end
    )


def _of(okrs: PeriodOkrs, new: Mapping[KeyResultId, _New]) -> Mapping[str, _New]:
    return {name: made for (period, name), made in new.items() if period == okrs.period.id}


def _is_published(config: Config) -> bool:
    return bool(config.publications) or config.settings.notify is not None
