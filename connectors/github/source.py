"""Pulls, takes censuses and makes checks through an opened GitHub account."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.github.api import Api, NotThere, Refused
from connectors.github.reader import Reader
from connectors.github.repositories import Owned, Repositories
from connectors.github.rows import Repository
from connectors.github.settings import FINISHED, GitHubSettings
from syncd.sdk import Check, Context, Json, Lists, Page, RetryLater, SourceBroken, Stream, quota_and_clock

_LISTED_WHOLE = frozenset({"releases", "tags"})
_OF_UPDATES = frozenset({"pulls", "issues", "releases", "tags"})
"""The lists whose cursors stay valid after a census. For the other lists, a census reads past rows again, and the next
pull continues from the end of the census.
"""


class GitHubSource:
    """Reads repositories through an opened account."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._api = Api(settings, context)
        self._repositories = Repositories(self._api, settings)
        self._reader = Reader(self._api, self._repositories)
        self._recounted: dict[tuple[str, str], Mapping[str, Json]] = {}
        self._left: dict[str, set[str]] = {}

    def verify(self, stream: Stream) -> None:
        """Does nothing: GitHub's fields are fixed, and syncd checks them when it reads the configuration."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows that changed since the cursor; without a cursor, the rows updated since the stream's `since`.

        A cursor from another address is ignored.
        """
        start: dict[str, Any] = dict(cursor or {})
        if start.get("url") != self._settings.url:
            start = {}
        for page in self._pages(stream, start):
            moved = None if page.cursor is None else {**page.cursor, "url": self._settings.url}
            yield replace(page, cursor=moved)

    def _pages(self, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        kind, repo = _parsed(stream)
        if not repo.endswith("/*"):
            repository = Repository(full_name=repo)
            recounted = self._recounted.pop((stream.key, repository.key), None)
            if recounted is not None:
                yield Page(cursor=recounted)
            yield from self._reader.pages(kind, repository, stream, recounted or cursor)
            return
        # All repositories of an owner are one stream, whose cursor holds a cursor for each repository.
        owned = self._owned(repo, stream)
        cursors = {name.lower(): start for name, start in dict(cursor.get("repos") or {}).items()}
        stored = dict(cursors)
        cursors |= {new: cursors.pop(old) for old, new in owned.lists.renamed.items() if old in cursors}
        # When the records of a repository are removed, its cursor is removed too. If it comes back, all of it is read.
        left = self._left.pop(stream.key, set())
        cursors = {name: start for name, start in cursors.items() if name in owned.names and name not in left}
        yield Page(cursor={"repos": dict(cursors)} if cursors != stored else None, lists=owned.lists)
        present: set[str] = set()
        unread = dict(owned.lists.unread)

        def read(repository: Repository) -> Iterator[Page]:
            recounted = self._recounted.pop((stream.key, repository.key), None)
            if recounted is not None:
                cursors[repository.key] = recounted
                yield Page(cursor={"repos": dict(cursors)})
            # `present` must hold the records of every repository.
            start = cursors.get(repository.key, {}) if kind not in _LISTED_WHOLE else {}
            for page in self._reader.pages(kind, repository, stream, start):
                present.update(page.present or ())
                if page.cursor is not None:
                    cursors[repository.key] = page.cursor
                yield replace(page, present=None, cursor={"repos": dict(cursors)})

        yield from _each(owned.read, read, unread)
        if kind in _LISTED_WHOLE:
            yield Page(present=frozenset(present), lists=Lists(unread=unread))

    def census(self, stream: Stream) -> Iterator[Page]:
        """All rows updated since the stream's `since`. Reads complete rows, because some edits, such as the new name of
        a label, do not count as an update.
        """
        kind, repo = _parsed(stream)
        self._reader.forget_sizes(stream)
        if kind in ("deployments", FINISHED):
            self._reader.forget_outcomes()

        def read(repository: Repository) -> Iterator[Page]:
            last: Mapping[str, Json] | None = None
            for page in self._reader.pages(kind, repository, stream, {}):
                last = page.cursor or last
                ids = frozenset(record.id for record in page.records)
                yield Page(page.records, present=ids, lists=page.lists)
            if last is not None and kind not in _OF_UPDATES:
                self._recounted[(stream.key, repository.key)] = last

        if not repo.endswith("/*"):
            yield from read(Repository(full_name=repo))
            return
        owned = self._owned(repo, stream)
        yield Page(lists=owned.lists)
        yield from _each(owned.read, read, {})

    def _owned(self, repo: str, stream: Stream) -> Owned:
        memory = self._reader.memory(stream)
        owned = self._repositories.of(repo.removesuffix("/*"), memory.get("repositories") or {})
        self._left.setdefault(stream.key, set()).update(owned.lists.left)
        if owned.names == memory.get("repositories"):
            return owned
        memory["repositories"] = dict(owned.names)
        return replace(owned, lists=replace(owned.lists, memory=dict(memory)))

    def check(self) -> Iterator[Check]:
        """Checks whether GitHub is reachable and accepts the credentials. Also checks the scopes, the quota and the
        clock.
        """
        headers: Mapping[str, str] = {}
        try:
            _, headers, _ = self._api.request("/rate_limit", {})
        except NotThere as error:
            if "rate limit" not in error.message.lower():  # the answer of GitHub Enterprise without rate limits
                raise
        yield Check("reachable", True, self._settings.url)
        if self._settings.token is None and self._settings.app_id is None:
            yield Check("authenticated", False, "no token: public repositories only, 60 requests an hour")
        else:
            yield Check("authenticated", True, "the credentials are accepted")
        if scopes := headers.get("x-oauth-scopes"):
            too_wide = {"admin:org", "delete_repo", "workflow"} | (set() if self._context.writes else {"repo"})
            granted = set(re.split(r",\s*", scopes))
            wide = sorted(too_wide & granted)
            needs = "check-ins need to write issues" if self._context.writes else "pulling needs to read"
            advice = f"; {needs} only, not {', '.join(wide)}" if wide else ""
            yield Check("least scopes", not wide, scopes + advice)
            if self._context.writes and not granted & {"repo", "public_repo"}:
                lacking = "the token has neither repo nor public_repo; check-ins need one of them to write to issues"
                yield Check("writes", False, lacking)
        yield from quota_and_clock(headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._api.close()


def _each(
    repositories: Sequence[Repository], read: Callable[[Repository], Iterator[Page]], unread: dict[str, str]
) -> Iterator[Page]:
    """The pages of each repository. A repository that cannot be read is added to `unread` with the reason; the other
    repositories are still read.

    A limit, refused credentials, or failures for two repositories in a row end the reading for all repositories.
    """
    failed = False
    for repository in repositories:
        try:
            yield from read(repository)
            failed = False
        except RetryLater as error:
            if failed or error.after is not None:
                raise
            failed, unread[repository.key] = True, str(error)
            yield Page(lists=Lists(unread={repository.key: unread[repository.key]}))
        except SourceBroken as error:
            if isinstance(error, Refused) and error.status == 401:
                raise
            name = repository.key.partition("/")[2]
            unread[repository.key] = f"{error}; if it is not to count, write `exclude: [{name}]` on the connection"
            yield Page(lists=Lists(unread={repository.key: unread[repository.key]}))


def _parsed(stream: Stream) -> tuple[str, str]:
    kind, _, repo = stream.key.rpartition(" of ")  # an environment may have any name
    return kind, repo
