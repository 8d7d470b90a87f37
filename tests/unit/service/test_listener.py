"""The listener: what clients do that send nothing, slowly, too much, or take no answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from waiting import HANG

from syncd.web import bodies, connection, serving

LARGE = 50_000_000


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server with a small page, a large one, and one that takes a body."""

    async def small(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def large(_: Request) -> Response:
        return PlainTextResponse("x" * LARGE)

    async def takes(request: Request) -> Response:
        return PlainTextResponse(f"{len(await request.body())}\n")

    async def bounded(request: Request) -> Response:
        try:
            return PlainTextResponse(f"{len(await bodies.whole_body(request))}\n")
        except bodies.BodyRefused as refused:
            return PlainTextResponse(f"{refused}\n", refused.status)

    async def endless(request: Request) -> Response:
        request.scope[connection.ENDLESS] = True
        return PlainTextResponse("x" * LARGE)

    routes = [Route("/", small), Route("/large", large), Route("/takes", takes, methods=["POST"])]
    routes.append(Route("/bounded", bounded, methods=["POST"]))
    app = Starlette(routes=[*routes, Route("/endless", endless)])
    with serving(app, "127.0.0.1", 0) as port:
        yield port


def opened(port: int, text: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=HANG)
    client.sendall(text)
    return client


def take_answer(client: socket.socket) -> None:
    """Takes the answer of the small page, in however many parts it comes."""
    answer = b""
    while not answer.endswith(b"ok\n"):
        data = client.recv(65536)
        assert data, answer
        answer += data


def whole_answer(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    answer = b""
    with closing(client):
        try:
            while data := client.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
    return answer


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HTTP/1.1\r\nHost:", b"POST /takes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"],
    ids=["nothing", "half a head", "half a body"],
)
def test_request_that_is_not_whole_in_time_is_closed(port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_REQUEST", 0.2)
    assert whole_answer(opened(port, begun)) == b""


def test_client_whose_body_is_slow_is_answered_before_its_connection_ends(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bodies._SECONDS < connection._REQUEST
    monkeypatch.setattr(bodies, "_SECONDS", 0.2)
    head = b"POST /bounded HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"
    answer = whole_answer(opened(port, head + b"ab"))
    assert answer.startswith(b"HTTP/1.1 408")
    assert answer.endswith(b"the body did not come within 0.2 s\n")


def test_second_request_on_a_connection_has_the_same_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_REQUEST", 0.2)
    client = opened(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    take_answer(client)
    client.sendall(b"GET / HT")
    assert whole_answer(client) == b""


@pytest.mark.parametrize("path", [b"/large", b"/endless"])
def test_client_that_takes_no_answer_is_closed(port: int, path: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_ANSWER", 0.2)
    client = opened(port, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    lost = opened(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    whole_answer(lost)  # its time is over as well
    assert len(whole_answer(client)) < LARGE


def test_new_connection_takes_the_place_of_one_that_asks_nothing(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MOST", 3)
    monkeypatch.setattr(connection, "_REQUEST", 2.0 * HANG)
    with ExitStack() as stack:
        waiting = [stack.enter_context(closing(opened(port, b"GET"))) for _ in range(20)]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/").text == "ok\n"
        assert whole_answer(waiting[0]) == b""


def test_head_without_an_end_is_refused_and_a_large_body_is_taken(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    assert whole_answer(opened(port, b"GET / HTTP/1.1\r\nX-Large: " + b"x" * 1_000_000))[:12] in (b"HTTP/1.1 400", b"")
    assert httpx.post(f"{url}/takes", content=b"x" * 200_000).text == "200000\n"
    assert httpx.get(url).text == "ok\n"


def test_connection_is_kept_alive_between_requests(port: int) -> None:
    with closing(opened(port)) as client:
        for _ in range(3):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            take_answer(client)
