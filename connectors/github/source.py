"""An opened account: what is pulled of a stream, what is there of it, and whether all is well."""

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
_BY_CREATION = {"sort": "created", "direction": "asc"}  # a renamed one keeps its place


class GitHubSource:
    """An opened account."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._api = Api(settings, context)

    def verify(self, stream: Stream) -> None:
        """Every field that a measure may name is known without asking."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows that changed since the cursor; without one, all that were updated since the window's start.

        A cursor of another address says nothing of this one.
        """
        known: dict[str, Any] = dict(cursor or {})
        if known.get("url") != self._settings.url:
            known = {}
        for page in self._pages(stream, known):
            moved = None if page.cursor is None else {**page.cursor, "url": self._settings.url}
            yield replace(page, cursor=moved)

    def _pages(self, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        kind, repo = _parsed(stream)
        if not repo.endswith("/*"):
            yield from self._pull_one(kind, repo, stream, cursor)
            return
        # Every repository of an owner: the records of all in one stream, a cursor for each within the stream's.
        cursors: dict[str, Any] = dict(cursor.get("repos") or {})
        present: set[str] = set()
        for name in self._repositories(repo.removesuffix("/*")):
            # Releases are listed whole, and what any repository still has must be among what is present.
            known = cursors.get(name, {}) if kind != "releases" else {}
            for page in self._pull_one(kind, name, stream, known):
                present |= page.present or frozenset()
                if page.cursor is not None:
                    cursors[name] = page.cursor
                yield Page(page.records, cursor={"repos": dict(cursors)})
        if kind == "releases":
            yield Page(present=frozenset(present))

    def census(self, stream: Stream) -> Iterator[Page]:
        """Everything that was updated since the window's start: some edits, a label's new name say, bump no row."""
        kind, repo = _parsed(stream)
        for name in self._repositories(repo.removesuffix("/*")) if repo.endswith("/*") else [repo]:
            for page in self._pull_one(kind, name, stream, {}):
                yield Page(page.records, present=frozenset(record.id for record in page.records))

    def check(self) -> Iterator[Check]:
        """Reachable, authenticated, with which scopes, how much quota, whose clock."""
        headers: Mapping[str, str] = {}
        with suppress(NotThere):  # GitHub Enterprise without limits: it answers 404, and not 401
            _, headers, _ = self._api.request("/rate_limit", {})
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

    def _pull_one(self, kind: str, repo: str, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        if kind == "releases":
            return releases(self._api, repo, cursor)
        floor = stream.since or _EPOCH
        if cursor.get("mark"):
            mark = datetime.fromisoformat(cursor["mark"]) - OVERLAP
            # The last question again, where it reaches back far enough: unchanged, it is answered by 304.
            floor = max(floor, min(mark, datetime.fromisoformat(cursor.get("since", cursor["mark"]))))
        if kind == "issues":
            return IssuesWalk(self._api, repo, merges="pull request" in stream.needs).pages(floor, cursor)
        return PullsWalk(self._api, repo).pages(floor, cursor)

    def _repositories(self, owner: str) -> list[str]:
        """The full names of an owner's repositories, whether it is an organisation or a person."""
        try:
            return self._names(f"/orgs/{owner}/repos", {"type": "all"})
        except NotThere:
            return self._names(*self._of_a_person(owner))

    def _names(self, path: str, query: Mapping[str, str]) -> list[str]:
        names: set[str] = set()
        for reading in steady(self._api, path, {**query, **_BY_CREATION}, "repos"):
            names = {row.full_name for answer in reading for row in answer.rows or []}
        return sorted(names)

    def _of_a_person(self, owner: str) -> tuple[str, dict[str, str]]:
        """Where a person's repositories are listed: the private ones only to that person."""
        with suppress(SourceBroken):
            _, _, body = self._api.request("/user", {})
            if User.model_validate_json(body).login.lower() == owner.lower():
                return "/user/repos", {"affiliation": "owner"}
        return f"/users/{owner}/repos", {"type": "owner"}


def _parsed(stream: Stream) -> tuple[str, str]:
    kind, _, repo = stream.key.partition(" of ")
    return kind, repo
