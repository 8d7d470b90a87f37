"""The metrics of a deployment for Prometheus: one response with the metrics of all workspaces, labeled with their
names.
"""

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
_FRESH = 60.0  # seconds for which a reading of a ledger is shown, unless a cycle ends
_BUDGET = 2.0  # seconds of a scrape for reading ledgers; the other ledgers are shown as they were last read
_VERSION = "syncd_build_info"
_OF_ALL = (_VERSION, "syncd_config_last_reload_successful", "syncd_config_last_reload_success_timestamp_seconds")


@dataclass(frozen=True, slots=True)
class _Reading:
    """The metrics that were last read from a ledger, and the time of the monotonic clock. If the last read failed, the
    metrics are those of the read before.
    """

    at: float
    cycles: float
    config: Config
    metrics: Sequence[Metric]


class CompanyMetrics:
    """Joins the metrics of workspaces. Each scrape reads only some ledgers, because reading all of them takes long."""

    def __init__(self) -> None:
        self._own = Metrics()
        self._readings: dict[str, _Reading] = {}
        self._failures: dict[str, str] = {}
        self.reloaded(good=True)

    def reloaded(self, *, good: bool) -> None:
        """Records that the deployment's syncd.yaml was read; `good` says whether the file is valid."""
        self._own.reloaded(time.time(), good=good)

    def scrape(self, daemons: Mapping[str, WorkspaceDaemon], broken: Iterable[str], *, ledger: bool) -> bytes:
        """The metrics of the open workspaces, and a metric that says which workspaces are open."""
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
        """Reads the ledgers whose metrics are too old, the oldest first, until `_BUDGET` seconds are used up."""
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
        """The metrics from a ledger; None if reading failed. After a failure, a ledger waits for its next read as long
        as other ledgers do.
        """
        try:
            metrics = daemon.read()
        except LedgerError:  # the workspace reports this error itself
            return None
        except Exception as error:
            if self._failures.get(name) != str(error):
                log.exception("metrics cannot be read", extra={"workspace": name})
            self._failures[name] = str(error)
            return None
        self._failures.pop(name, None)
        return metrics


def _cycles_of(daemon: WorkspaceDaemon) -> float:
    """The number of cycles that have ended in this process."""
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
