"""A ledger that this process syncs, with everything that pages, probes and webhooks need from it."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from prometheus_client.metrics_core import Metric

from syncd.config import Config
from syncd.ledger import Ledger, LedgerBusy, LedgerError
from syncd.sdk.quota import QuotaLeft
from syncd.service.configuration import Configuration
from syncd.service.gauges import LedgerGauges
from syncd.service.hooks import Hooks
from syncd.service.job import CycleJob
from syncd.service.metrics import Metrics, prometheus_text
from syncd.service.upkeep import Upkeep
from syncd.status.unwritten import Trouble, troubles

log = logging.getLogger("syncd.service")


class ServedLedger:
    """A ledger with the job that syncs it, its upkeep and its webhooks. A subclass or an owner runs the job and the
    upkeep.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Callable[[], datetime],
        ledger: Ledger,
        metrics: Metrics,
        *,
        wake: Callable[[], None],
        stopping: threading.Event,
        longest: float = math.inf,
    ) -> None:
        """`wake` is called, by any thread, to request a cycle. A cycle waits at most `longest` seconds for pulls."""
        self.standing_by: str | None = None
        self.starting = True
        self.ledger = ledger
        self.configuration = configuration
        self.job = CycleJob(configuration, clock, ledger, metrics, wake=wake, stopping=stopping, longest=longest)
        self.upkeep = Upkeep(ledger, lambda: self.config, clock)
        self._stopping = stopping
        self._metrics = metrics
        self._gauges = LedgerGauges(ledger)
        self._hooks = Hooks(ledger, wake)
        ledger.requests.stored = wake

    @property
    def config(self) -> Config:
        """The last valid configuration."""
        return self.configuration.config

    @property
    def config_problem(self) -> str | None:
        """The error because of which the present configuration files are not in use; None if they are in use."""
        return self.configuration.problem

    @property
    def cycle_problem(self) -> str | None:
        """The reason why the last cycle did not reach its end; None if it reached its end."""
        return self.job.cycle_problem

    @property
    def ledger_problem(self) -> str | None:
        """The reason why the last cycle could not use the ledger; None if it used the ledger."""
        return self.job.ledger_problem

    @property
    def backup_problem(self) -> str | None:
        """The reason why the last scheduled backup failed; None if it succeeded."""
        return self.upkeep.backup_problem

    @property
    def stopping(self) -> bool:
        """Whether the process has been asked to end."""
        return self._stopping.is_set()

    @property
    def cycles(self) -> int:
        """The number of cycles that have reached their end."""
        return self.job.cycles

    def now(self) -> datetime:
        """The time, by the clock of the configuration."""
        return self.job.clock()

    def runs(self) -> None:
        """Records that this process runs the cycles of the ledger from now on."""
        self.standing_by, self.starting = None, False
        self._metrics.standing_by(False)

    def stands_by(self, error: Exception) -> None:
        """Records that this process runs no cycles from now on, because another process runs them (LedgerBusy), or
        because the ledger cannot be used.
        """
        self.upkeep.serving.clear()
        if self.standing_by is None:
            log.warning("standing by", extra={"reason": str(error)})
        self.standing_by, self.starting = str(error), False
        self._metrics.standing_by(isinstance(error, LedgerBusy))

    def check_ledger(self) -> None:
        """Raises LedgerError if the ledger in use is no longer at its address, or cannot be written to."""
        self.ledger.check_in_place()

    def troubles(self) -> Sequence[Trouble]:
        """The check-ins that syncd has not written to their targets."""
        return troubles(self.ledger)

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Handles a webhook, and returns the status and the text of the response. A signed and new webhook starts a
        cycle. Raises LedgerError if the ledger in use is no longer at its address.
        """
        if self.standing_by is not None:
            return 503, f"standing by: {self.standing_by}"
        self.check_ledger()
        return self._hooks.receive(self.config, connection, headers, body)

    def quota_left(self, connection: str) -> QuotaLeft | None:
        """What was left of a connection's quota after the last response; None if the server reports no quota or has
        renewed it.
        """
        return self._metrics.quota_left(connection)

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics. With `ledger=False`, or if the ledger cannot be read, only the counters of this process."""
        metrics = [*self.counted()]
        if ledger:
            with suppress(LedgerError):
                metrics += self.read()
        return prometheus_text(metrics)

    def counted(self) -> Iterable[Metric]:
        """The metrics about the work of this process."""
        self._metrics.hanging(self.job.hanging())
        return self._metrics.counted()

    def read(self) -> Sequence[Metric]:
        """The metrics from the ledger. Raises LedgerError."""
        return [*self._gauges.read(self.config, self.now()), *self.upkeep.gauges()]
