"""The web server, in a thread beside the daemon's loop."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

log = logging.getLogger("syncd.web")


@contextmanager
def serving(app: ASGIApp, host: str, port: int) -> Iterator[None]:
    """Serves while the context lasts. If it cannot bind the address, it raises OSError first."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    log.info("listening", extra={"at": f"http://{host}:{listener.getsockname()[1]}/"})
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()
