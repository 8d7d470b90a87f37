"""The functions that the walks over GitHub's lists share, and the walks over lists that are not ordered by update.

Lists change while they are read. Each walk continues from the newest update that the previous walk saw, less an
overlap. For a list that has not changed GitHub answers 304, which costs no quota. A long list is read several pages at
once; then the walk checks that no row slipped between the pages.
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
"""A time before any update on GitHub. If `since` is in 1970, GitHub always returns an empty list."""
READS = 5  # if a list still changes after this many reads, the next cycle reads it


def start_of_walk(since: datetime | None, cursor: Mapping[str, Any]) -> datetime:
    """The time of the update from which a walk begins. `since` comes from the stream, None if every record is needed.

    A walk repeats the last request if that request reaches back far enough, because GitHub then answers 304 if nothing
    changed.
    """
    floor = max(since or EARLIEST, EARLIEST)
    if not cursor.get("mark"):
        return floor
    mark = datetime.fromisoformat(cursor["mark"]) - OVERLAP
    return max(floor, min(mark, datetime.fromisoformat(cursor.get("since", cursor["mark"]))))


def resumable(api: Api, cursor: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The place where an interrupted walk stopped. None if no walk was interrupted, or if its pages had another size,
    and so held other rows.
    """
    walk: Mapping[str, Any] | None = cursor.get("walk")
    return walk if walk is not None and walk.get("size") == api.per_page else None


def releases(api: Api, repo: str, cursor: Mapping[str, Any], needs: Collection[str]) -> Iterator[Page]:
    """All releases of a repository. Their list is not ordered by update, and an old release may change or be deleted.

    Only the ETag of a single page proves that nothing changed.
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

    A row that leaves the list moves all later rows up. Then a row can cross the edge of a page and be missed, but the
    last page always changes.
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
