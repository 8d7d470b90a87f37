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
from syncd.web.bounded import Bounded
from syncd.web.credentials import bearer_token, is_token, name_of_token
from syncd.web.daemon import Daemon
from syncd.web.forms import check_form, token_of_forms
from syncd.web.proxied import Proxied, proxied
from syncd.web.refusals import SAFE, refusal
from syncd.web.visitors import Role, Visitor, admit, visitor_by_roles

_PROBES = frozenset({"/healthz", "/readyz"})
_CLOSED = marked("the pages are closed: syncd listens where others reach it, and nobody is asked who they are")
_NO_METRICS = marked("no token opens /metrics; write metrics_token or metrics: open below web: in syncd.yaml")
_NO_METRICS_TOKEN = marked("the token of /metrics is not set; `syncd doctor` says more")
_METRICS_TOKEN = marked("send Authorization: Bearer with the token of web.metrics_token")
_WRONG_TOKEN = marked("no token of web.login.tokens in syncd.yaml is equal to this one")
_LOG_IN = marked("log in first; a program sends Authorization: Bearer with a token of web.login.tokens")
_NO_ROLE = marked("you have no role here")


class Door:
    """Finds out who asks, and refuses who may not look, or whose POST comes from no page of this service."""

    def __init__(self, app: ASGIApp, daemon: Daemon, everybody: Visitor | None) -> None:
        """`everybody` is who asks where no login is set; None: nobody gets in then."""
        self._app = app
        self._daemon = daemon
        self._everybody = everybody
        self._ledger = Bounded("door", threads=4, seconds=5)
        self._random = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            answer = await self._answer(Request(scope, receive))
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
            refused = _metrics_refusal(request, config) if everybody is None else None
            return refused or request.receive
        if path.startswith("/hooks/") and (everybody or login):
            return request.receive
        if everybody is not None:
            return await self._admit(request, everybody)
        return _closed(request) if login is None else await self._log_in(request, config, login)

    async def _log_in(self, request: Request, config: Config, login: LoginKeys) -> Response | Receive:
        token, web = bearer_token(request), config.settings.web
        if token is not None and (name := name_of_token(config, token)) is not None:
            return await self._admit(request, visitor_by_roles(name, web), checked=True)
        if login.proxy is not None:
            person = proxied(request, login.proxy)
            if isinstance(person, Proxied):
                return await self._admit(request, visitor_by_roles(person.name, web, groups=person.groups))
            if token is None:
                return refusal(request, 403, person)
        if token is not None:
            return refusal(request, 401, _(_WRONG_TOKEN))
        return refusal(request, 401, _(_LOG_IN))

    async def _admit(self, request: Request, visitor: Visitor, *, checked: bool = False) -> Response | Receive:
        """Lets a visitor with a role in; `checked`: no foreign page can have made the request."""
        if not visitor.may(Role.VIEWER):
            operators = self._daemon.config.settings.web.roles.operator
            return refusal(request, 403, _(_NO_ROLE), "no_role.html", visitor=visitor, operators=operators)
        form_token = token_of_forms(await self._secret(), visitor.name)
        admit(request.scope, visitor, form_token)
        if checked or request.method in SAFE:
            return request.receive
        return await check_form(request, form_token)

    async def _secret(self) -> bytes:
        """What forms are signed with: the ledger's id, which no page shows, so that a form outlives a restart."""
        try:
            ledger = await self._ledger.run(lambda: self._daemon.ledger)
        except LedgerError:
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
