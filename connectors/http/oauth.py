"""OAuth 2.0: the access tokens of a connection, by client credentials or by a refresh token (RFC 6749 4.4 and 6).

| what happens | what follows |
|---|---|
| a pull opens the connection | its secrets are read anew; a new secret gets a new token |
| the API answers 401 | the token is dropped, and a new one is fetched once; a second 401 is a refusal |
| the answer contains another refresh token | it is used as long as the process lives; the log and `doctor` report it |
| syncd starts again | it begins with the refresh token of its configuration: no secret is ever written to a file |

All clients of a process share the tokens. A token request uses the same transport as other requests, with the same
deadline, size limit and proxy. syncd follows no redirect of a token request. The secrets and tokens in token requests
are masked in all output.
"""

from __future__ import annotations

import logging
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, urlencode, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from syncd.sdk import Context, RetryLater, Secret, Server, SourceBroken, SourceError, WebSettings
from syncd.sdk.references import REFERENCE

if TYPE_CHECKING:
    from syncd.sdk import Answer
    from syncd.sdk.exchange import Exchange

_log = logging.getLogger("syncd.http")

LOST_AT_A_RESTART = (
    "the token server gave another one in its place. syncd keeps that in memory alone, and begins with the configured "
    "one at the next start. If the server takes each refresh token once only, drop refresh_token and use client "
    "credentials, or ask the API's owner for a refresh token that stays good"
)
_EARLY = 30.0  # seconds before a token expires in which it is no longer used
_REFUSED = (400, 401, 403)


def _address(value: str) -> str:
    if not (value.startswith(("https://", "http://")) or REFERENCE.match(value)):
        raise ValueError(f"is {value!r}; write it with https:// in front")
    return value


class OAuth(BaseModel):
    """How to get an access token."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)

    token_url: Annotated[str, AfterValidator(_address)] = Field(description="The address that issues access tokens.")
    client_id: str = Field(min_length=1, description="The id of the client that is registered with the API.")
    client_secret: Secret | None = Field(None, description="The secret of the client. A public client has none.")
    refresh_token: Secret | None = Field(
        None,
        description="The refresh token of a user, to get access tokens for that user. Without it, syncd gets access "
        "tokens for the client itself.",
    )
    scope: str | None = Field(None, min_length=1, description="The scope of the access token, as the API names it.")
    client_auth: Literal["header", "body"] = Field(
        "header", description="Where syncd sends client_id and client_secret. Some servers read only the body."
    )

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The key of each secret, and its value."""
        for name in ("client_secret", "refresh_token"):
            if (secret := getattr(self, name)) is not None:
                yield name, secret.get_secret_value()


@dataclass(slots=True)
class _Grant:
    """What the token server granted to this process: the access token, the time of its expiry by the process's clock,
    and the present refresh token.
    """

    secret: str | None
    refresh_token: str | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    access_token: str | None = None
    ends_at: float | None = None
    is_rotated: bool = False


_grants: dict[tuple[str, ...], _Grant] = {}
_lock = threading.Lock()


class Tokens:
    """The access tokens of a client. The first token is fetched at the first request that needs it."""

    def __init__(self, keys: OAuth, settings: WebSettings, context: Context) -> None:
        """`settings` are the connection's settings. The connection's limits, certificates and proxy apply to token
        requests too.
        """
        self._keys = keys
        self._settings = settings.model_copy(update={"url": keys.token_url})
        self._context = context
        self._server = Server(self._settings, context)
        self._exchange: Exchange | None = None
        self._grant = _grant_of(keys)
        context.hide.learn(value for _, value in keys.secrets())

    def headers(self) -> Mapping[str, str]:
        """The header of a request to the API. Raises SourceError if no token can be got."""
        with self._grant.lock:
            ends_at = self._grant.ends_at
            if self._grant.access_token is None or (ends_at is not None and time.monotonic() >= ends_at):
                self._fetch()
            return {"Authorization": f"Bearer {self._grant.access_token}"}

    def refused(self, headers: Mapping[str, str]) -> None:
        """Drops the token in these headers, which the API refused, unless another thread has already got a new one."""
        with self._grant.lock:
            if headers.get("Authorization") == f"Bearer {self._grant.access_token}":
                self._grant.access_token = None

    def close(self) -> None:
        """Closes the sockets."""
        if self._exchange is not None:
            self._exchange.close()

    def _fetch(self) -> None:
        keys, grant = self._keys, self._grant
        form = {"grant_type": "client_credentials" if grant.refresh_token is None else "refresh_token"}
        if grant.refresh_token is not None:
            form["refresh_token"] = grant.refresh_token
        if keys.scope is not None:
            form["scope"] = keys.scope
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        if keys.client_auth == "header" and grant.secret is not None:
            pair = f"{quote(keys.client_id, safe='')}:{quote(grant.secret, safe='')}"  # RFC 6749 2.3.1
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": keys.client_id, **({"client_secret": grant.secret} if grant.secret else {})}
        grant.access_token = None
        self._keep(self._asked(headers, urlencode(form).encode()))

    def _asked(self, headers: Mapping[str, str], form: bytes) -> Answer:
        """The answer of the token server. syncd does not repeat a request with a refresh token after a failure, because
        the failed request may have used up the refresh token.
        """
        from syncd.sdk.exchange import Exchange

        if self._exchange is None:
            self._exchange = Exchange(self._settings, self._context, {"User-Agent": "syncd"}, url=self._settings.url)
        repeatable = self._grant.refresh_token is None
        with _of_tokens(self._context.hide, self._keys.token_url):
            answer = self._exchange("POST", self._keys.token_url, headers, form, repeatable=repeatable)
            if not 200 <= answer.status < 300:
                raise self._refusal(answer)
            return answer

    def _refusal(self, answer: Answer) -> SourceError:
        error = self._server.refusal(answer, self._keys.token_url)
        if answer.status not in _REFUSED or isinstance(error, RetryLater):
            return error
        advice = "correct client_id and client_secret"
        if self._grant.refresh_token is not None and "invalid_grant" in answer.text:
            advice = "get a new refresh_token; a server that changes it with each use wants one at each start of syncd"
        broken = SourceBroken(f"{error}; {advice}")
        broken.status = answer.status
        return broken

    def _keep(self, answer: Answer) -> None:
        with _of_tokens(self._context.hide, self._keys.token_url):
            try:
                content = answer.json()
            except RetryLater:
                raise self._server.unreadable(answer) from None
            given = content if isinstance(content, dict) else {}
            token, kind = given.get("access_token"), str(given.get("token_type", "bearer"))
            if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
                raise SourceBroken("its answer holds no access_token; correct token_url")
            if kind.lower() != "bearer":
                raise SourceBroken(f"it issues tokens of the type {kind[:40]!r}, and syncd sends bearer tokens alone")
        grant, seconds = self._grant, given.get("expires_in")
        self._context.hide.learn_sent({"access_token": token}, None)
        grant.access_token, grant.ends_at = token, None
        if isinstance(seconds, int | float | str) and str(seconds).isdigit():
            grant.ends_at = time.monotonic() + max(float(seconds) - _EARLY, float(seconds) / 2)
        refresh_token = given.get("refresh_token")
        if grant.refresh_token is not None and isinstance(refresh_token, str) and refresh_token:
            self._context.hide.learn_sent({"refresh_token": refresh_token}, None)  # many arrive in a year
            if refresh_token != grant.refresh_token and not grant.is_rotated:
                grant.is_rotated = True
                where = self._context.hide(urlsplit(self._keys.token_url).netloc.rpartition("@")[2])
                _log.warning("refresh token replaced", extra={"token_server": where, "reason": LOST_AT_A_RESTART})
            grant.refresh_token = refresh_token


def is_rotated(keys: OAuth) -> bool:
    """Whether the token server gave this process a refresh token that differs from the configured one."""
    return _grant_of(keys).is_rotated


def _grant_of(keys: OAuth) -> _Grant:
    """The grant of this process for the same client; a new one if the client's secret was changed."""
    secret = keys.client_secret.get_secret_value() if keys.client_secret is not None else None
    refresh_token = keys.refresh_token.get_secret_value() if keys.refresh_token is not None else None
    name = (keys.token_url, keys.client_id, keys.scope or "", refresh_token or "")
    with _lock:
        grant = _grants.get(name)
        if grant is None or grant.secret != secret:  # after a rotation, the rotated refresh token stays valid
            good, rotated = (grant.refresh_token, grant.is_rotated) if grant is not None else (refresh_token, False)
            grant = _grants[name] = _Grant(secret, good, is_rotated=rotated)
        return grant


@contextmanager
def _of_tokens(hide: Callable[[str], str], url: str) -> Iterator[None]:
    """Names the token server at the beginning of an error's message, because the token server failed, not the API."""
    try:
        yield
    except SourceError as error:
        where = hide(urlsplit(url).netloc.rpartition("@")[2])
        error.args = (f"no token from {where}: {error}",)
        raise
