"""The web server, in a thread beside the daemon's loop."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from syncd.web.connection import BoundedConnection

_LARGEST_HEADER = 16_384  # bytes of a request's head

log = logging.getLogger("syncd.web")


@contextmanager
def serving(app: ASGIApp, host: str, port: int) -> Iterator[int]:
    """Serves during the context, and yields the port. For port 0, the system chooses a free port. Raises OSError at the
    start if the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # anybody could fill the log with bad requests
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        h11_max_incomplete_event_size=_LARGEST_HEADER,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # any client could write X-Forwarded-For
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    bound = listener.getsockname()[1]
    name = f"[{host}]" if ":" in host else host or "*"
    log.info("listening", extra={"at": f"http://{name}:{bound}/"})
    try:
        yield bound
    finally:
        server.should_exit = True
        thread.join(timeout=3)
        listener.close()
