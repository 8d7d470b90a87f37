"""The interface between the pages and the process that serves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from syncd.config import Config
from syncd.ledger import Ledger
from syncd.sdk.quota import QuotaLeft
from syncd.status.unwritten import Trouble


class Entrance(Protocol):
    """What a login needs: the configuration in force, and the ledger that stores the sessions."""

    @property
    def config(self) -> Config:
        """The last valid configuration."""
        ...

    @property
    def ledger(self) -> Ledger | None:
        """The ledger; None before the first sync."""
        ...


class Daemon(Entrance, Protocol):
    """The process that serves the pages: its configuration and ledger in force, and its problems."""

    standing_by: str | None
    starting: bool
    """True until the process knows which service has claimed the ledger: itself or another."""

    @property
    def cycle_problem(self) -> str | None:
        """The reason why the last cycle did not reach its end; None if it reached its end."""
        ...

    @property
    def ledger_problem(self) -> str | None:
        """The reason why the last cycle could not use the ledger; None if it used the ledger."""
        ...

    @property
    def config_problem(self) -> str | None:
        """The error because of which the present configuration files are not in use; None if they are in use."""
        ...

    @property
    def backup_problem(self) -> str | None:
        """The reason why the last scheduled backup failed; None if it succeeded."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end."""
        ...

    def now(self) -> datetime:
        """The present time."""
        ...

    def standstill(self) -> float | None:
        """For how many seconds the daemon's loop has been stuck; None if it is not stuck."""
        ...

    def check_ledger(self) -> None:
        """Raises LedgerError if the ledger in use is no longer at its address, or cannot be written to."""
        ...

    def troubles(self) -> Sequence[Trouble]:
        """The check-ins that syncd has not written to their targets."""
        ...

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Handles a webhook of a connection, and returns the status and the text of the response. The names in
        `headers` are lower-case.
        """
        ...

    def quota_left(self, connection: str) -> QuotaLeft | None:
        """What was left of a connection's quota after the last response; None if this process does not know it."""
        ...

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics, in Prometheus' text format. `ledger=False` leaves out the metrics that are read from the ledger,
        for a ledger that does not respond.
        """
        ...
