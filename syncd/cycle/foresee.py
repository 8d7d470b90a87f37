"""The third phase: each period as it will stand with the new values, and the deliveries and events that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
"""Values that are about to be kept."""

NewCheckIns = Mapping[KeyResultId, Sequence[CheckIn]]
"""All check-ins of the key results that are about to get another one, or to have one withdrawn."""


def foresee(request: CycleRequest, pulled: Pulled, measured: Measured) -> Foreseen:
    """Judges the links by the cycle's values, and makes the deliveries and events that follow from the values."""
    config, ledger, now = request.config, request.ledger, pulled.now
    values = {name: measurement.value for name, measurement in measured.items()}
    periods = [
        _foreseen(config, ledger, okrs, now, values, pulled.cycle)
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
    """The deliveries that are due with a person's new values and check-ins."""
    if not _is_published(config):
        return []

    def foreseen(okrs: PeriodOkrs) -> Snapshot:
        return Snapshots(config, okrs, ledger).foreseen(now, _of(okrs, values), _of(okrs, checkins))

    reports = [
        report_of(with_neighbours(foreseen(okrs), config.periods, foreseen)) for okrs in published_periods(config, now)
    ]
    return list(due_deliveries(config, ledger, now, reports))


def _foreseen(
    config: Config, ledger: Ledger, okrs: PeriodOkrs, now: datetime, values: NewValues, cycle: int
) -> ForeseenPeriod:
    snapshot = foreseen_snapshot(config, ledger, okrs, now, values, cycle)
    report = report_of(snapshot)
    links = judge_links(snapshot, report, ledger)
    verdicts = list(new_verdicts(report, links, snapshot.links))
    if links:
        report = report_of(replace(snapshot, links={**snapshot.links, **links}))
    return ForeseenPeriod(okrs, report, links, verdicts)


def foreseen_snapshot(
    config: Config, ledger: Ledger, okrs: PeriodOkrs, now: datetime, values: NewValues, cycle: int
) -> Snapshot:
    """A period once the new values of a cycle are kept, with the periods that it has links with."""

    def foreseen(okrs: PeriodOkrs) -> Snapshot:
        return Snapshots(config, okrs, ledger).foreseen(now, _of(okrs, values), cycle=cycle)

    return with_neighbours(foreseen(okrs), config.periods, foreseen)


def _of(okrs: PeriodOkrs, new: Mapping[KeyResultId, _New]) -> Mapping[str, _New]:
    return {name: made for (period, name), made in new.items() if period == okrs.period.id}


def _is_published(config: Config) -> bool:
    return bool(config.publications) or config.settings.notify is not None
