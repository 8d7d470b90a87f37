"""What Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from syncd.cycle.model import Result
from syncd.ledger.outbox import STUCK
from syncd.status.report import Report
from syncd.status.unwritten import Trouble


class Metrics:
    """The daemon's metrics in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        of_key_result = ["key_result"]

        def gauge(name: str, text: str, labels: tuple[str, ...] | list[str] = ()) -> Gauge:
            return Gauge(name, text, labels, registry=self._registry)

        self._value = gauge("syncd_key_result_value", "The key result's value.", of_key_result)
        self._progress = gauge("syncd_key_result_progress", "How much of the way is gone, 0 to 1.", of_key_result)
        self._healthy = gauge("syncd_key_result_on_pace", "1 on track or done, 0 behind.", of_key_result)
        self._age = gauge("syncd_key_result_age_seconds", "How old the value is.", of_key_result)
        self._held = gauge(
            "syncd_key_result_held",
            "1 where a number waits for approval, and the last one stays; else 0.",
            of_key_result,
        )
        self._last = gauge("syncd_last_cycle_timestamp_seconds", "When the last cycle ended, in Unix time.")
        self._seconds = gauge("syncd_last_cycle_duration_seconds", "How long the last cycle took.")
        self._failing = gauge("syncd_connection_failing", "1 where a connection's last pull failed.", ["connection"])
        self._unwritten = gauge(
            "syncd_deliveries",
            "Check-ins that are not written, by why: waiting, dead, unsure, refused, absent.",
            ["state"],
        )
        self._written = Counter("syncd_writes", "Check-ins written.", ["connection"], registry=self._registry)
        self._cycles = Counter("syncd_cycles", "Cycles run, by how they ended.", ["outcome"], registry=self._registry)

    def cycle(self, result: Result, seconds: float, ended: float) -> None:
        """A cycle ended; `ended` is in Unix time."""
        self._cycles.labels("failed" if result.failures or result.unwritten else "complete").inc()
        for one in result.delivered:
            if one.wrote:
                self._written.labels(one.delivery.connection).inc()
        self._seconds.set(seconds)
        self._last.set(ended)
        failing = {pull.connection for pull, _ in result.failures}
        for connection in {ended.pull.connection for ended in result.pulls}:
            self._failing.labels(connection).set(connection in failing)

    def broken_cycle(self) -> None:
        """A cycle did not come to an end."""
        self._cycles.labels("broken").inc()

    def text(self, found: Report | None, unwritten: Sequence[Trouble] = ()) -> bytes:
        """Everything, in Prometheus' text format. What is unknown is left out: it is not zero."""
        for gauge in (self._value, self._progress, self._healthy, self._age, self._held, self._unwritten):
            gauge.clear()
        if found is not None:
            self._fill(found)
            for state in ("waiting", *STUCK):
                alike = [len(trouble.targets) for trouble in unwritten if trouble.state == state]
                self._unwritten.labels(state).set(sum(alike))
        return generate_latest(self._registry)

    def _fill(self, found: Report) -> None:
        for block in found.objectives:
            for line in block.key_results:
                name, stands = line.key_result.id, line.standing
                if line.quality is not None:
                    self._held.labels(name).set(line.quality == "held")
                if line.value is not None:
                    self._value.labels(name).set(line.value)
                if stands.progress is not None:
                    self._progress.labels(name).set(stands.progress)
                if stands.health != "unknown":
                    self._healthy.labels(name).set(stands.health in ("on_track", "done"))
                if line.as_of is not None:
                    self._age.labels(name).set((found.as_of - line.as_of).total_seconds())
