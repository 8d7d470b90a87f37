"""A PostgreSQL connection that gives up a server that stays silent.

The server limits each statement by itself, and TCP notices a machine that is gone. Neither helps where the machine is
there and its server, or a proxy before it, says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import Connection, OperationalError
from psycopg.errors import _WaitTimeout

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen


class ImpatientConnection(Connection[Any]):
    """Waits `patience` seconds for each answer, longer than the server may take for a statement; None: for ever."""

    patience: float | None = 35.0

    def wait(self, gen: PQGen[RV], *arguments: Any, **keywords: Any) -> RV:
        """As psycopg's. A connection whose server was silent is closed, because its answer may still come."""
        keywords.setdefault("timeout", self.patience)
        try:
            return super().wait(gen, *arguments, **keywords)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"the server was silent for {self.patience:g} s") from None
