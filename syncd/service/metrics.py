"""The metrics that Prometheus scrapes: counters of the service's work, and gauges of the ledger's contents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics_core import Metric

from syncd.cycle.model import Pull, Result
from syncd.publishing.delivery import Delivered
from syncd.sdk import RequestOutcome
from syncd.sdk.quota import QuotaLeft


class Metrics:
    """The service's metrics, in their own registry. Threads may call every method at the same time.

    If a connection is removed from the configuration, `keep` drops its series.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`now` returns the time for the renewal of quotas: real time, not the clock of the configuration."""
        self._now = now
        self._registry = CollectorRegistry()
        self._connections: frozenset[str] = frozenset()
        self._quotas: dict[str, QuotaLeft] = {}
        self._lock = threading.Lock()  # of the quotas and their gauge

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self._registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self._registry)

        build = gauge("syncd_build_info", "1, with the version of syncd that runs.", "version")
        build.labels(version("syncd")).set(1)
        self._reloaded = gauge(
            "syncd_config_last_reload_successful", "1 if the configuration could be read last time, else 0."
        )
        self._reloaded_at = gauge(
            "syncd_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read, in Unix time.",
        )
        self._standing_by = gauge("syncd_standing_by", "1 while another process runs the ledger's cycles, else 0.")
        self._last = gauge("syncd_last_cycle_timestamp_seconds", "When the last cycle ended, in Unix time.")
        self._seconds = gauge("syncd_last_cycle_duration_seconds", "How long the last cycle took.")
        self._cycles = counter("syncd_cycles", "Cycles run, by how they ended.", "outcome")
        for outcome in ("complete", "failed", "broken"):
            self._cycles.labels(outcome)  # starts at 0, because `increase` does not see the first event of a new series
        self._failing = gauge("syncd_connection_failing", "1 if a connection's last pull failed, else 0.", "connection")
        self._quota = gauge(
            "syncd_quota_remaining",
            "Requests that the server's quota left after the last answer; gone once the quota is renewed.",
            "connection",
        )
        self._hanging = gauge(
            "syncd_hanging_seconds",
            "For how long nothing came of a pull that outlasted its cycle, or for how long a delivery has run.",
            "work",
            "connection",
        )
        self._requests = counter("syncd_requests", "Requests made, by how they ended.", "connection", "outcome")
        self._rows = counter("syncd_rows", "Rows that came, changed or not.", "connection")
        self._restatements = counter(
            "syncd_restatements", "Changes that a source made to past data and that moved a number.", "connection"
        )
        self._written = counter("syncd_writes", "Check-ins written.", "connection")

    def keep(self, connections: Collection[str]) -> None:
        """Keeps the series of these connections, and drops the series of all others. A counter of a new connection
        begins with the first event.
        """
        gone, self._connections = self._connections.difference(connections), frozenset(connections)
        for metric in (
            self._failing,
            self._quota,
            self._requests,
            self._rows,
            self._restatements,
            self._written,
        ):
            for connection in gone:
                metric.remove_by_labels({"connection": connection})
        with self._lock:
            for connection in gone:
                self._quotas.pop(connection, None)

    def request(self, connection: str, outcome: RequestOutcome, quota: QuotaLeft | None) -> None:
        """Counts a request. `quota` is what is left of the quota after the request; None if the server reports no
        quota.
        """
        self._count(self._requests, connection, outcome)
        if quota is not None and connection in self._connections:
            with self._lock:
                self._quota.labels(connection).set(quota.left)
                self._quotas[connection] = quota

    def quota_left(self, connection: str) -> QuotaLeft | None:
        """What was left of a connection's quota after the last response; None if the server reports no quota or has
        renewed it.
        """
        self._forget_renewed()
        return self._quotas.get(connection)

    def _forget_renewed(self) -> None:
        """Removes the quotas that have been renewed. The next response reports the renewed quota."""
        with self._lock:
            now = self._now()
            for connection in [name for name, quota in self._quotas.items() if quota.reset <= now]:
                del self._quotas[connection]
                self._quota.remove_by_labels({"connection": connection})

    def page(self, pull: Pull, rows: int) -> None:
        """Counts the rows of a page."""
        self._count(self._rows, pull.connection, by=rows)

    def cycle(self, result: Result, seconds: float, ended: float, *, good: bool) -> None:
        """Counts a cycle that ended; `ended` is in Unix time.

        A cycle is `good` if every source was read, and every check-in and message that was due arrived.
        """
        self._cycles.labels("complete" if good else "failed").inc()
        # A record that several key results count is one change.
        restated = {
            (restatement.connection, restatement.label, restatement.of)
            for change in result.changes
            for restatement in change.restated
        }
        for connection, *_ in restated:
            self._count(self._restatements, connection)
        self._seconds.set(seconds)
        self._last.set(ended)
        failing = {pull.connection for pull, _ in result.failures}
        for connection in self._connections.intersection(ended.pull.connection for ended in result.pulls):
            self._failing.labels(connection).set(connection in failing)

    def standing_by(self, busy: bool) -> None:
        """Records whether another process runs the cycles of the ledger."""
        self._standing_by.set(busy)

    def sent(self, delivered: Iterable[Delivered]) -> None:
        """Counts the check-ins that were written."""
        for outcome in delivered:
            self._count(self._written, outcome.delivery.connection, by=outcome.wrote)

    def hanging(self, seconds: Mapping[str, Mapping[str, float]]) -> None:
        """Sets the seconds for which each thread has hung, by its work and its connection."""
        self._hanging.clear()
        for work, connections in seconds.items():
            for connection, silent in connections.items():
                self._hanging.labels(work, connection).set(silent)

    def _count(self, counter: Counter, connection: str, *labels: str, by: float = 1) -> None:
        """Counts an event of a connection. If the connection was removed from the configuration, its threads may still
        run, but their events are not counted.
        """
        if connection in self._connections and by:
            counter.labels(connection, *labels).inc(by)

    def reloaded(self, now: float, *, good: bool) -> None:
        """Records that the configuration was read, at `now` in Unix time; `good` says whether the configuration is
        used.
        """
        self._reloaded.set(good)
        if good:
            self._reloaded_at.set(now)

    def broken_cycle(self) -> None:
        """Counts a cycle that did not reach its end."""
        self._cycles.labels("broken").inc()

    def counted(self) -> Iterable[Metric]:
        """The metrics counted until now."""
        self._forget_renewed()
        return self._registry.collect()


def prometheus_text(metrics: Iterable[Metric]) -> bytes:
    """Metrics in Prometheus' text format."""
    return generate_latest(_Scrape(metrics))


class _Scrape(CollectorRegistry):
    """The metrics of one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        super().__init__()
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        yield from self._metrics
