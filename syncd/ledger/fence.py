"""The fence of a ledger that workers share: even if several workers run a workspace, only the newest worker may write
to its ledger.

Each job of a workspace takes the workspace's next epoch, which the control schema of the deployment counts
(`syncd/workspaces/control.py`). Every transaction that writes checks that the job's epoch is still the newest, and
locks the epoch until the transaction ends. A worker that was paused and meanwhile replaced can thus no longer write.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from syncd.ledger.failures import LedgerError

CONTROL = "syncd"
"""The name of the control schema. Its table `epochs` has a row for each workspace."""

JOB = "job "
"""The text with which the name of a worker's job begins."""

_OPTION = "syncd_fence"
_EPOCH = f"SELECT epoch FROM {CONTROL}.epochs WHERE workspace = :name"  # noqa: S608 - a constant
_HELD = text(f"{_EPOCH} FOR SHARE")  # the next epoch cannot start before this transaction ends
_LOOKED_AT = text(_EPOCH)
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
    " AND application_name LIKE :begins || '%'"
    " AND CAST(substring(application_name FROM length(:begins) + 1 FOR position(',' IN application_name)"
    " - length(:begins) - 1) AS bigint) <= :epoch"
)


class Replaced(LedgerError):
    """Raised if another worker runs the workspace now; nothing was written."""

    def __init__(self, workspace: str) -> None:
        super().__init__(f"another worker has taken over the workspace {workspace}; nothing was written since")


@dataclass(frozen=True, slots=True)
class Fence:
    """The epoch of a workspace for which a ledger was opened."""

    workspace: str
    epoch: int

    @property
    def session(self) -> str:
        """The name of all database sessions of the job. By this name, a later job finds and ends the sessions that a
        stopped worker left open.
        """
        return f"{_session_of(self.workspace)}{self.epoch}, process {os.getpid()} on {platform.node()}"

    def check(self, connection: Connection) -> None:
        """Raises Replaced unless the epoch is the newest one."""
        self._compare(connection.scalar(_LOOKED_AT, {"name": self.workspace}))

    def hold(self, connection: Connection) -> None:
        """Does what `check` does, and locks the epoch: no newer epoch can begin until the transaction ends."""
        self._compare(connection.scalar(_HELD, {"name": self.workspace}))

    def _compare(self, epoch: int | None) -> None:
        if epoch != self.epoch:
            raise Replaced(self.workspace)


def put_fence(engine: Engine, fence: Fence) -> None:
    """Lets the transactions of an engine write only while the epoch is the newest one.

    A transaction is read-only by default; a transaction that declares a write is checked first. The database itself
    refuses a write without the check.
    """
    engine.update_execution_options(**{_OPTION: fence})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SELECT set_config('application_name', %s, false)", (fence.session,))
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("syncd_writes"):
            connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            fence.hold(connection)


def fence_of(engine: Engine) -> Fence | None:
    """The fence of an engine; None if the engine has no fence, as in a command."""
    fence: Fence | None = engine.get_execution_options().get(_OPTION)
    return fence


def check_epoch(engine: Engine) -> None:
    """Raises Replaced if another worker has taken over, so that this worker sends nothing more."""
    fence = fence_of(engine)
    if fence is not None:
        with engine.connect() as connection:
            fence.check(connection)


def end_sessions(connection: Connection, workspace: str, epoch: int) -> None:
    """Ends every database session of a workspace's jobs up to an epoch. Sessions of a paused or unreachable worker
    would otherwise keep their locks.

    Sessions in other databases of the server are left alone: another deployment may have a workspace of the same name.
    """
    connection.execute(_END_SESSIONS, {"begins": _session_of(workspace), "epoch": epoch})


def _session_of(workspace: str) -> str:
    """The text with which the names of a workspace's sessions begin. It is short, because PostgreSQL cuts names after
    63 characters.
    """
    return f"syncd: {JOB}{blake2b(workspace.encode(), digest_size=6).hexdigest()}."
