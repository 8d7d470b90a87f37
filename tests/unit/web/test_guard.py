"""Whom the port answers, and what binds a browser that shows its pages."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from syncd.web.guard import Guard, is_own_name

ADDRESS = "https://okrs.acme.example"


@pytest.mark.parametrize(
    ("host", "on_loopback", "on_all"),
    [
        ("127.0.0.1:8321", True, True),
        ("127.8.8.8", True, True),
        ("[::1]:8321", True, True),
        ("localhost", True, True),
        ("LocalHost.:8321", True, True),
        ("syncd.localhost", True, True),
        ("okrs.acme.example", True, True),
        ("OKRS.acme.example:443", True, True),
        ("10.2.3.4:8321", False, True),
        ("syncd:8321", False, True),
        ("evil.example", False, False),
        ("evil.example:8321", False, False),
        ("localhost.evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("okrs.acme.example.evil.example", False, False),
        ("user@evil.example", False, False),
        ("", False, False),
        ("[::1", False, False),
    ],
)
def test_names_that_no_foreign_server_answers_for_are_own(host: str, on_loopback: bool, on_all: bool) -> None:
    assert is_own_name(host, "127.0.0.1", ADDRESS) is on_loopback
    assert is_own_name(host, "0.0.0.0", ADDRESS) is on_all


_FRAMES_AND_FORMS = ("frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'")


def client() -> TestClient:
    def broken(_: Request) -> PlainTextResponse:
        raise RuntimeError("no page")

    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("page")), Route("/broken", broken)])
    guard = Guard(app, "127.0.0.1", lambda: ADDRESS)
    return TestClient(guard, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/", "/absent", "/broken"])
@pytest.mark.parametrize("host", ["127.0.0.1:8321", "evil.example"])
def test_every_answer_has_the_headers(path: str, host: str) -> None:
    answer = client().get(path, headers={"Host": host})
    policy = answer.headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", *_FRAMES_AND_FORMS):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8321", 200),
        ("https://okrs.acme.example", 200),
        ("http://127.0.0.1:9", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_a_page_of_another_site_is_refused(origin: str, status: int) -> None:
    assert client().get("/", headers={"Origin": origin}).status_code == status


def test_a_foreign_name_is_refused_with_what_to_write() -> None:
    answer = client().get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert "web: {address: https://" in answer.text
