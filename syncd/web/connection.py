"""A connection of the web server, limited in time: uvicorn waits for a request, and for a slow reader, for ever.

There are at most `_MOST` connections. One more takes the place of the one that has waited longest without a whole
request: clients that open many and send nothing keep nobody else out. None of this is logged, because anybody who
reaches the port could fill the log.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST = 200
_REQUEST = 10.0  # seconds for a whole request, from the connection or its first byte on
_ANSWER = 30.0  # seconds for the answer, until the client has taken it
ENDLESS = "syncd.endless"
"""The key that the application sets in the scope of a request whose answer has no end: such an answer goes on for as
long as the client takes what was written.
"""


class BoundedConnection(H11Protocol):
    """uvicorn's connection with an end: a timer runs at all times, and closes it without a word."""

    _timer: asyncio.TimerHandle | None = None
    _began = 0.0
    _busy = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Makes room for it."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > _MOST:
            others = (each for each in self.connections if isinstance(each, BoundedConnection) and each is not self)
            waiting = (each for each in others if not each._busy)
            min(waiting, key=lambda each: each._began, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Of a request that is whole, the answer is awaited."""
        if self._idle:
            self._await_request()
        super().data_received(data)
        if self._requested and not self._busy:
            self._busy = True
            self._end_in(_ANSWER)

    def on_response_complete(self) -> None:
        """The client takes the rest, and may ask again within the time that uvicorn keeps a connection alive."""
        self._busy = False
        self._end_in(_ANSWER)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the timer."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    @property
    def _idle(self) -> bool:
        """Whether a request was answered and the next has not begun."""
        return self.cycle is not None and self.cycle.response_complete

    @property
    def _requested(self) -> bool:
        """Whether a request came as a whole and is not answered."""
        whole = self.conn.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)
        return whole and self.cycle is not None and not self.cycle.response_complete

    def _await_request(self) -> None:
        self._began = self.loop.time()
        self._end_in(_REQUEST)

    def _end_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._end)

    def _end(self) -> None:
        endless = self._busy and self.cycle is not None and ENDLESS in self.cycle.scope
        if endless and not self.transport.get_write_buffer_size():
            self._end_in(_ANSWER)
        else:
            self.transport.abort()
