"""The loopback server: its threads, its connections, and the faults that change the bytes sent over a connection."""

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

from syncd.sandbox.faults import Fault, Faults, respond
from syncd.sandbox.http import Request, Response, Service, json_response


@dataclass(frozen=True)
class LoggedRequest:
    """A request, with the status of its response. The status is 0 if a fault prevented the response.

    `path` and `query` are as in the request, with the prefix. `bytes_sent` is the number of bytes in the response's
    body.
    """

    method: str
    path: str
    query: str
    status: int
    bytes_sent: int
    service: str


class Server(ThreadingHTTPServer):
    """The HTTP server. `services` maps each prefix, such as `/github`, to a service's name and the service."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, services: Mapping[str, tuple[str, Service]], faults: Faults) -> None:
        self.services = services
        self.faults = faults
        self.requests: list[LoggedRequest] = []
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
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
        """The prefix, name and service for a path; None if no service has the path. The longest matching prefix counts:
        /jira-dc does not go to /jira.
        """
        for prefix in sorted(self.services, key=len, reverse=True):
            if path == prefix or path.startswith(prefix + "/"):
                name, service = self.services[prefix]
                return prefix, name, service
        return None

    def process_request(self, request: object, client_address: object) -> None:
        """Stores the connection, so that it can be closed when the server stops."""
        self._open.add(cast("socket.socket", request))
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: object) -> None:
        """Removes the connection from the stored connections."""
        self._open.discard(cast("socket.socket", request))
        super().shutdown_request(request)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignores a client that closed the connection. Prints any other error, because it is a bug of the sandbox."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError | ValueError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered, to send head and body in one packet
    server: Server

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        route = self.server.route(parts.path)
        if route is None:
            self._send("", Response(404, b'{"message":"Not Found"}', {"Content-Type": "application/json"}))
            return
        prefix, name, service = route
        host = self.headers.get("Host") or "127.0.0.1"
        headers = {key.lower(): value for key, value in self.headers.items()}
        rest = parts.path.removeprefix(prefix)
        request = Request(self.command, rest, parts.query, headers, body, f"http://{host}{prefix}")
        fault = self.server.faults.strike(name, self.command, self.path)
        if fault is None:
            self._send(name, _safely(service, request))
        else:
            self._fail(name, fault, request, service)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle  # noqa: N815  http.server looks for these names

    def _fail(self, name: str, fault: Fault, request: Request, service: Service) -> None:
        if fault.kind in ("reset", "reset_after", "hang"):
            if fault.kind == "reset_after":
                _safely(service, request)
            self._record(name, 0, 0)
            if fault.kind == "hang":
                self._wait_for_close()
            else:
                # With a linger time of zero, close() sends RST in place of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            self.close_connection = True
            return
        if fault.kind == "delay":
            self.server.stopping.wait(fault.seconds or 0)
        response = respond(fault, request, service)
        if fault.kind == "truncate":
            self._send(name, response, cut=len(response.body) // 2)
            self.close_connection = True
        elif fault.kind == "drip":
            self._send(name, response, rate=fault.rate)
        else:
            self._send(name, response)

    def _send(self, name: str, response: Response, *, cut: int | None = None, rate: int | None = None) -> None:
        body = response.body if cut is None else response.body[:cut]
        if self.command == "HEAD":
            body = b""
        # Logged first: once a client has the response, its request is in the log.
        self._record(name, response.status, len(body))
        self.send_response_only(response.status)
        headers = {"Server": self.version_string(), "Date": self.date_time_string(), **response.headers}
        for key, value in headers.items():
            self.send_header(key, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
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
        self.server.requests.append(LoggedRequest(self.command, parts.path, parts.query, status, size, name))

    def _wait_for_close(self) -> None:
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
        """Prints nothing, because `Sandbox.requests` is the log."""


def _safely(service: Service, request: Request) -> Response:
    """Calls the service. If the service has a bug and raises an error, returns a 500 that names the bug, so that no
    connection closes without a reason.
    """
    try:
        return service(request)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        return json_response({"message": f"the sandbox failed: {error!r}"}, 500)
