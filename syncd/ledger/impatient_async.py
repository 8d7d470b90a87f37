"""The asynchronous connection that gives up waiting for a silent server, for the queue of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection, OperationalError
from psycopg.errors import _WaitTimeout

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen


class ImpatientAsyncConnection(AsyncConnection[Any]):
    """Waits `patience` seconds for each answer."""

    patience: float = 35.0

    async def wait(self, gen: PQGen[RV], *arguments: Any, **keywords: Any) -> RV:
        """Like psycopg's `wait`. Closes a connection whose server was silent, because the late answer may still
        arrive.
        """
        keywords.setdefault("timeout", self.patience)
        try:
            return await super().wait(gen, *arguments, **keywords)
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError(f"the server was silent for {self.patience:g} s") from None
