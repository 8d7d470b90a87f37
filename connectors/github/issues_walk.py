"""The walk over a repository's issues and pull requests together: /issues, from the oldest update up."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.client import PER_PAGE
from connectors.github.walks import OVERLAP, READS, records_of
from syncd.sdk import Page, Record, RetryLater, SourceBroken

_SECOND = timedelta(seconds=1)
_QUERY = {"state": "all", "sort": "updated", "direction": "asc"}
_LONG = 4  # pages from which on they are read side by side


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
            for reading in range(READS):
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
            fresh = [version for version in (row.version for row in rows) if version not in met]
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
        return {**_QUERY, "since": _stamp(since)}

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
                row = rows[old[-1]].version
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
        if len(rows) <= walk["place"] or rows[walk["place"]].version != walk["row"]:
            return None
        yield Page(self._records(rows), cursor={"mark": _newest(bottom, floor).isoformat()})
        return bottom

    def _records(self, rows: list[Any]) -> list[Record]:
        if self._merges and not all(row.tells_merge for row in rows):
            raise SourceBroken(
                "this server's list of issues does not say when a pull request was merged; "
                "write 'draft: false' under 'where', and pull requests are read from their own list"
            )
        return records_of(self._repo, rows)


def _ascends(rows: list[Any], since: datetime) -> bool:
    """Whether rows go up in time from `since` on: whether the server honours both the order and `since`."""
    times = [since - _SECOND, *(row.updated_at for row in rows)]
    return all(before <= after for before, after in pairwise(times))


def _newest(answer: Answer, floor: datetime) -> datetime:
    return max((row.updated_at for row in answer.rows or ()), default=floor)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
