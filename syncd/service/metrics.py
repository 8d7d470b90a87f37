"""The metrics that Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from syncd.cycle.model import Result
from syncd.ledger.outbox import STUCK
from syncd.status.report import Report
from syncd.status.unwritten import Trouble


class Metrics:
    """The daemon's metrics, in their own registry."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        of_key_result = ["key_result"]

        def gauge(name: str, text: str, labels: tuple[str, ...] | list[str] = ()) -> Gauge:
            return Gauge(name, text, labels, registry=self._registry)

        self._value = gauge("syncd_key_result_value", "The key result's value.", of_key_result)
        self._progress = gauge(
            "syncd_key_result_progress",
            "How much of the way from baseline to target is done: 1 is all of it.",
            of_key_result,
        )
        self._healthy = gauge("syncd_key_result_on_pace", "1 on track or done, 0 behind.", of_key_result)
        self._age = gauge("syncd_key_result_age_seconds", "How old the value is.", of_key_result)
        self._held = gauge(
            "syncd_key_result_held",
            "1 if a number waits for approval and the value before it stays, else 0.",
            of_key_result,
        )
        build = gauge("syncd_build_info", "1, with the version of syncd that runs.", ["version"])
        build.labels(version("syncd")).set(1)
        self._reloaded = gauge(
            "syncd_config_last_reload_successful", "1 if the configuration could be read last time, else 0."
        )
        self._reloaded_at = gauge(
            "syncd_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read, in Unix time.",
        )
        self._last = gauge("syncd_last_cycle_timestamp_seconds", "When the last cycle ended, in Unix time.")
        self._seconds = gauge("syncd_last_cycle_duration_seconds", "How long the last cycle took.")
        self._failing = gauge(
            "syncd_connection_failing", "1 if a connection's last pull failed, else 0.", ["connection"]
        )
        self._hanging = gauge(
            "syncd_hanging_seconds",
            "For how long nothing came of a connection that goes on being pulled beside the cycles.",
            ["connection"],
        )
        self._unwritten = gauge(
            "syncd_deliveries",
            "Check-ins that are not written, by why: waiting, dead, unsure, refused, absent.",
            ["state"],
        )
        self._written = Counter("syncd_writes", "Check-ins written.", ["connection"], registry=self._registry)
        self._cycles = Counter("syncd_cycles", "Cycles run, by how they ended.", ["outcome"], registry=self._registry)

    def cycle(self, result: Result, seconds: float, ended: float) -> None:
        """Counts a cycle that ended; `ended` is in Unix time."""
        self._cycles.labels("failed" if result.failures or result.unwritten else "complete").inc()
        for outcome in result.delivered:
            if outcome.wrote:
                self._written.labels(outcome.delivery.connection).inc()
        self._seconds.set(seconds)
        self._last.set(ended)
        failing = {pull.connection for pull, _ in result.failures}
        for connection in {ended.pull.connection for ended in result.pulls}:
            self._failing.labels(connection).set(connection in failing)

    def hanging(self, seconds: Mapping[str, float]) -> None:
        """Notes for how many seconds nothing came of each connection whose pull outlasted its cycle."""
        self._hanging.clear()
        for connection, silent in seconds.items():
            self._hanging.labels(connection).set(silent)

    def reloaded(self, now: float, *, good: bool) -> None:
        """Notes that the configuration was read, at `now` in Unix time; one that is wrong is not taken over."""
        self._reloaded.set(good)
        if good:
            self._reloaded_at.set(now)

    def broken_cycle(self) -> None:
        """Counts a cycle that did not reach its end."""
        self._cycles.labels("broken").inc()

    def text(self, report: Report | None, unwritten: Sequence[Trouble] = ()) -> bytes:
        """All metrics in Prometheus' text format. An unknown value has no sample, because it is not zero."""
        for gauge in (self._value, self._progress, self._healthy, self._age, self._held, self._unwritten):
            gauge.clear()
        if report is not None:
            self._fill(report)
            for state in ("waiting", *STUCK):
                alike = [len(trouble.targets) for trouble in unwritten if trouble.state == state]
                self._unwritten.labels(state).set(sum(alike))
        return generate_latest(self._registry)

    def _fill(self, report: Report) -> None:
        for block in report.objectives:
            for line in block.key_results:
                name, standing = line.key_result.id, line.standing
                if line.quality is not None:
                    self._held.labels(name).set(line.quality == "held")
                if line.value is not None:
                    self._value.labels(name).set(line.value)
                if standing.progress is not None:
                    self._progress.labels(name).set(standing.progress)
                if standing.health != "unknown":
                    self._healthy.labels(name).set(standing.health in ("on_track", "done"))
                if line.as_of is not None:
                    self._age.labels(name).set((report.as_of - line.as_of).total_seconds())
