"""The interface between the pages and the process that serves the workspaces of a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from syncd.config.deployment import Deployment
from syncd.web.daemon import Daemon


class ServedWorkspaces(Protocol):
    """The workspaces of a deployment that a process serves, and their problems."""

    config_problem: str | None
    """The reason why the deployment's present file is not in use; None if it is in use."""

    @property
    def deployment(self) -> Deployment:
        """The deployment from its last valid file."""
        ...

    @property
    def workers(self) -> int | None:
        """The number of workers that run the cycles. None if no workers run them, or if they are not counted yet."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether the process is about to end."""
        ...

    def names(self) -> Sequence[str]:
        """The names of all workspaces, including broken ones."""
        ...

    def daemon(self, name: str) -> Daemon | None:
        """The daemon that serves a workspace; None if there is no such workspace, or if its files were never valid."""
        ...

    def problem(self, name: str) -> str | None:
        """The reason why a workspace is not served. None if it is served or is being opened, or if there is no such
        workspace.
        """
        ...

    def standstill(self) -> float | None:
        """For how many seconds the process has been stuck; None if it is not stuck."""
        ...

    def not_ready(self) -> str | None:
        """The reason why the process is not ready; None if it is ready. Raises LedgerError."""
        ...

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics, in Prometheus' text format; `ledger=False` leaves out the metrics that are read from ledgers."""
        ...

    def receive_webhook(
        self, workspace: str, connection: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        """Handles a webhook of a connection, and returns the status and the text of the response. The names in
        `headers` are lower-case.
        """
        ...
