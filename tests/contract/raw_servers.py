"""Servers of bytes on loopback, which misbehave as no HTTP server can, and a proxy."""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Respond = Callable[[socket.socket], None]


@contextmanager
def server(respond: Respond, *, certificate: Path | None = None, requests: list[bytes] | None = None) -> Iterator[str]:
    """Answers each connection by `respond`, which gets the socket once a request came, until the block ends.

    With a `certificate` it speaks TLS, as `localhost`. `requests` gets each request.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None:
        tls.load_cert_chain(certificate)

    def answer(connection: socket.socket) -> None:
        request = _request(connection)
        if requests is not None:
            requests.append(request)
        respond(connection)

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if certificate is None:
                answer(connection)
            else:
                with tls.wrap_socket(connection, server_side=True) as secured:
                    answer(secured)

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}" if certificate is None else f"https://localhost:{port}"


@contextmanager
def proxy(heads: list[str]) -> Iterator[str]:
    """The address of a proxy that leads every CONNECT to where it asks; `heads` gets the head of each request."""

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            head = _request(connection).decode()
            heads.append(head)
            name, _, port = head.split()[1].rpartition(":")
            with socket.create_connection((name, int(port))) as onward:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                both = selectors.DefaultSelector()
                both.register(connection, selectors.EVENT_READ, (connection, onward))
                both.register(onward, selectors.EVENT_READ, (onward, connection))
                while True:
                    for readable, _ in both.select():
                        source, target = readable.data
                        part = source.recv(65536)
                        if not part:
                            return
                        target.sendall(part)

    with listening(serve) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port where each connection is served in a thread, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _request(connection: socket.socket) -> bytes:
    """A whole request: what is left unread would reset the connection."""
    request = part = connection.recv(65536)
    while part and not _is_whole(request):
        part = connection.recv(65536)
        request += part
    return request


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def drip(head: bytes, drop: bytes) -> Respond:
    """Sends `head` at once, and then a drop every 50 ms for as long as somebody listens."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return respond


def body_of(content: bytes, encoding: str = "") -> Respond:
    """Sends a whole answer."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n"
    head += f"Content-Encoding: {encoding}\r\n\r\n" if encoding else "\r\n"
    return lambda connection: connection.sendall(head.encode() + content)


def without_end(connection: socket.socket) -> None:
    """Sends an answer that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" " * 65536)
