"""What the pages need of the process that serves the workspaces of a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from syncd.config.deployment import Deployment
from syncd.web.daemon import Daemon


class ServedWorkspaces(Protocol):
    """The workspaces of a deployment as a process serves them: what is in force, and what is wrong."""

    config_problem: str | None
    """Why the deployment's file is not in use; None if it is."""

    @property
    def deployment(self) -> Deployment:
        """The deployment by its last valid file."""
        ...

    @property
    def workers(self) -> int | None:
        """How many workers run the cycles; None where no worker does, or nobody has counted them yet."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether it is about to end."""
        ...

    def names(self) -> Sequence[str]:
        """The name of each workspace, also of those that are broken."""
        ...

    def daemon(self, name: str) -> Daemon | None:
        """Who serves a workspace; None if there is no such workspace, or its files were never valid."""
        ...

    def problem(self, name: str) -> str | None:
        """Why a workspace is not served; None if it is, if it is being opened, or if there is none of this name."""
        ...

    def standstill(self) -> float | None:
        """For how many seconds its loop has not moved, if it should have; else None."""
        ...

    def not_ready(self) -> str | None:
        """Why it does no work yet; None if it does. Raises LedgerError."""
        ...

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics, in Prometheus' text format; without those that the `ledger` is read for, if it is silent."""
        ...

    def receive_webhook(
        self, workspace: str, connection: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        """The status and the sentence that answer a webhook of a connection; `headers` have lower-case names."""
        ...
