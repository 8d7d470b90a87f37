"""The metrics of a worker for Prometheus: the jobs that it ran, the number of workers, and the delay of jobs."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

OUTCOMES = ("complete", "failed", "stopped", "handed back", "gone", "lost")


class WorkerMetrics:
    """The metrics of a worker, in a registry of their own. Threads may call every method at the same time."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self._registry)

        self.ready = gauge("syncd_worker_ready", "1 if this worker takes jobs, else 0.")
        self.workers = gauge("syncd_workers", "Workers of the deployment that are alive.")
        self.late = gauge("syncd_due_seconds", "Seconds for which the longest-waiting workspace has been due.")
        self.running = gauge("syncd_jobs_running", "Jobs that this worker runs now.")
        self.reclaimed = Counter(
            "syncd_jobs_reclaimed", "Jobs that this worker took from another.", registry=self._registry
        )
        self.jobs = Counter(
            "syncd_jobs", "Jobs that this worker ran, by how they ended.", ["outcome"], registry=self._registry
        )
        for outcome in OUTCOMES:
            self.jobs.labels(outcome)  # begins at 0, because `increase` does not see the first event of a new series

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
