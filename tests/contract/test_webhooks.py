"""Webhooks of GitHub and Jira: one that is signed and new starts a cycle; all others do nothing."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from no_thread import no_thread_begins
from sandbox_project import SandboxProject
from service_thread import serving
from starlette.testclient import TestClient
from waiting import wait_for

from syncd.ledger import Ledger
from syncd.ledger.webhooks import KEPT
from syncd.sandbox import Sandbox
from syncd.service import Service, hooks
from syncd.web import make_app
from syncd.web.bodies import LARGEST

BODY = b'{"action": "closed"}'
SECRET = "a secret of webhooks"


def signature(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


HEADERS: dict[str, Callable[[bytes, str], dict[str, str]]] = {
    "code": lambda body, delivery: {"X-Hub-Signature-256": signature(body), "X-GitHub-Delivery": delivery},
    "tickets": lambda body, delivery: {
        "X-Hub-Signature": signature(body),
        "X-Atlassian-Webhook-Identifier": delivery,
    },
}


@pytest.fixture
def project(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SandboxProject:
    project = SandboxProject(box, tmp_path, monkeypatch, tickets='webhook_secret: "${HOOK_SECRET}"')
    settings = tmp_path / "syncd.yaml"
    github = settings.read_text().replace(
        'token: "${GITHUB}"}', 'token: "${GITHUB}", webhook_secret: "${HOOK_SECRET}"}'
    )
    settings.write_text(github + "  local: {type: files, root: .}\nschedule: 1d\n")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    project.define("from: tickets, jql: project = KB, take: count")
    return project


@pytest.fixture
def service(project: SandboxProject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(hooks, "_BETWEEN", 0.0)
    with serving(project) as service:
        yield service


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(make_app(service), base_url="http://127.0.0.1")


def send(client: TestClient, connection: str, body: bytes = BODY, delivery: str = "1") -> httpx.Response:
    return client.post(f"/hooks/{connection}", content=body, headers=HEADERS[connection](body, delivery))


@pytest.mark.parametrize("connection", ["code", "tickets"])
def test_a_signed_webhook_starts_a_cycle_at_once(client: TestClient, service: Service, connection: str) -> None:
    assert send(client, connection).status_code == 200
    wait_for(lambda: service.cycles == 2)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("connection", ["code", "tickets"])
@pytest.mark.parametrize(
    ("body", "delivery"),
    [(BODY, "1"), (b'{"action": "opened"}', "1"), (BODY, "another id")],
    ids=["the same", "the same id", "the same body under an id that is not signed"],
)
def test_a_repeated_webhook_is_answered_and_does_nothing(
    client: TestClient, service: Service, connection: str, body: bytes, delivery: str
) -> None:
    send(client, connection)
    wait_for(lambda: service.cycles == 2)
    again = send(client, connection, body, delivery)
    assert (again.status_code, again.text) == (200, "it came before\n")
    assert send(client, connection, b"new", "2").text == "a cycle starts\n"
    wait_for(lambda: service.cycles == 3)


def test_webhooks_without_a_body_are_told_apart_by_their_ids(client: TestClient) -> None:
    """Jira can leave the body out: then all of them have the same signature."""
    assert [send(client, "tickets", b"", delivery).text for delivery in ("1", "2", "2")] == [
        "a cycle starts\n",
        "a cycle starts\n",
        "it came before\n",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": signature(BODY, "another secret")},
        {"X-Hub-Signature-256": signature(BODY + b" ")},
        {"X-Hub-Signature-256": signature(BODY).removeprefix("sha256=")},
        {"X-Hub-Signature-256": "sha256=é"},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature": f"sha1={hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()}"},
    ],
    ids=["none", "another secret", "another body", "no method", "no ASCII", "empty", "SHA-1"],
)
def test_a_webhook_with_a_wrong_signature_is_refused(
    client: TestClient, service: Service, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "syncd.service")
    sent = {name: value.encode() for name, value in headers.items()}
    for _ in range(2):
        refused = client.post("/hooks/code", content=BODY, headers=sent)  # type: ignore[arg-type]
        assert (refused.status_code, "x-hub-signature-256" in refused.text) == (401, True)
    assert send(client, "code").text == "a cycle starts\n"  # what was refused is not known
    wait_for(lambda: service.cycles == 2)
    lines = [record for record in caplog.records if record.getMessage() == "webhook refused"]
    assert len(lines) == 1  # anybody can send such requests: they do not fill the log
    assert "is the same secret set on both sides" in vars(lines[0])["reason"]


@pytest.mark.parametrize("name", ["local", "nothing", "..%2fetc", ""])
def test_a_connection_without_a_secret_takes_no_webhook(client: TestClient, name: str) -> None:
    assert client.post(f"/hooks/{name}", content=BODY).status_code == 404


def test_only_a_post_is_a_webhook(client: TestClient) -> None:
    assert client.get("/hooks/code").status_code == 405


def test_a_body_above_a_megabyte_is_refused(client: TestClient) -> None:
    assert send(client, "code", b"x" * LARGEST).status_code == 200
    refused = send(client, "code", b"x" * (LARGEST + 1), "2")
    assert (refused.status_code, refused.text) == (413, "the body is larger than 1,000,000 bytes\n")

    chunks = (b"x" * 100_000 for _ in range(11))
    assert client.post("/hooks/code", content=chunks).status_code == 413  # without a Content-Length


def test_a_secret_that_is_not_set_refuses_webhooks_and_nothing_else(
    project: SandboxProject, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK_SECRET")
    refused = send(client, "tickets")
    assert (refused.status_code, SECRET in refused.text) == (503, False)
    assert project.sync().quality == "complete"


def test_a_rotated_secret_holds_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "another secret")
    assert send(client, "code").status_code == 401


def test_many_webhooks_start_few_cycles(client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of many issues sends a webhook for each of them."""
    monkeypatch.setattr(hooks, "_BETWEEN", 3600.0)
    send(client, "code", b"0", "0")
    wait_for(lambda: service.cycles == 2)
    for number in range(1, 6):
        assert send(client, "code", str(number).encode(), str(number)).text == "a cycle starts\n"
    assert service.cycles == 2


def test_webhook_starts_a_cycle_although_its_thread_cannot_begin(client: TestClient, service: Service) -> None:
    with no_thread_begins("webhook"):
        assert send(client, "code", delivery="1").status_code == 200
    wait_for(lambda: service.cycles == 2)
    assert send(client, "code", b'{"action": "opened"}', delivery="2").status_code == 200
    wait_for(lambda: service.cycles == 3)


def test_a_service_that_stands_by_takes_no_webhook(client: TestClient, service: Service) -> None:
    service.standing_by = "another service uses this ledger"
    assert send(client, "code").status_code == 503


def test_ids_are_kept_for_three_days(ledger: Ledger) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert ledger.webhooks.is_new("code", "1", BODY, now)
    assert not ledger.webhooks.is_new("code", "1", BODY, now + KEPT)
    assert ledger.webhooks.is_new("tickets", "1", BODY, now)
    assert ledger.webhooks.is_new("code", "1", BODY, now + KEPT + timedelta(seconds=1))
