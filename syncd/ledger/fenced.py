"""Opens the ledger of a workspace for one epoch."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import URL

from syncd.ledger.databases import Databases
from syncd.ledger.engine import TakingTurns, engine_of
from syncd.ledger.fence import Fence, put_fence


class FencedDatabases(Databases):
    """Makes engines that write as long as no other worker has taken over. They share no connection: a successor ends
    those of the job.
    """

    def __init__(self, fence: Fence) -> None:
        super().__init__()
        self._fence = fence

    def engine_of(self, url: URL, address: Callable[[], str] | None = None) -> TakingTurns:
        """The engine of the workspace's ledger."""
        engine = engine_of(url, address)
        put_fence(engine, self._fence)
        return engine
