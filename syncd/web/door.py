"""The door of the pages: it asks each request who it is from, and lets in who may look.

| `web: login` | listens on | who gets in |
|---|---|---|
| none | loopback, or with `--insecure` | everybody, as an operator: like the command line of this machine |
| none | another address | nobody; a page says how to set a login |
| set | any address | who has logged in and has a role |

Probes, static files and webhooks pass: the first two hold no figures, and webhooks are signed.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.config import Config
from syncd.config.web_keys import LoginKeys
from syncd.config.web_secrets import metrics_token
from syncd.ledger import LedgerError
from syncd.sdk import ConfigError
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.bounded import Bounded, Overdue
from syncd.web.credentials import bearer_token, is_token, name_of_token
from syncd.web.daemon import Daemon
from syncd.web.forms import check_form, token_of_forms
from syncd.web.login import LOG_OUT, PUBLIC, sent_to_login, session_over
from syncd.web.proxied import Proxied, proxied
from syncd.web.refusals import SAFE, refusal
from syncd.web.session_cookie import live_session, local_session, session_secret
from syncd.web.visitors import Role, Visitor, admit, visitor_by_roles

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

    def __init__(self, app: ASGIApp, daemon: Daemon, everybody: Visitor | None) -> None:
        """`everybody` is who asks where no login is set; None: nobody gets in then."""
        self._app = app
        self._daemon = daemon
        self._everybody = everybody
        self._look_up = Bounded(
            "door", threads=4, seconds=5
        ).run  # secrets may be files, and sessions are in the ledger
        self._random = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            request = Request(scope, receive)
            try:
                answer = await self._answer(request)
            except (LedgerError, Overdue):
                answer = refusal(request, 503, _(_NO_LEDGER))
            if isinstance(answer, Response):
                await answer(scope, receive, send)
                return
            receive = answer
        await self._app(scope, receive, send)

    async def _answer(self, request: Request) -> Response | Receive:
        """The refusal of a request, or what the application reads its body from."""
        config, path = self._daemon.config, request.url.path
        login = config.settings.web.login
        everybody = self._everybody if login is None else None
        if path in _PROBES or path.startswith("/static/"):
            if everybody is not None:
                admit(request.scope, everybody, "")
            return request.receive
        if path == "/metrics":
            if everybody is not None:
                return request.receive
            return await self._look_up(lambda: _metrics_refusal(request, config)) or request.receive
        if path.startswith("/hooks/") and (everybody or login):
            return request.receive
        if everybody is not None:
            return await self._admit_anybody(request, everybody)
        if login is None:
            return _closed(request)
        return request.receive if path in PUBLIC else await self._log_in(request, config, login)

    async def _admit_anybody(self, request: Request, everybody: Visitor) -> Response | Receive:
        """Lets everybody in. A program that changes something needs no page with a token of `syncd token`."""
        token = bearer_token(request)
        if token is None or request.method in SAFE:
            return await self._admit(request, everybody)
        session = await self._look_up(lambda: local_session(token, self._daemon.ledger))
        if session is None:
            return refusal(request, 401, _(_NO_LOCAL_TOKEN))
        return await self._admit(request, replace(everybody, name=session.name), checked=True)

    async def _log_in(self, request: Request, config: Config, login: LoginKeys) -> Response | Receive:
        token, web = bearer_token(request), config.settings.web
        name = await self._look_up(lambda: name_of_token(config, token)) if token is not None else None
        if name is not None:
            return await self._admit(request, visitor_by_roles(name, web), checked=True)
        refused = refusal(request, 401, _(_LOG_IN if token is None else _WRONG_TOKEN))
        if login.proxy is not None:
            person = proxied(request, login.proxy)
            if isinstance(person, Proxied):
                return await self._admit(request, visitor_by_roles(person.name, web, groups=person.groups))
            refused = refusal(request, 403, person)
        secret = session_secret(request, web)
        if secret is None:
            asks_for_page = token is None and login.proxy is None and "text/html" in request.headers.get("accept", "")
            return sent_to_login(request) if asks_for_page and request.method in SAFE else refused
        session = await self._look_up(lambda: live_session(secret, config, self._daemon.ledger))
        if session is None:
            return session_over(request)
        visitor = visitor_by_roles(session.name, web, also=session.also, groups=session.groups)
        return await self._admit(request, replace(visitor, has_session=True), secret.encode())

    async def _admit(
        self, request: Request, visitor: Visitor, secret: bytes | None = None, *, checked: bool = False
    ) -> Response | Receive:
        """Lets a visitor with a role in, and whoever logs out. `checked`: no foreign page can have made the request.

        `secret` is of the visitor's session; the forms of others carry a token of the ledger's.
        """
        form_token = token_of_forms(await self._secret() if secret is None else secret, visitor.name)
        if not visitor.may(Role.VIEWER) and request.url.path != LOG_OUT:
            operators = self._daemon.config.settings.web.roles.operator
            data = {"visitor": visitor, "operators": operators, "form_token": form_token}
            return refusal(request, 403, _(_NO_ROLE), "no_role.html", **data)
        admit(request.scope, visitor, form_token)
        if checked or request.method in SAFE:
            return request.receive
        return await check_form(request, form_token)

    async def _secret(self) -> bytes:
        """What forms are signed with: the ledger's id, which no page shows, so that a form outlives a restart."""
        try:
            ledger = await self._look_up(lambda: self._daemon.ledger)
        except (LedgerError, Overdue):
            ledger = None
        return ledger.identity.id.encode() if ledger is not None else self._random


def _metrics_refusal(request: Request, config: Config) -> Response | None:
    web = config.settings.web
    if web.metrics == "open":
        return None
    if web.metrics_token is None:
        return refusal(request, 403, _(_NO_METRICS))
    try:
        expected = metrics_token(config)
    except ConfigError:
        return refusal(request, 503, _(_NO_METRICS_TOKEN))
    if is_token(bearer_token(request), expected):
        return None
    return refusal(request, 401, _(_METRICS_TOKEN))


def _closed(request: Request) -> Response:
    status = 200 if request.url.path == "/" and request.method in SAFE else 403
    return refusal(request, status, _(_CLOSED), "closed.html")
