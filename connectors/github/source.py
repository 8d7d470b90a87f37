"""The walks over GitHub's lists.

Each goes on from the newest update that the last one met, less an overlap; a list that has not changed answers 304,
which costs no quota.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors.github.api import Answer, Api, NotThere
from connectors.github.rows import User
from connectors.github.settings import GitHubSettings
from syncd.sdk import Check, Context, Json, Page, Record, SourceBroken, Stream, quota_and_clock

_QUERIES: Mapping[str, Mapping[str, str]] = {
    "pulls": {"state": "all", "sort": "updated", "direction": "desc"},
    "issues": {"state": "all", "sort": "updated", "direction": "asc"},
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_OVERLAP = timedelta(minutes=2)  # equal timestamps and servers that disagree on the time
_HEAD_READS = 5  # a list whose head moves faster than this is read is left to the next cycle


class GitHubSource:
    """An opened account."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._api = Api(settings, context)

    def verify(self, stream: Stream) -> None:
        """Every field that a measure may name is known without asking."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows that changed since the cursor; without one, all that were updated since the window's start."""
        kind, repo = _parsed(stream)
        if not repo.endswith("/*"):
            yield from self._pull_one(kind, repo, stream, dict(cursor or {}))
            return
        # Every repository of an owner: the records of all in one stream, a cursor for each within the stream's.
        cursors: dict[str, Any] = dict((cursor or {}).get("repos") or {})  # type: ignore[arg-type]
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

    def census(self, stream: Stream) -> Iterator[Collection[str]]:
        """The ids of everything that was updated since the window's start."""
        kind, repo = _parsed(stream)
        for name in self._repositories(repo.removesuffix("/*")) if repo.endswith("/*") else [repo]:
            for page in self._pull_one(kind, name, stream, {}):
                yield [record.id for record in page.records]

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
            wide = sorted({"admin:org", "delete_repo", "repo", "workflow"} & set(re.split(r",\s*", scopes)))
            advice = f"; pulling needs to read only, not {', '.join(wide)}" if wide else ""
            yield Check("least scopes", not wide, scopes + advice)
        yield from quota_and_clock(headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._api.close()

    def _pull_one(self, kind: str, repo: str, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        if kind == "releases":
            return self._releases(repo, cursor)
        floor = stream.since or _EPOCH
        if cursor.get("mark"):
            mark = datetime.fromisoformat(cursor["mark"]) - _OVERLAP
            # The last question again, where it reaches back far enough: unchanged, it is answered by 304.
            floor = max(floor, min(mark, datetime.fromisoformat(cursor.get("since", cursor["mark"]))))
        return self._issues(repo, floor, cursor) if kind == "issues" else self._pulls(repo, floor, cursor)

    def _issues(self, repo: str, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """From the oldest update on, each page asked for by the last update of the one before.

        No page is asked for by number, so nothing can slip over its edge: a bumped row is met again at the end, and one
        that leaves takes no other with it. Each page moves the mark: a walk that breaks off goes on from there.
        """
        mark = since = floor
        while True:
            asked = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            etag = cursor.get("etag") if cursor.get("since") == asked else None
            moved = False
            for answer in self._api.pages(
                f"/repos/{repo}/issues", {**_QUERIES["issues"], "since": asked}, "issues", etag
            ):
                if answer.rows is None:
                    return
                in_order = _ascends(answer.rows, since)
                if in_order:
                    mark = max([mark, *(row.updated_at for row in answer.rows[-1:])])
                # The etag is of this very question, and says that nothing is new where its answer is all there is.
                known = {"mark": mark.isoformat()}
                if answer.last:
                    known |= {"since": asked, "etag": answer.etag or ""}
                yield Page(_records(repo, answer.rows), cursor=known if in_order else None)
                # A second earlier: some servers leave out what was updated at `since` itself.
                if not answer.last and in_order and mark - _SECOND >= since + _SECOND:
                    since, moved = mark - _SECOND, True
                    break
            if not moved:
                return

    def _pulls(self, repo: str, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """From the newest update down to the floor, then the head again until it is still: /pulls knows no `since`.

        What is bumped while pages are read stands at the head. Open pulls are listed too: with closed ones alone, one
        that is reopened would leave the list and hide another behind a page's edge. The mark moves at the end.
        """
        etag, top = cursor.get("etag"), None
        for read in range(_HEAD_READS):
            pages, before = 0, top
            for answer in self._down(repo, floor, etag):
                if answer.rows is None:
                    break
                if pages == 0:
                    etag, top = answer.etag, max((row.updated_at for row in answer.rows), default=top)
                pages += 1
                yield Page(_records(repo, answer.rows))
            if pages == 0 and read == 0:
                return
            if pages == 0 or top is None or (read == 0 and pages == 1) or top == before:
                break
            floor = top - _OVERLAP
        yield Page(cursor={"mark": top.isoformat() if top else cursor.get("mark"), "etag": etag})

    def _down(self, repo: str, floor: datetime, etag: str | None) -> Iterator[Answer]:
        """The pages that may hold pulls newer than the floor.

        A server that does not sort as asked is walked to the end: stopping early would miss rows.
        """
        last: datetime | None = None
        in_order = True
        for answer in self._api.pages(f"/repos/{repo}/pulls", _QUERIES["pulls"], "pulls", etag):
            yield answer
            for row in answer.rows or []:
                in_order = in_order and (last is None or row.updated_at <= last)
                last = row.updated_at
            if in_order and last is not None and last < floor:
                return

    def _releases(self, repo: str, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """All of them: the list has no order by update, and an old one may be published, edited or deleted.

        Only a list of one page can say by its ETag that nothing changed.
        """
        present: set[str] = set()
        etags: list[str | None] = []
        for answer in self._api.pages(f"/repos/{repo}/releases", {}, "releases", cursor.get("etag")):
            if answer.rows is None:
                return
            records = _records(repo, answer.rows)
            present |= {record.id for record in records}
            etags.append(answer.etag)
            yield Page(records)
        yield Page(cursor={"etag": etags[0] if len(etags) == 1 else None}, present=frozenset(present))

    def _repositories(self, owner: str) -> list[str]:
        """The full names of an owner's repositories, whether it is an organisation or a person."""
        try:
            answers = list(self._api.pages(f"/orgs/{owner}/repos", {"type": "all"}, "repos", None))
        except NotThere:
            answers = list(self._api.pages(*self._of_a_person(owner), "repos", None))
        return sorted(row.full_name for answer in answers for row in answer.rows or [])

    def _of_a_person(self, owner: str) -> tuple[str, dict[str, str]]:
        """Where a person's repositories are listed: the private ones only to that person."""
        with suppress(SourceBroken):
            _, _, body = self._api.request("/user", {})
            if User.model_validate_json(body).login.lower() == owner.lower():
                return "/user/repos", {"affiliation": "owner"}
        return f"/users/{owner}/repos", {"type": "owner"}


def _ascends(rows: list[Any], since: datetime) -> bool:
    """Whether rows go up in time from `since` on: whether the server honours both the order and `since`."""
    times = [since - _SECOND, *(row.updated_at for row in rows)]
    return all(before <= after for before, after in pairwise(times))


def _records(repo: str, rows: list[Any]) -> list[Record]:
    return [row.record(repo) for row in rows if row.wanted]


def _parsed(stream: Stream) -> tuple[str, str]:
    kind, _, repo = stream.key.partition(" of ")
    return kind, repo
