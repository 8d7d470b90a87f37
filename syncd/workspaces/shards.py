"""The databases of ledgers beside that of the control schema, where the deployment's `ledger:` holds `{shard}`.

What a transaction of a ledger must lock or write together with its own rows lies in its database: the epochs of the
workspaces there, and the rows by which somebody asks for a cycle. The rest of the control schema is in shard 0 alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle

from sqlalchemy import Connection, Engine

from syncd.config.ledger_address import OF_CONTROL, shard_of


class Shards:
    """The databases, each opened when it is first needed: one that is away keeps nobody from the others."""

    def __init__(self, open_engine: Callable[[str], Engine]) -> None:
        """`open_engine` opens the database of a shard, and makes its control schema if need be."""
        self._open = open_engine
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()
        self._in_use: Collection[str] = ()
        self._turns: Iterator[str] = iter(())

    def use_for(self, workspaces: Iterable[str]) -> None:
        """These are the workspaces of the deployment."""
        shards = {shard_of(name) for name in workspaces} - {OF_CONTROL}
        if shards != self._in_use:
            self._in_use, self._turns = shards, cycle(sorted(shards))

    def next(self) -> Engine | None:
        """One database after the other, of those that have workspaces; None if all are in the control's."""
        shard = next(self._turns, None)
        return None if shard is None else self._engine(shard)

    @contextmanager
    def beside(self, connection: Connection, workspace: str) -> Iterator[Connection]:
        """A transaction where the epoch of a workspace is. It ends before that of the control schema's connection,
        which is the same one if the workspace is in shard 0.
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
