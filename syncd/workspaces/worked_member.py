"""A workspace whose pages this process shows, and whose cycles workers run. Webhooks, edits and reloads make the
workspace due for the workers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from syncd.config import Config
from syncd.ledger import Databases
from syncd.ledger.wake import wake_worker
from syncd.service import LedgerReader
from syncd.service.configuration import Load
from syncd.service.hooks import Hooks
from syncd.workspaces.member import ShownMember

_BETWEEN_TRIES = 5.0  # seconds between two tries to make a workspace due, while the database is away


class WorkedReader(LedgerReader):
    """Reads a ledger that workers write, and receives webhooks for them."""

    _hooks: Hooks | None = None

    def __init__(self, path: Path, config: Config, *, load: Load, databases: Databases) -> None:
        super().__init__(path, config, load=load, databases=databases)

    def make_due(self) -> None:
        """Makes the next free worker run a cycle. Does nothing before the first cycle, because the workspace is due
        then anyway.
        """
        if self.ledger is not None:
            with self.ledger.engine.begin() as connection:
                wake_worker(connection)

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Handles a webhook, and returns the status and the text of the response. A signed, new webhook makes the
        workspace due.
        """
        if self.ledger is None:
            return 503, "no cycle has ended yet"
        if self._hooks is None:
            self._hooks = Hooks(self.ledger, None)
        return self._hooks.receive(self.config, connection, headers, body)


class WorkedMember(ShownMember):
    """A workspace whose cycles workers run. An edit of its files, or a reload, makes the workspace due."""

    reader = WorkedReader
    _to_make_due = False
    _again_at = 0.0

    def _late(self) -> float:
        """Like `ShownMember`. After `wake`, turns are due until the database has stored that the workspace is due."""
        return time.monotonic() - self._again_at if self._asleep and self._to_make_due else super()._late()

    def wake(self) -> None:
        """Makes its next turn due, which makes the workspace due for the workers."""
        self._to_make_due, self._again_at = True, 0.0
        super().wake()

    def act(self) -> None:
        """Reads its files, and makes the workspace due for the workers if it was woken. Later turns try again until the
        database has stored this.
        """
        self._again_at = time.monotonic() + _BETWEEN_TRIES
        super().act()
        if self._to_make_due and isinstance(self._reader, WorkedReader):
            self._to_make_due = False  # waking it after this point makes another turn due
            try:
                self._reader.make_due()
            except BaseException:
                self._to_make_due = True
                raise
