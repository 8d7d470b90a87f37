"""A mailbox on loopback: apprise's own `json://` service posts to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Inbox:
    """`received` are (path, title, text), whose text may be Discord's `content`.

    `status` is what it answers, None that it takes the message and hangs up.
    """

    url: str = ""
    received: list[tuple[str, str, str]] = field(default_factory=list)
    status: int | None = 200

    def take(self) -> list[tuple[str, str, str]]:
        """What came since the last time."""
        found, self.received = self.received, []
        return found


@contextmanager
def an_inbox() -> Iterator[Inbox]:
    """Serves until the block ends."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if inbox.status in (200, None):
                inbox.received.append((self.path, said.get("title", ""), said.get("message") or said["content"]))
            if inbox.status is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(inbox.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

        def finish(self) -> None:
            if not self.wfile.closed and not self.connection._closed:  # type: ignore[attr-defined]
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    inbox.url = f"json://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
