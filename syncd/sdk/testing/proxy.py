"""A loopback proxy that forwards requests, or makes them fail on purpose."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from syncd.sdk.testing.ailments import Ailment

_HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrived. `target` is its path and query. Header names are unchanged."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Proxy:
    """A proxy in front of `upstream`, a plain http address on this machine. `requests` holds the arrived requests."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = parts.netloc
        self.requests: list[Asked] = []
        self._lock = threading.Lock()
        self._broken: tuple[Ailment, int, int | None] | None = None
        self._server = _Server(self)
        self.url = parts._replace(netloc=f"127.0.0.1:{self._server.server_port}").geturl()

    def breaks(self, ailment: Ailment, *, after: int = 0, times: int | None = None) -> None:
        """Forwards the next `after` requests. The `times` requests that follow (all requests if None) get the
        ailment.
        """
        with self._lock:
            first = len(self.requests) + after
            self._broken = (ailment, first, None if times is None else first + times)

    def heals(self) -> None:
        """Forwards every request again."""
        with self._lock:
            self._broken = None

    def strike(self, asked: Asked) -> Ailment | None:
        """Notes a request, and returns the ailment that it gets."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(asked)
            if self._broken is None:
                return None
            ailment, first, end = self._broken
            return ailment if number >= first and (end is None or number < end) else None

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        """Runs the proxy until the `with` block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), name="proxy", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints no error, because clients in these tests may close the connection in the middle of an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # sends head and body in one packet
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers.items()), body)
        ailment = self.server.proxy.strike(asked)
        if ailment is None:
            self._send(*self._forward(asked))
        elif ailment.connection == "whole":
            self._send(ailment.status, ailment.headers, ailment.body.encode())
        elif ailment.connection == "cut":
            self._send(*self._forward(asked), cut=True)
        else:
            if ailment.connection == "lost":
                self._forward(asked)
            # With a linger time of zero, close() sends RST in place of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle  # noqa: N815  http.server looks for these names

    def _forward(self, asked: Asked) -> tuple[int, Mapping[str, str], bytes]:
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=30)
        with contextlib.closing(connection):
            connection.request(asked.method, asked.target, asked.body or None, dict(asked.headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_HEADERS:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()
        self.close_connection = self.close_connection or cut

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing, because `Proxy.requests` is the log."""
