"""The walk over a repository's pull requests: /pulls, which knows no `since`, from the newest update down."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.walks import OVERLAP, records_of
from syncd.sdk import Page

_QUERY = {"state": "all", "sort": "updated", "direction": "desc"}
_HEAD_READS = 5  # a list whose head moves faster than this is read is left to the next cycle


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
        self._head_rows: set[str] = set()
        self._met: set[str] = set()
        self._last: str | None = None
        self._etag: str | None = None

    def pages(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Its pages. The cursor: `mark` and `etag` of the head, or `walk`, where a broken one stands."""
        walk, at_once, start = cursor.get("walk"), True, 1
        if walk is not None:
            floor, at_once, start = datetime.fromisoformat(walk["floor"]), walk["at_once"], walk["page"]
            self._top, self._head_rows, self._etag = (
                datetime.fromisoformat(walk["top"]),
                set(walk["head"]),
                walk["etag"],
            )
            self._last = walk.get("rows")
            moved, _ = yield from self._head()
            if not moved:
                start += 1
            elif at_once:
                at_once, start = False, 1
        read = yield from self._down(floor, at_once, start, cursor.get("etag"))
        if read == 0 and walk is None:
            return
        reads = 0
        while (read > 1 or walk is not None) and reads < _HEAD_READS:
            reads, walk = reads + 1, None
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

        A server that does not sort as asked is walked to the end: stopping early would miss rows. A page of rows that
        were all met already moves no place to go on from: where a server gives one page over and over, others are left.
        """
        read = 0
        in_order = True
        for answer in self._api.pages(self._path, _QUERY, "pulls", etag, start, at_once):
            if answer.rows is None:
                return 0
            if answer.number == 1:
                self._see(answer, anew=True)
            elif start == 1:
                self._see(answer)
            read += 1
            further = self._broken_off(floor, at_once, answer) if self._meets(answer) else None
            yield Page(records_of(self._repo, answer.rows), cursor=further)
            times = [row.updated_at for row in answer.rows]
            in_order = in_order and times == sorted(times, reverse=True)
            if in_order and times and times[-1] < floor:
                break
        return read

    def _head(self) -> Generator[Page, None, tuple[bool, int]]:
        """The head again, down to where it stood; whether it has moved since, and how many pages it took."""
        assert self._top is not None
        known, down_to, read, moved = self._head_rows, self._top - OVERLAP, 0, False
        for answer in self._api.pages(self._path, _QUERY, "pulls", self._etag):
            if answer.rows is None:
                return False, read
            read += 1
            self._meets(answer)
            self._see(answer, anew=read == 1)
            moved = moved or any(row.updated_at >= down_to and row.version not in known for row in answer.rows)
            yield Page(records_of(self._repo, answer.rows))
            if not answer.rows or answer.rows[-1].updated_at < down_to:
                break
        return moved, read

    def _meets(self, answer: Answer) -> bool:
        """Whether a page brings a row that this walk has not met yet, nor had in hand where it broke off."""
        new = {row.stable_id for row in answer.rows or ()} - self._met
        self._met |= new
        return bool(new) and _digest(answer) != self._last

    def _see(self, answer: Answer, *, anew: bool = False) -> None:
        """Remembers the newest rows, as far as servers may disagree on the time: what is not among them has moved."""
        rows = answer.rows or []
        if anew:
            self._etag = answer.etag
            self._top = max((row.updated_at for row in rows), default=self._top)
            self._head_rows = set()
        if self._top is not None:
            self._head_rows |= {row.version for row in rows if row.updated_at >= self._top - OVERLAP}

    def _broken_off(self, floor: datetime, at_once: bool, answer: Answer) -> dict[str, Any] | None:
        """Where a walk goes on that breaks off behind this page."""
        if self._top is None:
            return None
        walk = {
            "floor": floor.isoformat(),
            "at_once": at_once,
            "page": answer.number,
            "rows": _digest(answer),
            "top": self._top.isoformat(),
            "head": sorted(self._head_rows),
            "etag": self._etag,
        }
        return {"walk": walk}


def _digest(answer: Answer) -> str:
    """What tells a page's rows from those of another page."""
    return sha256(" ".join(sorted(row.stable_id for row in answer.rows or ())).encode()).hexdigest()[:16]
