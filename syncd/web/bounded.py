"""Answers within seconds: what reads the ledger runs in few threads of its own, and is not waited for for ever.

A ledger that is silent holds those threads. It holds up no probe, and no more threads begin to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from syncd.ledger import LedgerError
from syncd.ledger.wrong_cells import explained
from syncd.sdk.language import gettext as _

T = TypeVar("T")

Endpoint = Callable[[Request], Response]


class LedgerSilent(LedgerError):
    """The ledger has not answered in time."""


class Bounded:
    """Runs endpoints in at most `threads` threads; each has `seconds` to answer, its wait for a thread included."""

    def __init__(self, name: str, *, threads: int, seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._seconds = seconds

    def __call__(self, endpoint: Endpoint, silent: Endpoint | None = None) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint with that bound; if it does not answer in time, `silent` answers, or LedgerSilent is raised."""

        async def answer(request: Request) -> Response:
            try:
                return await self.run(lambda: endpoint(request))
            except LedgerSilent:
                if silent is None:
                    raise
                return silent(request)

        return answer

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work` in the caller's context, with that bound. LedgerSilent if it does not come in time."""
        running = asyncio.get_running_loop().run_in_executor(self._executor, copy_context().run, work)
        try:
            return await asyncio.wait_for(running, self._seconds)
        except TimeoutError:
            raise LedgerSilent(_("the ledger has not answered for %(num)s s", num=f"{self._seconds:g}")) from None
        except HTTPException:
            raise
        except Exception as error:
            # What nobody expected may be a cell that holds what its column cannot.
            raise await asyncio.to_thread(explained, error) from error
