"""The login to all workspaces of a deployment, by the deployment's own `web:`. Its sessions are in a separate
ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from syncd.config import Config
from syncd.config.deployment import Deployment, Workspace
from syncd.ledger import Ledger, LedgerError, open_ledger
from syncd.sdk import ConfigError

_SESSIONS = "_sessions"  # no workspace has such a name


class DeploymentEntrance:
    """The deployment's own configuration, and the ledger of its sessions.

    The ledger of the sessions has the address that a workspace `_sessions` would have. It is created when somebody
    first tries to log in. If it is removed, it is created again.
    """

    def __init__(self, deployment: Callable[[], Deployment]) -> None:
        """`deployment` returns the deployment in use."""
        self._deployment = deployment
        self._of: tuple[Deployment, Config] | None = None
        self._opening = threading.Lock()
        self._ledger: Ledger | None = None

    @property
    def config(self) -> Config:
        """The configuration for logins to the deployment."""
        deployment, made = self._deployment(), self._of
        if made is None or made[0] is not deployment:
            made = self._of = deployment, config_of_deployment(deployment)
        return made[1]

    @property
    def ledger(self) -> Ledger | None:
        """The ledger of the sessions. Raises LedgerError."""
        with self._opening:
            if self._ledger is None:
                self._ledger = open_ledger(self._address(), new=True, address=self._address)
                if self._ledger is not None:
                    self._ledger.sessions.prune(datetime.now(UTC))
            return self._ledger

    def _address(self) -> str:
        try:
            return self.config.ledger_url()
        except ConfigError as error:
            raise LedgerError(str(error)) from None


def config_of_deployment(deployment: Deployment) -> Config:
    """A configuration with the `web:` of the deployment's own file, without connections and OKRs."""
    of_sessions = Workspace(_SESSIONS, deployment.path, deployment.path)
    return Config(
        deployment.path,
        deployment.settings,
        deployment.document,
        mappings=(),
        connections={},
        periods=(),
        origins={},
        workspace=of_sessions,
    )
