"""`syncd run` of a deployment with workers: the pages of all workspaces, and a worker beside them."""

from __future__ import annotations

import threading
import time

from syncd.config.deployment import Deployment
from syncd.workspaces.company import Company
from syncd.workspaces.worked_member import WorkedMember
from syncd.workspaces.worker import Worker

_GRACE = 9.0  # seconds that the worker has to end, from the stop on


class WorkedCompany(Company):
    """Shows the workspaces, and takes their jobs like any other worker."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment, WorkedMember)
        self._worker = Worker(deployment.path)

    @property
    def workers(self) -> int | None:
        """How many workers were alive when this one last counted them; None if it has not yet."""
        return self._worker.alive

    def not_ready(self) -> str | None:
        """Why nothing can be expected of this process yet, or any more; None if it is ready."""
        return super().not_ready() or self._worker.problem()

    def standstill(self) -> float | None:
        """For how many seconds the pages or the jobs have not moved, if they should have; else None."""
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
        """Ends `run` within seconds in any state."""
        self._worker.stop()
        super().stop()
