"""Access control of the pages: finds the sender of each request, and lets in visitors with a role.

| `web: login` | listens on | who gets in |
|---|---|---|
| none | loopback, or with `--insecure` | everybody, as an operator: like the command line of this machine |
| none | another address | nobody; a page says how to set a login |
| set | any address | who has logged in and has a role |

Probes, static files and webhooks need no login. Probes and static files show no numbers, and webhooks are signed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.config import Config
from syncd.config.web_secrets import metrics_token
from syncd.ledger import LedgerError
from syncd.sdk import ConfigError
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.attempts import Attempts, TooManyAttempts
from syncd.web.bounded import Bounded, Overdue
from syncd.web.callers import NO_LEDGER, Caller, Callers, let_in, secret_of_forms
from syncd.web.credentials import SLOW_SECRETS, bearer_token, is_token
from syncd.web.daemon import Daemon
from syncd.web.deployment_key import DeploymentKey
from syncd.web.forms import token_of_forms
from syncd.web.login import LOG_OUT, PUBLIC
from syncd.web.places import path_within
from syncd.web.refusals import SAFE, refusal, refused_attempt
from syncd.web.typed import read_typed
from syncd.web.visitors import Role, Visitor, admit

PROBES = frozenset({"/healthz", "/readyz"})
_CLOSED = marked("the pages are closed: syncd listens where others reach it, and nobody is asked who they are")
_NO_METRICS = marked("no token opens /metrics; write metrics_token or metrics: open below web: in syncd.yaml")
_NO_METRICS_TOKEN = marked("the token of /metrics is not set; `syncd doctor` says more")
_METRICS_TOKEN = marked("send Authorization: Bearer with the token of web.metrics_token")
_NO_ROLE = marked("you have no role here")


class Door:
    """Refuses requests of visitors without a role, and each POST that comes neither from a page of this service nor
    with a token.
    """

    def __init__(
        self, app: ASGIApp, daemon: Daemon, everybody: Visitor | None, attempts: Attempts, key: DeploymentKey
    ) -> None:
        """`everybody` is the visitor of every request if no login is set; with None, nobody is let in."""
        self._app = app
        self._daemon = daemon
        self._everybody = everybody
        self._key = key
        self._callers = Callers(daemon, attempts)
        self._metrics = MetricsToken(self._callers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        await answered(self._app, self._answer, scope, receive, send)

    async def _answer(self, request: Request) -> Response | Receive:
        """Returns the refusal of a request, or the channel from which the application reads the body.

        The path is that of the scope, as in the routes. `request.url` is not used, because it contains a host that the
        client chooses.
        """
        config, path = self._daemon.config, path_within(request.scope)
        login = config.settings.web.login
        everybody = self._everybody if login is None else None
        if path in PROBES or path.startswith("/static/"):
            if everybody is not None:
                admit(request.scope, everybody, "")
            return request.receive
        if path == "/metrics":
            return request.receive if everybody is not None else await self._metrics.check(request, config)
        if path.startswith("/hooks/") and (everybody or login):
            return request.receive
        if everybody is not None:
            caller = await self._callers.on_this_machine(request, everybody, lambda: self._daemon.ledger)
            if isinstance(caller, Response):
                return caller
            return await self._admit(request, caller, replace(everybody, name=caller.session.name))
        if login is None:
            return closed(request)
        if path in PUBLIC:
            return request.receive
        caller = await self._callers.logged_in(request, config, login)
        if isinstance(caller, Response):
            return caller
        return await self._admit(request, caller, caller.visitor(config.settings.web))

    async def _admit(self, request: Request, caller: Caller, visitor: Visitor) -> Response | Receive:
        """Lets in a visitor with a role, and a visitor who logs out."""
        if not visitor.may(Role.VIEWER) and path_within(request.scope) != LOG_OUT:
            return await no_role(request, caller, visitor, self._daemon.config, self._key)
        return await let_in(request, caller, visitor, self._key)


class MetricsToken:
    """Lets callers with the token of a configuration read `/metrics`."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._tokens = Bounded("metrics-token", threads=1, seconds=5, sentence=SLOW_SECRETS)

    async def check(self, request: Request, config: Config) -> Response | Receive:
        """Returns the refusal of a request, or the channel from which the application reads the body."""
        web, token = config.settings.web, bearer_token(request)
        if web.metrics == "open":
            return request.receive
        if web.metrics_token is None:
            return refusal(request, 403, _(_NO_METRICS))
        try:
            if token is not None and await self._callers.checked(
                request, self._tokens, lambda: is_token(token, metrics_token(config)) or None
            ):
                return request.receive
        except ConfigError:
            return refusal(request, 503, _(_NO_METRICS_TOKEN))
        return refusal(request, 401, _(_METRICS_TOKEN))


async def answered(
    app: ASGIApp,
    answer: Callable[[Request], Awaitable[Response | Receive]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Sends the refusal that `answer` returns, or passes the request to `app` with the body channel that `answer`
    returns.
    """
    if scope["type"] == "http":
        request = Request(scope, receive)
        try:
            refused = await answer(request)
        except TooManyAttempts as many:
            refused = refused_attempt(request, many)
        except Overdue as overdue:
            await read_typed(request)
            refused = refusal(request, 503, str(overdue))
        except LedgerError:
            await read_typed(request)
            refused = refusal(request, 503, _(NO_LEDGER))
        if isinstance(refused, Response):
            await refused(scope, receive, send)
            return
        receive = refused
    await app(scope, receive, send)


async def no_role(request: Request, caller: Caller, visitor: Visitor, config: Config, key: DeploymentKey) -> Response:
    """The response to a visitor without a role. The page says whom to ask, and lets the visitor log out."""
    form_token = token_of_forms(await secret_of_forms(caller, key), visitor.name)
    data = {"visitor": visitor, "operators": config.settings.web.roles.operator, "form_token": form_token}
    return refusal(request, 403, _(_NO_ROLE), "no_role.html", **data)


def closed(request: Request) -> Response:
    """The response to everybody if no login is set and other machines can reach the pages."""
    status = 200 if request.scope["path"] == "/" and request.method in SAFE else 403
    return refusal(request, status, _(_CLOSED), "closed.html")
