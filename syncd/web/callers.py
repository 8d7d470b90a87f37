"""Finds the caller of a request, which is the person or program that sent it, by the logins of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from syncd.config import Config
from syncd.config.web_keys import LoginKeys, WebKeys
from syncd.ledger import Ledger
from syncd.ledger.sessions import Session
from syncd.sdk import SyncdError
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.addresses import counted_address
from syncd.web.attempts import Attempts, TooManyAttempts
from syncd.web.bounded import Bounded
from syncd.web.credentials import SLOW_SECRETS, bearer_token, name_of_token
from syncd.web.daemon import Entrance
from syncd.web.deployment_key import DeploymentKey
from syncd.web.forms import check_form, token_of_forms
from syncd.web.login import login_address, sent_to_login, session_over
from syncd.web.places import place_of
from syncd.web.proxied import Proxied, proxied
from syncd.web.refusals import SAFE, refusal, refused_attempt
from syncd.web.session_cookie import live_session, local_session, session_secret
from syncd.web.typed import read_typed
from syncd.web.visitors import Visitor, admit, visitor_by_roles

T = TypeVar("T")

NO_LEDGER = marked("who you are cannot be looked up, because the ledger does not answer; try again in a minute")
_WRONG_TOKEN = marked("no token of web.login.tokens in syncd.yaml is equal to this one")
_NO_LOCAL_TOKEN = marked("this token is not, or no longer, one that `syncd token` made; make another")
_LOG_IN = marked("log in first; a program sends Authorization: Bearer with a token of web.login.tokens")


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or program that sent a request, identified by a login. `secret` is the secret of their session; None
    without a session. `checked` is true if no page of another site can have made the request.
    """

    session: Session
    secret: bytes | None = None
    checked: bool = False

    def visitor(self, web: WebKeys) -> Visitor:
        """The caller as a visitor, with the role that a configuration gives them."""
        session = self.session
        return visitor_by_roles(
            session.name, web, also=session.also, groups=frozenset(session.groups), has_session=self.secret is not None
        )


class Callers:
    """Finds the caller of a request.

    Each wrong token counts as a failed login attempt of the request's address.
    """

    def __init__(self, entrance: Entrance, attempts: Attempts) -> None:
        """`entrance` has the configuration and the ledger of the logins."""
        self._entrance = entrance
        self._attempts = attempts
        # Sessions are in the ledger, secrets may be in files. If one of them is silent, it does not delay the other.
        self._sessions = Bounded("door", threads=4, seconds=5, sentence=NO_LEDGER, ledger=lambda: entrance.ledger)
        self._tokens = Bounded("tokens", threads=2, seconds=5, sentence=SLOW_SECRETS)

    async def logged_in(self, request: Request, config: Config, login: LoginKeys) -> Caller | Response:
        """Returns the caller, identified by the `login` keys of a configuration; or the response to a caller who has
        not logged in.

        Raises LedgerError, Overdue.
        """
        token = bearer_token(request)
        many: TooManyAttempts | None = None
        if token is not None:
            try:
                name = await self.checked(request, self._tokens, lambda: name_of_token(config, token))
            except TooManyAttempts as error:  # other logins still work
                name, many = None, error
            if name is not None:
                return Caller(Session(name, ""), checked=True)
        person = proxied(request, login.proxy) if login.proxy is not None else None
        if isinstance(person, Proxied):
            return Caller(Session(person.name, "", groups=person.groups))
        secret = session_secret(request, self._entrance.config.settings.web)
        if secret is None:
            if many is not None:
                return refused_attempt(request, many)
            if person is not None:
                return refusal(request, 403, person, again=login_address(request) if login.tokens else None)
            asks_for_page = token is None and "text/html" in request.headers.get("accept", "")
            if asks_for_page and request.method in SAFE:
                return sent_to_login(request)
            await read_typed(request)
            return refusal(request, 401, _(_LOG_IN if token is None else _WRONG_TOKEN))
        session = await self._sessions.run(lambda: live_session(secret, config, self._entrance.ledger))
        if session is None:
            await read_typed(request)
            return session_over(request)
        return Caller(session, secret.encode())

    async def on_this_machine(
        self, request: Request, everybody: Visitor, ledger: Callable[[], Ledger | None]
    ) -> Caller | Response:
        """Returns the caller if no login is configured; or a refusal of a token that `syncd token` did not make.

        With a token of `syncd token`, a program can change data without a form token. `ledger` returns the ledger that
        stores the tokens of `syncd token`.
        """
        token = bearer_token(request)
        if token is None or request.method in SAFE:
            return Caller(Session(everybody.name, ""))
        session = await self.checked(request, self._sessions, lambda: local_session(token, ledger()))
        if session is None:
            return refusal(request, 401, _(_NO_LOCAL_TOKEN))
        return Caller(Session(session.name, ""), checked=True)

    async def checked(self, request: Request, bounded: Bounded, check: Callable[[], T | None]) -> T | None:
        """Checks the request's token, and returns the result. A result of None counts as a failed attempt. Raises
        TooManyAttempts, Overdue.
        """
        address = counted_address(request, self._entrance.config.settings.web)
        attempt = self._attempts.begin(address, bearer_token(request))
        try:
            result = await bounded.run(check)
        except SyncdError:
            attempt.take_back()
            raise
        if result is not None:
            attempt.take_back()
        return result


async def let_in(request: Request, caller: Caller, visitor: Visitor, key: DeploymentKey) -> Response | Receive:
    """Stores the visitor in the request, and returns the channel from which the application reads the body. Returns a
    refusal if the request changes data and no page of its project or workspace sent it.
    """
    form_token = token_of_forms(await secret_of_forms(caller, key), visitor.name, place_of(request.scope).root)
    admit(request.scope, visitor, form_token)
    if caller.checked or request.method in SAFE:
        return request.receive
    return await check_form(request, form_token)


async def secret_of_forms(caller: Caller, key: DeploymentKey) -> bytes:
    """The secret from which the caller's form token is made: the session's secret, else the key of the deployment."""
    return await key.of("forms") if caller.secret is None else caller.secret
