"""The page on proxies: what it shows runs, in front of the real pages, in nginx and in Caddy."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from debian import program
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from waiting import wait_for

from syncd.config import load_config
from syncd.service import LedgerReader
from syncd.web import events, serving
from syncd.web.events import Events, Streams

PAGE = Path(__file__).parents[2] / "docs" / "reverse-proxy.md"
NAME = "okrs.acme.example"
HASH = "$2a$14$c5kCYmCmKhBp2bQ4cDmaZuxG2FhJUNwBJwFb4Nhbq7q/6UCVTgO4i"


def block(language: str) -> str:
    """The block of the page in a language."""
    match = re.search(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def echo(request: Request) -> PlainTextResponse:
    """The name that a request came under, and the size of its body."""
    return PlainTextResponse(f"{request.headers['host']} {len(await request.body())}")


@contextmanager
def proxy(command: list[str | Path], port: int) -> Iterator[httpx.Client]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Host": NAME}) as client:
                wait_for(lambda: process.poll() is not None or _answers(client))
                assert process.poll() is None
                yield client
        finally:
            process.terminate()


def _answers(client: httpx.Client) -> bool:
    try:
        client.get("/")
    except httpx.TransportError:
        return False
    return True


def _project(folder: Path) -> Path:
    (folder / "syncd.yaml").write_text("connections: {}\n")
    (folder / "mappings").mkdir()
    key_result = "{id: calls, title: Fewer calls, kind: outcome, baseline: 9, target: 5}"
    objective = f"{{id: all, title: Everything, key_results: [{key_result}]}}"
    (folder / "mappings" / "okrs.yaml").write_text(f"period: 2026-Q4\nobjectives: [{objective}]\n")
    return folder / "syncd.yaml"


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[int]:
    """A port that answers as the pages do: what it saw of the request."""
    settings = _project(tmp_path)
    live = Route("/events", Events(LedgerReader(settings, load_config(settings)), Streams()))
    app = Starlette(routes=[live, Route("/{path:path}", echo, methods=["GET", "POST"])])
    with serving(app, "127.0.0.1", 0) as port:
        yield port


@pytest.fixture(params=["nginx", "caddy"])
def client(request: pytest.FixtureRequest, pages: int, tmp_path: Path) -> Iterator[httpx.Client]:
    port = free_port()
    command = (_nginx if request.param == "nginx" else _caddy)(pages, port, tmp_path)
    with proxy(command, port) as client:
        yield client


def _nginx(pages: int, port: int, folder: Path) -> list[str | Path]:
    """The page's server, without TLS and on another port."""
    server = block("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace(":8321", f":{pages}")
    server = re.sub(r"^\s*ssl_.*\n", "", server, flags=re.MULTILINE)
    users = folder / "users"
    users.write_text("dana:{PLAIN}secret\n")
    server = server.replace("/etc/nginx/okrs.users", str(users))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{server}}}\n"
    )
    nginx = program("nginx", "usr/sbin/nginx")
    return [nginx, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]


def _caddy(pages: int, port: int, folder: Path) -> list[str | Path]:
    """The page's site, without TLS and on another port, for a password that is known here."""
    caddy = program("caddy", "usr/bin/caddy")
    hashed = subprocess.run(
        [caddy, "hash-password", "--plaintext", "secret"], capture_output=True, text=True, check=True
    ).stdout.strip()
    site = block("caddyfile").replace(f"{NAME} {{", f"http://{NAME}:{port} {{").replace(":8321", f":{pages}")
    assert HASH in site
    file = folder / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n\tstorage file_system {folder}\n}}\n{site.replace(HASH, hashed)}")
    return [caddy, "run", "--config", file, "--adapter", "caddyfile"]


@pytest.mark.nightly
def test_people_need_a_password_webhooks_do_not_and_probes_stay_within(client: httpx.Client) -> None:
    assert client.get("/").status_code == 401
    page = client.get("/", auth=("dana", "secret"))
    assert (page.status_code, page.text.split(":")[0].split()[0]) == (200, NAME)  # syncd checks the name
    hook = client.post("/hooks/code", content=b"x" * 900_000)
    assert (hook.status_code, hook.text.split()[-1]) == (200, "900000")
    for path in ("/metrics", "/healthz", "/readyz"):
        assert client.get(path, auth=("dana", "secret")).status_code == 404


@pytest.mark.nightly
def test_events_reach_an_open_page_one_by_one(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that gathers answers would hold them back for ever: the stream has no end."""
    monkeypatch.setattr(events, "_HEARTBEAT", 0.05)
    with client.stream("GET", "/events", auth=("dana", "secret")) as answer:
        lines = (line for line in answer.iter_lines() if line)
        assert [next(lines) for _ in range(3)][1:] == ["id: 0", "data: 0"]
        assert all(next(lines).startswith(":") for _ in range(5))
