"""A PostgreSQL connection that gives up waiting for a silent server.

The server limits each statement itself, and TCP notices a machine that is gone. Neither limit helps if the machine is
up, but the server or a proxy in between does not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import Connection, OperationalError
from psycopg.errors import _WaitTimeout

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen


class ImpatientConnection(Connection[Any]):
    """Waits `patience` seconds for each answer, or for ever if it is None. The server's limit for a statement is
    shorter.
    """

    patience: float | None = 35.0

    def wait(self, gen: PQGen[RV], *arguments: Any, **keywords: Any) -> RV:
        """Like psycopg's `wait`. Closes a connection whose server was silent, because the late answer may still
        arrive.
        """
        keywords.setdefault("timeout", self.patience)
        try:
            return super().wait(gen, *arguments, **keywords)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"the server was silent for {self.patience:g} s") from None
