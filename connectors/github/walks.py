"""The walks over GitHub's lists, which move while they are read.

Each goes on from the newest update that the last one met, less an overlap; a list that has not changed answers 304,
which costs no quota. A long one is read several pages at a time, and then proves that nothing slipped between them.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors.github.api import PER_PAGE, Answer, Api
from syncd.sdk import Page, Record, SourceBroken

OVERLAP = timedelta(minutes=2)  # equal timestamps and servers that disagree on the time
_SECOND = timedelta(seconds=1)
_PULLS = {"state": "all", "sort": "updated", "direction": "desc"}
_ISSUES = {"state": "all", "sort": "updated", "direction": "asc"}
_HEAD_READS = 5  # a list whose head moves faster than this is read is left to the next cycle
_LONG = 4  # pages from which on they are read side by side


class PullsWalk:
    """From the newest update down to the floor, then the head again until it is still: /pulls knows no `since`.

    What is bumped while pages are read stands at the head. Open pulls are listed too: with closed ones alone, one that
    is reopened would leave the list and hide another behind a page's edge. Pages that are read side by side may be read
    out of their order, and then a row that is pushed over their edge is missed: if the head has moved, they are read
    again one by one. A walk that breaks off goes on from its page: rows only ever move down, for no pull is deleted.
    """

    def __init__(self, api: Api, repo: str) -> None:
        self._api = api
        self._repo = repo
        self._path = f"/repos/{repo}/pulls"
        self._top: datetime | None = None
        self._top_ids: set[str] = set()
        self._etag: str | None = None

    def pages(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Its pages. The cursor: `mark` and `etag` of the head, or `walk`, where a broken one stands."""
        walk, at_once, start = cursor.get("walk"), True, 1
        if walk is not None:
            floor, at_once, start = datetime.fromisoformat(walk["floor"]), walk["at_once"], walk["page"]
            self._top, self._top_ids = datetime.fromisoformat(walk["top"]), set(walk["ids"])
            moved, _ = yield from self._head()
            if moved and at_once:
                at_once, start = False, 1
        read = yield from self._down(floor, at_once, start, cursor.get("etag"))
        if read == 0:
            return
        reads = 0
        while (read > 1 or start > 1) and reads < _HEAD_READS:
            reads, start = reads + 1, 1
            moved, read = yield from self._head()
            if not moved:
                break
            if at_once:
                at_once = False
                read = yield from self._down(floor, at_once)
        yield Page(cursor={"mark": self._top.isoformat() if self._top else cursor.get("mark"), "etag": self._etag})

    def _down(
        self, floor: datetime, at_once: bool, start: int = 1, etag: str | None = None
    ) -> Generator[Page, None, int]:
        """The pages that may hold pulls newer than the floor; how many there were.

        A server that does not sort as asked is walked to the end: stopping early would miss rows.
        """
        read = 0
        last: datetime | None = None
        in_order = True
        for answer in self._api.pages(self._path, _PULLS, "pulls", etag, start, at_once):
            if answer.rows is None:
                return 0
            if answer.number == 1:
                self._see(answer)
            read += 1
            yield Page(_records(self._repo, answer.rows), cursor=self._broken_off(floor, at_once, answer))
            for row in answer.rows:
                in_order = in_order and (last is None or row.updated_at <= last)
                last = row.updated_at
            if in_order and last is not None and last < floor:
                break
        return read

    def _head(self) -> Generator[Page, None, tuple[bool, int]]:
        """The head again, down to where it stood; whether it has moved since, and how many pages it took."""
        assert self._top is not None
        top, ids, read, moved = self._top, self._top_ids, 0, False
        for answer in self._api.pages(self._path, _PULLS, "pulls", self._etag):
            if answer.rows is None:
                return False, read
            read += 1
            if answer.number == 1:
                self._see(answer)
            moved = moved or any(
                row.updated_at > top or (row.updated_at == top and row.stable_id not in ids) for row in answer.rows
            )
            yield Page(_records(self._repo, answer.rows))
            if not answer.rows or answer.rows[-1].updated_at < top - OVERLAP:
                break
        return moved, read

    def _see(self, head: Answer) -> None:
        """Remembers the first page: what is newer later has moved."""
        self._etag = head.etag
        self._top = max((row.updated_at for row in head.rows or ()), default=self._top)
        self._top_ids = {row.stable_id for row in head.rows or () if row.updated_at == self._top}

    def _broken_off(self, floor: datetime, at_once: bool, answer: Answer) -> dict[str, Any] | None:
        """Where a walk goes on that breaks off behind this page."""
        if self._top is None:
            return None
        walk = {
            "floor": floor.isoformat(),
            "at_once": at_once,
            "page": answer.number,
            "top": self._top.isoformat(),
            "ids": sorted(self._top_ids),
        }
        return {"walk": walk}


class IssuesWalk:
    """From the oldest update on, each page asked for by the last update of the one before.

    No page is asked for by number, so nothing can slip over its edge: a bumped row is met again at the end, and one
    that leaves takes no other with it. Each page moves the mark: a walk that breaks off goes on from there.

    A long list is read side by side first, by page numbers. In this order whatever leaves its place, be it bumped or
    deleted, moves all that follow one place up, and nothing else does. So the last page is read first and once more at
    the end: if its last row stands where it stood, nothing slipped. Else the list is walked as above.
    """

    def __init__(self, api: Api, repo: str, kinds: Collection[str]) -> None:
        self._api = api
        self._repo = repo
        self._merges = "pull request" in kinds
        self._path = f"/repos/{repo}/issues"
        self._bottom: Answer | None = None

    def pages(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Its pages. The cursor: `mark`; `since`, `etag` of the last question; `walk`, where a long one broke off."""
        walk = cursor.get("walk")
        mark = since = floor if walk is None else datetime.fromisoformat(walk["floor"])
        untried = walk is None
        if walk is not None:
            yield from self._side_by_side(since, walk)
            if self._bottom is not None:
                if self._bottom.last:
                    return
                mark = _newest(self._bottom, floor)
                since = mark - _SECOND
        while True:
            asked = _stamp(since)
            etag = cursor.get("etag") if cursor.get("since") == asked else None
            moved = False
            for answer in self._api.pages(self._path, {**_ISSUES, "since": asked}, "issues", etag):
                if answer.rows is None:
                    return
                in_order = _ascends(answer.rows, since)
                if untried and in_order and answer.of is not None and answer.of >= _LONG:
                    yield from self._side_by_side(since, None, answer)
                    if self._bottom is not None:
                        if self._bottom.last:
                            return
                        mark = _newest(self._bottom, floor)
                        since, moved = mark - _SECOND, True
                        break
                untried = False
                if in_order:
                    mark = max([mark, *(row.updated_at for row in answer.rows[-1:])])
                # The etag is of this very question, and says that nothing is new where its answer is all there is.
                known = {"mark": mark.isoformat()}
                if answer.last:
                    known |= {"since": asked, "etag": answer.etag or ""}
                yield Page(self._records(answer.rows), cursor=known if in_order else None)
                # A second earlier: some servers leave out what was updated at `since` itself.
                if not answer.last and in_order and mark - _SECOND >= since + _SECOND:
                    since, moved = mark - _SECOND, True
                    break
            if not moved:
                return
            untried = False

    def _side_by_side(
        self, floor: datetime, walk: Mapping[str, Any] | None, first: Answer | None = None
    ) -> Iterator[Page]:
        """All pages by their numbers; `_bottom` is the last one once it has proved that nothing slipped."""
        question = {**_ISSUES, "since": _stamp(floor)}
        if walk is None:
            assert first is not None
            assert first.of is not None
            rows = self._api.page(self._path, question, "issues", first.of).rows
            if not rows:
                return
            walk = {
                "floor": floor.isoformat(),
                "page": 1,
                "of": first.of,
                "id": rows[-1].stable_id,
                "place": len(rows) - 1,
            }
            yield Page(self._records(rows), expected=PER_PAGE * (first.of - 1) + len(rows))
        # The first page once more, conditional: what left it before the last one was read would go unnoticed.
        etag = first.etag if first is not None else None
        for answer in self._api.side_by_side(self._path, question, "issues", walk["page"], walk["of"] - 1, etag):
            rows = first.rows if answer.rows is None and first is not None else answer.rows
            yield Page(self._records(rows or []), cursor={"walk": {**walk, "page": answer.number + 1}})
        bottom = self._api.page(self._path, question, "issues", walk["of"])
        rows = bottom.rows or []
        if len(rows) > walk["place"] and rows[walk["place"]].stable_id == walk["id"]:
            self._bottom = bottom
            yield Page(self._records(rows), cursor={"mark": _newest(bottom, floor).isoformat()})

    def _records(self, rows: list[Any]) -> list[Record]:
        if self._merges and not all(row.tells_merge for row in rows):
            raise SourceBroken(
                "this server's list of issues does not say when a pull request was merged; "
                "write 'draft: false' under 'where', and pull requests are read from their own list"
            )
        return _records(self._repo, rows)


def releases(api: Api, repo: str, cursor: Mapping[str, Any]) -> Iterator[Page]:
    """All of them: the list has no order by update, and an old one may be published, edited or deleted.

    Only a list of one page can say by its ETag that nothing changed.
    """
    present: set[str] = set()
    etags: list[str | None] = []
    for answer in api.pages(f"/repos/{repo}/releases", {}, "releases", cursor.get("etag")):
        if answer.rows is None:
            return
        records = _records(repo, answer.rows)
        present |= {record.id for record in records}
        etags.append(answer.etag)
        yield Page(records)
    yield Page(cursor={"etag": etags[0] if len(etags) == 1 else None}, present=frozenset(present))


def _ascends(rows: list[Any], since: datetime) -> bool:
    """Whether rows go up in time from `since` on: whether the server honours both the order and `since`."""
    times = [since - _SECOND, *(row.updated_at for row in rows)]
    return all(before <= after for before, after in pairwise(times))


def _newest(answer: Answer, floor: datetime) -> datetime:
    return max((row.updated_at for row in answer.rows or ()), default=floor)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _records(repo: str, rows: list[Any]) -> list[Record]:
    return [row.record(repo) for row in rows]
