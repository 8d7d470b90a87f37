"""Answers within seconds: what reads the ledger or a secret runs in few threads of its own, and nothing waits for ever.

A ledger that is silent holds those threads. It holds up no probe, and no more threads begin to wait for it.
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
    """Work has not ended in time, or could not begin; the text says what was waited for."""


class Bounded:
    """Runs endpoints in at most `threads` threads; each has `seconds` to answer, its wait for a thread included."""

    def __init__(
        self,
        name: str,
        *,
        threads: int,
        seconds: float,
        sentence: str = _LEDGER,
        ledger: Callable[[], Ledger | None] = lambda: None,
    ) -> None:
        """`sentence` is shown when the time is over, with the seconds in the place of `%(num)s`; `ledger` is the one
        that the work reads, if that is always the same.
        """
        self._executor = LingeringThreads(threads, name)
        self._seconds = seconds
        self._sentence = sentence
        self._ledger = ledger

    def __call__(self, endpoint: Endpoint, silent: Endpoint | None = None) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint with that bound; if it does not answer in time, `silent` answers, or Overdue is raised."""

        async def answer(request: Request) -> Response:
            try:
                return await self.run(lambda: endpoint(request))
            except Overdue:
                if silent is None:
                    raise
                return silent(request)

        return answer

    async def run(self, work: Callable[[], T], ledger: Callable[[], Ledger | None] | None = None) -> T:
        """The result of `work` in the caller's context, with that bound. Overdue if it does not come in time, or no
        thread can be started for it. `ledger` is the one that it reads, if it is another than that of all.
        """
        read = ledger or self._ledger
        unforeseen: list[Exception] = []

        def explaining() -> T:
            """What nobody foresaw may be a cell of the ledger that holds what its column cannot: the thread looks for
            it, in the time that is left.
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
            return await asyncio.wait_for(running, self._seconds)
        except TimeoutError:
            if unforeseen:
                raise unforeseen[0] from None
            raise Overdue(_(self._sentence, num=f"{self._seconds:g}")) from None


def _files_of(ledger: Callable[[], Ledger | None]) -> Sequence[Path]:
    """The file of the ledger; none if it cannot be opened, which is a sentence by itself."""
    with suppress(LedgerError):
        if (opened := ledger()) is not None:
            return files_at(opened.engine.url)
    return ()
