"""An opened GitHub account: pulls, censuses and checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors.github.api import Api, NotThere
from connectors.github.issues_walk import IssuesWalk
from connectors.github.pulls_walk import PullsWalk
from connectors.github.rows import User
from connectors.github.settings import GitHubSettings
from connectors.github.walks import OVERLAP, releases, steady
from syncd.sdk import Check, Context, Json, Page, SourceBroken, Stream, quota_and_clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BY_CREATION = {"sort": "created", "direction": "asc"}  # a renamed repository keeps its place


class GitHubSource:
    """Reads repositories through an opened account."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._api = Api(settings, context)

    def verify(self, stream: Stream) -> None:
        """Makes no request: GitHub's fields are fixed, and checked with the configuration."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows that changed since the cursor; without a cursor, those updated since the stream's `since`.

        A cursor from another address does not count.
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
            yield from self._repository_pages(kind, repo, stream, cursor)
            return
        # All repositories of an owner are one stream, whose cursor holds a cursor for each repository.
        cursors: dict[str, Any] = dict(cursor.get("repos") or {})
        present: set[str] = set()
        for name in self._repositories(repo.removesuffix("/*")):
            # Releases are always listed in full: `present` must hold those of every repository.
            start = cursors.get(name, {}) if kind != "releases" else {}
            for page in self._repository_pages(kind, name, stream, start):
                present |= page.present or frozenset()
                if page.cursor is not None:
                    cursors[name] = page.cursor
                yield Page(page.records, cursor={"repos": dict(cursors)})
        if kind == "releases":
            yield Page(present=frozenset(present))

    def census(self, stream: Stream) -> Iterator[Page]:
        """All rows updated since the stream's `since`. The rows are complete, because some edits do not count as an
        update.

        An example is the new name of a label.
        """
        kind, repo = _parsed(stream)
        for name in self._repositories(repo.removesuffix("/*")) if repo.endswith("/*") else [repo]:
            for page in self._repository_pages(kind, name, stream, {}):
                yield Page(page.records, present=frozenset(record.id for record in page.records))

    def check(self) -> Iterator[Check]:
        """Reachable, authenticated, scopes, quota and clock."""
        headers: Mapping[str, str] = {}
        try:
            _, headers, _ = self._api.request("/rate_limit", {})
        except NotThere as error:
            if "rate limit" not in error.message.lower():  # as GitHub Enterprise answers if it has none
                raise
        yield Check("reachable", True, self._settings.url)
        if self._settings.token is None and self._settings.app_id is None:
            yield Check("authenticated", False, "no token: public repositories only, 60 requests an hour")
        else:
            yield Check("authenticated", True, "the credentials are accepted")
        if scopes := headers.get("x-oauth-scopes"):
            too_wide = {"admin:org", "delete_repo", "workflow"} | (set() if self._context.writes else {"repo"})
            wide = sorted(too_wide & set(re.split(r",\s*", scopes)))
            needs = "check-ins need to write issues" if self._context.writes else "pulling needs to read"
            advice = f"; {needs} only, not {', '.join(wide)}" if wide else ""
            yield Check("least scopes", not wide, scopes + advice)
        yield from quota_and_clock(headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._api.close()

    def _repository_pages(self, kind: str, repo: str, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        if kind == "releases":
            return releases(self._api, repo, cursor)
        floor = stream.since or _EPOCH
        if cursor.get("mark"):
            mark = datetime.fromisoformat(cursor["mark"]) - OVERLAP
            # Repeat the last request if it reaches back far enough: GitHub answers 304 if nothing changed.
            floor = max(floor, min(mark, datetime.fromisoformat(cursor.get("since", cursor["mark"]))))
        if kind == "issues":
            return IssuesWalk(self._api, repo, merges="pull request" in stream.needs).pages(floor, cursor)
        return PullsWalk(self._api, repo).pages(floor, cursor)

    def _repositories(self, owner: str) -> list[str]:
        """The full names of the repositories of an organization or a person."""
        try:
            return self._names(f"/orgs/{owner}/repos", {"type": "all"})
        except NotThere:
            return self._names(*self._personal_list(owner))

    def _names(self, path: str, query: Mapping[str, str]) -> list[str]:
        names: set[str] = set()
        for reading in steady(self._api, path, {**query, **_BY_CREATION}, "repos"):
            names = {row.full_name for answer in reading for row in answer.rows or []}
        return sorted(names)

    def _personal_list(self, owner: str) -> tuple[str, dict[str, str]]:
        """The path and query that list a person's repositories. Only that person sees the private ones."""
        with suppress(SourceBroken):
            _, _, body = self._api.request("/user", {})
            if User.model_validate_json(body).login.lower() == owner.lower():
                return "/user/repos", {"affiliation": "owner"}
        return f"/users/{owner}/repos", {"type": "owner"}


def _parsed(stream: Stream) -> tuple[str, str]:
    kind, _, repo = stream.key.partition(" of ")
    return kind, repo
