"""What people read when a vendor refuses, sends elsewhere or is not there: each vendor by each kind of error.

Every answer comes through the vendor's real client library. The sentences are compared whole, because a sentence that
is cut, or shown as JSON, does not say what to do.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vendors import EVERY, READERS, SECRET, WRITERS, Vendor, ask

from syncd.sandbox import DEMO_NOW, Fault, Sandbox, serve
from syncd.sdk import Context, RetryLater, RetryPolicy, SourceBroken, SourceError, Unsure
from syncd.sdk.redactor import Redactor


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with serve(seed=7, now=DEMO_NOW) as box:
        yield box


@pytest.fixture
def box(shared: Sandbox) -> Iterator[Sandbox]:
    yield shared
    shared.heal()


def url_of(box: Sandbox, vendor: Vendor) -> str:
    urls = {
        "github": box.github_url,
        "gitlab": box.gitlab_url,
        "jira": box.jira_url,
        "jira-dc": box.jira_dc_url,
        "sheets": box.sheets_url,
        "metrics": box.metrics_url,
    }
    return urls.get(vendor, box.okr_url)


def service(vendor: Vendor) -> Any:
    return vendor if vendor in READERS else "okr"


def says(error: SourceError | None) -> str:
    text = str(error)
    assert error is not None
    assert text.splitlines() == [text]
    assert "{" not in text
    assert "<" not in text
    assert SECRET not in text
    return text


# -- what a vendor says

GITHUB_401 = {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
LONG = "The field 'summary' is required by the workflow of this project, which was edited by an administrator. " * 3
GOOGLE_403 = {
    "error": {
        "code": 403,
        "message": "Google Sheets API has not been used in project 41 before or it is disabled.",
        "status": "PERMISSION_DENIED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.Help",
                "links": [
                    {
                        "description": "Google developers console API activation",
                        "url": "https://console.developers.google.com/apis/api/sheets.googleapis.com/overview?project=41",
                    }
                ],
            }
        ],
    }
}


@pytest.mark.parametrize(
    ("vendor", "status", "body", "sentence"),
    [
        (
            "github",
            401,
            GITHUB_401,
            "the credentials were refused (HTTP 401: Bad credentials; see https://docs.github.com/rest)",
        ),
        (
            "github",
            422,
            {
                "message": "Validation Failed",
                "errors": [
                    {"resource": "Search", "field": "q", "code": "invalid"},
                    {"message": "The listed users cannot be searched.", "resource": "Search", "code": "custom"},
                ],
                "documentation_url": "https://docs.github.com/v3/search/",
            },
            "HTTP 422: Validation Failed: Search q invalid; The listed users cannot be searched; "
            "see https://docs.github.com/v3/search/",
        ),
        ("github", 451, {"message": "Repository access blocked", "block": {"reason": "dmca"}},
         "HTTP 451: Repository access blocked"),
        ("jira", 400, {"errorMessages": ["The value 'KB' does not exist for the field 'project'."], "errors": {}},
         "HTTP 400: The value 'KB' does not exist for the field 'project'."),
        ("jira", 400, {"errorMessages": [], "errors": {"summary": LONG}}, f"HTTP 400: summary: {LONG.strip()}"),
        ("jira", 403, {"error": "Failed to parse Connect Session Auth Token"},
         "the credentials lack a permission (HTTP 403: Failed to parse Connect Session Auth Token)"),
        ("jira-dc", 401, {"message": "Client must be authenticated to access this resource.", "status-code": 401},
         "the credentials were refused (HTTP 401: Client must be authenticated to access this resource.)"),
        ("jira-dc", 403, {"error": "Failed to parse Connect Session Auth Token"},
         "Failed to parse Connect Session Auth Token); an API token of Jira Cloud needs the account's address: "
         "write email beside token"),
        ("sheets", 403, GOOGLE_403,
         "Google Sheets API has not been used in project 41 before or it is disabled (PERMISSION_DENIED); see "
         "https://console.developers.google.com/apis/api/sheets.googleapis.com/overview?project=41)"),
        ("sheets", 401, {"error": {"code": 401, "message": "Request had invalid authentication credentials. " + LONG,
                                   "status": "UNAUTHENTICATED"}},
         f"the credentials were refused (HTTP 401: Request had invalid authentication credentials. {LONG.strip()})"),
        ("metrics", 400, {"type": "https://acme.example/e/7", "title": "Bad window", "detail": "Write a day."},
         "HTTP 400: Bad window; Write a day; see https://acme.example/e/7"),
        ("metrics", 401, {"error": "invalid_token", "error_description": "The token expired"},
         "the credentials were refused (HTTP 401: The token expired (invalid_token))"),
        ("metrics", 404, "<html><head><title>Not here</title></head><body><h1>Gone home</h1></body></html>",
         "not found, or not visible to these credentials (HTTP 404: Not here: Gone home)"),
        ("tability", 422, {"errors": {"score": ["is not a number", "is too long"]}},
         "HTTP 422: score: is not a number; score: is too long"),
        ("quantive", 403, {"message": "You do not own this metric", "code": 403},
         "the credentials lack a permission (HTTP 403: You do not own this metric)"),
        ("http-publisher", 400, {"ok": False, "error": "invalid_payload"}, "HTTP 400: invalid_payload"),
    ],
)  # fmt: skip
def test_vendors_sentence_is_shown_whole_with_its_link(
    box: Sandbox, context: Context, vendor: Vendor, status: int, body: Any, sentence: str
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    box.fault(Fault(service(vendor), status=status, body=content))
    error = ask(vendor, url_of(box, vendor), context)
    assert isinstance(error, SourceBroken)
    assert sentence in says(error)
    assert error.status in (status, None)


@pytest.mark.parametrize("vendor", EVERY)
def test_limit_is_called_so_in_the_vendors_words(box: Sandbox, context: Context, vendor: Vendor) -> None:
    box.fault(Fault(service(vendor), status=429, body='{"message": "Slow down, please"}', headers={"Retry-After": "7"}))
    error = ask(vendor, url_of(box, vendor), context)
    assert isinstance(error, RetryLater)
    assert says(error) == "rate limit (HTTP 429: Slow down, please)"


@pytest.mark.sampled(12)
@pytest.mark.parametrize("asked", ["0", "-5", "0.0", "Thu, 01 Jan 1970 00:00:00 GMT"])
@pytest.mark.parametrize("vendor", EVERY)
def test_server_that_asks_for_no_wait_gets_a_moment(
    box: Sandbox, context: Context, slept: list[float], vendor: Vendor, asked: str
) -> None:
    """Without it five requests leave within milliseconds, and the stream has failed for the cycle."""
    box.fault(Fault(service(vendor), status=429, body='{"message": "Slow down"}', headers={"Retry-After": asked}))
    assert isinstance(ask(vendor, url_of(box, vendor), context), RetryLater)
    assert slept == [0.5, 1]


@pytest.mark.parametrize("vendor", EVERY)
@pytest.mark.parametrize("before", [0, 120, 145, 155, 985, 995])
def test_secret_that_a_server_repeats_is_masked_before_anything_is_cut(
    box: Sandbox, context: Context, vendor: Vendor, before: int
) -> None:
    hiding = replace(context, hide=Redactor([SECRET]))
    body = {"message": "x" * before + f" {SECRET} is no token"}
    box.fault(Fault(service(vendor), status=400, body=json.dumps(body)))
    text = says(ask(vendor, url_of(box, vendor), hiding))
    assert SECRET[:8] not in text
    box.heal()
    box.fault(Fault(service(vendor), status=400, body=f"[[{'0,' * (before // 2)} {SECRET}"))
    assert SECRET[:8] not in says_something(ask(vendor, url_of(box, vendor), hiding))


def says_something(error: SourceError | None) -> str:
    assert error is not None
    return str(error)


# -- a page or a redirect in place of an answer


@pytest.mark.parametrize("status", [200, 302])
@pytest.mark.parametrize("vendor", EVERY)
def test_login_page_is_called_so(
    box: Sandbox, context: Context, slept: list[float], vendor: Vendor, status: int
) -> None:
    box.fault(Fault(service(vendor), "login", status=status))
    error = ask(vendor, url_of(box, vendor), context)
    assert isinstance(error, SourceBroken)
    assert "login page" in says(error)
    assert box.url in says(error)
    assert ("'Sign in to your account'" in says(error)) == (status == 200)
    assert slept == []


@pytest.mark.parametrize("location", ["https://login.acme.example/adfs/ls?wa=1&SAMLRequest=abc", "/sso/start"])
@pytest.mark.parametrize("vendor", READERS)
def test_login_of_another_host_is_called_so(box: Sandbox, context: Context, vendor: Vendor, location: str) -> None:
    box.fault(Fault(service(vendor), status=302, headers={"Location": location}))
    text = says(ask(vendor, url_of(box, vendor), context))
    assert "login page" in text
    assert ("https://login.acme.example" in text) == location.startswith("https")
    assert "abc" not in text


@pytest.mark.sampled(4)
@pytest.mark.parametrize("vendor", EVERY)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_moved_site_is_named_with_both_hosts(
    box: Sandbox, shared: Sandbox, context: Context, vendor: Vendor, status: int
) -> None:
    with serve(seed=7, now=DEMO_NOW) as other:
        new = url_of(other, vendor).replace("127.0.0.1", "localhost")
        box.fault(Fault(service(vendor), "moved", status=status, to=new))
        error = ask(vendor, url_of(box, vendor), context)
        assert other.requests == []  # the credentials are for the configured server alone
    expected = Unsure if vendor in WRITERS else SourceBroken
    assert isinstance(error, expected)
    assert f"{box.url} has moved to {other.url.replace('127.0.0.1', 'localhost')}" in says(error)
    assert "if that is right, change the host in url (HTTP" in says(error)


@pytest.mark.parametrize("vendor", [name for name in EVERY if not name.startswith("jira")])
def test_server_that_wants_https_is_called_so(box: Sandbox, context: Context, vendor: Vendor) -> None:
    """Jira's library follows it on the same host, and keeps the credentials there."""
    secure = url_of(box, vendor).replace("http://", "https://")
    box.fault(Fault(service(vendor), "moved", to=secure))
    text = says(ask(vendor, url_of(box, vendor), context))
    assert f"{box.url} has moved to" not in text
    assert f"{box.url} sends to {box.url.replace('http', 'https', 1)}; write https:// in url (HTTP 301)" in text


def test_single_sign_on_names_the_page_that_accepts_the_token(box: Sandbox, context: Context) -> None:
    box.fault(Fault("github", "sso"))
    text = says(ask("github", box.github_url, context))
    assert "Resource protected by organization SAML enforcement." in text
    assert "let single sign-on accept the token: https://github.com/orgs/acme/sso?authorization_request=A1B2" in text


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html><title>Sign in</title></html>"), (404, "<html><title>404</title></html>"), (302, "")],
)
def test_github_enterprise_without_its_path_says_which(box: Sandbox, context: Context, status: int, body: str) -> None:
    box.fault(Fault("github", status=status, body=body, headers={"Location": "/login"} if status == 302 else {}))
    assert f"the API of GitHub Enterprise is at {box.url}/api/v3" in says(ask("github", box.github_url, context))


def test_token_endpoint_that_refuses_or_is_gone_says_why(
    box: Sandbox, context: Context, tmp_path: Path, shared: Sandbox
) -> None:
    path = box.service_account(tmp_path / "google.json")
    box.fault(
        Fault("token", status=400, body='{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}')
    )
    text = says(ask("sheets", box.sheets_url, context, credentials=str(path), token=None))
    assert text == "Google does not accept the service account's key (Invalid JWT Signature (invalid_grant))"
    account = json.loads(path.read_text())
    path.write_text(json.dumps({**account, "token_uri": f"http://127.0.0.1:{closed_port()}/token"}))
    text = says(ask("sheets", box.sheets_url, context, credentials=str(path), token=None))
    assert text.startswith("no token for the service account: 127.0.0.1:")
    assert "refuses the connection" in text


def test_captcha_of_jira_says_where_to_log_in(box: Sandbox, context: Context) -> None:
    headers = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://jira.acme.example/login.jsp"}
    box.fault(Fault("jira-dc", status=403, headers=headers, body="Basic Authentication Failure - Reason : DENIED"))
    text = says(ask("jira-dc", box.jira_dc_url, context))
    assert "Basic Authentication Failure - Reason : DENIED" in text
    assert "log in as this account once in a browser, at https://jira.acme.example/login.jsp" in text


@pytest.mark.parametrize("vendor", READERS)
def test_page_of_a_proxy_may_pass(box: Sandbox, context: Context, vendor: Vendor) -> None:
    page = "<html><head><title>Down for maintenance</title></head><body>Back soon</body></html>"
    box.fault(Fault(service(vendor), status=200, body=page, headers={"Content-Type": "text/html"}))
    error = ask(vendor, url_of(box, vendor), context)
    assert isinstance(error, RetryLater)
    assert f"{box.url} answers with a web page ('Down for maintenance') in place of JSON" in says(error)


# -- nobody answers


@contextmanager
def listening(respond: Callable[[socket.socket], None] | None = None) -> Iterator[int]:
    """The port of a server that accepts connections; without `respond` it never answers."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    if respond is not None:
                        respond(connection)
            except OSError:
                return

        held: list[socket.socket] = []
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()


@pytest.fixture
def impatient(context: Context) -> Context:
    return replace(context, retry=RetryPolicy(attempts=1))


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("vendor", EVERY)
def test_refused_connection_names_host_and_address(impatient: Context, vendor: Vendor) -> None:
    port = closed_port()
    error = ask(vendor, f"http://localhost:{port}/base", impatient)
    assert isinstance(error, RetryLater)
    assert says(error).startswith(f"localhost:{port} refuses the connection at ")
    assert f"127.0.0.1:{port}" in says(error)


@pytest.mark.parametrize("vendor", EVERY)
def test_unknown_name_is_called_so(impatient: Context, vendor: Vendor) -> None:
    text = says(ask(vendor, "http://no-such-host.invalid/base?key=1", impatient))
    assert text.startswith("the name of no-such-host.invalid cannot be resolved; correct url")


@pytest.mark.parametrize("vendor", EVERY)
def test_server_that_never_answers_names_host_and_limit(impatient: Context, vendor: Vendor) -> None:
    limit = 1 if vendor == "github" else 0.2  # PyGithub counts whole seconds
    with listening() as port:
        error = ask(vendor, f"http://127.0.0.1:{port}", impatient, timeout=limit)
    assert isinstance(error, Unsure if vendor in WRITERS else RetryLater)
    assert f"127.0.0.1:{port} did not answer within {limit:g} s" in says(error)


@pytest.mark.parametrize("vendor", ["metrics", "http-publisher"])
def test_header_that_cannot_be_sent_is_called_so(box: Sandbox, context: Context, vendor: Vendor) -> None:
    text = says(ask(vendor, url_of(box, vendor), context, headers={"X-Team": "a\nb"}))
    assert text == "a secret or a header holds a line break, or what else no header may hold; set it again without"


@pytest.mark.parametrize("vendor", EVERY)
def test_server_without_tls_is_called_so(impatient: Context, vendor: Vendor) -> None:
    def plain(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with listening(plain) as port:
        error = ask(vendor, f"https://127.0.0.1:{port}", impatient)
    assert isinstance(error, SourceBroken)
    assert says(error) == f"127.0.0.1:{port} does not speak TLS: correct the port in url, or write http://"


@pytest.mark.parametrize("vendor", EVERY)
def test_certificate_of_nobody_known_is_called_so(impatient: Context, vendor: Vendor, certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    def handshake(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            tls.wrap_socket(connection, server_side=True)

    with listening(handshake) as port:
        error = ask(vendor, f"https://localhost:{port}", impatient)
    assert isinstance(error, SourceBroken)
    assert says(error) == f"the certificate of localhost:{port} is not accepted: self-signed certificate"


@pytest.mark.parametrize("vendor", EVERY)
def test_proxy_that_cannot_be_reached_is_named(
    impatient: Context, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = closed_port()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:{SECRET}@127.0.0.1:{port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for scheme, at in (("http", 80), ("https", 443)):
        text = says(ask(vendor, f"{scheme}://api.acme.example", impatient))
        assert text.startswith(
            f"the proxy 127.0.0.1:{port}, which leads to api.acme.example:{at}, refuses the connection"
        )


@pytest.mark.parametrize("vendor", EVERY)
def test_proxy_that_wants_a_login_is_named_for_plain_http_too(
    impatient: Context, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        head = b"HTTP/1.1 407 Proxy Authentication Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head)
        connection.close()

    with listening(refuse) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        text = says(ask(vendor, "http://api.acme.example", impatient))
    assert f"the proxy 127.0.0.1:{port} does not let through to api.acme.example:80 (HTTP 407" in text


@pytest.mark.parametrize("vendor", EVERY)
def test_proxy_that_refuses_is_named_with_its_reason(
    impatient: Context, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        head = b"HTTP/1.1 407 Proxy Authentication Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head)
        connection.close()

    with listening(refuse) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        text = says(ask(vendor, "https://api.acme.example", impatient))
    assert text == (
        f"the proxy 127.0.0.1:{port} does not let through to api.acme.example:443: 407 Proxy Authentication Required"
    )
