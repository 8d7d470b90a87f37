"""Every request of every client library ends: in time, at a size, at its own server, with its own credential."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from raw_servers import body_of, drip, proxy, server, without_end
from vendors import READERS, SECRET, WRITERS, Vendor, ask

from connectors.github import GitHub
from connectors.sheets import Sheets
from syncd.sandbox import DEMO_NOW, serve
from syncd.sdk import Context, RetryLater, RetryPolicy, SourceBroken, SourceError, Stream, Unsure

Ask = Callable[..., SourceError | None]


@pytest.fixture
def impatient(context: Context) -> Context:
    return replace(context, retry=RetryPolicy(attempts=1))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings of the two credentials that are exchanged for a token: a GitHub App's, and a service account's."""
    folder = tmp_path_factory.mktemp("keys")
    with serve(seed=7, now=DEMO_NOW) as box:
        return {"github-app": box.github_app, "token": box.service_account(folder / "key.json")}


def asks(client: str, keys: dict[str, Any]) -> Ask:
    """How the library sends its first request to an address."""
    if client == "github-app":

        def of_an_app(url: str, context: Context, **more: Any) -> SourceError | None:
            return _pulled(GitHub, Stream("releases of acme/web", "records"), url, context, {**keys[client], **more})

        return of_an_app
    if client == "token":

        def of_a_service_account(url: str, context: Context, **more: Any) -> SourceError | None:
            path = Path(keys[client]).with_name("here.json")
            path.write_text(Path(keys[client]).read_text().replace(_token_uri(keys[client]), f"{url}/token"))
            part = Sheets.Measure.model_validate({"spreadsheet": "book", "cell": "A1"}).part()
            stream = Stream("book", "readings", frozenset({part}))
            return _pulled(Sheets, stream, "http://127.0.0.1:9", context, {"credentials": str(path), **more})

        return of_a_service_account
    return lambda url, context, **more: ask(client, url, context, **more)  # type: ignore[arg-type]


def _token_uri(path: Path) -> str:
    import json

    address: str = json.loads(path.read_text())["token_uri"]
    return address


def _pulled(connector: Any, stream: Stream, url: str, context: Context, keys: dict[str, Any]) -> SourceError | None:
    settings = connector.Settings.model_validate({"type": "t", "url": url, **keys}, context={"resolved": True})
    with closing(connector.open(settings, context)) as source:
        try:
            list(source.pull(stream, None))
        except SourceError as error:
            return error
    return None


CLIENTS = ("github", "github-app", "jira", "jira-dc", "sheets", "token", "metrics")

DRIPS = {
    "body": drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "headers": drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "nothing": lambda _: time.sleep(60),
}


@pytest.mark.parametrize("drips", DRIPS)
@pytest.mark.parametrize("client", CLIENTS)
def test_answer_that_drips_ends_at_the_deadline(
    impatient: Context, keys: dict[str, Any], client: str, drips: str
) -> None:
    """A library's timeout limits each read, which comes in time."""
    with server(DRIPS[drips]) as url:
        error = asks(client, keys)(url, impatient, timeout=0.2, deadline="0.2s")
    assert isinstance(error, RetryLater)
    ends = "end its answer" if drips == "body" else "answer"
    assert f"did not {ends} within 0.2 s" in str(error)


BOMB = gzip.compress(b" " * 30_000_000)
LARGE = {"without end": without_end, "compressed": body_of(BOMB, "gzip")}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("large", LARGE)
@pytest.mark.parametrize("client", CLIENTS)
def test_answer_has_a_largest_size(impatient: Context, keys: dict[str, Any], client: str, large: str) -> None:
    with server(LARGE[large]) as url:
        error = asks(client, keys)(url, impatient, largest_answer="1 MB")
    assert isinstance(error, SourceBroken)
    assert "its answer is larger than 1 MB" in str(error)


def test_requests_that_are_broken_off_leave_no_handle_and_no_thread(impatient: Context, keys: dict[str, Any]) -> None:
    def count() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    # The server's side is not counted: its connections end when the client's do.
    closed = threading.Semaphore(0)

    def respond(connection: socket.socket) -> None:
        try:
            DRIPS["body"](connection)
        finally:
            connection.close()
            closed.release()

    with server(respond) as url:
        before = count()
        for client in ("github", "jira", "sheets", "metrics") * 3:
            asks(client, keys)(url, impatient, timeout=0.1, deadline="0.1s")
            assert closed.acquire(timeout=60)
        for _ in range(600):
            if count() <= before:
                break
            time.sleep(0.05)
        assert count() <= before


# -- credentials stay at their server


@pytest.mark.sampled(20)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("client", [*CLIENTS, *WRITERS])
def test_redirect_to_another_server_is_not_followed(
    impatient: Context, keys: dict[str, Any], client: str, status: int
) -> None:
    elsewhere: list[bytes] = []
    with server(body_of(b"{}"), requests=elsewhere) as other:

        def respond(connection: socket.socket) -> None:
            to = f"{other}/token/elsewhere".encode()
            connection.sendall(
                b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (status, to)
            )

        with server(respond) as url:
            error = asks(client, keys)(url, impatient)
    assert isinstance(error, SourceBroken | Unsure), error
    assert elsewhere == []


@pytest.mark.parametrize("client", [*READERS, *WRITERS])
def test_netrc_never_takes_the_place_of_a_credential(
    impatient: Context, keys: dict[str, Any], client: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    requests: list[bytes] = []
    with server(body_of(b"[]"), requests=requests) as url:
        ask(client, url, impatient)
    assert requests
    assert all(b"c29tZW9uZTplbHNl" not in request for request in requests)  # someone:else


# -- certificates and proxies


@pytest.mark.parametrize("client", [*CLIENTS, *WRITERS])
def test_certificate_of_ones_own_is_trusted_if_ca_names_it(
    impatient: Context, keys: dict[str, Any], client: str, certificate: Path
) -> None:
    requests: list[bytes] = []
    with server(body_of(b"[]"), certificate=certificate, requests=requests) as url:
        error = asks(client, keys)(url, impatient)
        assert "the certificate of localhost" in str(error)
        assert requests == []
        asks(client, keys)(url, impatient, ca=str(certificate))
    assert requests


@pytest.mark.parametrize("client", [*CLIENTS, *WRITERS])
def test_proxy_of_a_connection_leads_each_request(
    impatient: Context, keys: dict[str, Any], client: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting wins over the environment, and over NO_PROXY."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    requests: list[bytes] = []
    heads: list[str] = []
    with server(body_of(b"[]"), certificate=certificate, requests=requests) as url, proxy(heads) as through:
        through = through.replace("http://", f"http://bot:{SECRET}@")
        asks(client, keys)(url, impatient, ca=str(certificate), proxy=through)
    assert requests
    assert len(heads) <= len(requests)
    assert all(head.startswith(f"CONNECT {url.removeprefix('https://')} ") for head in heads)
    assert all("Proxy-Authorization: Basic " in head for head in heads)
    assert not any(b"Proxy-Authorization" in request for request in requests)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_proxy_that_is_ill_is_tried_again(impatient: Context, status: int) -> None:
    def respond(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 %d Ill\r\nContent-Length: 0\r\n\r\n" % status)

    for client in ("github", "metrics", "http-publisher"):
        with server(respond) as through:
            error = ask(client, "https://api.acme.example", impatient, proxy=through)  # type: ignore[arg-type]
        assert isinstance(error, RetryLater)
        assert f"does not let through to api.acme.example:443: {status} Ill" in str(error)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: no such file"),
        ("pipe", "cannot be read: it is a named pipe; name a regular file"),
        (b"no certificate", "holds no certificates"),
    ],
)
def test_ca_that_holds_no_certificates_is_named(impatient: Context, tmp_path: Path, content: Any, says: str) -> None:
    path = tmp_path / "company.pem"
    if content == "pipe":
        os.mkfifo(path)
    elif content is not None:
        path.write_bytes(content)
    from syncd.sdk import ConfigError

    with pytest.raises(ConfigError, match=f"ca names .*company.pem, which {says}"):
        ask("metrics", "https://127.0.0.1:9", replace(impatient, folder=str(tmp_path)), ca="company.pem")
