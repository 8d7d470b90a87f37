"""Logging in with a token, the session that begins then, and how it ends."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select, update
from standing_still import browser
from starlette.requests import Request
from starlette.testclient import TestClient
from test_door import NOON, OWN, TOKENS, CsvProject, door, ended, hurry, model, project
from waiting import HANG

from syncd.cli import token as token_command
from syncd.ledger.schema import sessions
from syncd.ledger.sessions import Session
from syncd.sdk import ConfigError
from syncd.service.upkeep import Upkeep
from syncd.web import callers as web_callers
from syncd.web import login as web_login
from syncd.web.addresses import counted_address
from syncd.web.attempts import Attempts, TooManyAttempts
from syncd.web.login import own_path

__all__ = ["ended", "model", "project"]
PEOPLE = TOKENS.replace("editor: [Ann]", "editor: [Ann], operator: [dana]")
HTML = {"Accept": "text/html"}


def logged_in(client: TestClient, token: str = "token-of-ann", target: str = "/sources") -> TestClient:
    answer = client.post("/login", data={"token": token, "next": target}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, target)
    return client


def form_token_of(page: str) -> str:
    return re.findall(r'name="form_token" value="([0-9a-f]{64})"', page)[0]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def browser_at(project: CsvProject, peer: str) -> TestClient:
    door(project, PEOPLE)
    return browser(project.config, project.ledger, NOON, "0.0.0.0", peer=peer)


@pytest.fixture
def client(project: CsvProject) -> TestClient:
    return door(project, PEOPLE)


def test_a_browser_is_sent_to_the_login_and_back(client: TestClient) -> None:
    asked = client.get("/key-results/calls?tab=history&at=2026-11-02", headers=HTML)
    assert asked.status_code == 303
    login = client.get(asked.headers["location"])
    assert login.status_code == 200
    target = re.findall(r'name="next" value="([^"]+)"', login.text)[0].replace("&amp;", "&")
    assert target == "/key-results/calls?tab=history&at=2026-11-02"
    logged_in(client, target=target)
    page = client.get(target)
    assert page.status_code == 200
    assert "ann" in page.text
    assert client.get("/api/status").status_code == 200


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/sources?period=2026-Q4", "/sources?period=2026-Q4"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\\b", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
def test_a_login_leads_to_pages_of_this_service_alone(client: TestClient, text: str, path: str) -> None:
    assert own_path(text) == path
    answer = client.post("/login", data={"token": "token-of-ann", "next": text}, headers=OWN)
    assert answer.headers["location"] == path


def test_a_session_is_kept_by_its_digest_alone_and_has_a_new_secret_each_time(
    project: CsvProject, client: TestClient
) -> None:
    logged_in(client)
    first = client.cookies["syncd"]
    logged_in(client)
    second = client.cookies["syncd"]
    assert first != second
    with project.ledger.engine.connect() as connection:
        rows = connection.execute(select(sessions)).all()
    assert len(rows) == 1  # the first has ended
    assert second not in str(rows)
    assert "token-of-ann" not in str(rows)
    client.cookies.clear()
    client.cookies.set("syncd", first)
    assert client.get("/").status_code == 401


def test_ledger_tells_nothing_by_which_a_token_could_be_guessed(project: CsvProject, client: TestClient) -> None:
    """Whoever has the ledger and a token that may be the right one cannot see whether it is."""
    kept = []
    for _ in range(2):
        logged_in(client)
        with project.ledger.engine.connect() as connection:
            kept.append(connection.execute(select(sessions)).one())
    assert kept[0].login != kept[1].login  # so no function of the token alone
    digests = {hashlib.new(name, b"token-of-ann").digest().hex() for name in ("md5", "sha1", "sha256", "sha512")}
    for row in kept:
        cells = [str(cell).encode() for cell in row]
        digests |= {hmac.new(key, b"token-of-ann", hashlib.sha256).hexdigest() for key in cells}
        assert not [digest for digest in digests if digest in str(row)]


def test_a_secret_that_others_chose_is_never_taken_over(client: TestClient) -> None:
    client.cookies.set("syncd", "chosen")
    assert client.get("/").status_code == 401
    answer = client.post("/login", data={"token": "token-of-ann"}, headers=OWN)
    assert "syncd=chosen" not in answer.headers["set-cookie"]
    client.cookies.clear()
    client.cookies.set("syncd", "chosen")
    assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    ("address", "name", "secure"),
    [("https://okrs.acme.example", "__Host-syncd", True), ("http://okrs.acme.example", "syncd", False)],
)
def test_cookies_are_hardened(project: CsvProject, address: str, name: str, secure: bool) -> None:
    client = door(project, PEOPLE.replace("{login", f"{{address: {address}, login"))
    cookie = client.post("/login", data={"token": "token-of-ann"}, headers=OWN).headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= parts
    assert ("secure" in parts) is secure
    assert not any(part.startswith("domain") for part in parts)


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("HTTPS ", True), ("http", False), (None, False)])
def test_cookie_is_secure_where_a_proxy_says_that_the_browser_came_over_tls(
    client: TestClient, scheme: str | None, secure: bool
) -> None:
    headers = OWN | ({"X-Forwarded-Proto": scheme} if scheme is not None else {})
    cookie = client.post("/login", data={"token": "token-of-ann"}, headers=headers).headers["set-cookie"]
    assert ("secure" in {part.strip().lower() for part in cookie.split(";")}) is secure


def test_logging_out_ends_the_session_in_every_process(project: CsvProject, client: TestClient) -> None:
    logged_in(client)
    other = door(project, PEOPLE)
    other.cookies.set("syncd", client.cookies["syncd"])
    page = other.get("/")
    assert page.status_code == 200
    assert client.post("/logout", headers=OWN).status_code == 403  # no token of a form
    answer = client.post("/logout", data={"form_token": form_token_of(page.text)}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/logged-out")
    assert "syncd" not in client.cookies
    assert client.get("/logged-out").status_code == 200
    over = other.get("/sources?period=2026-Q4", headers=HTML)
    assert over.status_code == 401
    assert "Your session is over" in over.text
    assert "/login?next=%2Fsources%3Fperiod%3D2026-Q4" in over.text


def test_a_form_of_a_session_that_is_over_leads_back_to_its_page(client: TestClient) -> None:
    client.cookies.set("syncd", "over")
    headers = OWN | {"Referer": "http://localhost/key-results/calls"}
    over = client.post("/api/key-results/calls/check-ins", data={"value": "1"}, headers=headers)
    assert over.status_code == 401
    over = client.post("/logout", data={"value": "1"}, headers=headers)
    assert "/login?next=%2Fkey-results%2Fcalls" in over.text
    foreign = client.post("/logout", headers=OWN | {"Referer": "https://evil.example/key-results/calls"})
    assert 'href="/login"' in foreign.text


def test_a_session_lasts_twelve_hours(project: CsvProject, client: TestClient) -> None:
    logged_in(client)
    with project.ledger.engine.connect() as connection:
        row = connection.execute(select(sessions)).one()
    assert row.expires_at - row.made_at == timedelta(hours=12)
    with project.ledger.engine.begin() as connection:
        connection.execute(update(sessions).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert client.get("/").status_code == 401


def test_the_service_removes_sessions_that_are_over(project: CsvProject, client: TestClient) -> None:
    logged_in(client)
    project.ledger.sessions.begin("over", Session("ben", "token"), datetime.now(UTC), timedelta(seconds=-1), None)
    project.ledger.sessions.replace("of a program", Session("ops", "command line"), datetime.now(UTC))
    upkeep = Upkeep(project.ledger, lambda: project.config, lambda: project.now)
    upkeep._prune(threading.Event())
    with project.ledger.engine.connect() as connection:
        assert sorted(connection.execute(select(sessions.c.name)).scalars()) == ["ann", "ops"]


def test_a_session_ends_with_its_token(
    project: CsvProject, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in(client)
    assert client.get("/").status_code == 200
    monkeypatch.setenv("ANN_TOKEN", "another-token-of-ann")
    assert client.get("/").status_code == 401


def test_a_role_holds_from_the_next_request_on(project: CsvProject, client: TestClient) -> None:
    logged_in(client)
    demoted = door(project, PEOPLE.replace("Ann", "ben"))
    demoted.cookies.set("syncd", client.cookies["syncd"])
    answer = demoted.get("/")
    assert answer.status_code == 403
    left = demoted.post("/logout", data={"form_token": form_token_of(answer.text)}, headers=OWN)
    assert left.status_code == 303


def test_a_restored_ledger_has_no_sessions(project: CsvProject, client: TestClient) -> None:
    from syncd.ledger.identity import note_put_back

    logged_in(client)
    with project.ledger.engine.begin() as connection:
        note_put_back(connection)
    assert client.get("/").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "token-of-ann2", "Token-of-ann"])
def test_a_wrong_token_begins_nothing(project: CsvProject, client: TestClient, token: str) -> None:
    answer = client.post("/login", data={"token": token}, headers=OWN)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert token not in re.findall(r'value="([^"]*)"', answer.text) or token == ""


def test_a_login_is_sent_from_its_page(client: TestClient) -> None:
    for headers in ({}, {"Origin": "https://evil.example"}):
        answer = client.post("/login", data={"token": "token-of-ann"}, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_whoever_guesses_waits(client: TestClient) -> None:
    for _ in range(10):
        assert client.post("/login", data={"token": "guess"}, headers=OWN).status_code == 403
    answer = client.post("/login", data={"token": "token-of-ann"}, headers=OWN)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_page_that_tells_a_person_to_wait_still_leads_where_they_wanted_to_go(client: TestClient) -> None:
    for _ in range(10):
        client.post("/login", data={"token": "guess"}, headers=OWN)
    answer = client.post("/login", data={"token": "guess", "next": "/sources?at=2026-11-02"}, headers=OWN)
    assert answer.status_code == 429
    assert 'name="next" value="/sources?at=2026-11-02"' in answer.text


def test_guesses_count_together_wherever_they_are_made(project: CsvProject) -> None:
    web = PEOPLE[:-1] + ', metrics_token: "${SCRAPE_TOKEN}"}'
    client = door(project, web)
    for number in range(4):
        assert client.post("/login", data={"token": f"guess {number}"}, headers=OWN).status_code == 403
        assert client.get("/api/", headers=bearer(f"guess {number}")).status_code == 401
    for number in range(4, 6):
        assert client.get("/metrics", headers=bearer(f"guess {number}")).status_code == 401
    for path in ("/api/", "/", "/metrics"):
        for token in ("token-of-ann", "token-of-prometheus", "guess"):
            answer = client.get(path, headers=bearer(token))
            assert (answer.status_code, 0 < int(answer.headers["retry-after"]) <= 60) == (429, True)
    assert client.post("/login", data={"token": "token-of-ann"}, headers=OWN).status_code == 429
    assert client.get("/readyz").status_code == 200


def test_guesses_of_a_token_of_the_command_line_are_counted(project: CsvProject) -> None:
    client = door(project, listens_on="127.0.0.1")
    for number in range(10):
        assert client.post("/absent", headers=bearer(f"guess {number}")).status_code == 401
    assert client.post("/absent", headers=bearer("guess")).status_code == 429
    assert client.get("/").status_code == 200


def test_program_with_an_old_token_keeps_nobody_out(client: TestClient) -> None:
    for _ in range(12):
        assert client.get("/api/", headers=bearer("an-old-token")).status_code == 401
        assert client.get("/api/", headers=bearer("token-of-ann")).status_code == 200


def test_guesses_of_others_at_an_address_end_no_session(client: TestClient) -> None:
    logged_in(client)
    for number in range(11):
        client.get("/api/", headers=bearer(f"guess {number}"))
    assert client.get("/").status_code == 200
    assert client.get("/", headers=bearer("one more")).status_code == 200


def test_guesses_at_the_same_time_are_no_more_than_those_one_after_another(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, ended: threading.Event
) -> None:
    """The look at a token takes time, in which every guess would pass that is counted at its end alone."""
    looks = []

    def slowly(_config: object, token: str) -> None:
        looks.append(token)
        ended.wait(HANG)

    monkeypatch.setattr(web_callers, "name_of_token", slowly)
    monkeypatch.setattr(web_login, "name_of_token", slowly)
    app = client.app

    async def guesses() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as many:
            by_form = [many.post("/login", data={"token": f"form {n}"}, headers=OWN) for n in range(20)]
            by_header = [many.get("/api/", headers=bearer(f"header {n}")) for n in range(20)]
            asked = asyncio.gather(*by_form, *by_header)
            while not looks:
                await asyncio.sleep(0.001)
            ended.set()
            return [answer.status_code for answer in await asked]

    statuses = asyncio.run(guesses())
    assert statuses.count(429) == 30
    assert len(looks) == 10


@pytest.mark.nightly  # it hung in two gates of 30 November, and never alone: the cause is not understood
def test_slow_secret_is_a_sentence_on_the_page_to_log_in_at(
    project: CsvProject, monkeypatch: pytest.MonkeyPatch, ended: threading.Event
) -> None:
    monkeypatch.setattr(web_login, "name_of_token", lambda *_: ended.wait(HANG))
    monkeypatch.setattr(web_callers, "name_of_token", lambda *_: ended.wait(HANG))
    hurry(monkeypatch, "tokens", "login-tokens")
    client = door(project, PEOPLE)
    for _ in range(11):  # nobody has failed
        answer = client.post("/login", data={"token": "token-of-ann", "next": "/sources"}, headers=OWN)
        assert answer.status_code == 503
        assert "The secrets of the pages have not been read for 0.05 s" in answer.text
        assert 'name="next" value="/sources"' in answer.text
    by_program = client.get("/api/", headers=bearer("token-of-ann"))
    assert (by_program.status_code, "secrets of the pages" in by_program.json()["error"]) == (503, True)


FORWARDED = {"X-Forwarded-For": "198.51.100.7"}
BEHIND = PEOPLE.replace("login: {", "login: {proxy: {header: X-User, trusted: [10.1.2.0/24]}, ")


@pytest.mark.parametrize(
    ("peer", "forwarded", "counts_as"),
    [
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::1", "198.51.100.7", "198.51.100.7"),
        ("10.1.2.3", "198.51.100.7", "198.51.100.7"),
        ("::ffff:10.1.2.3", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7:50123", "198.51.100.7"),
        ("127.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("127.0.0.1", "[2001:db8:1:2:9::4]:50123", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7, ", "127.0.0.1"),
        ("10.1.3.3", "198.51.100.7", "10.1.3.3"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("testclient", "198.51.100.7", "testclient"),
    ],
)
def test_proxy_is_believed_in_the_last_address_that_it_forwards_for(
    project: CsvProject, peer: str, forwarded: str, counts_as: str
) -> None:
    door(project, BEHIND)
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "client": (peer, 1), "headers": headers})
    assert counted_address(request, project.config.settings.web) == counts_as


def test_several_headers_of_proxies_are_read_as_a_single_list(project: CsvProject) -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.7")]
    request = Request({"type": "http", "client": ("127.0.0.1", 1), "headers": headers})
    assert counted_address(request, project.config.settings.web) == "198.51.100.7"


def test_visitors_behind_a_proxy_are_counted_apart_and_nobody_else_is_believed(project: CsvProject) -> None:
    for peer, waits in (("127.0.0.1", False), ("203.0.113.9", True)):
        client = browser_at(project, peer)
        for number in range(10):
            client.post("/login", data={"token": "guess"}, headers=OWN | FORWARDED)
            client.get("/api/", headers=bearer(f"guess {number}") | FORWARDED)
        answer = client.get("/api/", headers=bearer("token-of-ann") | FORWARDED)
        assert answer.status_code == 429
        other = client.get("/api/", headers=bearer("token-of-ann") | {"X-Forwarded-For": "198.51.100.8"})
        assert (other.status_code == 429) is waits


def test_attempts_are_counted_by_address_and_forgotten_after_a_minute() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _ in range(10):
        attempts.failed("10.1.2.3")
        now += 1
    assert attempts.wait("10.1.2.3") == 50
    assert attempts.wait("10.1.2.4") == 0
    now = 60.5
    assert attempts.wait("10.1.2.3") == 0
    for number in range(10_001):
        attempts.failed(str(number))
    assert len(attempts._failed) == 10_000


def test_attempt_that_succeeds_is_none_and_its_address_is_forgotten() -> None:
    attempts = Attempts(lambda: 0.0)
    for _ in range(100):
        attempts.begin("10.1.2.3", "right").take_back()
    assert attempts._failed == {}
    for number in range(10):
        attempts.begin("10.1.2.3", f"wrong {number}")
    with pytest.raises(TooManyAttempts):
        attempts.begin("10.1.2.3", "right")
    attempts.begin("10.1.2.3", "wrong 0").take_back()
    attempts.begin("10.1.2.3", "right")
    with pytest.raises(TooManyAttempts):
        attempts.begin("10.1.2.3")


def test_nobody_logs_in_before_the_first_sync(project: CsvProject) -> None:
    door(project, PEOPLE)
    client = browser(project.config, None, NOON, "0.0.0.0")
    answer = client.post("/login", data={"token": "token-of-ann"}, headers=OWN)
    assert answer.status_code == 503
    assert client.get("/api/", headers={"Authorization": "Bearer token-of-ann"}).status_code == 200


def test_a_token_of_the_command_line_acts_on_loopback(project: CsvProject, capsys: pytest.CaptureFixture[str]) -> None:
    client = door(project, listens_on="127.0.0.1")
    token_command.run(project.folder / "syncd.yaml", as_json=False)
    token = capsys.readouterr().out.strip()
    assert client.post("/absent", headers={"Authorization": f"Bearer {token}"}).status_code == 404
    assert client.post("/absent", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/absent").status_code == 403
    token_command.run(project.folder / "syncd.yaml", as_json=True)
    assert client.post("/absent", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert token not in (project.folder / "syncd.db").read_bytes().decode("latin-1")


def test_a_token_of_the_command_line_counts_for_nothing_with_a_login(
    project: CsvProject, capsys: pytest.CaptureFixture[str]
) -> None:
    token_command.run(project.folder / "syncd.yaml", as_json=False)
    token = capsys.readouterr().out.strip()
    client = door(project, PEOPLE, "127.0.0.1")
    assert client.get("/", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    client.cookies.set("syncd", token)
    assert client.get("/").status_code == 401
    with pytest.raises(ConfigError, match=r"syncd\.yaml:\d: .*login: tokens:"):
        token_command.run(project.folder / "syncd.yaml", as_json=False)


def test_a_session_is_no_token_of_the_command_line(project: CsvProject, client: TestClient) -> None:
    project.ledger.sessions.begin("secret", Session("ann", "token abc"), datetime.now(UTC), timedelta(hours=1), None)
    client = door(project, listens_on="127.0.0.1")
    assert client.post("/absent", headers={"Authorization": "Bearer secret"}).status_code == 401
