"""The connection to GitHub: PyGithub's client adds credentials and headers, and syncd's own connection follows
redirects.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connectors.github.advice import advice
from connectors.github.settings import GitHubSettings
from syncd.sdk import ConfigError, Context, RetryLater, Server, SourceBroken, answer_of
from syncd.sdk.regular_files import read_regular

if TYPE_CHECKING:
    from github import Github

PER_PAGE = 100
_REDIRECTS = 5


class Client:
    """PyGithub's client and syncd's connection. Only one thread at a time may use it."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._connection = _connection(settings, context)
        self._library = _library(settings, context, self._connection)

    def ask(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], content: Any = None
    ) -> tuple[int, Mapping[str, Any], str]:
        """Sends a request with `content` as JSON. Returns the status, headers and body of any response, errors
        included.
        """
        self._connection.followed = False
        answer: tuple[int, Mapping[str, Any], str] = self._library.requester.requestJson(
            method, path, dict(query), dict(headers), content, cnx=self._connection
        )
        return answer

    @property
    def followed(self) -> bool:
        """Whether the last request was redirected, because its repository was renamed."""
        return bool(self._connection.followed)

    def close(self) -> None:
        """Closes the sockets."""
        self._library.close()
        self._connection.close()


def server(settings: GitHubSettings, context: Context) -> Server:
    """The server's name in error messages of this account, and the advice for its errors."""
    return Server(settings, context, partial(advice, settings.url))


def _library(settings: GitHubSettings, context: Context, connection: Any) -> Github:
    from github import Auth, Github
    from github.InstallationAuthorization import InstallationAuthorization

    ours = server(settings, context)

    class Installation(Auth.AppInstallationAuth):  # type: ignore[misc]
        """The installation of an App. Its token is also requested through syncd's connection."""

        def _get_installation_authorization(self) -> InstallationAuthorization:
            path = f"/app/installations/{self.installation_id}/access_tokens"
            body: dict[str, Any] = {"permissions": {}}
            answer = answer_of(*self.requester.requestJson("POST", path, input=body, cnx=connection))
            if not 200 <= answer.status < 300:
                raise ours.refusal(answer)
            token = answer.json()
            if not isinstance(token, dict) or not {"token", "expires_at"} <= token.keys():
                raise RetryLater("its answer to the request of a token is not what GitHub documents")
            return InstallationAuthorization(self.requester, answer.headers, token)

    auth: Auth.Auth | None = None
    if settings.token is not None:
        auth = Auth.Token(settings.token.get_secret_value())
    elif settings.private_key is not None:
        key = settings.private_key
        if "-----BEGIN" not in key:
            try:
                key = read_regular(Path(context.folder) / key).decode()
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not text"
                raise ConfigError(f"private_key names {key}, which cannot be read: {why.lower()}") from None
        _check_key(key)
        app = Auth.AppAuth(settings.app_id or "", key)
        auth = Installation(app, int(settings.installation_id or 0))
    return Github(
        base_url=settings.url,
        auth=auth,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
        per_page=PER_PAGE,
        user_agent="syncd",
    )


def _check_key(key: str) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):  # no private key, or an encrypted one
        raise ConfigError(
            "private_key holds no private key without a password; write the file that GitHub gave when the key was made"
        ) from None


def _connection(settings: GitHubSettings, context: Context) -> Any:
    """A connection class for PyGithub. The connection follows redirects, and keeps the query, method and content.

    The connection sends every request to the configured host, because the token is only for that host. Behind a proxy
    or a replay, the redirect for a renamed repository names another host. A redirect to the requested path on another
    host means that the whole API has moved. A redirect to a login page means that the address is not an API.
    """
    from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, RequestsResponse

    from syncd.sdk.requests_transport import send_through_exchange

    ours = server(settings, context)
    parts = urlsplit(settings.url)
    base: Any = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass

    class Following(base):  # type: ignore[misc]
        url: str
        followed = False

        def getresponse(self) -> RequestsResponse:
            for _ in range(_REDIRECTS):
                answer = super().getresponse()
                named = answer_of(answer.status, dict(answer.getheaders()), "")
                location = named.headers.get("location")
                if answer.status not in (301, 302, 307, 308) or location is None:
                    return answer
                to, path = urlsplit(location), urlsplit(self.url).path
                asked = f"{parts.scheme}://{parts.netloc}{path}"
                moves_all = to.path.rstrip("/") in ("", path.rstrip("/")) or ours.sends_to_login(named, asked)
                if moves_all and (moved := ours.redirect(named, asked)) is not None:
                    raise moved
                root = parts.path if to.hostname not in (None, parts.hostname) else ""
                self.url = f"{root}{to.path}" + (f"?{to.query}" if to.query else "")
                self.followed = True
            raise SourceBroken("it redirects in a circle")

    host = parts.hostname or ""
    connection = Following(f"[{host}]" if ":" in host else host, parts.port)
    send_through_exchange(connection.session, settings, context)
    return connection
