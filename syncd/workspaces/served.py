"""The interface between the pages and the process that serves the workspaces of a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from syncd.config.deployment import Deployment
from syncd.web.daemon import Daemon


class ServedWorkspaces(Protocol):
    """The workspaces of a deployment that a process serves, and their problems."""

    config_problem: str | None
    """The reason why the deployment's present file is not in use; None if it is."""

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
        """The seconds for which its loop has stood still, if it should have worked; None otherwise."""
        ...

    def not_ready(self) -> str | None:
        """The reason why the process does no work yet; None if it works. Raises LedgerError."""
        ...

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics, in Prometheus' text format; without `ledger`, the metrics from ledgers are left out."""
        ...

    def receive_webhook(
        self, workspace: str, connection: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        """The status and the sentence that answer a webhook of a connection; `headers` have lower-case names."""
        ...
