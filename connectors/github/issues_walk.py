"""Reads a repository's issues and pull requests together from /issues, from the oldest update to the newest."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.rows import Issue
from connectors.github.walks import OVERLAP, READS, records_of, resumable
from syncd.sdk import Page, RetryLater, SourceBroken

_SECOND = timedelta(seconds=1)
_QUERY = {"state": "all", "sort": "updated", "direction": "asc"}
_LONG = 4  # a list of this many pages or more is read several pages at once


class MergesUntold(SourceBroken):
    """The server's list of issues does not show merges, as in old versions of GitHub Enterprise."""


class IssuesWalk:
    """Reads the list from the oldest update on. Requests each page from the time of the last update on the page before.

    Pages are requested by time, not by number, so no row can be missed between two pages. An updated row comes again at
    the end. A row that leaves the list does not make the walk miss other rows. Pages are requested by number only if
    more than a page of rows share a second; then they are read again until they do not change. Each page moves the
    mark, from which an interrupted walk continues.

    A long list is first read by page number, several pages at once. If a row is updated or deleted meanwhile, all later
    rows move up by one place; new or updated rows come at the end of the list. syncd therefore reads the last page
    first, and again at the end. If an old row of that page is still unchanged and in the same place, no row before it
    was missed. Otherwise syncd reads the list by time, as above.

    An issue that is transferred to the repository keeps its age and gets the next number. An issue came from another
    repository if it was created before an earlier walk and its number is above all numbers of that walk.
    """

    def __init__(self, api: Api, repo: str, *, needs: Collection[str], since: datetime | None) -> None:
        """`needs` and `since` come from the stream."""
        self._api = api
        self._repo = repo
        self._needs = needs
        self._since = since
        self._path = f"/repos/{repo}/issues"
        self._top = 0
        self._began: datetime | None = None
        self._former: tuple[int, datetime] | None = None

    def pages(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """The pages from the floor on.

        The cursor has the `mark`, `since` and `etag` of the last request, and `walk`, the place where a long walk
        stopped. The cursor also has `top`, the highest number that any walk saw, and the time at which the last
        complete walk `began`.
        """
        self._top = cursor.get("top", 0)
        began = cursor.get("began")
        self._former = (self._top, datetime.fromisoformat(began)) if began else None
        last: Mapping[str, Any] | None = None
        for page in self._walk(floor, cursor):
            if page.cursor is not None:
                last = page.cursor
                page = replace(page, cursor={**last, "top": self._top, "began": began})
            yield page
        if last is not None and self._began is not None:
            yield Page(cursor={**last, "top": self._top, "began": self._began.isoformat()})

    def _walk(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        walk, first, since = resumable(self._api, cursor), None, floor
        if walk is not None:
            since, long = datetime.fromisoformat(walk["floor"]), True
        else:
            etag = cursor.get("etag") if cursor.get("since") == _stamp(since) else None
            first = self._api.page(self._path, self._query(since), "issues", etag=etag)
            if first.rows is None:
                return
            self._began = first.at
            long = (first.of or 0) >= _LONG and _ascends(first.rows, since)
        if long:
            bottom = yield from self._side_by_side(since, walk, first)
            if bottom is not None:
                if bottom.last:
                    return
                since, first = _newest(bottom, since) - _SECOND, None
        while True:
            seen: set[str] = set()
            for reading in range(READS):
                last, pages, strays = yield from self._stretch(since, first, seen)
                first = None
                if pages == 1 or (reading and not strays):
                    break
            else:
                raise RetryLater("its issues change faster than they can be read")
            if last.last or (further := self._further(last, since)) is None:
                return
            since = further

    def _stretch(
        self, since: datetime, first: Answer | None, seen: set[str]
    ) -> Generator[Page, None, tuple[Answer, int, int]]:
        """The pages of a list from one `since`, up to the first page that leads to a later `since`. Returns the last
        page, the number of pages, and the number of strays.

        If hundreds of rows share a second, they are read by page number. If such a row leaves the list, another row can
        move to a page that was read already. The pages are therefore read again until there is no stray. A stray is a
        row that was not `seen` before, although it is not newer than the newest seen row.
        """
        top = max((version.partition(" ")[0] for version in seen), default="")
        pages = strays = 0
        for answer in self._api.pages(self._path, self._query(since), "issues", first=first):
            pages += 1
            rows = answer.rows or []
            fresh = [version for version in (row.version for row in rows) if version not in seen]
            strays += sum(version.partition(" ")[0] <= top for version in fresh)
            seen.update(fresh)
            cursor: dict[str, Any] | None = None
            if _ascends(rows, since):
                cursor = {"mark": _newest(answer, since).isoformat()}
                # The ETag belongs to this request. It proves that nothing is new only if the answer is the whole list:
                # a row may come after a full page, or after one of several pages, and change neither.
                if answer.last and pages == 1 and not answer.full:
                    cursor |= {"since": _stamp(since), "etag": answer.etag or ""}
            yield self._page(rows, cursor)
            if not answer.last and self._further(answer, since) is not None:
                break
        return answer, pages, strays

    def _further(self, answer: Answer, since: datetime) -> datetime | None:
        """The `since` of the next request, a second before the page's last update; None if the page does not lead to a
        later `since`.

        One second is subtracted because some servers leave out rows updated exactly at `since`.
        """
        further = _newest(answer, since) - _SECOND
        return further if _ascends(answer.rows or [], since) and further >= since + _SECOND else None

    def _query(self, since: datetime) -> dict[str, str]:
        return {**_QUERY, "since": _stamp(since)}

    def _side_by_side(
        self, floor: datetime, walk: Mapping[str, Any] | None, first: Answer | None
    ) -> Generator[Page, None, Answer | None]:
        """Reads all pages by number. Returns the last page if it proves that no row was missed, else None."""
        query = self._query(floor)
        try:
            if walk is None:
                assert first is not None
                bottom = self._api.page(self._path, query, "issues", first.of or 1)
                rows = bottom.rows or []
                # Rows so old that every later update is newer, whichever server's clock dates the update.
                old = [place for place, row in enumerate(rows) if row.updated_at < bottom.at - OVERLAP]
                if not old:
                    return None
                row = rows[old[-1]].version
                walk = {
                    "floor": floor.isoformat(),
                    "page": 1,
                    "of": first.of,
                    "size": self._api.per_page,
                    "place": old[-1],
                    "row": row,
                }
                yield self._page(rows)
            # Requests the first page again, with its ETag, to notice a row that left it before the last page was read.
            etag = first.etag if first is not None else None
            for answer in self._api.side_by_side(self._path, query, "issues", walk["page"], walk["of"] - 1, etag):
                rows = first.rows or [] if answer.rows is None and first is not None else answer.rows or []
                if not rows:
                    return None
                yield self._page(rows, {"walk": {**walk, "page": answer.number + 1}})
            bottom = self._api.page(self._path, query, "issues", walk["of"])
        except SourceBroken:  # on a large repository, a page so far down is refused with 422
            return None
        rows = bottom.rows or []
        if len(rows) <= walk["place"] or rows[walk["place"]].version != walk["row"]:
            return None
        yield self._page(rows, {"mark": _newest(bottom, floor).isoformat()})
        return bottom

    def _page(self, rows: list[Any], cursor: Mapping[str, Any] | None = None) -> Page:
        if "pull request" in self._needs and not all(row.tells_merge for row in rows):
            raise MergesUntold(
                "this server's list of issues does not say when a pull request was merged; write "
                "'draft: [true, false]' under 'where', and pull requests are read from their own list"
            )
        self._top = max([self._top, *(row.number for row in rows)])
        return Page(
            records_of(self._repo, rows, self._needs), cursor=cursor, moved_in=any(map(self._came_from_elsewhere, rows))
        )

    def _came_from_elsewhere(self, row: Issue) -> bool:
        """Whether an issue was transferred to this repository since the last complete walk.

        Returns False for an issue that was neither opened nor closed within the stream's days, because earlier walks
        may not have seen its number.
        """
        if self._former is None or row.pull_request is not None:
            return False
        top, began = self._former
        of_stream = self._since is None or max(row.created_at, row.closed_at or row.created_at) >= self._since
        return row.number > top and row.created_at < began - OVERLAP and of_stream


def _ascends(rows: list[Any], since: datetime) -> bool:
    """Whether the times of the rows' updates ascend from `since` on. If they do, the server honors both the order and
    `since`.
    """
    times = [since - _SECOND, *(row.updated_at for row in rows)]
    return all(before <= after for before, after in pairwise(times))


def _newest(answer: Answer, floor: datetime) -> datetime:
    return max((row.updated_at for row in answer.rows or ()), default=floor)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
