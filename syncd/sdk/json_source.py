"""Shared by most sources over a JSON API: defaults to inherit, and how lists sorted by update are read."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from syncd.sdk.facts import Check, Json, Page, Record, Stream
from syncd.sdk.json_client import JsonClient

OVERLAP = timedelta(minutes=2)
"""How far behind its mark a walk by time begins: equal timestamps, and servers that disagree on the time."""
_HEAD_READS = 5  # a list whose head moves faster than it is read is left to the next cycle


class JsonSource:
    """A source that reads through `api`. A subclass writes `pull`; if it pulls records, also `census`."""

    probe: ClassVar[str] = ""
    """The path that `doctor` asks for: one that is refused without good credentials."""

    def __init__(self, api: JsonClient) -> None:
        self.api = api

    def verify(self, stream: Stream) -> None:
        """Accepts every field, because the measure's keys already name the existing fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """See `syncd.sdk.connector.Source`."""
        raise NotImplementedError

    def census(self, stream: Stream) -> Iterator[Page]:
        """For readings it yields nothing, because they have no census. For records, an empty census would mean that all
        of them are gone.
        """
        if stream.kind == "records":
            raise NotImplementedError
        return iter(())

    def check(self) -> Iterator[Check]:
        """Whether the server answers and takes the credentials."""
        return self.api.check(self.probe)

    def close(self) -> None:
        """Closes the sockets."""
        self.api.close()


class NewestFirst(JsonSource):
    """Records of a list that the server sorts by update, newest first. A subclass writes `records` alone.

    The cursor is the newest update of the *first* page, by the server's clock. A row that is updated while later pages
    are read is newer than the cursor, so no pull misses it, even if the server sorts in another order. Such a row jumps
    to the head of the list, which is read again in the same pull. If a row leaves the list while it is read, the rows
    behind it move up, and a row may move to a page that was read already: the census lists that row, and it is pulled
    then.
    """

    def records(self, stream: Stream, since: datetime | None) -> Iterator[Sequence[Record]]:
        """The list's pages, down to rows updated at `since`; all pages if `since` is None."""
        raise NotImplementedError

    def pull(self, stream: Stream, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """The rows updated since the cursor; without this server's cursor, since the first day that a measure needs."""
        mark = datetime.fromisoformat(cursor["mark"]) if cursor and cursor.get("url") == self.api.url else None
        newest = yield from updates(partial(self.records, stream), stream.since, mark, self.api.now())
        if newest != mark and newest is not None:
            yield Page(cursor={"mark": newest.isoformat(), "url": self.api.url})

    def census(self, stream: Stream) -> Iterator[Page]:
        """Every record of the list now. A record that is missing was deleted, was moved, or no longer matches."""
        return whole_list(partial(self.records, stream), stream.since)


Read = Callable[[datetime | None], Iterator[Sequence[Record]]]
"""Reads a list's pages, newest first, down to rows updated at a time; all pages if that is None."""


def updates(
    read: Read, since: datetime | None, mark: datetime | None, now: datetime
) -> Generator[Page, None, datetime | None]:
    """The rows of a list updated since the mark of the last pull; without a mark, those updated since `since`.

    Both less an overlap: a row may be done some moments after the update that the server tells. Returns the new mark,
    which is true once all these pages are stored: see `NewestFirst`. It is of the first walk alone: where the server
    sorts in another order, a later one, which ends where it meets what it knows, passes rows by. It is no time after
    `now`: a server lets imports and owners set an update in the future, and the rows that are updated until then come
    too.
    """
    begin = mark or since
    since, newest = begin - OVERLAP if begin else None, mark
    seen: set[tuple[str, datetime]] = set()
    for reading in range(_HEAD_READS):
        pages = 0
        for records in read(since):
            pages += 1
            versions = {(record.id, record.updated_at) for record in records}
            if reading and versions <= seen:  # nothing has come to the head: many rows may have one time
                return mark
            seen |= versions
            if pages == 1:
                times = [record.updated_at for record in records if record.updated_at <= now]
                newest = max([*times, *([newest] if newest else [])], default=None)
                mark = mark if reading else newest
            yield Page(records)
        if pages <= 1:
            break
        since = newest
    return mark


def whole_list(read: Read, since: datetime | None) -> Iterator[Page]:
    """Every record of a list updated since `since`, with the ids on each page in `present`.

    A list of several pages is read twice: if a row leaves the list meanwhile, another row may slip past a page's edge.
    """
    for _ in range(2):
        pages = 0
        for records in read(since):
            pages += 1
            yield Page(records, present=frozenset(record.id for record in records))
        if pages <= 1:
            break
