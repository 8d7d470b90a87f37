"""What Prometheus scrapes of a company: the metrics of each workspace, with its name, in one answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from syncd.config import Config
from syncd.ledger import LedgerError
from syncd.service.metrics import Metrics, prometheus_text
from syncd.workspaces.member import WorkspaceDaemon

log = logging.getLogger("syncd.workspaces")
_FRESH = 60.0  # seconds that what was read from a ledger is shown, unless a cycle ends
_BUDGET = 2.0  # seconds of a scrape that ledgers may take; those that come too late are shown as they were read last
_VERSION = "syncd_build_info"
_OF_ALL = (_VERSION, "syncd_config_last_reload_successful", "syncd_config_last_reload_success_timestamp_seconds")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read from a ledger when it was read last, at a time of the monotonic clock. If that failed, the metrics
    are those of the time before.
    """

    at: float
    cycles: float
    config: Config
    metrics: Sequence[Metric]


class CompanyMetrics:
    """Joins the metrics of workspaces. Their ledgers are read in turns: to read them all takes long."""

    def __init__(self) -> None:
        self._own = Metrics()
        self._readings: dict[str, _Reading] = {}
        self._failures: dict[str, str] = {}
        self.reloaded(good=True)

    def reloaded(self, *, good: bool) -> None:
        """Notes that the deployment's syncd.yaml was read."""
        self._own.reloaded(time.time(), good=good)

    def scrape(self, daemons: Mapping[str, WorkspaceDaemon], broken: Iterable[str], *, ledger: bool) -> bytes:
        """The metrics of the workspaces that are open, and which are not."""
        families = {metric.name: _of(metric) for metric in self._own.counted() if metric.name in _OF_ALL}
        opened = GaugeMetricFamily(
            "syncd_workspace_open", "1 if a workspace is served, 0 if it is broken.", labels=("workspace",)
        )
        for name in sorted({*daemons, *broken}):
            opened.add_metric((name,), name in daemons)
        if ledger:
            self._read(daemons)
        for name, daemon in daemons.items():
            read = self._readings.get(name)
            for metric in (*daemon.counted(), *(read.metrics if ledger and read is not None else ())):
                if metric.name != _VERSION:
                    family = families.setdefault(metric.name, _of(metric, samples=False))
                    family.samples += [_named(sample, name) for sample in metric.samples]
        return prometheus_text([*(family for family in families.values() if family.samples), opened])

    def _read(self, daemons: Mapping[str, WorkspaceDaemon]) -> None:
        """Reads ledgers whose last reading is not of now any more, the oldest first, as long as the time lasts."""
        began = time.monotonic()
        for gone in [name for name in list(self._readings) if name not in daemons]:
            self._readings.pop(gone, None)
            self._failures.pop(gone, None)
        for name in sorted(daemons, key=lambda name: self._readings[name].at if name in self._readings else 0.0):
            if time.monotonic() - began > _BUDGET:
                return
            daemon, last = daemons[name], self._readings.get(name)
            cycles, config = _cycles_of(daemon), daemon.config
            if last is not None and (last.cycles, last.config) == (cycles, config) and began - last.at < _FRESH:
                continue
            metrics = self._read_of(name, daemon)
            if metrics is None:
                metrics = last.metrics if last is not None else ()
            self._readings[name] = _Reading(time.monotonic(), cycles, config, metrics)

    def _read_of(self, name: str, daemon: WorkspaceDaemon) -> Sequence[Metric] | None:
        """What a ledger is read for; None if that failed. It is read again as late as any other: it may take long."""
        try:
            metrics = daemon.read()
        except LedgerError:  # the workspace says so itself
            return None
        except Exception as error:
            if self._failures.get(name) != str(error):
                log.exception("metrics cannot be read", extra={"workspace": name})
            self._failures[name] = str(error)
            return None
        self._failures.pop(name, None)
        return metrics


def _cycles_of(daemon: WorkspaceDaemon) -> float:
    """How many cycles have ended here."""
    return sum(
        sample.value
        for metric in daemon.counted()
        if metric.name == "syncd_cycles"
        for sample in metric.samples
        if sample.name == "syncd_cycles_total"
    )


def _of(metric: Metric, *, samples: bool = True) -> Metric:
    family = Metric(metric.name, metric.documentation, metric.type)
    family.samples = list(metric.samples) if samples else []
    return family


def _named(sample: Sample, workspace: str) -> Sample:
    return sample._replace(labels={"workspace": workspace, **sample.labels})
