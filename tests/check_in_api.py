"""A loopback server that takes check-ins: what is posted is added, what is put stands at its path, once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that took effect."""

    method: str
    target: str
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class CheckInApi:
    """`answers` says what a request earns before it is taken: a status and a text; None lets it take effect."""

    url: str
    added: list[Taken] = field(default_factory=list)
    put: dict[str, Taken] = field(default_factory=dict)
    requests: int = 0
    connections: int = 0
    answers: Callable[[Taken], tuple[int, str] | None] = lambda taken: None
    headers: dict[str, str] = field(default_factory=dict)

    def items(self) -> object:
        """What is there now, for comparison."""
        return [(taken.target, taken.body) for taken in self.added], {path: put.body for path, put in self.put.items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: CheckInApi

    def process_request(self, request: Any, client_address: Any) -> None:
        self.api.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _take(self) -> None:
        api = self.server.api
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        if len(sent) < length:  # the client died in the middle: no server takes that
            self.close_connection = True
            return
        body = sent.decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        taken = Taken(self.command, self.path, headers, body)
        api.requests += 1
        status, text = api.answers(taken) or (200, '{"ok": true}')
        if status == 200:
            if self.command == "PUT":
                api.put[self.path] = taken
            else:
                api.added.append(taken)
        self.send_response(status)
        for name, value in api.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_PUT = do_PATCH = _take  # noqa: N815  http.server looks for these names

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@contextmanager
def check_in_api() -> Iterator[CheckInApi]:
    """Serves until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.api = CheckInApi(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield server.api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
