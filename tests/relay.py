"""A relay between a client and a server, which can fall silent, or hold a message: connections stay open meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Passes bytes on in both directions while it is not silent."""

    def __init__(self, port: int, connect: Callable[[], socket.socket]) -> None:
        self.port = port
        self.connected = 0  # times that somebody did
        self._connect = connect
        self._speaks = threading.Event()
        self._speaks.set()
        self._holds: bytes | None = None
        self.held, self._let_go = threading.Event(), threading.Event()

    def fall_silent(self) -> None:
        """From now on no byte passes, and connections are still accepted."""
        self._speaks.clear()

    def speak(self) -> None:
        """Passes on again, beginning with what came meanwhile."""
        self._speaks.set()

    def hold(self, beginning: bytes) -> None:
        """Holds the next message that begins so until `let_go`, as if it were on its way; sets `held` once it came."""
        self.held.clear()
        self._let_go.clear()
        self._holds = beginning

    def let_go(self) -> None:
        """The message that was held arrives."""
        self._let_go.set()

    def take(self, client: socket.socket) -> None:
        """Serves a new connection."""
        self.connected += 1
        server = self._connect()
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._speaks.wait()
                if self._holds is not None and data.startswith(self._holds):
                    self._holds = None
                    self.held.set()
                    self._let_go.wait()
                target.sendall(data)
        for side in (source, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay_to(connect: Callable[[], socket.socket]) -> Iterator[Relay]:
    """Relays until the block ends; `connect` opens a connection to the server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay = Relay(listening.getsockname()[1], connect)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    relay.take(listening.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield relay
        finally:
            relay.speak()
            relay.let_go()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
