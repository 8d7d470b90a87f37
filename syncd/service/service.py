"""The daemon of a single ledger: a cycle, a wait, and the next cycle."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from syncd.config import Config
from syncd.ledger import Ledger, LedgerBusy, LedgerError, service_lock
from syncd.service.configuration import Configuration, loaded_by_path
from syncd.service.due import Due
from syncd.service.metrics import Metrics
from syncd.service.served import ServedLedger
from syncd.service.standstill import Watch
from syncd.service.watching import watch_files

log = logging.getLogger("syncd.service")
_STANDBY_WAIT = timedelta(seconds=2)
_LOOK = 1.0  # seconds between two checks for requests of people
_STANDSTILL = 180.0  # seconds: longer than a call of the ledger, or a step of a cycle, may take
_GRACE = 5.0  # seconds for a cycle to end after a stop; then the process ends as if it were killed


class Service(ServedLedger):
    """Runs cycles by the schedule until it is stopped, and gives the pages their reports.

    The service watches the files of the configuration, and reads them again before each cycle. If they have mistakes,
    it reports the mistakes and keeps the last valid configuration.
    """

    def __init__(self, path: Path, config: Config, clock: Callable[[], datetime], ledger: Ledger) -> None:
        self._stop = threading.Event()
        self._wake = threading.Event()
        metrics = Metrics()
        configuration = Configuration(config, loaded_by_path(path, config), metrics)
        super().__init__(configuration, clock, ledger, metrics, wake=self._wake.set, stopping=self._stop)

    def stop(self) -> None:
        """Ends `run`: at once during a wait, after the present page during a pull, and within seconds in any state."""
        self._stop.set()
        self._wake.set()

    def reload(self) -> None:
        """Ends the present wait, so that a cycle begins and reads the configuration."""
        self._wake.set()

    def standstill(self) -> float | None:
        """For how many seconds the loop has been stuck; None if it is not stuck."""
        still = time.monotonic() - self.job.moved_at
        return still if still > _STANDSTILL else None

    def run(self) -> None:
        """Runs cycles until it is stopped; the first cycle starts at once.

        If work hangs when the service is stopped, the process abandons the work after `_GRACE` seconds. The next start
        continues it, as after a kill.
        """
        failures: list[BaseException] = []

        def loop() -> None:
            try:
                self._loop()
            except BaseException as error:
                failures.append(error)

        standing = Watch(self.standstill)
        watch = partial(watch_files, self.configuration, self._wake.set, self._stop)
        threading.Thread(target=watch, name="watch", daemon=True).start()
        threading.Thread(target=self.upkeep.run, args=(self._stop,), name="upkeep", daemon=True).start()
        thread = threading.Thread(target=loop, name="cycles", daemon=True)
        thread.start()
        while thread.is_alive() and not self._stop.is_set():
            thread.join(0.5)  # `join` shares no lock with `stop`, which a signal may call at any point
            standing.look()
        end = time.monotonic() + _GRACE
        thread.join(_GRACE)
        if failures:
            raise failures[0]
        hanging = [*(["cycle"] if thread.is_alive() else []), *self.job.join(end - time.monotonic())]
        if hanging:
            log.warning("stopped in the middle; the next start goes on from there", extra={"hanging": hanging})
        else:
            log.info("stopped")

    def _loop(self) -> None:
        """Runs cycles. While another service uses the ledger, it stands by and only serves the pages."""
        while not self._stop.is_set():
            self.job.moved()
            try:
                with service_lock(self.ledger.engine) as check_lock:
                    self.runs()
                    self._cycles(check_lock)
            except (LedgerBusy, LedgerError) as error:
                self.stands_by(error)
                self._stop.wait(_STANDBY_WAIT.total_seconds())
        self.ledger.close()

    def _cycles(self, check_lock: Callable[[], None]) -> None:
        """Runs cycles until it is stopped, or until `check_lock` raises LedgerError after a good cycle."""
        log.info(
            "started", extra={"schedule": self.config.settings.schedule, "ledger": self.ledger.engine.dialect.name}
        )
        while not self._stop.is_set():
            due = self.job.run()
            if self.ledger_problem is None:
                check_lock()
            self.upkeep.serving.set()
            self._wait(due)
            due.note_a_step()

    def _wait(self, due: Due) -> None:
        """Waits until the next cycle is due, a thread requests a cycle, or a person's request arrives. The wait has
        short steps, because the system clock goes on while the machine sleeps.
        """
        while not self._wake.is_set():
            self.job.moved()
            left = due.left(self.job.send_again_at)
            if left <= 0 or self.job.has_new_request():
                break
            self._wake.wait(min(left, _LOOK))
        self._wake.clear()
