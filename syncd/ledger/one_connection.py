"""Replaces an engine where everything must run on one connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection


class OneConnection:
    """The part of an engine that the ledger uses. Every read and every transaction uses the same open connection.

    A transaction becomes a savepoint within that connection's transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect
        self.url = connection.engine.url

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """The connection, which stays open afterwards."""
        yield self._connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """The connection, within a new savepoint."""
        with self._connection.begin_nested():
            yield self._connection
