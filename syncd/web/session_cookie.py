"""Sessions: a random secret in a cookie of the browser, and its digest in the ledger."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from syncd.config import Config
from syncd.config.web_keys import LoginKeys, WebKeys
from syncd.config.web_secrets import login_tokens
from syncd.ledger import Ledger, LedgerError
from syncd.ledger.sessions import ON_THIS_MACHINE, Session

_SESSION = "syncd"
_LASTS = timedelta(hours=12)


def cookie_name(web: WebKeys, name: str) -> str:
    """The name of a cookie. Over TLS it has a prefix: browsers then accept the cookie only from this host."""
    return f"__Host-{name}" if _over_tls(web) else name


def set_cookie(request: Request, response: Response, web: WebKeys, name: str, value: str, seconds: float) -> None:
    """Sets a cookie that no script can read, and that the browser does not send with forms of other sites.

    Without `web.address`, syncd believes a proxy's header `X-Forwarded-Proto` that the browser uses TLS. A client that
    lies about TLS only loses its own cookie.
    """
    behind_tls = web.address is None and request.headers.get("x-forwarded-proto", "").strip().lower() == "https"
    response.set_cookie(
        cookie_name(web, name),
        value,
        max_age=int(seconds),
        secure=_over_tls(web) or behind_tls,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(request: Request, response: Response, web: WebKeys, name: str) -> None:
    """Deletes a cookie in the browser."""
    set_cookie(request, response, web, name, "", 0)


def session_secret(request: Request, web: WebKeys) -> str | None:
    """The secret of the browser's session; None if the browser sends none."""
    return request.cookies.get(cookie_name(web, _SESSION)) or None


def begin_session(request: Request, config: Config, ledger: Ledger | None, session_of: Callable[[str], Session]) -> str:
    """Stores the session that `session_of` makes with a new secret, and returns that secret.

    The browser's former session ends, so that no secret outlives a login. Raises LedgerError.
    """
    if ledger is None:
        raise LedgerError("there is no ledger yet; `syncd sync` or `syncd run` makes it")
    secret, earlier = secrets.token_urlsafe(32), session_secret(request, config.settings.web)
    ledger.sessions.begin(secret, session_of(secret), datetime.now(UTC), _LASTS, instead_of=earlier)
    return secret


def keep_session(request: Request, response: Response, web: WebKeys, secret: str) -> None:
    """Sets the cookie with the secret of the browser's session."""
    set_cookie(request, response, web, _SESSION, secret, _LASTS.total_seconds())


def end_session(request: Request, response: Response, web: WebKeys, ledger: Ledger | None) -> None:
    """Ends the browser's session, for every process. Raises LedgerError."""
    secret = session_secret(request, web)
    if secret is not None and ledger is not None:
        ledger.sessions.end(secret)
    delete_cookie(request, response, web, _SESSION)


def live_session(secret: str, config: Config, ledger: Ledger | None) -> Session | None:
    """The session with a secret; None if the session is over, or if the configuration no longer has the login that
    began the session.

    A person who has logged in with a token gets the name of that token in this configuration. Raises LedgerError.
    """
    login = config.settings.web.login
    session = ledger.sessions.of(secret, datetime.now(UTC)) if ledger is not None else None
    if session is None or login is None:
        return None
    if session.login == login_by_issuer(login):
        return session
    names = {login_by_token(token, secret): name for name, token in login_tokens(config).items()}
    return replace(session, name=names[session.login]) if session.login in names else None


def local_session(token: str, ledger: Ledger | None) -> Session | None:
    """The session of a token that `syncd token` made; None if the token has no such session. Raises LedgerError."""
    session = ledger.sessions.of(token, datetime.now(UTC)) if ledger is not None else None
    return session if session is not None and session.login == ON_THIS_MACHINE else None


def login_by_token(token: str, secret: str) -> str:
    """The stored proof of the token that began a session. If the token is replaced, the session ends.

    People choose tokens, so an attacker with the ledger could test guesses against a plain digest. Therefore the key of
    the digest is the session's `secret`, which the ledger does not have.
    """
    return f"token {hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()}"


def login_by_issuer(login: LoginKeys) -> str | None:
    """The text that is stored with a session that an issuer began; None if the configuration has no issuer."""
    return f"oidc {login.oidc.issuer} {login.oidc.client_id}" if login.oidc is not None else None


def _over_tls(web: WebKeys) -> bool:
    return web.address is not None and web.address.startswith("https://")
