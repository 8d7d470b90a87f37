"""The walks over GitHub's lists, which move while they are read.

Each goes on from the newest update that the last one met, less an overlap; a list that has not changed answers 304,
which costs no quota. A long one is read several pages at a time, and then proves that nothing slipped between them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.client import PER_PAGE
from syncd.sdk import Page, Record, RetryLater, SourceBroken

OVERLAP = timedelta(minutes=2)  # equal timestamps and servers that disagree on the time
_SECOND = timedelta(seconds=1)
_PULLS = {"state": "all", "sort": "updated", "direction": "desc"}
_ISSUES = {"state": "all", "sort": "updated", "direction": "asc"}
_HEAD_READS = 5  # a list whose head moves faster than this is read is left to the next cycle
_READS = 5  # of one stretch
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
        for answer in self._api.pages(self._path, _PULLS, "pulls", etag, start, at_once):
            if answer.rows is None:
                return 0
            if answer.number == 1:
                self._see(answer, anew=True)
            elif start == 1:
                self._see(answer)
            read += 1
            further = self._broken_off(floor, at_once, answer) if self._meets(answer) else None
            yield Page(_records(self._repo, answer.rows), cursor=further)
            times = [row.updated_at for row in answer.rows]
            in_order = in_order and times == sorted(times, reverse=True)
            if in_order and times and times[-1] < floor:
                break
        return read

    def _head(self) -> Generator[Page, None, tuple[bool, int]]:
        """The head again, down to where it stood; whether it has moved since, and how many pages it took."""
        assert self._top is not None
        known, down_to, read, moved = self._head_rows, self._top - OVERLAP, 0, False
        for answer in self._api.pages(self._path, _PULLS, "pulls", self._etag):
            if answer.rows is None:
                return False, read
            read += 1
            self._meets(answer)
            self._see(answer, anew=read == 1)
            moved = moved or any(row.updated_at >= down_to and _version(row) not in known for row in answer.rows)
            yield Page(_records(self._repo, answer.rows))
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
            self._head_rows |= {_version(row) for row in rows if row.updated_at >= self._top - OVERLAP}

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


class IssuesWalk:
    """From the oldest update on, each page asked for by the last update of the one before.

    No page is asked for by number, so nothing can slip over its edge: a bumped row is met again at the end, and one
    that leaves takes no other with it. Only where a page and more share one second, pages of it are followed, and read
    until they hold still. Each page moves the mark: a walk that breaks off goes on from there.

    A long list is read side by side first, by page numbers. In this order whatever leaves its place, be it bumped or
    deleted, moves all that follow one place up, and what is bumped or new stands behind all that are older. So the last
    page is read first and once more at the end: if a row of it that was old by then is as it was and where it was,
    nothing before it slipped. Else the list is walked as above.
    """

    def __init__(self, api: Api, repo: str, *, merges: bool) -> None:
        """`merges`: somebody counts its pull requests."""
        self._api = api
        self._repo = repo
        self._merges = merges
        self._path = f"/repos/{repo}/issues"

    def pages(self, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """Its pages. The cursor: `mark`; `since`, `etag` of the last question; `walk`, where a long one broke off."""
        walk, first, since = cursor.get("walk"), None, floor
        if walk is not None:
            since, long = datetime.fromisoformat(walk["floor"]), True
        else:
            etag = cursor.get("etag") if cursor.get("since") == _stamp(since) else None
            first = self._api.page(self._path, self._asked(since), "issues", etag=etag)
            if first.rows is None:
                return
            long = (first.of or 0) >= _LONG and _ascends(first.rows, since)
        if long:
            bottom = yield from self._side_by_side(since, walk, first)
            if bottom is not None:
                if bottom.last:
                    return
                since, first = _newest(bottom, since) - _SECOND, None
        while True:
            met: set[str] = set()
            for reading in range(_READS):
                last, pages, strays = yield from self._stretch(since, first, met)
                first = None
                if pages == 1 or (reading and not strays):
                    break
            else:
                raise RetryLater("its issues move faster than they can be read")
            if last.last or (further := self._further(last, since)) is None:
                return
            since = further

    def _stretch(
        self, since: datetime, first: Answer | None, met: set[str]
    ) -> Generator[Page, None, tuple[Answer, int, int]]:
        """The pages of one question, up to one from which a later one leads on; how many, and how many strays.

        Hundreds of one second are read by page numbers. There a row that leaves hides another behind a page's edge, so
        they are read again until no stray shows: one not `met` before, and yet no newer than all that were.
        """
        top = max((version.partition(" ")[0] for version in met), default="")
        pages = strays = 0
        for answer in self._api.pages(self._path, self._asked(since), "issues", first=first):
            pages += 1
            rows = answer.rows or []
            fresh = [version for version in map(_version, rows) if version not in met]
            strays += sum(version.partition(" ")[0] <= top for version in fresh)
            met.update(fresh)
            known: dict[str, Any] | None = None
            if _ascends(rows, since):
                known = {"mark": _newest(answer, since).isoformat()}
                # The etag is of this very question, and says that nothing is new where its answer is all there is.
                # Behind a page that is full, or one of several, a row may come that changes neither.
                if answer.last and pages == 1 and len(rows) < PER_PAGE:
                    known |= {"since": _stamp(since), "etag": answer.etag or ""}
            yield Page(self._records(rows), cursor=known)
            if not answer.last and self._further(answer, since) is not None:
                break
        return answer, pages, strays

    def _further(self, answer: Answer, since: datetime) -> datetime | None:
        """What to ask from next; None where the page leads no further.

        A second before its last update: some servers leave out what was updated at `since` itself.
        """
        further = _newest(answer, since) - _SECOND
        return further if _ascends(answer.rows or [], since) and further >= since + _SECOND else None

    def _asked(self, since: datetime) -> dict[str, str]:
        return {**_ISSUES, "since": _stamp(since)}

    def _side_by_side(
        self, floor: datetime, walk: Mapping[str, Any] | None, first: Answer | None
    ) -> Generator[Page, None, Answer | None]:
        """All pages by their numbers; the last one, once it has proved that nothing slipped."""
        question = self._asked(floor)
        try:
            if walk is None:
                assert first is not None
                bottom = self._api.page(self._path, question, "issues", first.of or 1)
                rows = bottom.rows or []
                # Old enough that whatever is bumped from now on is newer, whoever's clock it is by.
                old = [place for place, row in enumerate(rows) if row.updated_at < bottom.at - OVERLAP]
                if not old:
                    return None
                row = _version(rows[old[-1]])
                walk = {"floor": floor.isoformat(), "page": 1, "of": first.of, "place": old[-1], "row": row}
                yield Page(self._records(rows))
            # The first page once more, conditional: what left it before the last one was read would go unnoticed.
            etag = first.etag if first is not None else None
            for answer in self._api.side_by_side(self._path, question, "issues", walk["page"], walk["of"] - 1, etag):
                rows = first.rows or [] if answer.rows is None and first is not None else answer.rows or []
                if not rows:
                    return None
                yield Page(self._records(rows), cursor={"walk": {**walk, "page": answer.number + 1}})
            bottom = self._api.page(self._path, question, "issues", walk["of"])
        except SourceBroken:  # a page so deep is refused on a large repository, with 422
            return None
        rows = bottom.rows or []
        if len(rows) <= walk["place"] or _version(rows[walk["place"]]) != walk["row"]:
            return None
        yield Page(self._records(rows), cursor={"mark": _newest(bottom, floor).isoformat()})
        return bottom

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
    for reading in steady(api, f"/repos/{repo}/releases", {}, "releases", cursor.get("etag")):
        present: set[str] = set()
        answers = []
        for answer in reading:
            if answer.rows is None:
                return
            answers.append(answer.etag)
            records = _records(repo, answer.rows)
            present |= {record.id for record in records}
            yield Page(records)
    yield Page(cursor={"etag": answers[0] if len(answers) == 1 else None}, present=frozenset(present))


def steady(
    api: Api, path: str, query: Mapping[str, str], kind: str, etag: str | None = None
) -> Iterator[Iterator[Answer]]:
    """Readings of a list in the order of creation, until neither its first page nor its last one changed meanwhile.

    What leaves it moves all behind one place up, and hides one behind a page's edge; it changes the last page.
    """
    ends: list[Answer] = []

    def reading() -> Iterator[Answer]:
        ends.clear()
        for answer in api.pages(path, query, kind, etag):
            ends[1:] = [answer]
            yield answer

    def stands(answer: Answer) -> bool:
        again = api.page(path, query, kind, answer.number, answer.etag)
        same = [row.stable_id for row in again.rows or ()] == [row.stable_id for row in answer.rows or ()]
        return again.rows is None or same

    for _ in range(_READS):
        yield reading()
        if len(ends) == 1 or all(stands(answer) for answer in ends):
            return
    raise RetryLater("its list changes faster than it can be read")


def _ascends(rows: list[Any], since: datetime) -> bool:
    """Whether rows go up in time from `since` on: whether the server honours both the order and `since`."""
    times = [since - _SECOND, *(row.updated_at for row in rows)]
    return all(before <= after for before, after in pairwise(times))


def _digest(answer: Answer) -> str:
    """What tells a page's rows from those of another page."""
    return sha256(" ".join(sorted(row.stable_id for row in answer.rows or ())).encode()).hexdigest()[:16]


def _version(row: Any) -> str:
    """A row as it was last updated; sorts by that time."""
    return f"{row.updated_at.astimezone(UTC).isoformat()} {row.stable_id}"


def _newest(answer: Answer, floor: datetime) -> datetime:
    return max((row.updated_at for row in answer.rows or ()), default=floor)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _records(repo: str, rows: list[Any]) -> list[Record]:
    return [row.record(repo) for row in rows]
