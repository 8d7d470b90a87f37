"""A connection of the web server with time limits; uvicorn itself waits for requests and slow readers without limit.

There are at most `_MOST` connections. When one more opens, the server closes the connection that has waited longest
without a complete request. Clients that open many connections and send nothing therefore block nobody else. Closed
connections are not logged. Otherwise anybody who can connect to the port could fill the log.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST = 200
_REQUEST = 10.0  # seconds for a complete request, from the connection or the request's first byte on
_ANSWER = 30.0  # seconds until the client has read the answer
ENDLESS = "syncd.endless"
"""The application sets this key in the scope of a request whose answer has no end. Such an answer continues as long as
the client reads it.
"""


class BoundedConnection(H11Protocol):
    """uvicorn's connection with time limits: a timer always runs, and closes the connection without a log line."""

    _timer: asyncio.TimerHandle | None = None
    _began = 0.0
    _busy = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Closes another connection if there are too many."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > _MOST:
            others = (each for each in self.connections if isinstance(each, BoundedConnection) and each is not self)
            waiting = (each for each in others if not each._busy)
            min(waiting, key=lambda each: each._began, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """If the request is complete, the time limit for the answer begins."""
        if self._idle:
            self._await_request()
        super().data_received(data)
        if self._requested and not self._busy:
            self._busy = True
            self._end_in(_ANSWER)

    def on_response_complete(self) -> None:
        """Restarts the timer: the client may still read the response, and may send another request."""
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
        """Whether a request was answered and the next one has not begun."""
        return self.cycle is not None and self.cycle.response_complete

    @property
    def _requested(self) -> bool:
        """Whether a complete request has arrived and is not answered."""
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
