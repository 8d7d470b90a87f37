"""The process behind `syncd serve`: it shows the contents of the ledger and the mapping files, and runs no cycle."""

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

_CLOSING = 2.0  # seconds for closing the ledger


class LedgerReader:
    """Gives the pages the ledger, as soon as it exists, and the configuration in the files.

    The reader needs no secret of a connection and no network. Another process may sync into the ledger at the same
    time.
    """

    backup_problem: str | None = None
    cycle_problem: str | None = None
    ledger_problem: str | None = None
    standing_by: str | None = None
    starting = False

    def __init__(
        self, path: Path, config: Config, *, load: Load | None = None, databases: Databases | None = None
    ) -> None:
        """`load` reads the files, by default those at `path`. Readers with the same `databases` share connections."""
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
        """The error because of which the present configuration files are not in use; None if they are in use."""
        return self.configuration.problem

    @property
    def ledger(self) -> Ledger | None:
        """The ledger at the address; None before the first sync. A ledger that was put in the place of another, for
        example by a restore, is opened at once. If no ledger is in its place, the former one stays.
        """
        with self._opening:
            if self._ledger is None or not self._ledger.is_in_place:
                self._open_again()
            return self._ledger

    def _open_again(self) -> None:
        if (another := self._opened()) is not None:
            former, self._ledger = self._ledger, another
            if former is not None:
                former.close()

    def _opened(self) -> Ledger | None:
        address = self.config.ledger_url
        return open_ledger(address(), create=False, address=address, databases=self._databases)

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end."""
        return self._stop.is_set()

    def now(self) -> datetime:
        """The time, by the clock of the configuration."""
        return clock_of(self.config.settings)()

    def standstill(self) -> float | None:
        """None, because this process has no loop that could get stuck."""
        return None

    def check_ledger(self) -> None:
        """Raises LedgerError if there is no ledger at its address. If another ledger has taken its place in the
        database, opens the other ledger.
        """
        ledger = self.ledger
        if ledger is None:
            raise LedgerError("there is no ledger yet; `syncd sync` or `syncd run` makes it")
        try:
            ledger.check_in_place()
        except LedgerError:
            with self._opening:
                if self._ledger is ledger:  # else another thread has already opened it
                    self._open_again()
                if self._ledger is ledger:
                    raise

    def troubles(self) -> Sequence[Trouble]:
        """The check-ins that syncd has not written to their targets."""
        return troubles(self.ledger)

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Refuses the webhook, because this process runs no cycles."""
        return 404, "`syncd serve` takes no webhooks; send them to `syncd run`"

    def quota_left(self, connection: str) -> QuotaLeft | None:
        """None, because this process sends no requests to sources."""
        return None

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics from the ledger, and those about reading the configuration."""
        return prometheus_text([*self.counted(), *(self.read() if ledger else ())])

    def counted(self) -> Iterable[Metric]:
        """The metrics about reading the configuration."""
        return self._metrics.counted()

    def read(self) -> Sequence[Metric]:
        """The metrics from the ledger; none if there is no ledger yet. Raises LedgerError."""
        if self.ledger is None:
            return []
        return list(LedgerGauges(self.ledger).read(self.config, self.now()))

    def run(self) -> None:
        """Watches the files until it is stopped."""
        watch = partial(watch_files, self.configuration, lambda: None, self._stop)  # each page reads the valid files
        threading.Thread(target=watch, name="watch", daemon=True).start()
        while not self._stop.is_set():
            time.sleep(0.2)  # `sleep` shares no lock with `stop`, which a signal may call at any point
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
