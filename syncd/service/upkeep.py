"""The upkeep of the ledger between cycles: the service prunes the ledger each night, and backs it up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from prometheus_client.core import GaugeMetricFamily

from syncd.config import Config
from syncd.ledger import Ledger, LedgerBusy, LedgerError
from syncd.ledger.prune import give_space_back, prune
from syncd.service.backups import Backups, backup_gauge, due

log = logging.getLogger("syncd.service")
_NIGHT = timedelta(hours=3)  # after midnight
_TICK = 1.0  # seconds


class Upkeep:
    """Prunes and backs up the ledger in a separate thread, so that no cycle has to wait.

    It works only while `serving` is set: while this process runs the cycles, after the first cycle.
    """

    def __init__(
        self,
        ledger: Ledger,
        config: Callable[[], Config],
        clock: Callable[[], datetime],
        *,
        pruned: date | None = None,
    ) -> None:
        """`pruned` is the night in which the ledger was pruned last, if that is known."""
        self.serving = threading.Event()
        self.backup_problem: str | None = None
        self._ledger = ledger
        self._config = config
        self._clock = clock
        self.pruned = pruned
        self._shrinks = False
        self._newest: datetime | None = None
        self._tried: datetime | None = None

    def run(self, stopping: threading.Event) -> None:
        """Works until the service stops. Unfinished work ends with the process, and starts again later."""
        while not stopping.wait(_TICK):
            self.work(stopping)

    def work(self, stopping: threading.Event) -> None:
        """Does the work that is due now."""
        if self.serving.is_set():
            try:
                self._back_up()
                self._prune(stopping)
            except Exception:  # a bug here must not end the backups for ever
                log.exception("upkeep broken")

    def gauges(self) -> Iterator[GaugeMetricFamily]:
        """The gauge of the newest backup, if backups are configured."""
        if self._config().settings.backup is not None:
            yield backup_gauge(self._newest)

    def _back_up(self) -> None:
        config, now = self._config(), datetime.now(UTC)
        keys = config.settings.backup
        if keys is None:
            self.backup_problem = None
            return
        backups = Backups(config.path.parent / keys.to, self._ledger, config.ledger_url)
        try:
            if self._newest is None:
                self._newest = backups.newest(now)
            if not due(self._newest, self._tried, keys.every, now):
                return
            self._tried, began = now, time.monotonic()
            self._ledger.check_in_place()  # a backup of another ledger must not push out those of this one
            file = backups.write(now, keys.keep)
        except (LedgerError, OSError) as error:
            self._tried = now
            self.backup_problem = str(error)
            log.error("backup failed", extra={"reason": self.backup_problem})
            return
        self._newest, self._tried, self.backup_problem = now, None, None
        log.info("backed up", extra={"file": str(file), "seconds": round(time.monotonic() - began, 2)})

    def _prune(self, stopping: threading.Event) -> None:
        """Prunes once a night, and once after the start, because a service may never run at night."""
        config, now = self._config(), self._clock()
        night = (now.astimezone(config.zone) - _NIGHT).date()
        try:
            if night != self.pruned:
                self.pruned = night
                pruned = prune(
                    self._ledger.engine, config.settings.retain.before(now), config.zone, stopping=stopping.is_set
                )
                self._ledger.sessions.prune(datetime.now(UTC))
                self._shrinks = True
                log.info("pruned", extra={table: rows.removed for table, rows in pruned.items()})
            if self._shrinks:
                with suppress(LedgerBusy):  # it is tried again after the cycle
                    give_space_back(self._ledger.engine)
                    self._shrinks = False
        except LedgerError as error:
            self._shrinks = False
            log.error("prune failed", extra={"reason": str(error)})
