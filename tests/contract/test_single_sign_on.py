"""Logging in at an OpenID Connect provider, and every way in which the provider or somebody else may lie."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from csv_project import CsvProject
from openid_provider import (
    CLIENT,
    SECRET,
    Claims,
    Provider,
    openid_provider,
    signed_by_another,
    signed_with_the_public_key,
    signed_with_the_secret,
    unsigned,
)
from starlette.testclient import TestClient
from test_door import OWN, door, model, project
from test_sessions import HTML, form_token_of

from syncd.sdk import exchange
from syncd.web.issuer import Issuer
from syncd.web.provider import Provider as AskedProvider
from syncd.web.provider import ProviderDocument

__all__ = ["model", "project"]
ANN = {"email": "Ann@acme.example", "email_verified": True}


@pytest.fixture(scope="module")
def serving() -> Iterator[Provider]:
    with openid_provider() as provider:
        yield provider


@pytest.fixture
def provider(serving: Provider) -> Provider:
    """The provider, which tells the truth at first; its key stays, because to make one takes long."""
    honest = Provider(serving.url, serving.key)
    vars(serving).update(vars(honest))
    return serving


def web_keys(provider: Provider, tokens: str = "") -> str:
    keys = f'{{issuer: "{provider.url}", client_id: {CLIENT}, client_secret: "${{OIDC_SECRET}}"}}'
    roles = 'roles: {viewer: ["*"], editor: ["group:okr"], operator: [ann@acme.example, "248"]}'
    return f"{{address: http://localhost, login: {{oidc: {keys}{tokens}}}, {roles}}}"


@pytest.fixture
def client(project: CsvProject, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    return door(project, web_keys(provider))


def begin(client: TestClient, path: str = "/sources?period=2026-Q4") -> str:
    """The address at the provider to which a browser that asks for a page is sent."""
    answer = client.get(path, headers=HTML)
    while answer.status_code == 303 and answer.headers["location"].startswith("/"):
        answer = client.get(answer.headers["location"], headers=HTML)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def refused(client: TestClient, address: str, status: int = 403) -> str:
    """The page of a login that is refused: it begins no session."""
    answer = client.get(address)
    assert answer.status_code == status, answer.text[-600:]
    assert not any("syncd=" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert client.get("/", headers=HTML).status_code == 303
    assert SECRET not in answer.text
    return answer.text


def test_a_person_logs_in_at_the_provider_and_comes_back(client: TestClient, provider: Provider) -> None:
    answer = client.get(provider.authorize(begin(client), **ANN))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sources?period=2026-Q4")
    page = client.get("/")
    assert page.status_code == 200
    assert "Ann@acme.example" in page.text
    left = client.post("/logout", data={"form_token": form_token_of(page.text)}, headers=OWN)
    assert left.headers["location"] == "/logged-out"
    assert client.get("/", headers=HTML).status_code == 303


def test_the_browser_is_asked_for_nothing_but_who_it_is(client: TestClient, provider: Provider) -> None:
    query = dict(parse_qsl(urlsplit(begin(client)).query))
    assert query["redirect_uri"] == "http://localhost/login/callback"
    assert query["scope"] == "openid email profile"
    assert len(query["state"]) >= 43
    assert len(query["nonce"]) >= 43
    again = dict(parse_qsl(urlsplit(begin(client)).query))
    assert not {query[name] for name in ("state", "nonce", "code_challenge")} & set(again.values())


def test_a_scope_is_asked_for_where_the_provider_offers_it(client: TestClient, provider: Provider) -> None:
    provider.document = {"scopes_supported": ["openid", "email", "groups"]}
    assert dict(parse_qsl(urlsplit(begin(client)).query))["scope"] == "openid email groups"


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("person", "in_user_info", "role", "name"),
    [
        (ANN, "", 200, "Ann@acme.example"),
        (ANN, "email email_verified", 200, "Ann@acme.example"),
        (ANN, "email_verified", 401, "248289761001"),  # what the user info says is of no address that it names
        (ANN, "email", 401, "248289761001"),
        ({"email": "ann@acme.example"}, "", 401, "248289761001"),
        ({"email": "ann@acme.example", "email_verified": False}, "", 401, "248289761001"),
        ({"email": "ann@acme.example", "email_verified": "false"}, "email email_verified", 401, "248289761001"),
        ({"preferred_username": "ann@acme.example", "name": "ann@acme.example"}, "", 401, "248289761001"),
        ({"sub": "248"}, "", 200, "248"),
        ({"sub": "248", "email": "x@acme.example"}, "", 200, "248"),
        ({"sub": "248", "email": "x@acme.example", "email_verified": True}, "", 200, "x@acme.example"),
        ({"email": ["ann@acme.example"]}, "", 401, "248289761001"),
    ],
)
def test_roles_go_by_a_verified_address_or_by_the_subject(
    project: CsvProject, client: TestClient, provider: Provider, person: Claims, in_user_info: str, role: int, name: str
) -> None:
    only_operators = door(project, web_keys(provider).replace('viewer: ["*"], ', ""))
    provider.in_user_info = frozenset(in_user_info.split())
    assert only_operators.get(provider.authorize(begin(only_operators), **person)).status_code == 303
    page = only_operators.get("/")
    assert page.status_code == (200 if role == 200 else 403)
    assert name in page.text


@pytest.mark.parametrize("user_info", [ANN, ANN | {"email_verified": False}, {"email": "ann@acme.example"}])
def test_user_info_is_asked_for_where_the_id_token_does_not_say_that_its_address_is_verified(
    client: TestClient, provider: Provider, user_info: Claims
) -> None:
    address = provider.authorize(begin(client), email="eve@acme.example", groups=[])
    provider.beside_id_token = user_info
    assert client.get(address).status_code == 303
    assert "/userinfo" in provider.requests
    page = client.get("/").text
    assert ("Ann@acme.example" in page) is (user_info == ANN)
    assert ("248289761001" in page) is (user_info != ANN)
    assert "eve@acme.example" not in page


def test_user_info_cannot_verify_an_address_that_the_id_token_calls_unverified(
    client: TestClient, provider: Provider
) -> None:
    address = provider.authorize(begin(client), email="ann@acme.example", email_verified=False)
    provider.beside_id_token = ANN
    assert client.get(address).status_code == 303
    assert "248289761001" in client.get("/").text


@pytest.mark.sampled(2)
@pytest.mark.parametrize("groups", [["okr", "all"], "okr", ["OKR", 7, None]])
@pytest.mark.parametrize("in_user_info", ["", "groups"])
def test_groups_are_read_from_their_claim(
    project: CsvProject, client: TestClient, provider: Provider, groups: object, in_user_info: str
) -> None:
    only_editors = door(project, web_keys(provider).replace('viewer: ["*"], ', ""))
    provider.in_user_info = frozenset(in_user_info.split())
    assert only_editors.get(provider.authorize(begin(only_editors), groups=groups)).status_code == 303
    assert only_editors.get("/").status_code == 200


LIES: dict[str, Callable[[Claims], Claims]] = {
    "another nonce": lambda claims: claims | {"nonce": "another"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "another issuer": lambda claims: claims | {"iss": "https://evil.example"},
    "no issuer": lambda claims: {name: value for name, value in claims.items() if name != "iss"},
    "another audience": lambda claims: claims | {"aud": "another"},
    "another audience for this party": lambda claims: claims | {"aud": "another", "azp": CLIENT},
    "no audience": lambda claims: {name: value for name, value in claims.items() if name != "aud"},
    "for another party": lambda claims: claims | {"aud": [CLIENT, "another"], "azp": "another"},
    "expired": lambda claims: claims | {"exp": int(time.time()) - 90},
    "never expires": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "of the future": lambda claims: claims | {"iat": int(time.time()) + 600},
    "not yet valid": lambda claims: claims | {"nbf": int(time.time()) + 600},
    "nobody": lambda claims: claims | {"sub": ""},
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_that_does_not_fit_is_refused(client: TestClient, provider: Provider, lie: str) -> None:
    provider.lie = LIES[lie]
    refused(client, provider.authorize(begin(client), **ANN))


@pytest.mark.parametrize(
    "sign", [unsigned, signed_with_the_secret, signed_with_the_public_key, signed_by_another, lambda *_: "no token"]
)
def test_an_id_token_that_the_provider_did_not_sign_is_refused(
    client: TestClient, provider: Provider, sign: Callable[[Provider, Claims], str]
) -> None:
    provider.sign = sign
    refused(client, provider.authorize(begin(client), **ANN))


def test_a_clock_may_differ_by_a_minute(client: TestClient, provider: Provider) -> None:
    provider.lie = lambda claims: claims | {"iat": int(time.time()) + 40, "exp": int(time.time()) - 40}
    assert client.get(provider.authorize(begin(client), **ANN)).status_code == 303
    assert client.get("/").status_code == 200


def test_a_code_counts_once(client: TestClient, provider: Provider) -> None:
    address = provider.authorize(begin(client), **ANN)
    cookie = client.cookies["syncd-login"]
    assert client.get(address).status_code == 303
    assert "syncd-login" not in client.cookies
    provider.forgets_used_codes = True
    client.cookies.clear()
    refused(client, address)  # the browser has forgotten the login
    provider.forgets_used_codes = False
    client.cookies.set("syncd-login", cookie)
    refused(client, address)


def test_login_that_is_under_way_outlives_a_way_back_that_is_refused(client: TestClient, provider: Provider) -> None:
    """Any site may send a browser to the way back: that must not end the login of its owner."""
    address = provider.authorize(begin(client), **ANN)
    for way_back in ("/login/callback", "/login/callback?state=theirs&code=theirs", "/login/callback?error=no"):
        assert "set-cookie" not in client.get(way_back).headers
    assert client.get(address).status_code == 303
    assert client.get("/").status_code == 200


def test_login_that_is_under_way_is_signed_by_no_secret_that_people_choose(
    client: TestClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cookie that the client's secret signs lets anybody test guesses of it, without asking the provider."""
    address = provider.authorize(begin(client), **ANN)
    monkeypatch.setenv("OIDC_SECRET", "another secret of the client")
    page = refused(client, address)
    assert "cannot be believed" in page  # it is the provider that refuses the secret
    assert "did not begin in this browser" not in page


def test_login_may_end_in_another_process_than_it_began_in(
    project: CsvProject, client: TestClient, provider: Provider
) -> None:
    address = provider.authorize(begin(client), **ANN)
    other = door(project, web_keys(provider))
    other.cookies.set("syncd-login", client.cookies["syncd-login"])
    assert other.get(address).status_code == 303


def test_whoever_guesses_a_way_back_waits(client: TestClient, provider: Provider) -> None:
    address = urlsplit(provider.authorize(begin(client), **ANN))
    for number in range(10):
        guess = dict(parse_qsl(address.query)) | {"code": str(number)}
        assert client.get(address._replace(query=urlencode(guess)).geturl()).status_code == 403
    waits = client.get(address.geturl())
    assert waits.status_code == 429
    assert 0 < int(waits.headers["retry-after"]) <= 60
    assert provider.requests.count("/token") == 10


def test_a_way_back_that_no_browser_began_keeps_nobody_out(client: TestClient, provider: Provider) -> None:
    """A page of another site can make a browser ask for it as often as it likes."""
    address = provider.authorize(begin(client), **ANN)
    for number in range(11):
        assert client.get(f"/login/callback?state={number}").status_code == 403
    assert provider.requests.count("/token") == 0
    assert client.get(address).status_code == 303


def test_silence_of_the_provider_is_no_failure_of_a_person(client: TestClient, provider: Provider) -> None:
    address = provider.authorize(begin(client), **ANN)
    provider.redirects = {"/token": "http://127.0.0.1:9/token"}
    for _ in range(11):
        assert client.get(address).status_code == 502
    provider.redirects = {}
    assert client.get(address).status_code == 303


def test_the_login_of_another_browser_is_refused(project: CsvProject, client: TestClient, provider: Provider) -> None:
    """Whoever lures a browser to the end of their own login would see what that person then writes."""
    theirs = provider.authorize(begin(door(project, web_keys(provider))), **ANN)
    refused(client, theirs)
    begin(client)
    refused(client, theirs)


@pytest.mark.parametrize(
    "change", [{"state": ""}, {"state": "another"}, {"code": "guessed"}, {"iss": "https://evil.example"}]
)
def test_a_way_back_that_was_changed_is_refused(client: TestClient, provider: Provider, change: dict[str, str]) -> None:
    address = urlsplit(provider.authorize(begin(client), **ANN))
    refused(client, address._replace(query=urlencode(dict(parse_qsl(address.query)) | change)).geturl())


def test_a_cookie_that_was_changed_is_refused(client: TestClient, provider: Provider) -> None:
    address = provider.authorize(begin(client), **ANN)
    head, body, signature = client.cookies["syncd-login"].split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body}x.{signature}", "eyJhbGciOiJub25lIn0.e30.", "nothing"):
        client.cookies.clear()
        client.cookies.set("syncd-login", forged)
        refused(client, address)


def test_user_info_of_another_person_is_refused(client: TestClient, provider: Provider) -> None:
    provider.lie = lambda claims: claims | {"sub": "another"}
    provider.in_user_info = frozenset({"email"})
    refused(client, provider.authorize(begin(client), **ANN))


def test_a_refusal_of_the_provider_is_shown_as_text(client: TestClient, provider: Provider) -> None:
    state = dict(parse_qsl(urlsplit(begin(client)).query))["state"]
    query = urlencode({"state": state, "error": "access_denied<script>alert(1)</script>"})
    page = refused(client, f"/login/callback?{query}")
    assert "access_denied" in page
    assert "<script" not in page


def test_a_wrong_secret_is_shown_nowhere(
    client: TestClient, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OIDC_SECRET", "another secret")
    with caplog.at_level(logging.WARNING, "syncd.web"):
        page = refused(client, provider.authorize(begin(client), **ANN))
    reasons = [str(vars(record)["reason"]) for record in caplog.records]
    assert any("invalid_client" in reason for reason in reasons)
    assert "another secret" not in page + str(reasons)


def test_without_its_secret_nobody_logs_in_and_tokens_still_count(
    project: CsvProject, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OIDC_SECRET", raising=False)
    client = door(project, web_keys(provider, ', tokens: {ci: "${CI_TOKEN}"}'))
    assert client.get("/login/start").status_code == 503
    assert client.get("/", headers={"Authorization": "Bearer token-of-the-pipeline"}).status_code == 200


@pytest.mark.parametrize(
    "document",
    [{"issuer": "https://evil.example"}, {"token_endpoint": None}, {"jwks_uri": ["a"]}, {"authorization_endpoint": 1}],
)
def test_a_document_that_does_not_fit_begins_no_login(client: TestClient, provider: Provider, document: Claims) -> None:
    provider.document = document
    assert client.get("/login/start").status_code == 502


@pytest.fixture(scope="module")
def serving_tls(certificate: Path) -> Iterator[Provider]:
    with openid_provider(certificate) as provider:
        yield provider


ENDPOINTS = ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, None])
def test_provider_with_tls_leads_nowhere_without_it(
    project: CsvProject,
    serving_tls: Provider,
    certificate: Path,
    endpoint: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    trusted = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(exchange, "trusted_certificates", lambda: trusted)  # as it is with SSL_CERT_FILE
    client = door(project, web_keys(serving_tls))
    serving_tls.document = {endpoint: "http://id.acme.example/"} if endpoint is not None else {}
    with caplog.at_level(logging.WARNING, "syncd.web"):
        assert client.get("/login/start").status_code == (502 if endpoint is not None else 303)
    reasons = [str(vars(record)["reason"]) for record in caplog.records]
    assert (["it must begin with https" in reason for reason in reasons]) == ([True] if endpoint is not None else [])


@pytest.mark.sampled(8)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("address", ["http://[", "javascript:alert(1)", "https:", "", "/authorize"])
def test_endpoint_that_is_no_address_begins_no_login(
    client: TestClient, provider: Provider, endpoint: str, address: str
) -> None:
    provider.document = {endpoint: address}
    assert client.get("/login/start").status_code == 502


def test_document_of_another_issuer_is_never_taken_from_another_thread() -> None:
    """A thread may be held up between the look at what is remembered and its use."""

    class AnotherThreadComesBetween(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            equal = str.__eq__(self, other) is True
            if equal:
                issuer._remembered = time.monotonic(), "https://b.example", cast("ProviderDocument", "of b")
            return equal

        def __ne__(self, other: object) -> bool:
            return not self == other

    issuer = Issuer()
    asked = SimpleNamespace(keys=SimpleNamespace(issuer=AnotherThreadComesBetween("https://a.example")))
    issuer._remembered = time.monotonic(), "https://a.example", cast("ProviderDocument", "of a")
    assert issuer._document(cast("AskedProvider", asked)) == cast("ProviderDocument", "of a")
    assert issuer._remembered[2] == cast("ProviderDocument", "of b")


def test_a_redirect_to_another_server_is_not_followed(client: TestClient, provider: Provider) -> None:
    address = provider.authorize(begin(client), **ANN)
    with openid_provider() as other:
        provider.redirects = {"/token": f"{other.url}/token"}
        refused(client, address, 502)
        assert other.requests == []


def test_a_provider_that_is_gone_refuses_logins_and_nothing_else(project: CsvProject, client: TestClient) -> None:
    gone = door(project, web_keys(Provider("http://127.0.0.1:9"), ', tokens: {ci: "${CI_TOKEN}"}'))
    assert gone.get("/login/start").status_code == 502
    assert gone.get("/", headers={"Authorization": "Bearer token-of-the-pipeline"}).status_code == 200


def test_both_ways_stand_on_the_page_to_log_in_at(project: CsvProject, client: TestClient, provider: Provider) -> None:
    both = door(project, web_keys(provider, ', tokens: {ci: "${CI_TOKEN}"}'))
    page = both.get("/login?next=/sources").text
    assert 'href="/login/start?next=%2Fsources"' in page
    assert 'name="token"' in page


def test_a_session_ends_when_another_issuer_is_named(
    project: CsvProject, client: TestClient, provider: Provider
) -> None:
    client.get(provider.authorize(begin(client), **ANN))
    assert client.get("/").status_code == 200
    other = door(project, web_keys(provider).replace(f"client_id: {CLIENT}", "client_id: another"))
    other.cookies.set("syncd", client.cookies["syncd"])
    assert other.get("/").status_code == 401
