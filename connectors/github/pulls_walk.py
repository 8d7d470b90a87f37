"""Reads a repository's pull requests from /pulls, from the newest update to the oldest. /pulls has no parameter
`since`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.walks import OVERLAP, resumable
from syncd.sdk import Page, Record

_QUERY = {"state": "all", "sort": "updated", "direction": "desc"}
_HEAD_READS = 5  # if the head still changes after this many reads, the next cycle reads the rest


class PullsWalk:
    """Reads the list from the newest update back to the floor. Then reads the head of the list (the newest rows) again
    until the head stops changing.

    A pull request that is updated while pages are read moves to the head. syncd requests open pull requests too. From a
    list of closed pull requests, a reopened one would leave, and another could move to a page that was read already.
    Pages that are requested at once may arrive out of order. The walk then misses a row that moves from one page to the
    next. If the head has changed, such pages are read again one after the other. An interrupted walk continues from the
    page where it stopped: pull requests cannot be deleted, so rows only move down.
    """

    def __init__(self, api: Api, repo: str, records: Callable[[list[Any]], list[Record]], kind: str = "pulls") -> None:
        """`records` makes records from the rows of a page. `kind` is the shape of the rows."""
        self._api = api
        self._records = records
        self._kind = kind
        self._path = f"/repos/{repo}/pulls"
        self._top: datetime | None = None
        self._head_rows: set[str] = set()
        self._seen: set[str] = set()
        self._last_digest: str | None = None
        self._etag: str | None = None

    def pages(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """The pages from the newest update back to the floor.

        The cursor has the `mark` and `etag` of the head. After an interrupted walk it has `walk`, the place where the
        walk stopped.
        """
        walk, at_once, start = resumable(self._api, cursor), True, 1
        if walk is not None:
            floor, at_once, start = datetime.fromisoformat(walk["floor"]), walk["at_once"], walk["page"]
            self._top, self._head_rows, self._etag = (
                datetime.fromisoformat(walk["top"]),
                set(walk["head"]),
                walk["etag"],
            )
            self._last_digest = walk.get("rows")
            moved, _ = yield from self._head()
            if not moved:
                start += 1
            elif at_once:
                at_once, start = False, 1
        page_count = yield from self._down(floor, at_once, start, cursor.get("etag"))
        if page_count == 0 and walk is None:
            return
        head_reads = 0
        while (page_count > 1 or walk is not None) and head_reads < _HEAD_READS:
            head_reads, walk = head_reads + 1, None
            moved, page_count = yield from self._head()
            if not moved:
                break
            if at_once:
                at_once = False
                page_count = yield from self._down(floor, at_once)
        yield Page(cursor={"mark": self._top.isoformat() if self._top else cursor.get("mark"), "etag": self._etag})

    def _down(
        self, floor: datetime, at_once: bool, start: int = 1, etag: str | None = None
    ) -> Generator[Page, None, int]:
        """The pages that may hold pull requests newer than the floor. Returns the number of pages.

        If the server does not sort as requested, the whole list is read: stopping early would miss rows. A page whose
        rows were all seen before does not move the cursor, because a server that repeats a page may still have other
        pages.
        """
        page_count = 0
        in_order = True
        for answer in self._api.pages(self._path, _QUERY, self._kind, etag, start, at_once):
            if answer.rows is None:
                return 0
            if answer.number == 1:
                self._remember_head(answer, reset=True)
            elif start == 1:
                self._remember_head(answer)
            page_count += 1
            cursor = self._cursor(floor, at_once, answer) if self._is_progress(answer) else None
            yield Page(self._records(answer.rows), cursor=cursor)
            times = [row.updated_at for row in answer.rows]
            in_order = in_order and times == sorted(times, reverse=True)
            if in_order and times and times[-1] < floor:
                break
        return page_count

    def _head(self) -> Generator[Page, None, tuple[bool, int]]:
        """Reads the list again from the start to the rows that were its newest before. Returns whether the head has
        changed, and the number of pages.
        """
        assert self._top is not None
        former, down_to, page_count, moved = self._head_rows, self._top - OVERLAP, 0, False
        for answer in self._api.pages(self._path, _QUERY, self._kind, self._etag):
            if answer.rows is None:
                return False, page_count
            page_count += 1
            self._is_progress(answer)
            self._remember_head(answer, reset=page_count == 1)
            moved = moved or any(row.updated_at >= down_to and row.version not in former for row in answer.rows)
            yield Page(self._records(answer.rows))
            if not answer.rows or answer.rows[-1].updated_at < down_to:
                break
        return moved, page_count

    def _is_progress(self, answer: Answer) -> bool:
        """Whether a page has a row that this walk has not seen yet; always False for the page where an earlier walk
        stopped.
        """
        new = {row.stable_id for row in answer.rows or ()} - self._seen
        self._seen |= new
        return bool(new) and _digest(answer) != self._last_digest

    def _remember_head(self, answer: Answer, *, reset: bool = False) -> None:
        """Stores the newest rows: all rows within the time by which the clocks of servers may differ. If syncd later
        reads a row at the head that is not stored, the row has moved.
        """
        rows = answer.rows or []
        if reset:
            self._etag = answer.etag
            self._top = max((row.updated_at for row in rows), default=self._top)
            self._head_rows = set()
        if self._top is not None:
            self._head_rows |= {row.version for row in rows if row.updated_at >= self._top - OVERLAP}

    def _cursor(self, floor: datetime, at_once: bool, answer: Answer) -> dict[str, Any] | None:
        if self._top is None:
            return None
        walk = {
            "floor": floor.isoformat(),
            "at_once": at_once,
            "page": answer.number,
            "size": self._api.per_page,
            "rows": _digest(answer),
            "top": self._top.isoformat(),
            "head": sorted(self._head_rows),
            "etag": self._etag,
        }
        return {"walk": walk}


def _digest(answer: Answer) -> str:
    return sha256(" ".join(sorted(row.stable_id for row in answer.rows or ())).encode()).hexdigest()[:16]
