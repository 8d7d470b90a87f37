"""`syncd run` of a deployment with workers: shows the pages of all workspaces, and runs a worker."""

from __future__ import annotations

import threading
import time

from syncd.config.deployment import Deployment
from syncd.workspaces.company import Company
from syncd.workspaces.worked_member import WorkedMember
from syncd.workspaces.worker import Worker

_GRACE = 9.0  # seconds that the worker has to end, from the time of the stop


class WorkedCompany(Company):
    """Shows the workspaces, and takes their jobs like any other worker."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment, WorkedMember)
        self._worker = Worker(deployment.path)

    @property
    def workers(self) -> int | None:
        """The number of workers that were alive at this worker's last count; None before the first count."""
        return self._worker.alive

    def not_ready(self) -> str | None:
        """The reason why this process cannot serve workspaces or take jobs at present; None if it is ready."""
        return super().not_ready() or self._worker.problem()

    def standstill(self) -> float | None:
        """For how many seconds the pages or the jobs have been stuck; None if they are not stuck."""
        return super().standstill() or self._worker.standstill()

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics of the workspaces, and those of the worker."""
        return super().scrape(ledger=ledger) + self._worker.scrape()

    def run(self) -> None:
        """Shows pages and takes jobs until it is stopped."""
        thread = threading.Thread(target=self._worker.run, name="worker", daemon=True)
        thread.start()
        super().run()
        thread.join(max(0.0, self._worker.stopped_at + _GRACE - time.monotonic()))

    def stop(self) -> None:
        """Makes `run` end within seconds, in any state."""
        self._worker.stop()
        super().stop()
