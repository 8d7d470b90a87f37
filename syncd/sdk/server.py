"""Turns the failures of a server into errors whose sentences say what to do. All connectors use this module.

A client asks `Server` for the error for an answer. With `advice`, a client adds a next step that is special to its
vendor and is not in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from syncd.sdk.answers import Answer, failure
from syncd.sdk.connector import Context
from syncd.sdk.errors import RetryLater, SourceBroken, SourceError
from syncd.sdk.network import host, origin, proxy_of, server_of
from syncd.sdk.sentences import is_page, sentence, single_line, title
from syncd.sdk.web_settings import WebSettings

_LOGIN_PATH = re.compile(
    r"(^|[/_.-])(log[-_]?in|sign[-_]?in|sso|saml2?|adfs|idp|oauth2?|auth|authorize|authenticate|session/new|cas)([/_.;-]|$)",
    re.IGNORECASE,
)
_LOGIN_HOST = re.compile(r"^(login|signin|sso|idp|accounts?|auth|id)\.", re.IGNORECASE)
_LOGIN_QUERY = re.compile(
    r"(^|&)(SAMLRequest|return_to|os_destination|redirect_uri|RelayState|wtrealm)=", re.IGNORECASE
)
_LOGIN_TITLE = re.compile(r"\b(log|sign)(ging|ning)?[ -]?(in|on)\b|\bsingle sign|\bauthenticat", re.IGNORECASE)
_PASSWORD = re.compile(r"""<input\b[^>]*\btype\s*=\s*["']?password""", re.IGNORECASE)
_REDIRECTS = (301, 302, 303, 307, 308)
_PROXY_WANTS_A_LOGIN = 407


def nothing_special(answer: Answer) -> str:
    """The empty advice, for a vendor without special advice."""
    return ""


class Server:
    """The server of a connection. The methods return the errors for the server's answers.

    Errors name only the host of an address, because a path or a query may hold a key.
    """

    def __init__(
        self, settings: WebSettings, context: Context, advice: Callable[[Answer], str] = nothing_special
    ) -> None:
        """`advice` returns the next step after an answer, or ""."""
        self.url = settings.url
        self._proxy = settings.proxy
        self._context = context
        self._advice = advice

    def refusal(self, answer: Answer, asked: str | None = None) -> SourceError:
        """The error for an unsuccessful answer. `asked` is the requested address if that address is not below the
        url.
        """
        if (moved := self.redirect(answer, asked)) is not None:
            return moved
        error = failure(answer.status, answer.headers, answer.text, self._context.now(), self._context.hide)
        if answer.status == _PROXY_WANTS_A_LOGIN and (proxy := proxy_of(asked or self.url, self._proxy)) is not None:
            text = f"the proxy {host(proxy.address)} does not let through to {host(asked or self.url)} ({error})"
            return self._broken(text, answer)
        return self._advised(error, answer)

    def redirect(self, answer: Answer, asked: str | None = None) -> SourceBroken | None:
        """The error for a redirect that is not followed; None for any other answer."""
        if (ways := self._ways(answer, asked)) is None:
            return None
        ours, to = ways
        if _to_login(ours, to):
            there = "" if to.netloc == ours.netloc else f" at {origin(to)}"
            text = f"{origin(ours)} sends to a login page{there} in place of an answer; {_LOGIN_HINT}"
        elif _server(to) != _server(ours):
            text = f"{origin(ours)} has moved to {origin(to)}; if that is right, change the host in url"
        elif to.scheme != ours.scheme:
            text = f"{origin(ours)} sends to {origin(to)}; write {to.scheme}:// in url"
        else:
            path = to.path.removeprefix(urlsplit(self.url).path)  # the url's path may hold a key
            text = (
                f"{origin(ours)} redirects to {single_line(path, hide=self._context.hide) or '/'}; correct url or path"
            )
        return self._broken(f"{text} (HTTP {answer.status})", answer)

    def leads_away(self, answer: Answer, asked: str | None = None) -> SourceBroken | None:
        """The error for a redirect that no client may follow, because it leads to another server or to a login page;
        else None.
        """
        ways = self._ways(answer, asked)
        away = ways is not None and (_to_login(*ways) or server_of(ways[0]) != server_of(ways[1]))
        return self.redirect(answer, asked) if away else None

    def onward(self, answer: Answer, asked: str) -> str | None:
        """The address on this server to which a redirect leads. None if the redirect leads to a login page or another
        server, or if there is no redirect.

        The address keeps the scheme of the request, because a server behind a proxy may redirect from https to http.
        """
        ways = self._ways(answer, asked)
        if ways is None or _to_login(*ways) or _server(ways[0]) != _server(ways[1]):
            return None
        ours, to = ways
        return urlunsplit(to._replace(scheme=ours.scheme, netloc=ours.netloc))

    def sends_to_login(self, answer: Answer, asked: str | None = None) -> bool:
        """Whether an answer redirects to a login page. A request with such an answer had no effect."""
        ways = self._ways(answer, asked)
        return ways is not None and _to_login(*ways)

    def _ways(self, answer: Answer, asked: str | None) -> tuple[SplitResult, SplitResult] | None:
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not location:
            return None
        try:
            return urlsplit(asked or self.url), urlsplit(urljoin(asked or self.url, location))
        except ValueError:  # not an address
            return None

    def page(self, answer: Answer) -> SourceError | None:
        """The error for a 2xx answer that is a web page instead of the requested data; None if the answer is no web
        page.
        """
        if not is_page(answer.body[:4000].decode("utf-8", "replace")):
            return None
        name = title(answer.text, self._context.hide)
        shown = f" ({name!r})" if name else ""
        if is_login_page(answer.text):
            return self._broken(f"{origin(urlsplit(self.url))} answers with a login page{shown}; {_LOGIN_HINT}", answer)
        error = RetryLater(f"{origin(urlsplit(self.url))} answers with a web page{shown} in place of JSON")
        error.status = answer.status
        return self._advised(error, answer)

    def unreadable(self, answer: Answer) -> SourceError:
        """The error for an answer that should be JSON but is not."""
        text = sentence(answer.text, self._context.hide)
        return self.page(answer) or RetryLater("its answer is not JSON" + (f": {text}" if text else ""))

    def _broken(self, text: str, answer: Answer) -> SourceBroken:
        error = SourceBroken(text)
        error.status = answer.status
        advised = self._advised(error, answer)
        assert isinstance(advised, SourceBroken)
        return advised

    def _advised(self, error: SourceError, answer: Answer) -> SourceError:
        if advice := self._advice(answer):
            error.args = (f"{error}; {single_line(advice, 400, self._context.hide)}",)
        return error


_LOGIN_HINT = "url may lead past the API, or these credentials are not for it"


def answer_of(status: int, headers: Mapping[str, object], body: bytes | str) -> Answer:
    """An `Answer` made from the parts of a client library's answer."""
    named = {name.lower(): str(value) for name, value in headers.items()}
    return Answer(status, named, body.encode() if isinstance(body, str) else body)


def _to_login(ours: SplitResult, to: SplitResult) -> bool:
    return _is_login(to) and not _is_login(ours)


def _is_login(parts: SplitResult) -> bool:
    by_place = _LOGIN_PATH.search(parts.path) or _LOGIN_HOST.search(parts.hostname or "")
    return bool(by_place or _LOGIN_QUERY.search(parts.query))


def is_login_page(body: str) -> bool:
    """Whether a web page asks for a login."""
    return is_page(body) and bool(_PASSWORD.search(body[:200_000]) or _LOGIN_TITLE.search(title(body)))


def _server(parts: SplitResult) -> tuple[str | None, int]:
    """The host and port that identify the server of an address. A redirect from http to https stays on the same
    server.
    """
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.hostname, 443 if port in (None, 80, 443) else port
