"""Stands in for an engine where all statements must run on one connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection


class OneConnection:
    """The methods of an engine that the ledger uses, all on the same open connection.

    Each transaction becomes a savepoint in the transaction of this connection.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect
        self.url = connection.engine.url

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """The connection; it stays open after the block."""
        yield self._connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """The connection, in a new savepoint."""
        with self._connection.begin_nested():
            yield self._connection
