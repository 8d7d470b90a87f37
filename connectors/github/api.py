"""Requests to GitHub's REST API.

They go through PyGithub's `Requester.requestJson` on a connection of ours, for three reasons found in PyGithub 2.10:
lists have no conditional requests, a 301 (a renamed repository) loses its query, and objects for 20,000 pulls take
1.6 GB. One client a thread: PyGithub keeps the request's verb and address on the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from connectors.github.rows import ROWS
from connectors.github.settings import GitHubSettings
from syncd.sdk import ConfigError, Context, RetryLater, SourceBroken, failure, network_failure, parse_link

if TYPE_CHECKING:
    from github import Github as Client

_PER_PAGE = 100
_REDIRECTS = 5


class NotThere(SourceBroken):
    """Nothing is there, or nothing that these credentials may see."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: its rows, None where the server says that they have not changed; the query of the next.

    `unlinked` says that the server links nothing at all.
    """

    rows: list[Any] | None
    etag: str | None
    next: dict[str, str] | None = None
    unlinked: bool = False

    @property
    def last(self) -> bool:
        """Whether no page is behind it."""
        return self.next is None and not (self.unlinked and len(self.rows or ()) >= _PER_PAGE)


class Api:
    """GitHub's lists, page by page, and single answers."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._context = context
        self._client = _client(settings, context.folder)
        self._connection = _connection(settings)

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()
        self._connection.close()

    def pages(self, path: str, query: Mapping[str, str], kind: str, etag: str | None) -> Iterator[Answer]:
        """A list's pages, as its links lead; one answer without rows where the first is as `etag` says.

        Of a link only its query is taken: behind a proxy or a replay its host is not ours. A full page from a server
        that links nothing may have another behind it, which is asked for by number.
        """
        asked: dict[str, str] = {**query, "per_page": str(_PER_PAGE)}
        seen: set[str] = set()
        while True:
            place = repr(sorted(asked.items()))
            if place in seen:
                raise SourceBroken(f"its pages go round in a circle (page {len(seen) + 1})")
            seen.add(place)
            answer = self._list(path, asked, kind, etag if len(seen) == 1 else None)
            yield answer
            if answer.next is not None:
                asked = {**asked, **answer.next}
            elif answer.unlinked and not answer.last:
                asked = {**asked, "page": str(len(seen) + 1)}
            else:
                return

    def _list(self, path: str, query: Mapping[str, str], kind: str, etag: str | None) -> Answer:
        def ask() -> Answer:
            status, headers, body = self._once(path, query, {"If-None-Match": etag} if etag else {})
            if status == 304 and etag is None:
                raise RetryLater("it says that nothing changed to one who never asked before")  # a cache in between
            if status == 304:
                return Answer(None, etag)
            try:
                rows = ROWS[kind].validate_json(body)
            except ValidationError as error:
                where = ".".join(str(part) for part in error.errors()[0]["loc"])
                said = f"its answer is not what GitHub documents: {where or 'the whole'}: {error.errors()[0]['msg']}"
                raise RetryLater(said) from None
            link = parse_link(headers.get("link", "")).get("next")
            following = {name: values[-1] for name, values in parse_qs(urlsplit(link).query).items()} if link else None
            return Answer(rows, headers.get("etag"), following, "link" not in headers)

        return self._context.retry.call(ask)

    def request(self, path: str, query: Mapping[str, str]) -> tuple[int, Mapping[str, str], str]:
        """The status, the headers by lower-case names and the body of an answer that is no failure."""
        return self._context.retry.call(lambda: self._once(path, query, {}))

    def _once(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], str]:
        import requests
        from github import GithubException

        try:
            status, answered, body = self._client.requester.requestJson(
                "GET", path, dict(query), dict(headers), cnx=self._connection
            )
        except requests.exceptions.RequestException as error:
            raise network_failure(error) from None
        except GithubException as error:  # the App's own request for a token
            raise failure(error.status, error.headers or {}, str(error.data), self._context.now()) from None
        named = {name.lower(): str(value) for name, value in answered.items()}
        if status in (404, 410):
            raise NotThere(str(failure(status, named, body, self._context.now())))
        if status != 304 and status >= 300:
            raise failure(status, named, body, self._context.now())
        return status, named, body


def _client(settings: GitHubSettings, folder: str) -> Client:
    from github import Auth, Github

    auth: Auth.Auth | None = None
    if settings.token is not None:
        auth = Auth.Token(settings.token.get_secret_value())
    elif settings.private_key is not None:
        key = settings.private_key
        if "-----BEGIN" not in key:
            try:
                key = (Path(folder) / key).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not text"
                raise ConfigError(f"private_key names {key}, which cannot be read: {why.lower()}") from None
        app = Auth.AppAuth(settings.app_id or "", key)
        auth = app.get_installation_auth(int(settings.installation_id or 0))
    return Github(
        base_url=settings.url,
        auth=auth,
        timeout=int(settings.timeout),
        retry=None,
        seconds_between_requests=None,
        per_page=_PER_PAGE,
        user_agent="syncd",
    )


def _connection(settings: GitHubSettings) -> Any:
    """PyGithub's connection, following redirects with their query.

    Only at our own address: behind a proxy or a replay, a renamed repository's new address names another host, and our
    token is for none but the one configured.
    """
    from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, RequestsResponse

    parts = urlsplit(settings.url)
    base: Any = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass

    class Following(base):  # type: ignore[misc]
        def getresponse(self) -> RequestsResponse:
            for _ in range(_REDIRECTS):
                answer = super().getresponse()
                location = {name.lower(): value for name, value in answer.getheaders()}.get("location")
                if answer.status not in (301, 302, 307, 308) or location is None:
                    return answer
                to = urlsplit(location)
                root = parts.path if to.hostname not in (None, parts.hostname) else ""
                self.url = f"{root}{to.path}" + (f"?{to.query}" if to.query else "")
            raise SourceBroken("it redirects in a circle")

    return Following(parts.hostname, parts.port, timeout=settings.timeout, retry=0)
