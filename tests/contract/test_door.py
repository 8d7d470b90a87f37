"""Who gets in: by address, token or proxy, with which role; and whose POST counts."""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from csv_project import CsvProject
from standing_still import StandingStill, browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from test_port import knock
from typer import Exit
from waiting import HANG

from syncd.cli import doctor
from syncd.cli import run as cli_run
from syncd.cli.run import serve
from syncd.sdk import ConfigError
from syncd.web import make_app, serving
from syncd.web.attempts import Attempts
from syncd.web.bodies import LARGEST
from syncd.web.bounded import Bounded
from syncd.web.deployment_key import DeploymentKey
from syncd.web.door import Door
from syncd.web.guard import Guard
from syncd.web.visitors import Role, Visitor, form_token, visitor_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    owner: support
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""
EVERY_PATH = ["/", "/objectives/service", "/key-results/calls", "/sources", "/reviews/week", "/api/", "/api/status"]
OWN = {"Origin": "http://localhost"}
CI = {"Authorization": "Bearer token-of-the-pipeline"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of the project after its first cycle."""
    project = CsvProject(tmp_path_factory.mktemp("model"), MAPPING, NOON)
    project.cycle()
    project.ledger.close()
    return project.folder / "syncd.db"


@pytest.fixture
def project(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CsvProject]:
    monkeypatch.setenv("CI_TOKEN", "token-of-the-pipeline")
    monkeypatch.setenv("ANN_TOKEN", "token-of-ann")
    monkeypatch.setenv("SCRAPE_TOKEN", "token-of-prometheus")
    shutil.copy(model, tmp_path)
    project = CsvProject(tmp_path, MAPPING, NOON)
    yield project
    project.ledger.close()


def door(project: CsvProject, web: str = "", listens_on: str = "0.0.0.0", **options: object) -> TestClient:
    """A client of the project with these keys of `web:`."""
    path = project.folder / "syncd.yaml"
    kept = path.read_text().partition("web:")[0]
    path.write_text(kept + (f"web: {web}\n" if web else ""))
    return browser(project.config, project.ledger, project.now, listens_on, **options)  # type: ignore[arg-type]


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """What ends the waits of a test, also where it fails: threads outlive it."""
    event = threading.Event()
    yield event
    event.set()


def hurry(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """What the applications made from now on wait for in threads of these names is overdue soon."""
    make = Bounded.__init__

    def quick(bounded: Bounded, name: str, *, seconds: float, **keys: Any) -> None:
        make(bounded, name, seconds=0.05 if name in names else seconds, **keys)

    monkeypatch.setattr(Bounded, "__init__", quick)


TOKENS = '{login: {tokens: {ci: "${CI_TOKEN}", ann: "${ANN_TOKEN}"}}, roles: {viewer: [ci], editor: [Ann]}}'
PROXY = (
    "{login: {proxy: {header: X-Forwarded-Email, groups: X-Forwarded-Groups, trusted: [10.1.2.0/24]}},"
    ' roles: {viewer: ["*"], editor: ["group:okr"], operator: [ann@acme.example]}}'
)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("listens_on", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_loopback_the_pages_are_open(project: CsvProject, listens_on: str) -> None:
    client = door(project, listens_on=listens_on)
    assert {path: client.get(path).status_code for path in EVERY_PATH} == dict.fromkeys(EVERY_PATH, 200)
    assert client.get("/metrics").status_code == 200
    assert client.get("/readyz").text == "ready\n"


@pytest.mark.parametrize("listens_on", ["0.0.0.0", "::", "10.1.2.3", "", "okrs.acme.example", "0"])
def test_on_another_address_without_a_login_the_pages_are_closed(project: CsvProject, listens_on: str) -> None:
    client = door(project, listens_on=listens_on)
    for probe in ("/healthz", "/readyz"):
        answer = client.get(probe)
        assert (answer.status_code, answer.text) == (200, "")
    page = client.get("/")
    assert page.status_code == 200
    assert "login:" in page.text
    assert "Customers" not in page.text
    for path in [*EVERY_PATH[1:], "/metrics", "/absent", "/login", "/hooks/code"]:
        for method in ("GET", "POST"):
            assert client.request(method, path, headers=CI | OWN).status_code == 403, path
    assert client.post("/", headers=OWN).status_code == 403


def test_insecure_opens_the_pages_on_another_address(project: CsvProject) -> None:
    client = door(project, insecure=True)
    assert client.get("/").status_code == 200
    assert "Customers" in client.get("/").text
    assert client.get("/metrics").status_code == 200


@pytest.mark.sampled(4)
@pytest.mark.parametrize("listens_on", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize("web", [TOKENS, PROXY])
@pytest.mark.parametrize("insecure", [False, True])
def test_a_login_holds_on_every_address(project: CsvProject, listens_on: str, web: str, insecure: bool) -> None:
    client = door(project, web, listens_on, insecure=insecure)
    for path in [*EVERY_PATH, "/absent", "//", "/static/%2e%2e/api/status", "/hooks"]:
        answer = client.get(path)
        assert answer.status_code in (303, 401, 403, 404), path
        assert "Customers" not in answer.text
    assert client.get("/readyz").text == ""


@contextmanager
def port_of(project: CsvProject, web: str) -> Iterator[int]:
    """The port of the pages with these keys of `web:`: no client makes its requests right."""
    door(project, web)
    app = make_app(StandingStill(project.config, project.ledger, project.now), "0.0.0.0")
    with serving(app, "127.0.0.1", 0) as port:
        yield port


def raw(port: int, target: bytes, *headers: bytes, host: bytes = b"localhost", method: bytes = b"GET") -> bytes:
    """What the server answers to a request of exactly these bytes."""
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *headers]
    return knock(port, b"\r\n".join(lines) + b"\r\n\r\n")


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def test_no_spelling_of_an_address_leads_past_the_door(project: CsvProject) -> None:
    """A client that tests are written with makes addresses right before it sends them."""
    targets = [
        b"/static/../api/status",
        b"/static/%2e%2e/api/status",
        b"/static/..%2fapi/status",
        b"/static/%2e%2e%2f%2e%2e%2fapp.py",
        b"/static/../../app.py",
        b"/static//../api/status",
        b"/static/..\\api\\status",
        b"/healthz/../api/status",
        b"/healthz%2f..%2fapi/status",
        b"/healthz?/../api/status",
        b"/healthz%3f/../../api/status",
        b"/login/../api/status",
        b"/hooks/../api/status",
        b"/API/status",
        b"//api/status",
        b"//localhost/static/../api/status",
        b"http://localhost/static/../api/status",
        b"http://localhost/api/status",
        b"http://localhost/static/",
        b"[",
        b"http://[",
        b"*",
    ]
    with port_of(project, TOKENS) as port:
        for target in targets:
            answer = raw(port, target, b"Accept: text/html")
            assert status_of(answer) in (303, 401, 403, 404) or answer.endswith(b"\r\n\r\n"), target
            assert b"Customers" not in answer
        opens = raw(port, b"/api/status", b"Authorization: Bearer token-of-the-pipeline")
        assert b"Customers" in opens  # so the words above would be there


@pytest.mark.parametrize(
    "host", [b"localhost/static/", b"localhost/healthz?", b"localhost#", b"a@localhost", b"[", b""]
)
def test_host_that_is_none_leads_past_no_door(project: CsvProject, host: bytes) -> None:
    with port_of(project, TOKENS) as port:
        answer = raw(port, b"/api/status", host=host)
        assert status_of(answer) == 403
        assert b"Customers" not in answer


@pytest.mark.parametrize("web", ["", TOKENS])
def test_address_that_is_none_is_refused_in_a_sentence(project: CsvProject, web: str) -> None:
    client = door(project, web, "127.0.0.1")
    for address in ("http://[", "http://[x", "http://a]b[", "[", "http://\u2100"):
        given = address.encode()
        assert client.get("/", headers={b"Origin": given}).status_code == 403, address
        refused = client.post("/login", headers={b"Origin": given})
        assert (refused.status_code, refused.text) == (403, "a page of another site may not ask syncd\n"), address
        headers = {b"Referer": given, b"Cookie": b"syncd=over", b"Origin": b"http://localhost"}
        assert client.post("/logout", headers=headers).status_code == (401 if web else 403), address


@pytest.mark.parametrize("token", ["tök", "\xff", "\N{SNOWMAN}", "a\x80b"])
def test_token_that_is_no_ascii_is_a_wrong_token(project: CsvProject, token: str) -> None:
    web = TOKENS[:-1] + ', metrics_token: "${SCRAPE_TOKEN}"}'
    with port_of(project, web) as port:
        for encoding in ("utf-8", "latin-1"):
            header = b"Authorization: Bearer " + token.encode(encoding, "replace")
            for path in (b"/api/status", b"/", b"/metrics"):
                assert status_of(raw(port, path, header)) == 401


def test_secret_beyond_ascii_is_compared_all_the_same(project: CsvProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_TOKEN", "tökens of the pipeline")
    client = door(project, TOKENS)
    assert client.post("/login", data={"token": "tökens of the pipeline"}, headers=OWN).status_code == 303
    sent = {b"Authorization": "Bearer tökens of the pipeline".encode()}
    assert client.get("/api/", headers=sent).status_code == 200


def test_probes_and_metrics_answer_while_the_ledger_is_silent(project: CsvProject, ended: threading.Event) -> None:
    """Whoever asks for a page then waits in a thread; neither probes nor programs need one of those."""
    waiting = []

    class Silent(StandingStill):
        @property
        def ledger(self) -> None:  # type: ignore[override]
            waiting.append(threading.current_thread().name)
            ended.wait(HANG)

        @ledger.setter
        def ledger(self, _: object) -> None:
            pass

    door(project, TOKENS[:-1] + ', metrics_token: "${SCRAPE_TOKEN}"}')
    app = make_app(Silent(project.config, project.ledger, project.now), "0.0.0.0")

    async def ask() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client:
            pages = [asyncio.create_task(client.get("/", headers={"Cookie": "syncd=a"})) for _ in range(12)]
            while sum(name.startswith("door") for name in waiting) < 4:
                await asyncio.sleep(0.001)
            assert (await client.get("/healthz")).status_code == 200
            scraped = await client.get("/metrics", headers={"Authorization": "Bearer token-of-prometheus"})
            assert scraped.status_code == 200
            assert (await client.get("/api/", headers={"Authorization": "Bearer wrong"})).status_code == 401
            assert not any(page.done() for page in pages)
            ended.set()
            await asyncio.gather(*pages)

    asyncio.run(ask())


def test_a_token_lets_its_name_in(project: CsvProject) -> None:
    client = door(project, TOKENS)
    assert client.get("/", headers=CI).status_code == 200
    assert client.get("/api/status", headers={"Authorization": "bearer  token-of-ann"}).status_code == 200
    for wrong in ("Bearer token-of-the-pipelin", "Bearer ", "Basic token-of-ann", "Bearer ${CI_TOKEN}", "token-of-ann"):
        answer = client.get("/api/status", headers={"Authorization": wrong})
        assert answer.status_code == 401, wrong
        assert "error" in answer.json()


def test_a_token_that_is_replaced_or_not_set_lets_nobody_in(
    project: CsvProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = door(project, TOKENS)
    assert client.get("/api/", headers=CI).status_code == 200
    monkeypatch.setenv("CI_TOKEN", "another-token")
    assert client.get("/api/", headers=CI).status_code == 401
    monkeypatch.delenv("CI_TOKEN")
    assert client.get("/api/", headers=CI).status_code == 401
    assert client.get("/api/", headers={"Authorization": "Bearer "}).status_code == 401
    monkeypatch.setenv("CI_TOKEN", "short")
    assert client.get("/api/", headers={"Authorization": "Bearer short"}).status_code == 401


BY_PROXY = {"X-Forwarded-Email": "ann@acme.example"}


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_a_proxy_is_believed_from_its_address(project: CsvProject, peer: str) -> None:
    client = door(project, PROXY, peer=peer)
    assert client.get("/", headers=BY_PROXY).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        BY_PROXY,
        BY_PROXY | {"X-Forwarded-For": "10.1.2.3"},
        BY_PROXY | {"Forwarded": "for=10.1.2.3", "X-Real-IP": "10.1.2.3"},
    ],
)
@pytest.mark.parametrize("peer", ["10.1.3.3", "127.0.0.1", "::1", "testclient"])
def test_the_header_of_anybody_else_is_refused(project: CsvProject, peer: str, headers: dict[str, str]) -> None:
    answer = door(project, PROXY, peer=peer).get("/", headers=headers)
    assert answer.status_code == 403
    assert "Customers" not in answer.text


def test_a_proxy_that_names_nobody_or_two_is_refused(project: CsvProject) -> None:
    client = door(project, PROXY, peer="10.1.2.3")
    assert client.get("/").status_code == 403
    assert client.get("/", headers={"X-Forwarded-Email": " "}).status_code == 403
    twice = [("X-Forwarded-Email", "evil@acme.example"), ("X-Forwarded-Email", "ann@acme.example")]
    assert client.get("/", headers=twice).status_code == 403  # type: ignore[arg-type]


def test_browser_that_no_proxy_names_is_led_to_the_form_for_tokens_if_there_are_any(project: CsvProject) -> None:
    both = PROXY.replace("login: {", 'login: {tokens: {ann@acme.example: "${ANN_TOKEN}"}, ')
    for peer in ("10.1.2.3", "203.0.113.9"):
        client = door(project, both, peer=peer)
        page = client.get("/sources", headers={"Accept": "text/html"})
        assert page.status_code == 403
        assert 'href="/login?next=%2Fsources"' in page.text
        assert client.get("/api/", headers={"Authorization": "Bearer token-of-ann"}).status_code == 200
        form = client.get("/login?next=%2Fsources")
        assert 'name="token"' in form.text
        answer = client.post("/login", data={"token": "token-of-ann", "next": "/sources"}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sources")
        assert client.get("/sources").status_code == 200
    alone = door(project, PROXY, peer="203.0.113.9").get("/sources", headers={"Accept": "text/html"})
    assert 'href="/login' not in alone.text


def test_tokens_that_a_proxy_sends_along_keep_nobody_out_whom_it_names(project: CsvProject) -> None:
    """Some proxies send a token of theirs with each request of each person."""
    both = PROXY.replace("login: {", 'login: {tokens: {ci: "${CI_TOKEN}"}, ')
    client = door(project, both, peer="10.1.2.3")
    for number in range(12):
        headers = BY_PROXY | {"Authorization": f"Bearer of the proxy {number}"}
        assert client.get("/", headers=headers).status_code == 200
    assert client.get("/api/", headers=BY_PROXY | CI).status_code == 200


@pytest.mark.parametrize(
    ("address", "warns"),
    [
        ("https://okrs.acme.example", True),
        ("http://okrs:8321", True),
        ("http://10.1.2.3:8321", True),
        ("https://localhost.acme.example", True),
        ("http://localhost:8321", False),
        ("http://syncd.localhost", False),
        ("http://127.0.0.1:8321", False),
        ("http://[::1]:8321", False),
    ],
)
def test_address_that_others_reach_without_a_login_is_warned_of(project: CsvProject, address: str, warns: bool) -> None:
    door(project, f'{{address: "{address}"}}')
    warnings = [problem.message for problem in project.config.web_warnings()]
    assert [f"{address} is where others get to the pages" in warning for warning in warnings] == [True] * warns
    door(project, TOKENS.replace("{login", f'{{address: "{address}", login', 1))
    assert list(project.config.web_warnings()) == []


@pytest.mark.parametrize(
    ("listen", "insecure", "warns"),
    [("127.0.0.1:0", False, True), ("0.0.0.0:0", True, True), ("0.0.0.0:0", False, False)],
)
def test_start_warns_of_pages_that_are_open_to_others(
    project: CsvProject,
    listen: str,
    insecure: bool,
    warns: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    door(project, "{address: https://okrs.acme.example}")
    for ended in ("serve_while", "on_stop", "set_up_log"):
        monkeypatch.setattr(cli_run, ended, lambda *_: None)
    with caplog.at_level(logging.WARNING, "syncd.web"), pytest.raises(Exit):
        serve(project.folder / "syncd.yaml", listen=listen, insecure=insecure, log_format="text")
    warnings = [record for record in caplog.records if record.getMessage().startswith("whoever gets to the pages")]
    assert [vars(record)["at"] for record in warnings] == ["https://okrs.acme.example"] * warns


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{visitor_of(request).name}: {(await request.body()).decode()}")


def posting(project: CsvProject, web: str = "", **options: str) -> TestClient:
    """A client of an application behind the door: `/token` gives its form token, and `/echo` what is sent."""
    door(project, web)
    app = Starlette(
        routes=[
            Route("/token", lambda request: PlainTextResponse(form_token(request))),
            Route("/echo", echo, methods=["POST", "PUT", "DELETE"]),
        ]
    )
    daemon = StandingStill(project.config, project.ledger, project.now)
    guard = Guard(
        Door(app, daemon, None if web else Visitor("loopback", Role.OPERATOR), Attempts(), DeploymentKey(daemon)),
        "127.0.0.1",
        lambda: "https://okrs.example",
    )
    return TestClient(guard, base_url="http://localhost", client=(options.get("peer", "127.0.0.1"), 1))


@pytest.mark.parametrize(("web", "headers"), [("", {}), (PROXY, BY_PROXY)])
def test_a_post_carries_its_own_origin_and_the_token_of_its_page(
    project: CsvProject, web: str, headers: dict[str, str]
) -> None:
    client = posting(project, web, peer="10.1.2.3")
    client.headers.update(headers)
    token = client.get("/token").text
    form = {"note": "Ü & more", "form_token": token}
    for origin in ("http://localhost", "https://okrs.example"):
        answer = client.post("/echo", data=form, headers={"Origin": origin})
        assert (answer.status_code, answer.text.partition(": ")[2]) == (200, urlencode(form))
    by_script = client.post("/echo", content=b'{"a": 1}', headers=OWN | {"X-Form-Token": token})
    assert (by_script.status_code, by_script.text.partition(": ")[2]) == (200, '{"a": 1}')


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:9"}]
)
def test_a_post_from_elsewhere_is_refused(project: CsvProject, headers: dict[str, str]) -> None:
    client = posting(project)
    token = client.get("/token").text
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(method, "/echo", data={"form_token": token}, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize("form", [{}, {"form_token": ""}, {"form_token": "0" * 64}, {"token": "TOKEN"}])
def test_a_post_without_the_token_of_its_page_is_refused(project: CsvProject, form: dict[str, str]) -> None:
    client = posting(project)
    token = client.get("/token").text
    sent = {name: value.replace("TOKEN", token) for name, value in form.items()}
    assert client.post("/echo", data=sent, headers=OWN).status_code == 403
    assert client.post("/echo", json=sent, headers=OWN).status_code == 403
    assert client.post(f"/echo?form_token={token}", headers=OWN).status_code == 403


def test_the_token_of_another_visitor_is_refused(project: CsvProject) -> None:
    client = posting(project, PROXY, peer="10.1.2.3")
    token = client.get("/token", headers=BY_PROXY).text
    ben = {"X-Forwarded-Email": "ben@acme.example"}
    assert client.post("/echo", data={"form_token": token}, headers=OWN | ben).status_code == 403
    assert client.post("/echo", data={"form_token": token}, headers=OWN | BY_PROXY).status_code == 200


def test_a_program_posts_with_its_token_alone(project: CsvProject) -> None:
    client = posting(project, TOKENS)
    assert client.post("/echo", json={"a": 1}, headers=CI).text == 'ci: {"a":1}'
    assert client.post("/echo", json={"a": 1}, headers=CI | {"Origin": "https://evil.example"}).status_code == 403


def test_a_form_outlives_a_restart(project: CsvProject) -> None:
    token = posting(project).get("/token").text
    assert posting(project).post("/echo", data={"form_token": token}, headers=OWN).status_code == 200


def test_a_body_without_end_is_refused(project: CsvProject) -> None:
    client = posting(project)
    assert client.post("/echo", content=b"a" * (LARGEST + 1), headers=OWN).status_code == 413
    fields = {f"field{number}": "1" for number in range(101)}
    assert client.post("/echo", data=fields, headers=OWN).status_code == 400


def test_metrics_take_their_own_token(project: CsvProject) -> None:
    closed = door(project, TOKENS)
    assert closed.get("/metrics").status_code == 403
    assert closed.get("/metrics", headers=CI).status_code == 403
    web = TOKENS[:-1] + ', metrics_token: "${SCRAPE_TOKEN}"}'
    client = door(project, web)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=CI).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer token-of-prometheus"}).status_code == 200
    assert client.get("/", headers={"Authorization": "Bearer token-of-prometheus"}).status_code == 401
    assert door(project, TOKENS[:-1] + ", metrics: open}").get("/metrics").status_code == 200


def test_whoever_has_no_role_is_told_who_they_are_and_whom_to_ask(project: CsvProject) -> None:
    web = PROXY.replace('viewer: ["*"]', "viewer: [dana]")
    client = door(project, web, peer="10.1.2.3")
    answer = client.get("/sources", headers={"X-Forwarded-Email": "ben<b>@acme.example"})
    assert answer.status_code == 403
    assert "You are ben&lt;b&gt;@acme.example" in answer.text
    assert "Ask whoever runs syncd here: ann@acme.example." in answer.text
    refused = client.get("/api/status", headers={"X-Forwarded-Email": "ben@acme.example"})
    assert (refused.status_code, list(refused.json())) == (403, ["error"])


def test_an_edit_of_the_file_counts_for_the_next_request(project: CsvProject) -> None:
    door(project)
    daemon = StandingStill(project.config, project.ledger, project.now)
    client = TestClient(make_app(daemon, "0.0.0.0"), base_url="http://localhost")
    assert client.get("/api/", headers=CI).status_code == 403
    door(project, TOKENS)
    daemon.config = project.config
    assert client.get("/api/", headers=CI).status_code == 200
    door(project, TOKENS.replace("viewer: [ci]", "viewer: [dana]"))
    daemon.config = project.config
    assert client.get("/api/", headers=CI).status_code == 403


def test_a_secret_that_is_too_short_is_refused_before_anything_starts(
    project: CsvProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    door(project, TOKENS)
    monkeypatch.setenv("CI_TOKEN", "short")
    arguments: dict[str, Any] = {"listen": "127.0.0.1:0", "insecure": False, "log_format": "text"}
    with pytest.raises(ConfigError, match=r"syncd\.yaml:\d: tokens\.ci has 5 characters, too few to be masked"):
        serve(project.folder / "syncd.yaml", **arguments)
    with pytest.raises(Exit):
        doctor.run(project.folder / "syncd.yaml", as_json=False)
    assert "✗ configured     tokens.ci has 5 characters" in capsys.readouterr().out
    monkeypatch.setenv("CI_TOKEN", "token-of-the-pipeline")
    monkeypatch.delenv("ANN_TOKEN")
    with pytest.raises(Exit):
        doctor.run(project.folder / "syncd.yaml", as_json=False)
    assert "✗ configured     ANN_TOKEN is not set" in capsys.readouterr().out
