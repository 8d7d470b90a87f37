"""The web server's port, at which anybody may knock."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from waiting import HANG

from syncd.web import connection
from syncd.web.server import serving


@pytest.fixture
def port() -> Iterator[int]:
    with serving(Starlette(routes=[Route("/", lambda _: PlainTextResponse("page"))]), "127.0.0.1", 0) as port:
        yield port


def knock(port: int, request: bytes) -> bytes:
    """What the server answers until it closes the connection; it may do so before all was sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG) as client:
        with suppress(ConnectionError):
            client.sendall(request)
        return rest_of(client)


def rest_of(client: socket.socket) -> bytes:
    """What still comes until the server closes or breaks off the connection."""
    answer = b""
    with suppress(ConnectionError):
        while received := client.recv(65_536):
            answer += received
    return answer


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_head_of_a_request_has_a_largest_size(port: int, size: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: " + b"a" * size + b"\r\n\r\n"
    answer = knock(port, head)
    assert answer.endswith(b"page") is (size == 1_000)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_request_that_never_ends_is_closed(sent: bytes, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(connection, "_REQUEST", 0.2)
    assert b"page" not in knock(port, sent)


def test_connection_that_says_nothing_gives_way_to_a_new_one(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(connection, "_MOST", 2)
    silent = [socket.create_connection(("127.0.0.1", port), timeout=HANG) for _ in range(4)]
    try:
        assert knock(port, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").endswith(b"page")
    finally:
        for client in silent:
            client.close()
