"""Limits the time of responses: code that reads the ledger or a secret runs in a few separate threads, with a time
limit.

A ledger that does not respond blocks only these threads, and delays no probe.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from syncd.ledger import Ledger, LedgerError
from syncd.ledger.wrong_cells import explained, files_at
from syncd.sdk import SyncdError
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.lingering_threads import LingeringThreads

log = logging.getLogger("syncd.web")

T = TypeVar("T")

Endpoint = Callable[[Request], Response]

_LEDGER = marked("the ledger has not answered for %(num)s s")
_NO_THREAD = marked(
    "the system lets syncd start no more threads; load the page again in a minute, or raise the limit of its processes"
)


class Overdue(SyncdError):
    """Work did not end in time, or could not begin. The text gives the reason."""


class Bounded:
    """Runs endpoints in at most `threads` threads. Each endpoint has `seconds` to answer, including its wait for a
    thread.
    """

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        seconds: float,
        sentence: str = _LEDGER,
        ledger: Callable[[], Ledger | None] = lambda: None,
    ) -> None:
        """`sentence` is the error text after the time limit; `%(num)s` in it stands for the seconds. `ledger` returns
        the ledger that the work reads, if all work reads the same ledger.
        """
        self._executor = LingeringThreads(threads, name)
        self._seconds = seconds
        self._sentence = sentence
        self._ledger = ledger

    def __call__(self, endpoint: Endpoint, silent: Endpoint | None = None) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint with a time limit. After the time limit, the endpoint `silent` answers instead; without
        `silent`, Overdue is raised.
        """

        async def answer(request: Request) -> Response:
            try:
                return await self.run(lambda: endpoint(request))
            except Overdue:
                if silent is None:
                    raise
                return silent(request)

        return answer

    async def run(self, work: Callable[[], T], ledger: Callable[[], Ledger | None] | None = None) -> T:
        """The result of `work` in the caller's context, within the time limit. Raises Overdue if the work does not end
        in time, or no thread can be started for it. `ledger` returns the ledger that `work` reads, by default the
        ledger given at the construction.
        """
        read = ledger or self._ledger
        unforeseen: list[Exception] = []

        def explaining() -> T:
            """An unexpected error may come from a cell of the ledger whose value does not fit its column. The thread
            searches for such a cell in the remaining time.
            """
            try:
                return work()
            except HTTPException:
                raise
            except Exception as error:
                unforeseen.append(error)
                explanation = explained(error, _files_of(read))
                if explanation is error:
                    raise
                raise explanation from error

        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._executor, copy_context().run, explaining)
        except RuntimeError as refusal:
            log.warning("no thread can be started to answer a request", extra={"reason": str(refusal)})
            raise Overdue(_(_NO_THREAD)) from refusal
        try:
            async with asyncio.timeout(self._seconds):
                return await running
        except TimeoutError:
            if unforeseen:
                raise unforeseen[0] from None
            raise Overdue(_(self._sentence, num=f"{self._seconds:g}")) from None


def _files_of(ledger: Callable[[], Ledger | None]) -> Sequence[Path]:
    """The files of the ledger; empty if there is no ledger, or if it cannot be opened."""
    with suppress(LedgerError):
        if (opened := ledger()) is not None:
            return files_at(opened.engine.url)
    return ()
