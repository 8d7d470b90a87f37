"""The process behind `syncd serve`: it shows what the ledger and the mapping files hold, and runs no cycle."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from prometheus_client.metrics_core import Metric

from syncd.config import Config
from syncd.config.project import clock_of
from syncd.ledger import Databases, Ledger, LedgerError, open_ledger
from syncd.sdk.quota import QuotaLeft
from syncd.service.configuration import Configuration, Load, loaded_by_path
from syncd.service.gauges import LedgerGauges
from syncd.service.metrics import Metrics, prometheus_text
from syncd.service.watching import watch_files
from syncd.status.unwritten import Trouble, troubles

_CLOSING = 2.0  # seconds that the ledger has to be closed


class LedgerReader:
    """Gives the pages the ledger, once there is one, and the configuration as the files have it.

    It needs no secret of a connection and no network. Another process may sync into the ledger meanwhile.
    """

    backup_problem: str | None = None
    cycle_problem: str | None = None
    ledger_problem: str | None = None
    standing_by: str | None = None
    starting = False

    def __init__(
        self, path: Path, config: Config, *, load: Load | None = None, databases: Databases | None = None
    ) -> None:
        """`load` reads the files, by default those at `path`; readers with the same `databases` share connections."""
        self._metrics = Metrics()
        self.configuration = Configuration(config, load or loaded_by_path(path, config), self._metrics)
        self._databases = databases
        self._opening = threading.Lock()
        self._ledger: Ledger | None = None
        self._stop = threading.Event()

    @property
    def config(self) -> Config:
        """The last valid configuration."""
        return self.configuration.config

    @property
    def config_problem(self) -> str | None:
        """Why the files are not in use; None if they are."""
        return self.configuration.problem

    @property
    def ledger(self) -> Ledger | None:
        """The ledger; None before the first sync."""
        with self._opening:
            if self._ledger is None:
                self._ledger = self._opened()
            return self._ledger

    def _opened(self) -> Ledger | None:
        address = self.config.ledger_url
        return open_ledger(address(), create=False, address=address, databases=self._databases)

    @property
    def stopping(self) -> bool:
        """Whether it is about to end."""
        return self._stop.is_set()

    def now(self) -> datetime:
        """The time, by the clock of the configuration."""
        return clock_of(self.config.settings)()

    def standstill(self) -> float | None:
        """It has no loop that could stand still."""
        return None

    def check_ledger(self) -> None:
        """Raises LedgerError if there is no ledger at its address. One that was put in its place is opened: it was only
        read, so nothing of this process is lost.
        """
        ledger = self.ledger
        if ledger is None:
            raise LedgerError("there is no ledger yet; `syncd sync` or `syncd run` makes it")
        try:
            ledger.check_in_place()
        except LedgerError:
            with self._opening:
                if self._ledger is ledger:  # else another thread has opened it meanwhile
                    ledger.close()
                    if (another := self._opened()) is None:
                        raise
                    self._ledger = another

    def troubles(self) -> Sequence[Trouble]:
        """The check-ins that are not written."""
        return troubles(self.ledger)

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """No cycle can be started here."""
        return 404, "`syncd serve` takes no webhooks; send them to `syncd run`"

    def quota_left(self, connection: str) -> QuotaLeft | None:
        """It asks no server, so it does not know."""
        return None

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics: what the ledger holds, and how the configuration was read."""
        return prometheus_text([*self.counted(), *(self.read() if ledger else ())])

    def counted(self) -> Iterable[Metric]:
        """The metrics of how the configuration was read."""
        return self._metrics.counted()

    def read(self) -> Sequence[Metric]:
        """The metrics that the ledger is read for; none before there is a ledger. Raises LedgerError."""
        if self.ledger is None:
            return []
        return list(LedgerGauges(self.ledger).read(self.config, self.now()))

    def run(self) -> None:
        """Watches the files until it is stopped."""
        watch = partial(watch_files, self.configuration, lambda: None, self._stop)  # each page reads what is in force
        threading.Thread(target=watch, name="watch", daemon=True).start()
        while not self._stop.is_set():
            time.sleep(0.2)  # it shares no lock with `stop`, which a signal may call at any point of this thread
        closing = threading.Thread(target=self.close, name="close", daemon=True)  # a database may be silent
        closing.start()
        closing.join(_CLOSING)

    def stop(self) -> None:
        """Ends `run`."""
        self._stop.set()

    def close(self) -> None:
        """Closes the ledger, if it was opened."""
        with self._opening:
            if self._ledger is not None:
                self._ledger.close()
