"""The databases of the other shards, if the deployment's `ledger:` contains `{shard}`.

Each of these databases has the control tables that a transaction of a ledger locks or writes: the epochs of its
workspaces, and the requests for cycles. The rest of the control schema is only in shard 0.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle

from sqlalchemy import Connection, Engine

from syncd.config.ledger_address import OF_CONTROL, shard_of


class Shards:
    """The databases of the other shards. Each database is opened at its first use, so that an unreachable database does
    not affect the others.
    """

    def __init__(self, open_engine: Callable[[str], Engine]) -> None:
        """`open_engine` opens the database of a shard, and creates its control schema if necessary."""
        self._open = open_engine
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()
        self._in_use: Collection[str] = ()
        self._turns: Iterator[str] = iter(())

    def use_for(self, workspaces: Iterable[str]) -> None:
        """Sets the workspaces of the deployment, which determine the databases that are used."""
        shards = {shard_of(name) for name in workspaces} - {OF_CONTROL}
        if shards != self._in_use:
            self._in_use, self._turns = shards, cycle(sorted(shards))

    def next(self) -> Engine | None:
        """The next of the databases that have workspaces, in turn; None if all workspaces are in shard 0."""
        shard = next(self._turns, None)
        return None if shard is None else self._engine(shard)

    @contextmanager
    def beside(self, connection: Connection, workspace: str) -> Iterator[Connection]:
        """A transaction in the database with the epoch of a workspace. If the workspace is in shard 0, this is the
        transaction of `connection`. Otherwise, this transaction ends before that of `connection`.
        """
        shard = shard_of(workspace)
        if shard == OF_CONTROL:
            yield connection
            return
        with self._engine(shard).begin() as there:
            yield there

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _engine(self, shard: str) -> Engine:
        with self._lock:
            engine = self._engines.get(shard)
        if engine is None:
            opened = self._open(shard)
            with self._lock:
                engine = self._engines.setdefault(shard, opened)
            if engine is not opened:  # another thread was quicker
                opened.dispose()
        return engine
