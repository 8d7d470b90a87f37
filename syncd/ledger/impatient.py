"""A PostgreSQL connection that stops waiting for a server that sends nothing.

The server limits the time of each statement, and TCP detects a machine that is gone. Neither helps if the machine is
up, but the server or a proxy does not respond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import Connection, OperationalError
from psycopg.errors import _WaitTimeout

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen


class ImpatientConnection(Connection[Any]):
    """Waits at most `patience` seconds for each response; None means no limit. The server's limit for a statement is
    shorter.
    """

    patience: float | None = 35.0

    def wait(self, gen: PQGen[RV], *arguments: Any, **keywords: Any) -> RV:
        """Like psycopg's `wait`. Closes the connection after a timeout, because the late response may still arrive on
        it.
        """
        keywords.setdefault("timeout", self.patience)
        try:
            return super().wait(gen, *arguments, **keywords)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"the server was silent for {self.patience:g} s") from None
