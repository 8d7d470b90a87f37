"""Base classes for most sources that use a JSON API, and functions that read lists sorted by time of update."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from syncd.sdk.facts import Check, Json, Page, Record, Stream
from syncd.sdk.json_client import JsonClient

OVERLAP = timedelta(minutes=2)
"""A pull also reads rows that were updated up to this long before the last pull's mark: rows may have equal timestamps,
and servers' clocks differ.
"""
_HEAD_READS = 5  # if the head of a list changes faster than it is read, the next cycle continues


class JsonSource:
    """A source that reads through `api`. A subclass implements `pull`; if it pulls records, also `census`."""

    probe: ClassVar[str] = ""
    """The path that `doctor` requests. The server should refuse it without valid credentials."""

    def __init__(self, api: JsonClient) -> None:
        self.api = api

    def verify(self, stream: Stream) -> None:
        """Accepts every field, because the keys of the measure have already checked the fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """See `syncd.sdk.connector.Source`."""
        raise NotImplementedError

    def census(self, stream: Stream) -> Iterator[Page]:
        """Yields nothing for readings, because readings have no census. A subclass with records must implement
        `census`: an empty census would mean that all records are gone.
        """
        if stream.kind == "records":
            raise NotImplementedError
        return iter(())

    def check(self) -> Iterator[Check]:
        """The findings of `doctor`: whether the server answers and accepts the credentials."""
        return self.api.check(self.probe)

    def close(self) -> None:
        """Closes the sockets."""
        self.api.close()


class NewestFirst(JsonSource):
    """A source that reads records from a list. The server sorts the list by time of update, newest first. A subclass
    implements only `records`.

    The cursor is the newest update on the *first* page, by the server's clock. A row that is updated while later pages
    are read is newer than the cursor. The next pull therefore reads this row, even if the server sorts in another
    order. An updated row moves to the head of the list, which is read again in the same pull. If a row leaves the list
    while the list is read, the rows behind it move up. One of these rows may move to a page that was already read. A
    row that was missed in this way is pulled after the next census has listed it.
    """

    def records(self, stream: Stream, since: datetime | None) -> Iterator[Sequence[Record]]:
        """The list's pages, newest rows first, down to rows updated at `since`; all pages if `since` is None."""
        raise NotImplementedError

    def pull(self, stream: Stream, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """The rows updated since the cursor; without a cursor for this server, the rows updated since the first day
        that a measure needs.
        """
        mark = datetime.fromisoformat(cursor["mark"]) if cursor and cursor.get("url") == self.api.url else None
        newest = yield from updates(partial(self.records, stream), stream.since, mark, self.api.now())
        if newest != mark and newest is not None:
            yield Page(cursor={"mark": newest.isoformat(), "url": self.api.url})

    def census(self, stream: Stream) -> Iterator[Page]:
        """Every record that the list holds now. A missing record was deleted, was moved, or no longer matches."""
        return whole_list(partial(self.records, stream), stream.since)


Read = Callable[[datetime | None], Iterator[Sequence[Record]]]
"""Reads a list's pages, newest rows first, down to rows updated at the given time; all pages if the time is None."""


def updates(
    read: Read, since: datetime | None, mark: datetime | None, now: datetime
) -> Generator[Page, None, datetime | None]:
    """The rows of a list updated since the mark of the last pull; without a mark, the rows updated since `since`.

    Rows updated up to `OVERLAP` before these times are read too, because a row may be done some moments after its
    update time. Returns the new mark, which is valid once all these pages are stored: see `NewestFirst`. Only the first
    reading of the list sets the mark. A later reading ends at known rows, and can miss rows if the server sorts in
    another order. The mark is never after `now`. Imports and owners can set an update time in the future. A mark in the
    future would hide the rows that are updated before it.
    """
    begin = mark or since
    since, newest = begin - OVERLAP if begin else None, mark
    seen: set[tuple[str, datetime]] = set()
    for reading in range(_HEAD_READS):
        pages = 0
        for records in read(since):
            pages += 1
            versions = {(record.id, record.updated_at) for record in records}
            if reading and versions <= seen:  # no row is new at the head: many rows may have the same time
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

    A list of several pages is read twice: if a row leaves the list during the first reading, another row may move to a
    page that was already read.
    """
    for _ in range(2):
        pages = 0
        for records in read(since):
            pages += 1
            yield Page(records, present=frozenset(record.id for record in records))
        if pages <= 1:
            break
