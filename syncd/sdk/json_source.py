"""What most sources over a JSON API share, as defaults to inherit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from syncd.sdk.facts import Check, Json, Page, Record, Stream
from syncd.sdk.json_client import JsonClient

OVERLAP = timedelta(minutes=2)
"""How far behind its mark a walk by time begins: equal timestamps, and servers that disagree on the time."""
_HEAD_READS = 5  # a list whose head moves faster than it is read is left to the next cycle


class JsonSource:
    """A source that reads through `api`. A subclass writes `pull`, and `census` where it pulls records."""

    probe: ClassVar[str] = ""
    """The path that `doctor` asks for: one that is refused without good credentials."""

    def __init__(self, api: JsonClient) -> None:
        self.api = api

    def verify(self, stream: Stream) -> None:
        """Accepts every field: the measure's keys name those there are."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """See `syncd.sdk.connector.Source`."""
        raise NotImplementedError

    def census(self, stream: Stream) -> Iterator[Page]:
        """Nothing for readings, which are never asked. For records, nothing would say that all of them are gone."""
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
    are read is newer than that, so no pull passes it by; that holds even where the server sorts in another order. It
    jumps to the head of the list, which is read again in the same pull. A row that leaves the list while it is read
    moves the rows behind it up, one of them to a page that was read already: the census lists that row, and it is
    pulled then.
    """

    def records(self, stream: Stream, since: datetime | None) -> Iterator[Sequence[Record]]:
        """The list's pages, down to what was updated at `since` or later; all of them where that is None."""
        raise NotImplementedError

    def pull(self, stream: Stream, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
        """What was updated since the cursor; without one of this server, since the first day that a measure needs."""
        mark = datetime.fromisoformat(cursor["mark"]) if cursor and cursor.get("url") == self.api.url else None
        since, newest = mark - OVERLAP if mark else stream.since, mark
        for _ in range(_HEAD_READS):
            pages = 0
            for records in self.records(stream, since):
                pages += 1
                if pages == 1:
                    times = [record.updated_at for record in records]
                    newest = max(times if newest is None else [*times, newest], default=None)
                yield Page(records)
            if pages <= 1:
                break
            since = newest
        if newest != mark and newest is not None:
            yield Page(cursor={"mark": newest.isoformat(), "url": self.api.url})

    def census(self, stream: Stream) -> Iterator[Page]:
        """Every record of the list as it is now: what is missing was deleted, was moved, or no longer matches.

        A list of several pages is read twice: a row that leaves it meanwhile may hide another behind a page's edge.
        """
        for _ in range(2):
            pages = 0
            for records in self.records(stream, stream.since):
                pages += 1
                yield Page(records, present=frozenset(record.id for record in records))
            if pages <= 1:
                break
