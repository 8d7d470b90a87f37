"""`GET /events`: tells open pages, by Server-Sent Events, that they have something new to show.

An event says that a cycle has ended, or that the configuration or a problem has changed. An event carries no data: the
page that receives it requests itself again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from syncd.config import Config
from syncd.web.connection import ENDLESS
from syncd.web.daemon import Daemon
from syncd.web.lingering_threads import LingeringThreads

_MOST = 60  # open streams, each of which keeps one of the server's connections; other requests need the rest
_EVERY = 1.0  # seconds between two reads of the ledger
_HEARTBEAT = 15.0  # seconds after which an idle stream sends a sign of life to the proxy and the browser
_RETRY = 3_000  # milliseconds after which a browser reconnects if a stream is lost
_LASTS = 300.0  # seconds of a stream; a visitor who has logged out gets no next one
_RETRY_AT_ONCE = 100  # milliseconds after which a browser reconnects if a stream ended after `_LASTS`
_MEDIA_TYPE = "text/event-stream"


class _State(NamedTuple):
    """The state that pages show; `cycle` is the number of the last cycle that ended, 0 before the first."""

    cycle: int
    config: Config
    problems: tuple[str | None, ...]


@dataclass
class Streams:
    """The number of open streams of a process; each stream uses one of its connections."""

    open: int = 0


class Events:
    """The endpoint `/events`. While streams are open, one task reads the ledger for all of them."""

    def __init__(self, daemon: Daemon, streams: Streams) -> None:
        """`daemon` is the process whose pages are open; `streams` counts the streams of the whole process."""
        self._daemon = daemon
        self._all = streams
        self._executor = LingeringThreads(1, "events", linger=0)  # a read is short, the next a second later
        self._streams = 0
        self._state: _State | None = None
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one stream, or 503 if too many streams are open."""
        if scope["method"] == "HEAD":
            await Response(media_type=_MEDIA_TYPE)(scope, receive, send)
            return
        if self._all.open >= _MOST:
            sentence = f"{_MOST} pages are live already; this one shows new numbers once it is loaded again\n"
            await PlainTextResponse(sentence, 503, {"Retry-After": "60"})(scope, receive, send)
            return
        scope[ENDLESS] = True
        events = self._events(Headers(scope=scope).get("last-event-id"))
        unbuffered = {"X-Accel-Buffering": "no"}  # nginx forwards each event at once
        self._streams += 1
        self._all.open += 1
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look_again_and_again())
            await StreamingResponse(events, media_type=_MEDIA_TYPE, headers=unbuffered)(scope, receive, send)
        finally:
            self._streams -= 1
            self._all.open -= 1

    async def _events(self, last: str | None) -> AsyncIterator[str]:
        """Yields an event for each new state. The first event is the present state, if `last` is not the cycle of this
        state.

        The stream ends when the daemon stops, and after `_LASTS` seconds. The browser then reconnects, and `Door`
        checks its login again.
        """
        yield f"retry: {_RETRY}\n\n"
        seen: _State | None = None
        clock = asyncio.get_running_loop().time
        end = clock() + _LASTS
        while not self._daemon.stopping:
            if (left := end - clock()) <= 0:
                yield f"retry: {_RETRY_AT_ONCE}\n\n"
                return
            changed, state = self._changed, self._state
            if state is not None and state is not seen:
                if seen is not None or last != str(state.cycle):
                    yield f"id: {state.cycle}\ndata: {state.cycle}\n\n"
                seen = state
            try:
                await asyncio.wait_for(changed.wait(), min(_HEARTBEAT, left))
            except TimeoutError:
                yield ": still here\n\n"

    async def _look_again_and_again(self) -> None:
        """Wakes the streams at each change, and when the daemon stops. A silent ledger delays no stream."""
        loop = asyncio.get_running_loop()
        look: asyncio.Future[_State] | None = None
        while self._streams and not self._daemon.stopping:
            if look is None:
                with suppress(RuntimeError):  # the system refuses a thread: the next try may succeed
                    look = loop.run_in_executor(self._executor, self._look)
            if look is None:
                await asyncio.sleep(_EVERY)
                continue
            await asyncio.wait([look], timeout=_EVERY)
            if look.done():
                if look.exception() is None and look.result() != self._state:
                    self._state = look.result()
                    self._wake()
                look = None
                await asyncio.sleep(_EVERY)
        self._state = self._looking = None  # the next stream must not begin with an old state
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _look(self) -> _State:
        """The present state. Raises LedgerError if the ledger cannot be read."""
        daemon = self._daemon
        last = daemon.ledger.cycles.last() if daemon.ledger else None
        problems = daemon.config_problem, daemon.cycle_problem, daemon.backup_problem, daemon.standing_by
        return _State(last.id if last else 0, daemon.config, problems)
