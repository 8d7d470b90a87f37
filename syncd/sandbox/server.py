"""The loopback server: threads, connections, and faults at the level of bytes."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit

from syncd.sandbox.faults import Fault, Faults, answer_with
from syncd.sandbox.http import Answer, Asked, Service, answer_json


@dataclass(frozen=True)
class Request:
    """One request that was answered, or (status 0) that a fault left without an answer.

    `path` and `query` are as sent, prefix included; `bytes_sent` counts the body's bytes.
    """

    method: str
    path: str
    query: str
    status: int
    bytes_sent: int
    service: str


class Server(ThreadingHTTPServer):
    """`services`: what stands under each prefix, such as `/github`, with the service's name."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, services: Mapping[str, tuple[str, Service]], faults: Faults) -> None:
        self.services = services
        self.faults = faults
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serves in the background until the block ends, then closes every connection."""
        thread = threading.Thread(target=self.serve_forever, args=(0.005,), name="sandbox", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stopping.set()
            self.shutdown()
            thread.join()
            self.server_close()
            for connection in list(self._open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def route(self, path: str) -> tuple[str, str, Service] | None:
        """(prefix, name, service) for a path; the longest prefix wins, so that /jira-dc is not /jira."""
        for prefix in sorted(self.services, key=len, reverse=True):
            if path == prefix or path.startswith(prefix + "/"):
                name, service = self.services[prefix]
                return prefix, name, service
        return None

    def process_request(self, request: object, client_address: object) -> None:
        """Remembers the connection, so that stopping can end it."""
        self._open.add(cast("socket.socket", request))
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: object) -> None:
        """Forgets the connection."""
        self._open.discard(cast("socket.socket", request))
        super().shutdown_request(request)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is none of ours; anything else would hide a bug of the sandbox."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ValueError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered: head and body leave in one packet
    server: Server

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        found = self.server.route(parts.path)
        if found is None:
            self._send("", Answer(404, b'{"message":"Not Found"}', {"Content-Type": "application/json"}))
            return
        prefix, name, service = found
        host = self.headers.get("Host") or "127.0.0.1"
        headers = {key.lower(): value for key, value in self.headers.items()}
        rest = parts.path.removeprefix(prefix)
        asked = Asked(self.command, rest, parts.query, headers, body, f"http://{host}{prefix}")
        fault = self.server.faults.strike(name, self.command, self.path)
        if fault is None:
            self._send(name, _safely(service, asked))
        else:
            self._fail(name, fault, asked, service)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle  # noqa: N815  http.server looks for these names

    def _fail(self, name: str, fault: Fault, asked: Asked, service: Service) -> None:
        if fault.kind in ("reset", "reset_after", "hang"):
            if fault.kind == "reset_after":
                _safely(service, asked)
            self._record(name, 0, 0)
            if fault.kind == "hang":
                self._wait_for_goodbye()
            else:
                # Lingering for no time at all makes close() send RST in place of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            self.close_connection = True
            return
        if fault.kind == "delay":
            self.server.stopping.wait(fault.seconds or 0)
        answer = answer_with(fault, asked, service)
        if fault.kind == "truncate":
            self._send(name, answer, cut=len(answer.body) // 2)
            self.close_connection = True
        elif fault.kind == "drip":
            self._send(name, answer, rate=fault.rate)
        else:
            self._send(name, answer)

    def _send(self, name: str, answer: Answer, *, cut: int | None = None, rate: int | None = None) -> None:
        body = answer.body if cut is None else answer.body[:cut]
        if self.command == "HEAD":
            body = b""
        # Logged first: whoever holds the answer can rely on its being in the list.
        self._record(name, answer.status, len(body))
        self.send_response_only(answer.status)
        headers = {"Server": self.version_string(), "Date": self.date_time_string(), **answer.headers}
        for key, value in headers.items():
            self.send_header(key, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if rate is None:
            self.wfile.write(body)
            self.wfile.flush()
            return
        for start in range(0, len(body), max(1, rate // 10)):
            self.wfile.write(body[start : start + max(1, rate // 10)])
            self.wfile.flush()
            if self.server.stopping.wait(0.1):
                self.close_connection = True
                return

    def _record(self, name: str, status: int, size: int) -> None:
        parts = urlsplit(self.path)
        self.server.requests.append(Request(self.command, parts.path, parts.query, status, size, name))

    def _wait_for_goodbye(self) -> None:
        """Until the client closes its end or the sandbox stops."""
        self.connection.settimeout(0.05)
        while not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    return
                time.sleep(0.05)
            except TimeoutError:
                continue
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:
        """Silent: `Sandbox.requests` is the log."""


def _safely(service: Service, asked: Asked) -> Answer:
    """A bug in the sandbox shows as a 500 that says so, not as a connection that dies without a word."""
    try:
        return service(asked)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        return answer_json({"message": f"the sandbox failed: {error!r}"}, 500)
