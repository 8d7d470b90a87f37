"""The door of the pages: it asks each request who it is from, and lets in who may look.

| `web: login` | listens on | who gets in |
|---|---|---|
| none | loopback, or with `--insecure` | everybody, as an operator: like the command line of this machine |
| none | another address | nobody; a page says how to set a login |
| set | any address | who has logged in and has a role |

Probes, static files and webhooks pass: the first two hold no figures, and webhooks are signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.config import Config
from syncd.config.web_keys import LoginKeys
from syncd.config.web_secrets import metrics_token
from syncd.ledger import LedgerError
from syncd.sdk import ConfigError, SyncdError
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.addresses import counted_address
from syncd.web.attempts import Attempts, TooManyAttempts
from syncd.web.bounded import Bounded, Overdue
from syncd.web.credentials import SLOW_SECRETS, bearer_token, is_token, name_of_token
from syncd.web.daemon import Daemon
from syncd.web.deployment_key import DeploymentKey
from syncd.web.forms import check_form, token_of_forms
from syncd.web.login import LOG_OUT, PUBLIC, login_address, sent_to_login, session_over
from syncd.web.proxied import Proxied, proxied
from syncd.web.refusals import SAFE, refusal, refused_attempt
from syncd.web.session_cookie import live_session, local_session, session_secret
from syncd.web.visitors import Role, Visitor, admit, visitor_by_roles

T = TypeVar("T")

_PROBES = frozenset({"/healthz", "/readyz"})
_CLOSED = marked("the pages are closed: syncd listens where others reach it, and nobody is asked who they are")
_NO_METRICS = marked("no token opens /metrics; write metrics_token or metrics: open below web: in syncd.yaml")
_NO_METRICS_TOKEN = marked("the token of /metrics is not set; `syncd doctor` says more")
_METRICS_TOKEN = marked("send Authorization: Bearer with the token of web.metrics_token")
_WRONG_TOKEN = marked("no token of web.login.tokens in syncd.yaml is equal to this one")
_NO_LOCAL_TOKEN = marked("this token is not, or no longer, one that `syncd token` made; make another")
_LOG_IN = marked("log in first; a program sends Authorization: Bearer with a token of web.login.tokens")
_NO_LEDGER = marked("who you are cannot be looked up, because the ledger does not answer; try again in a minute")
_NO_ROLE = marked("you have no role here")


class Door:
    """Finds out who asks, and refuses who may not look, or whose POST comes from no page of this service."""

    def __init__(
        self, app: ASGIApp, daemon: Daemon, everybody: Visitor | None, attempts: Attempts, key: DeploymentKey
    ) -> None:
        """`everybody` is who asks where no login is set; None: nobody gets in then."""
        self._app = app
        self._daemon = daemon
        self._everybody = everybody
        self._attempts = attempts
        self._key = key
        # Sessions are in the ledger, which may be silent; secrets may be files. Neither holds up the other.
        self._sessions = Bounded("door", threads=4, seconds=5, sentence=_NO_LEDGER)
        self._tokens = Bounded("tokens", threads=2, seconds=5, sentence=SLOW_SECRETS)
        self._metrics_token = Bounded("metrics-token", threads=1, seconds=5, sentence=SLOW_SECRETS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            request = Request(scope, receive)
            try:
                answer = await self._answer(request)
            except TooManyAttempts as many:
                answer = refused_attempt(request, many)
            except Overdue as overdue:
                answer = refusal(request, 503, str(overdue))
            except LedgerError:
                answer = refusal(request, 503, _(_NO_LEDGER))
            if isinstance(answer, Response):
                await answer(scope, receive, send)
                return
            receive = answer
        await self._app(scope, receive, send)

    async def _answer(self, request: Request) -> Response | Receive:
        """The refusal of a request, or what the application reads its body from.

        The path is the scope's, as the routes take it: `request.url` is put together from what a client sends.
        """
        config, path = self._daemon.config, request.scope["path"]
        login = config.settings.web.login
        everybody = self._everybody if login is None else None
        if path in _PROBES or path.startswith("/static/"):
            if everybody is not None:
                admit(request.scope, everybody, "")
            return request.receive
        if path == "/metrics":
            return request.receive if everybody is not None else await self._to_metrics(request, config)
        if path.startswith("/hooks/") and (everybody or login):
            return request.receive
        if everybody is not None:
            return await self._admit_anybody(request, everybody)
        if login is None:
            return _closed(request)
        return request.receive if path in PUBLIC else await self._log_in(request, config, login)

    async def _to_metrics(self, request: Request, config: Config) -> Response | Receive:
        web, token = config.settings.web, bearer_token(request)
        if web.metrics == "open":
            return request.receive
        if web.metrics_token is None:
            return refusal(request, 403, _(_NO_METRICS))
        try:
            if token is not None and await self._checked(
                request, token, self._metrics_token, lambda: is_token(token, metrics_token(config)) or None
            ):
                return request.receive
        except ConfigError:
            return refusal(request, 503, _(_NO_METRICS_TOKEN))
        return refusal(request, 401, _(_METRICS_TOKEN))

    async def _admit_anybody(self, request: Request, everybody: Visitor) -> Response | Receive:
        """Lets everybody in. A program that changes something needs no page with a token of `syncd token`."""
        token = bearer_token(request)
        if token is None or request.method in SAFE:
            return await self._admit(request, everybody)
        session = await self._checked(request, token, self._sessions, lambda: local_session(token, self._daemon.ledger))
        if session is None:
            return refusal(request, 401, _(_NO_LOCAL_TOKEN))
        return await self._admit(request, replace(everybody, name=session.name), checked=True)

    async def _log_in(self, request: Request, config: Config, login: LoginKeys) -> Response | Receive:
        token, web = bearer_token(request), config.settings.web
        many: TooManyAttempts | None = None
        if token is not None:
            try:
                name = await self._checked(request, token, self._tokens, lambda: name_of_token(config, token))
            except TooManyAttempts as error:  # whoever gets in another way still does
                name, many = None, error
            if name is not None:
                return await self._admit(request, visitor_by_roles(name, web), checked=True)
        person = proxied(request, login.proxy) if login.proxy is not None else None
        if isinstance(person, Proxied):
            return await self._admit(request, visitor_by_roles(person.name, web, groups=person.groups))
        secret = session_secret(request, web)
        if secret is None:
            if many is not None:
                return refused_attempt(request, many)
            if person is not None:
                return refusal(request, 403, person, again=login_address(request) if login.tokens else None)
            asks_for_page = token is None and "text/html" in request.headers.get("accept", "")
            if asks_for_page and request.method in SAFE:
                return sent_to_login(request)
            return refusal(request, 401, _(_LOG_IN if token is None else _WRONG_TOKEN))
        session = await self._sessions.run(lambda: live_session(secret, config, self._daemon.ledger))
        if session is None:
            return session_over(request)
        visitor = visitor_by_roles(session.name, web, also=session.also, groups=session.groups)
        return await self._admit(request, replace(visitor, has_session=True), secret.encode())

    async def _checked(self, request: Request, token: str, bounded: Bounded, check: Callable[[], T | None]) -> T | None:
        """What a check finds of a token; None is a failed attempt. Raises TooManyAttempts, and Overdue."""
        attempt = self._attempts.begin(counted_address(request, self._daemon.config.settings.web), token)
        try:
            result = await bounded.run(check)
        except SyncdError:
            attempt.take_back()
            raise
        if result is not None:
            attempt.take_back()
        return result

    async def _admit(
        self, request: Request, visitor: Visitor, secret: bytes | None = None, *, checked: bool = False
    ) -> Response | Receive:
        """Lets a visitor with a role in, and whoever logs out. `checked`: no foreign page can have made the request.

        `secret` is of the visitor's session; the forms of others carry a token by the key of the deployment.
        """
        key = await self._key.of("forms") if secret is None else secret
        form_token = token_of_forms(key, visitor.name)
        if not visitor.may(Role.VIEWER) and request.scope["path"] != LOG_OUT:
            operators = self._daemon.config.settings.web.roles.operator
            data = {"visitor": visitor, "operators": operators, "form_token": form_token}
            return refusal(request, 403, _(_NO_ROLE), "no_role.html", **data)
        admit(request.scope, visitor, form_token)
        if checked or request.method in SAFE:
            return request.receive
        return await check_form(request, form_token)


def _closed(request: Request) -> Response:
    status = 200 if request.scope["path"] == "/" and request.method in SAFE else 403
    return refusal(request, status, _(_CLOSED), "closed.html")
