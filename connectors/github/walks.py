"""Functions that all readers of GitHub's lists share, and the readers of lists that are not ordered by the time of
update.

Lists change while they are read. Each reading of a list, a walk, continues from the newest update that the previous
walk saw, less an overlap. If a list has not changed, GitHub answers 304, which costs no quota. A walk reads a long list
several pages at once, and then checks that it missed no row between two pages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.github.api import Answer, Api
from connectors.github.rows import Row
from syncd.sdk import Page, Record, RetryLater, SourceBroken

OVERLAP = timedelta(minutes=2)  # covers equal timestamps, and servers whose clocks differ
EARLIEST = datetime(2008, 1, 1, tzinfo=UTC)
"""A time before any update on GitHub. syncd does not use 1970, because GitHub returns an empty list for a `since` in
1970.
"""
READS = 5  # if a list still changes after this many reads, the next cycle reads it


def start_of_walk(since: datetime | None, cursor: Mapping[str, Any]) -> datetime:
    """The time of update from which a walk begins. `since` comes from the stream; it is None if every record is needed.

    If the last request reaches back far enough, the walk repeats that request. GitHub then answers 304 if nothing
    changed.
    """
    floor = max(since or EARLIEST, EARLIEST)
    if not cursor.get("mark"):
        return floor
    mark = datetime.fromisoformat(cursor["mark"]) - OVERLAP
    return max(floor, min(mark, datetime.fromisoformat(cursor.get("since", cursor["mark"]))))


def resumable(api: Api, cursor: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The place where an interrupted walk stopped. None if no walk was interrupted, or if that walk's pages had another
    size.
    """
    walk: Mapping[str, Any] | None = cursor.get("walk")
    return walk if walk is not None and walk.get("size") == api.per_page else None


def releases(api: Api, repo: str, cursor: Mapping[str, Any], needs: Collection[str]) -> Iterator[Page]:
    """All releases of a repository. The list of releases is not ordered by the time of update, and an old release may
    change or be deleted.

    If the list has a single page, the page's ETag proves that nothing changed. If there are several pages, no ETag
    proves it.
    """
    for reading in steady(api, f"/repos/{repo}/releases", {}, "releases", cursor.get("etag")):
        present: set[str] = set()
        etags = []
        for answer in reading:
            if answer.rows is None:
                return
            etags.append(answer.etag)
            records = records_of(repo, answer.rows, needs)
            present |= {record.id for record in records}
            yield Page(records)
    yield Page(cursor={"etag": etags[0] if len(etags) == 1 else None}, present=frozenset(present))


def steady(
    api: Api, path: str, query: Mapping[str, str], kind: str, etag: str | None = None
) -> Iterator[Iterator[Answer]]:
    """Reads a list in the order of creation, again and again until neither its first nor its last page has changed.

    If a row leaves the list, all later rows move up. A row can then move to a page that was read already and be missed,
    but the last page always changes.
    """
    ends: list[Answer] = []

    def reading() -> Iterator[Answer]:
        ends.clear()
        for answer in api.pages(path, query, kind, etag):
            ends[1:] = [answer]
            yield answer

    def is_unchanged(answer: Answer) -> bool:
        again = api.page(path, query, kind, answer.number, answer.etag)
        same = [row.stable_id for row in again.rows or ()] == [row.stable_id for row in answer.rows or ()]
        return again.rows is None or same

    for _ in range(READS):
        yield reading()
        if len(ends) == 1 or all(is_unchanged(answer) for answer in ends):
            return
    raise RetryLater("its list changes faster than it can be read")


def records_of(repo: str, rows: list[Any], needs: Collection[str]) -> list[Record]:
    """The rows of a page as records. Raises SourceBroken if a row lacks a key that a measure `needs`, because a missing
    key is not a blank field.
    """
    check_keys(rows, needs)
    return [row.record(repo) for row in rows]


def check_keys(rows: Iterable[Row], needs: Collection[str]) -> None:
    """Raises SourceBroken if a row lacks a key that a measure `needs`."""
    for row in rows:
        if (key := row.missing_key(needs)) is not None:
            raise SourceBroken(
                f"its list leaves out {key!r}, which a measure needs; an old server has no such key, or a proxy cut it"
            )
