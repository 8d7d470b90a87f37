"""The pages to log in and to log out, and the page that is shown when a session is over."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from syncd.config import Config
from syncd.config.web_keys import OidcKeys
from syncd.ledger import LedgerError
from syncd.ledger.sessions import Session
from syncd.sdk.language import gettext as _
from syncd.web.addresses import counted_address
from syncd.web.attempts import Attempts, TooManyAttempts
from syncd.web.bodies import BodyRefused, form_fields, whole_body
from syncd.web.bounded import Bounded, Overdue
from syncd.web.credentials import SLOW_SECRETS, name_of_token
from syncd.web.daemon import Entrance
from syncd.web.deployment_key import DeploymentKey
from syncd.web.issuer import SECONDS, Issuer, begun_login
from syncd.web.origins import netloc_of, parts_of
from syncd.web.pages import render
from syncd.web.provider import CALLBACK, SILENT, LoginRefused
from syncd.web.refusals import SAFE, has_to_wait, refusal, refused_attempt, sentence_of
from syncd.web.session_cookie import (
    begin_session,
    cookie_name,
    delete_cookie,
    end_session,
    keep_session,
    login_by_issuer,
    login_by_token,
    set_cookie,
)

T = TypeVar("T")

log = logging.getLogger("syncd.web")

PUBLIC = frozenset({"/login", "/login/start", CALLBACK, "/logged-out"})
"""The pages for visitors who are not logged in."""

LOG_OUT = "/logout"

_COOKIE = "syncd-login"
_PURPOSE = "login"  # the purpose of the key that signs the login's cookie
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")


@dataclass(frozen=True, slots=True)
class WaysIn:
    """The ways to log in: the provider, and whether tokens are accepted."""

    oidc: OidcKeys | None
    has_tokens: bool


class LoginPages:
    """Logs people in, at a provider or with a token, and logs them out."""

    def __init__(
        self,
        entrance: Entrance,
        attempts: Attempts,
        key: DeploymentKey,
        others: Callable[[], Sequence[Config]] = tuple,
    ) -> None:
        """`others` are further configurations whose tokens are accepted here."""
        self._entrance = entrance
        self._others = others
        self._attempts = attempts
        self._key = key
        self._look_up = Bounded("login", threads=2, seconds=8, ledger=lambda: entrance.ledger).run
        self._tokens = Bounded("login-tokens", threads=2, seconds=8, sentence=SLOW_SECRETS)
        self._asking = Bounded("issuer", threads=4, seconds=28)
        self._issuer = Issuer()

    def routes(self) -> list[BaseRoute]:
        """The routes of these pages."""
        return [
            Route("/login", self.form),
            Route("/login", self.by_token, methods=["POST"]),
            Route("/login/start", self.at_issuer),
            Route(CALLBACK, self.from_issuer),
            Route(LOG_OUT, self.log_out, methods=["POST"]),
            Route("/logged-out", self.logged_out),
        ]

    async def form(self, request: Request) -> Response:
        """The page to log in at."""
        ways = self._ways()
        target = own_path(request.query_params.get("next", ""))
        if ways.has_tokens:
            return _login_page(ways, target)
        return RedirectResponse(_with_next("/login/start", target) if ways.oidc is not None else target, 303)

    async def at_issuer(self, request: Request) -> Response:
        """Sends the browser to the provider."""
        config, keys = self._entrance.config, self._ways().oidc
        if keys is None:
            raise HTTPException(404)
        target, key = own_path(request.query_params.get("next", "")), await self._key.of(_PURPOSE)
        try:
            address, cookie = await self._ask(lambda: self._issuer.begin(config, keys, target, key))
        except LoginRefused as refused:
            return self._not_let_in(request, refused)
        answer = RedirectResponse(address, 303)
        set_cookie(request, answer, config.settings.web, _COOKIE, cookie, SECONDS)
        return answer

    async def from_issuer(self, request: Request) -> Response:
        """Begins a session for the person whom the provider sends back."""
        config, keys = self._entrance.config, self._ways().oidc
        web = config.settings.web
        login = web.login
        if keys is None or login is None:
            raise HTTPException(404)
        cookie = request.cookies.get(cookie_name(web, _COOKIE), "")
        query = dict(request.query_params)
        key = await self._key.of(_PURPOSE)
        try:
            kept = await self._ask(lambda: begun_login(query, cookie, key))
        except LoginRefused as refused:  # not counted as an attempt, because a page of another site can cause it
            return self._not_let_in(request, refused)
        try:
            attempt = self._attempts.begin(counted_address(request, web))
        except TooManyAttempts as many:
            return refused_attempt(request, many)
        try:
            person = await self._ask(lambda: self._issuer.end(config, keys, query, kept))
        except LoginRefused as refused:
            if refused.status >= 500:  # the visitor did nothing wrong
                attempt.take_back()
            return self._not_let_in(request, refused)
        attempt.take_back()
        session = Session(person.name, str(login_by_issuer(login)), person.names, person.groups)
        answer = await self.welcome(request, config, lambda _secret: session, person.target)
        if answer.status_code == 303:  # else another site could end a login that a browser has begun
            delete_cookie(request, answer, web, _COOKIE)
        return answer

    async def _ask(self, work: Callable[[], T]) -> T:
        try:
            return await self._asking.run(work)
        except Overdue:
            raise LoginRefused(_(SILENT), "the login provider is silent", 502) from None

    def _not_let_in(self, request: Request, refused: LoginRefused) -> Response:
        log.warning("login refused", extra={"reason": refused.reason})
        return refusal(request, refused.status, str(refused), "refused.html", again="/login")

    async def by_token(self, request: Request) -> Response:
        """Begins a session for whoever sends one of the tokens."""
        config, ways = self._entrance.config, self._ways()
        if "origin" not in request.headers:
            return refusal(request, 403, _("log in on the page of syncd"))
        try:
            fields = form_fields(await whole_body(request))
        except BodyRefused as refused:
            return refusal(request, refused.status, str(refused))
        target, token = own_path(fields.get("next", "")), fields.get("token", "").strip()
        try:
            attempt = self._attempts.begin(counted_address(request, config.settings.web))
        except TooManyAttempts as many:
            return has_to_wait(_login_page(ways, target, sentence_of(many), 429), many)
        try:
            name = await self._tokens.run(lambda: self._name_of(token))
        except Overdue as overdue:
            attempt.take_back()
            return _login_page(ways, target, str(overdue), 503)
        if name is None:
            return _login_page(ways, target, _("no token of syncd is equal to this one"), 403)
        attempt.take_back()
        return await self.welcome(request, config, lambda secret: Session(name, login_by_token(token, secret)), target)

    async def welcome(
        self, request: Request, config: Config, session_of: Callable[[str], Session], target: str
    ) -> Response:
        """Begins the session that `session_of` makes with a new secret, and shows the requested page."""
        try:
            secret = await self._look_up(lambda: begin_session(request, config, self._entrance.ledger, session_of))
        except (LedgerError, Overdue) as error:
            log.error("session not kept", extra={"reason": str(error)})
            return refusal(
                request, 503, _("nobody can log in now: the ledger does not answer, or no sync has made it yet")
            )
        answer = RedirectResponse(target, 303)
        keep_session(request, answer, config.settings.web, secret)
        return answer

    async def log_out(self, request: Request) -> Response:
        """Ends the session, in every process at once."""
        answer = RedirectResponse("/logged-out", 303)
        web = self._entrance.config.settings.web
        await self._look_up(lambda: end_session(request, answer, web, self._entrance.ledger))
        return answer

    async def logged_out(self, request: Request) -> Response:
        """The page after logging out."""
        self._ways()
        return HTMLResponse(render("logged_out.html"))

    def _ways(self) -> WaysIn:
        """The ways to log in. HTTPException 404 if there is none."""
        logins = [config.settings.web.login for config in (self._entrance.config, *self._others())]
        if not any(logins):
            raise HTTPException(404)
        oidc = logins[0].oidc if logins[0] is not None else None
        return WaysIn(oidc, any(login.tokens for login in logins if login is not None))

    def _name_of(self, token: str) -> str | None:
        """The name of a token in the first configuration that has the token; None if no configuration has it."""
        names = (name_of_token(config, token) for config in (self._entrance.config, *self._others()))
        return next((name for name in names if name is not None), None)


def session_over(request: Request) -> Response:
    """The page that is shown when a session is over. Its login leads back to the previous page."""
    return refusal(
        request, 401, _("your session is over; log in again"), "session_over.html", login=login_address(request)
    )


def sent_to_login(request: Request) -> Response:
    """Sends a browser without a session to the login page, from which it returns after the login."""
    return RedirectResponse(login_address(request), 303)


def own_path(text: str) -> str:
    """The text itself if it is a path on this service; `/` for any other text, such as the address of another site."""
    return text if _OWN_PATH.fullmatch(text) else "/"


def login_address(request: Request) -> str:
    """The address of the login page, with the page to return to: the requested page, or the page that sent a form."""
    if request.method in SAFE:
        path, query = quote(request.scope["path"]), request.scope["query_string"].decode("latin-1")
    else:
        referer = request.headers.get("referer", "")
        parts, host = parts_of(referer), request.headers.get("host", "")
        if parts is None or netloc_of(referer) != host.lower():
            return "/login"
        path, query = parts.path, parts.query
    return _with_next("/login", own_path(f"{path}?{query}" if query else path))


def _with_next(path: str, target: str) -> str:
    return f"{path}?{urlencode({'next': target})}" if target != "/" else path


def _login_page(ways: WaysIn, target: str, sentence: str = "", status: int = 200) -> Response:
    page = render("login.html", ways=ways, target=target, start=_with_next("/login/start", target), sentence=sentence)
    return HTMLResponse(page, status_code=status)
