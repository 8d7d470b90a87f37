"""A workspace whose pages are shown here, and whose cycles workers run: what happens here makes it due for them."""

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

_BETWEEN_TRIES = 5.0  # seconds, to make a workspace due while the database is away


class WorkedReader(LedgerReader):
    """Reads a ledger that workers write, and takes webhooks for them."""

    _hooks: Hooks | None = None

    def __init__(self, path: Path, config: Config, *, load: Load, databases: Databases) -> None:
        super().__init__(path, config, load=load, databases=databases)

    def make_due(self) -> None:
        """The next free worker runs a cycle. Before the first cycle there is no ledger, and it is due anyway."""
        if self.ledger is not None:
            with self.ledger.engine.begin() as connection:
                wake_worker(connection)

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """The status and the sentence that answer a webhook; one that is signed and new makes the workspace due."""
        if self.ledger is None:
            return 503, "no cycle has ended yet"
        if self._hooks is None:
            self._hooks = Hooks(self.ledger, None)
        return self._hooks.receive(self.config, connection, headers, body)


class WorkedMember(ShownMember):
    """A workspace for workers: an edit of its files, and a reload, make it due."""

    reader = WorkedReader
    _to_make_due = False
    _again_at = 0.0

    def _late(self) -> float:
        """As for one that is shown; also while the workers do not know that it is due."""
        return time.monotonic() - self._again_at if self._asleep and self._to_make_due else super()._late()

    def wake(self) -> None:
        """Makes it due for the workers, too: its next turn does so."""
        self._to_make_due, self._again_at = True, 0.0
        super().wake()

    def act(self) -> None:
        """Reads its files, and makes it due if that is asked for: again and again, until the database has it."""
        self._again_at = time.monotonic() + _BETWEEN_TRIES
        super().act()
        if self._to_make_due and isinstance(self._reader, WorkedReader):
            self._to_make_due = False  # whatever wakes it from now on is for another turn
            try:
                self._reader.make_due()
            except BaseException:
                self._to_make_due = True
                raise
