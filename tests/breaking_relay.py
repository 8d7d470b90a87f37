"""A relay in front of a database, which breaks connections on purpose: what `Proxy` is to servers of HTTP."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url

from syncd.sdk.testing import Ailment, Asked


class BreakingRelay:
    """Relays to the server of an SQLAlchemy URL; `requests` has one entry a connection."""

    def __init__(self, upstream: str) -> None:
        address = make_url(upstream)
        self._folder = address.query.get("host")
        self._address = address.host, address.port
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = address.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        self.requests: list[Asked] = []
        self._broken: tuple[Ailment, int, int | None] | None = None
        self._is_silent = False
        self._last: bytes | None = None
        self._longest = 400  # bytes of an answer, until a whole one came
        self._open: list[socket.socket] = []

    def breaks(
        self, ailment: Ailment, *, after: int = 0, times: int | None = None, before: bytes | None = None
    ) -> None:
        """Breaks the `times` connections (None: all) after the next `after`; those that are open end now. What is cut
        ends after three quarters, or `before` such bytes.
        """
        self._last = before
        first = len(self.requests) + after
        self._broken = ailment, first, None if times is None else first + times
        self._end_all()

    def falls_silent(self) -> None:
        """Accepts connections and says nothing, until it heals; those that are open end now."""
        self._is_silent = True
        self._end_all()

    def heals(self) -> None:
        self._broken, self._is_silent = None, False
        self._end_all()

    @contextmanager
    def running(self) -> Iterator[BreakingRelay]:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._end_all()
            thread.join()

    def _end_all(self) -> None:
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                number = len(self.requests)
                self.requests.append(Asked("CONNECT", "/", {}, b""))
                ailment = None
                if self._broken is not None and number >= self._broken[1]:
                    ailment = self._broken[0] if self._broken[2] is None or number < self._broken[2] else None
                threading.Thread(target=self._serve, args=(client, ailment), daemon=True).start()

    def _serve(self, client: socket.socket, ailment: Ailment | None) -> None:
        if ailment is not None and ailment.connection == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        if self._is_silent:
            self._open.append(client)
            return
        server = self._connect()
        self._open += [client, server]
        threading.Thread(target=self._pass_on, args=(client, server, None), daemon=True).start()
        self._pass_on(server, client, self._longest * 3 // 4 if ailment is not None else None)

    def _pass_on(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                if most is not None and self._last is not None and self._last in data:
                    target.sendall(data.partition(self._last)[0])
                    break
                target.sendall(data if most is None or self._last is not None else data[: max(0, most - passed)])
                passed += len(data)
                if most is not None and self._last is None and passed >= most:
                    break
                if most is None:
                    self._longest = max(self._longest, passed)
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> socket.socket:
        if self._folder is not None:
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self._folder}/.s.PGSQL.5432")
            return server
        return socket.create_connection(self._address)
