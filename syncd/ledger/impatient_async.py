"""An asynchronous PostgreSQL connection that stops waiting for a server that sends nothing. The queue of workers uses
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection, OperationalError
from psycopg.errors import _WaitTimeout

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen


class ImpatientAsyncConnection(AsyncConnection[Any]):
    """Waits at most `patience` seconds for each response."""

    patience: float = 35.0

    async def wait(self, gen: PQGen[RV], *arguments: Any, **keywords: Any) -> RV:
        """Like psycopg's `wait`. Closes the connection after a timeout, because the late response may still arrive on
        it.
        """
        keywords.setdefault("timeout", self.patience)
        try:
            return await super().wait(gen, *arguments, **keywords)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"the server was silent for {self.patience:g} s") from None
