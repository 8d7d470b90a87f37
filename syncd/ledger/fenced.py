"""Opens the ledger of a workspace for one epoch."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import URL

from syncd.ledger.databases import Databases
from syncd.ledger.engine import TakingTurns, engine_of
from syncd.ledger.fence import Fence, put_fence


class FencedDatabases(Databases):
    """Makes engines that can write until another worker takes over. Each engine has its own connections, because a
    later job ends the connections of an earlier job.
    """

    def __init__(self, fence: Fence) -> None:
        super().__init__()
        self._fence = fence

    def engine_of(self, url: URL, address: Callable[[], str] | None = None) -> TakingTurns:
        """The engine of the workspace's ledger."""
        engine = engine_of(url, address)
        put_fence(engine, self._fence)
        return engine
