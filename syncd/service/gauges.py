"""The gauges that each scrape reads from the ledger: key results, streams, and check-ins that are not written.

The gauges are made anew for each scrape, so a key result or a stream that was removed has no series. An unknown value
has no sample, because zero would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily

from syncd.config import Config
from syncd.cycle.due_pulls import needed_streams
from syncd.ledger import Ledger
from syncd.ledger.outbox import STUCK
from syncd.ledger.pulled import StreamId
from syncd.okr.goals import PeriodOkrs
from syncd.sdk import stream_name
from syncd.status.periods import choose_period, published_periods
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import Report, report_of
from syncd.status.unwritten import Trouble, unwritten_check_ins

_KEY_RESULT = ("period", "objective", "key_result")


class LedgerGauges:
    """Reads the gauges from a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._needed: tuple[Config, Sequence[PeriodOkrs], frozenset[StreamId]] | None = None

    def read(self, config: Config, now: datetime) -> Iterator[GaugeMetricFamily]:
        """The gauges of the periods that are measured now. If no period is measured now, the gauges of the latest
        period.

        Raises LedgerError.
        """
        measured = published_periods(config, now)
        shown = measured or [okrs for okrs in [choose_period(config, None, now)] if okrs is not None]
        reports = [report_of(Snapshots(config, okrs, self._ledger).now(now)) for okrs in shown]
        yield from key_result_gauges(reports, config.workspace.name if config.workspace else None)
        needed = self._needed_streams(config, measured)
        completed = self._ledger.streams.completed()
        yield from stream_gauges(
            {(name, stream_name(key)): at for (name, key), at in completed.items() if (name, key) in needed}, now
        )
        yield from delivery_gauges(unwritten_check_ins(self._ledger))

    def _needed_streams(self, config: Config, measured: Sequence[PeriodOkrs]) -> frozenset[StreamId]:
        """The streams that these periods need; cached, because files change less often than Prometheus scrapes."""
        if self._needed is None or self._needed[0] is not config or self._needed[1] != measured:
            streams = ((name, key) for name in config.connections for key in needed_streams(name, measured))
            self._needed = config, measured, frozenset(streams)
        return self._needed[2]


def key_result_gauges(reports: Sequence[Report], workspace: str | None = None) -> Iterator[GaugeMetricFamily]:
    """The gauges of every key result of these periods; in a deployment, with the name of the workspace."""
    of_all = () if workspace is None else (workspace,)
    names = _KEY_RESULT if workspace is None else ("workspace", *_KEY_RESULT)
    value = GaugeMetricFamily("syncd_key_result_value", "The key result's value.", labels=names)
    progress = GaugeMetricFamily(
        "syncd_key_result_progress",
        "How much of the way from baseline to target is done: 1 is all of it.",
        labels=names,
    )
    on_pace = GaugeMetricFamily("syncd_key_result_on_pace", "1 on track or done, 0 behind.", labels=names)
    age = GaugeMetricFamily("syncd_key_result_age_seconds", "How old the value is.", labels=names)
    held = GaugeMetricFamily(
        "syncd_key_result_held",
        "1 if a number waits for approval and the value before it stays, else 0.",
        labels=names,
    )
    for report in reports:
        for block in report.objectives:
            for line in block.key_results:
                labels = (*of_all, report.period.id, block.objective.id, line.key_result.id)
                standing = line.standing
                if line.quality is not None:
                    held.add_metric(labels, line.quality == "held")
                if line.value is not None:
                    value.add_metric(labels, line.value)
                if standing.progress is not None:
                    progress.add_metric(labels, standing.progress)
                if standing.health != "unknown":
                    on_pace.add_metric(labels, standing.health in ("on_track", "done"))
                if line.as_of is not None:
                    age.add_metric(labels, (report.as_of - line.as_of).total_seconds())
    yield from (value, progress, on_pace, age, held)


def stream_gauges(completed: Mapping[StreamId, datetime], now: datetime) -> Iterator[GaugeMetricFamily]:
    """The ages of streams, from the times of their last complete pulls."""
    age = GaugeMetricFamily(
        "syncd_stream_age_seconds", "How long ago a stream was last pulled completely.", labels=("connection", "stream")
    )
    for stream, at in completed.items():
        age.add_metric(stream, (now - at).total_seconds())
    yield age


def delivery_gauges(unwritten: Sequence[Trouble]) -> Iterator[GaugeMetricFamily]:
    """The number of unwritten check-ins, by state."""
    states = ("waiting", *STUCK)
    deliveries = GaugeMetricFamily(
        "syncd_deliveries", f"Check-ins that are not written, by why: {', '.join(states)}.", labels=("state",)
    )
    for state in states:
        deliveries.add_metric((state,), sum(len(trouble.targets) for trouble in unwritten if trouble.state == state))
    yield deliveries
