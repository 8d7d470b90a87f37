"""Access tokens: how they are got, renewed and rotated, and what is done when there is none to be had."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from csv_project import CsvProject
from pydantic import ValidationError
from scripted_api import Asked, ScriptedApi, numbers, opened, pulled, serving, stream_of

from connectors.http import Http, HttpSource, oauth
from syncd.sandbox import DEMO_NOW
from syncd.sdk import Context, RetryLater, SourceBroken, SourceError, Unsure

SECRET, REFRESH = "client-secret-9f31", "refresh-token-1-ab77"
MEASURE = {"path": "/v1/calls", "json": "v"}


class Issuer:
    """A token endpoint and the API that its tokens open; `good` is the only token that the API takes."""

    def __init__(self) -> None:
        self.count = 0
        self.secret = SECRET
        self.refresh_token = REFRESH
        self.rotates = False
        self.good = ""
        self.more: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3600}
        self.failure: Any = None
        self.forms: list[dict[str, str]] = []
        self.calls: list[str] = []

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/token":
            return self._token(asked)
        given = asked.headers.get("authorization", "")
        self.calls.append(given)
        if given != f"Bearer {self.good}":
            return 401, {"message": f"bad token {given}"}, {}
        return {"v": 7}

    def _token(self, asked: Asked) -> Any:
        form = dict(parse_qsl(asked.body))
        self.forms.append(form)
        if self.failure is not None:
            return self.failure
        kind, _, pair = asked.headers.get("authorization", "").partition(" ")
        client = b64decode(pair).decode() if kind == "Basic" else f"{form.get('client_id')}:{form.get('client_secret')}"
        if client != f"app:{self.secret}":
            return 401, {"error": "invalid_client", "error_description": f"not {client}"}, {}
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "token was used"}, {}
        self.count += 1
        self.good = f"access-token-{self.count}-1234"
        answer = {"access_token": self.good, **self.more}
        if self.rotates:
            self.refresh_token = f"refresh-token-{self.count + 1}-ab77"
            answer["refresh_token"] = self.refresh_token
        return answer


@pytest.fixture(autouse=True)
def no_tokens() -> Iterator[None]:
    """As a process that has just started."""
    oauth._grants.clear()
    yield
    oauth._grants.clear()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def api(issuer: Issuer) -> Iterator[ScriptedApi]:
    with serving(issuer) as api:
        yield api


def source_of(api: ScriptedApi, context: Context, **keys: Any) -> HttpSource:
    client = {"token_url": f"{api.url}/token", "client_id": "app", "client_secret": SECRET}
    return opened(api, context, oauth={**client, **keys})


def read(api: ScriptedApi, context: Context, **keys: Any) -> float | SourceError | None:
    """The number that one pull of a connection reads, or the error."""
    source = source_of(api, context, **keys)
    pages, error = pulled(source, stream_of(MEASURE))
    source.close()
    return error if error is not None else numbers(pages)[0]


# -- tokens


def test_client_credentials_get_one_token_for_many_pulls(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    assert [read(api, context, scope="read:all") for _ in range(3)] == [7, 7, 7]
    assert issuer.forms == [{"grant_type": "client_credentials", "scope": "read:all"}]


def test_client_may_be_sent_in_the_body(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    assert read(api, context, client_auth="body") == 7
    assert issuer.forms == [{"grant_type": "client_credentials", "client_id": "app", "client_secret": SECRET}]


def test_token_is_renewed_before_its_end(
    api: ScriptedApi, issuer: Issuer, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(api, context) == 7
    now = oauth.time.monotonic()
    monkeypatch.setattr(oauth.time, "monotonic", lambda: now + 3575)
    assert read(api, context) == 7
    assert (issuer.count, issuer.calls[-1]) == (2, "Bearer access-token-2-1234")


def test_401_gets_a_new_token_once(api: ScriptedApi, issuer: Issuer, context: Context, slept: list[float]) -> None:
    assert read(api, context) == 7
    issuer.good = "revoked"
    assert read(api, context) == 7
    assert (issuer.count, slept) == (2, [])
    assert issuer.calls[-2:] == ["Bearer access-token-1-1234", "Bearer access-token-2-1234"]


def test_second_401_is_a_refusal(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    api.answer = lambda asked: issuer(asked) if asked.path == "/token" else (401, {"message": "no"}, {})
    error = read(api, context)
    assert isinstance(error, SourceBroken)
    assert (error.status, issuer.count, len(api.asked)) == (401, 2, 4)
    assert "the credentials were refused" in str(error)


def test_post_that_401_turned_away_is_sent_with_the_new_token(
    api: ScriptedApi, issuer: Issuer, context: Context
) -> None:
    assert read(api, context) == 7
    issuer.good = "revoked"
    keys = {"token_url": f"{api.url}/token", "client_id": "app", "client_secret": SECRET}
    source = opened(api, context, post=True, oauth=keys)
    pages, error = pulled(source, stream_of({**MEASURE, "method": "POST"}))
    source.close()
    assert (error, numbers(pages)) == (None, [7])


def test_rotated_refresh_token_is_used_from_then_on(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    issuer.rotates = True
    for _ in range(3):
        assert read(api, context, refresh_token=REFRESH) == 7
        issuer.good = "expired"
    sent = [form["refresh_token"] for form in issuer.forms]
    assert sent == [REFRESH, "refresh-token-2-ab77", "refresh-token-3-ab77"]


def test_after_a_restart_the_configured_refresh_token_is_used(
    api: ScriptedApi, issuer: Issuer, context: Context
) -> None:
    issuer.rotates = True
    assert read(api, context, refresh_token=REFRESH) == 7
    oauth._grants.clear()
    error = read(api, context, refresh_token=REFRESH)
    assert isinstance(error, SourceBroken)
    assert "wants one at each start of syncd" in str(error)
    assert read(api, context, refresh_token=issuer.refresh_token) == 7  # as somebody wrote it into its file


def test_log_and_doctor_say_that_a_restart_loses_a_rotated_token(
    api: ScriptedApi, issuer: Issuer, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    source = source_of(api, context, refresh_token=REFRESH)
    assert "refresh token" not in [check.name for check in source.check()]
    assert caplog.messages == []
    issuer.rotates = True
    oauth._grants.clear()
    checks = {check.name: check for check in source_of(api, context, refresh_token=REFRESH).check()}
    assert not checks["refresh token"].ok
    assert "begins with the configured one at the next start" in checks["refresh token"].detail
    issuer.good = ""  # the access token ends, and the next one brings a third refresh token
    assert read(api, context, refresh_token=REFRESH) == 7
    assert caplog.messages == ["refresh token replaced"]
    assert "client credentials" in caplog.records[0].reason  # type: ignore[attr-defined]
    assert REFRESH not in caplog.text
    source.close()


def test_two_users_of_a_client_have_tokens_of_their_own(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    assert read(api, context, refresh_token=REFRESH) == 7
    issuer.refresh_token = "refresh-token-of-ann"
    assert read(api, context, refresh_token="refresh-token-of-ann") == 7
    assert issuer.count == 2


# -- failures


def test_token_endpoint_that_is_down_is_tried_again(
    api: ScriptedApi, issuer: Issuer, context: Context, slept: list[float]
) -> None:
    issuer.failure = (503, {}, {"Retry-After": "9"})
    error = read(api, context)
    assert isinstance(error, RetryLater)
    assert str(error).startswith(f"no token from {api.url.removeprefix('http://')}: HTTP 503")
    assert (len(issuer.forms), slept, issuer.calls) == (3, [9, 9], [])


def test_token_endpoint_that_refuses_connections_is_named(api: ScriptedApi, context: Context) -> None:
    error = read(api, context, token_url="http://127.0.0.1:9/token")
    assert isinstance(error, RetryLater)
    assert str(error) == "no token from 127.0.0.1:9: 127.0.0.1:9 refuses the connection: nothing listens there"


def test_refresh_whose_answer_is_lost_is_not_sent_again_by_itself(
    api: ScriptedApi, issuer: Issuer, context: Context
) -> None:
    """The server may have used the token up; the next pull asks again."""
    api.down = True
    error = read(api, context, refresh_token=REFRESH)
    assert isinstance(error, Unsure)
    assert len(api.asked) == 1
    api.down = False
    assert read(api, context, refresh_token=REFRESH) == 7


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, {"error": "invalid_client"}, {}), "correct client_id and client_secret"),
        ((200, {"token_type": "Bearer"}, {}), "holds no access_token; correct token_url"),
        ((200, ["x"], {}), "holds no access_token"),
        ((200, {"access_token": "a\nb"}, {}), "holds no access_token"),
        ((200, {"access_token": "abcdefghij", "token_type": "mac"}, {}), "tokens of the type 'mac'"),
        ((302, {}, {"Location": "https://evil.example/token"}), "has moved to https://evil.example"),
    ],
)
def test_answer_without_a_token_is_refused(
    api: ScriptedApi, issuer: Issuer, context: Context, answer: Any, says: str
) -> None:
    issuer.failure = answer
    error = read(api, context)
    assert isinstance(error, SourceBroken)
    assert str(error).startswith("no token from 127.0.0.1:")
    assert says in str(error)
    assert issuer.calls == []


def test_secrets_never_follow_a_redirect(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    with serving(lambda _: {"access_token": "stolen-token-1"}) as other:
        for status in (301, 302, 307, 308):
            issuer.failure = (status, {}, {"Location": f"{other.url.replace('127.0.0.1', 'localhost')}/token"})
            assert isinstance(read(api, context), SourceBroken)
        assert other.asked == []


def test_no_error_and_no_log_shows_a_secret(
    api: ScriptedApi, issuer: Issuer, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    issuer.rotates = True
    errors = []
    assert read(api, context, refresh_token=REFRESH) == 7
    everything = {SECRET, REFRESH, issuer.good, issuer.refresh_token}
    issuer.failure = (400, {"error": f"{SECRET} {issuer.refresh_token} {REFRESH}"}, {})
    issuer.good = "other"
    errors.append(read(api, context, refresh_token=REFRESH))
    issuer.failure, issuer.secret = None, "another"
    errors.append(read(api, context, client_auth="body"))
    api.answer = lambda asked: issuer(asked) if asked.path == "/token" else (
        401, {"message": asked.headers.get("authorization")}, {},
    )  # fmt: skip
    issuer.secret = SECRET
    errors.append(read(api, context))
    everything.add(issuer.good)
    assert all(isinstance(error, SourceBroken) for error in errors), errors
    texts = [*map(str, errors), *(record.getMessage() for record in caplog.records)]
    assert not [(secret, text) for secret in everything for text in texts if secret in text]


# -- settings


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"oauth": {"token_url": "https://x.example/t", "client_id": "a", "client_secret": "plain"}}, "written out"),
        ({"oauth": {"token_url": "x.example/t", "client_id": "a"}}, "write it with https:// in front"),
        ({"oauth": {"client_id": "a"}}, "token_url"),
        ({"oauth": {"token_url": "https://x.example/t", "client_id": "a"}, "token": "${T}"}, "keep one of them"),
        (
            {
                "oauth": {"token_url": "https://x.example/t", "client_id": "a"},
                "headers": {"authorization": "Basic ${T}"},
            },
            "keep one of them",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Http.Settings.model_validate({"type": "http", "url": "https://x.example", **keys})
    assert says in str(caught.value)


MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    owner: web
    key_results:
      - {id: calls, title: Calls, kind: output, target: 90, measure: {from: api, path: /v1/calls, json: v}}
"""


def test_new_secret_is_read_without_a_restart(
    tmp_path: Path, api: ScriptedApi, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    monkeypatch.setenv("API_SECRET_FILE", str(tmp_path / "secret"))
    oauth_keys = f'{{token_url: "{api.url}/token", client_id: app, client_secret: "${{API_SECRET}}"}}'
    connections = f'  api: {{type: http, url: "{api.url}", oauth: {oauth_keys}}}\n'
    project = CsvProject(tmp_path, MAPPING, DEMO_NOW, connections=connections)
    config = project.config  # read once, as a service does
    monkeypatch.setattr(CsvProject, "config", property(lambda _: config))

    def quality() -> tuple[Any, str, str | None]:
        project.cycle()
        line = project.report().line("calls")
        assert line is not None
        return line.value, line.quality, line.reason

    assert quality()[:2] == (7, "complete")
    issuer.secret, issuer.good = "client-secret-new", "revoked"
    value, state, reason = quality()
    assert (value, state) == (7, "failed")
    assert "correct client_id and client_secret" in str(reason)
    (tmp_path / "secret").write_text("client-secret-new")
    assert quality()[:2] == (7, "complete")
    project.ledger.close()


def test_doctor_says_that_no_token_is_to_be_had(api: ScriptedApi, issuer: Issuer, context: Context) -> None:
    issuer.failure = (401, {"error": "invalid_client"}, {})
    source = source_of(api, replace(context, rehearsal=True))
    with pytest.raises(SourceBroken, match="no token from"):
        list(source.check())
    source.close()
