"""A mailbox on loopback: apprise's own `json://` service posts to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from loopback import QuietHandler, running


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

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            said = json.loads(self.body())
            if inbox.status in (200, None):
                inbox.received.append((self.path, said.get("title", ""), said.get("message") or said["content"]))
            if inbox.status is None:
                self.close_connection = True
                self.connection.close()
                return
            self.send(inbox.status, b"")

        def finish(self) -> None:
            if not self.wfile.closed and not self.connection._closed:  # type: ignore[attr-defined]
                super().finish()

    with running(Handler) as server:
        inbox.url = f"json://{server}"
        yield inbox
