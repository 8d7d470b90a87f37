"""The data that a connector returns: records (outputs), readings (outcomes), and the `Page` objects that hold both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from syncd.sdk.language import marked

Scalar = str | float
"""An element of a field: a text or a number. A boolean is the text `true` or `false`."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""Any JSON value, such as a cursor."""

Between = tuple[datetime, datetime]
"""A span of time: its first moment, and the first moment after its end. Both are timezone-aware."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a window: its first and its last day, both included, and today. A request may name them.

    Once the window is over, `today` is the window's last day, so that a request "up to today" asks for no later day.
    """

    first: date
    last: date
    today: date

    @property
    def none_yet(self) -> str | None:
        """The reason why no day of the window counts yet; None if at least one day counts."""
        if self.last < self.first:
            return marked("no day of its window has settled yet")
        return f"its window begins on {self.first}" if self.today < self.first else None


@dataclass(frozen=True, slots=True)
class Record:
    """An output fact, such as an issue, a pull request or a release, in the state in which it was pulled.

    Times are timezone-aware. A record counts at the time `done_at`. If the record is not done, `done_at` is None and
    `not_done` says why (`open`, `closed as not planned`). `fields` holds the elements of each field by its name: a
    field with a single value has one element, an empty field none. `kind` (`issue`, `pull request`) distinguishes
    records in a stream that holds several kinds. `remark` is a remark on a record that counts, such as `resolved as
    Won't Do`. Its text can follow the words "it is".
    """

    id: str
    label: str
    title: str
    url: str
    updated_at: datetime
    created_at: datetime | None = None
    done_at: datetime | None = None
    not_done: str | None = None
    fields: Mapping[str, Sequence[Scalar]] = field(default_factory=dict)
    kind: str | None = None
    remark: str | None = None


def lead_time(created_at: datetime | None, done_at: datetime | None) -> Sequence[float]:
    """The field `lead_time`: the number of days from a record's creation until it was done.

    The field is empty if one of the times is missing, or if the record was done before it was created. Imported records
    and moved tags can have such dates, which would distort an average.
    """
    if created_at is None or done_at is None or done_at < created_at:
        return []
    return [(done_at - created_at).total_seconds() / 86400]


@dataclass(frozen=True, slots=True)
class Reading:
    """An outcome observation: a number, or the `problem` that explains why there is no number.

    `at` is the time that the number describes (timezone-aware). If the source gives no time, `at` is None, and the
    number describes the time of the pull. `cell` is the number's place (`Support!C14`), and `raw` is the content of
    that place as text.
    """

    number: float | None
    cell: str
    raw: str
    at: datetime | None = None
    problem: str | None = None


UnsettledQuality = Literal["partial", "failed", "stale"]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The quality of a source's newest number, if the source itself says that the number is not complete, and the
    reason.
    """

    quality: UnsettledQuality
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All present readings of a part of a stream.

    `problem` is set if the part could not be read; `partial` is also set if some of the part was read. If the snapshot
    is `unsettled`, its readings are stored but make no new value. `notes` say what was left out, such as rows without a
    date; `syncd explain` shows them. `warning` is shown beside the value if a row that may be the newest was left out.
    With `between`, the snapshot lists only the readings in that span. Stored readings outside of the span stay
    unchanged.
    """

    readings: Sequence[Reading] = ()
    problem: str | None = None
    notes: Sequence[str] = ()
    between: Between | None = None
    warning: str | None = None
    partial: bool = False
    unsettled: Unsettled | None = None


@dataclass(frozen=True, slots=True)
class Lists:
    """The state of the lists that make up a stream, such as the repositories of an owner. Each list has a name.

    `renamed` maps the former name of a list to its present name: the list's records keep their history under the new
    name. `left` are lists that no longer belong to the stream: their records are gone. `unread` are lists that could
    not be read, each with the reason: their records stay, and the stream is partial. `empty` are lists that can hold no
    records, each with the reason that is shown. `memory` is data about the stream that the source gets again at the
    next pull; None keeps the stored memory. Unlike a cursor, the memory stays when the stream is read from its
    beginning again.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a source's answer. The page and its cursor are stored in one transaction.

    `cursor` is the place from which the next pull may start once this page is stored; None keeps the stored cursor. If
    a pull listed everything, `present` on its last page holds the ids of all existing records, and every other record
    is gone. On a page of a census, `present` holds the ids on that page. `expected` is the number of rows that the
    server announces for the pull; None if it announces none. `readings` holds a snapshot for each part of a stream of
    readings. `lists` tells what became of the stream's lists. `moved_in` says that a record of the page came from
    another list. The record may still be stored under its former id in that list. A census of the connection's streams
    is therefore due at once.
    """

    records: Sequence[Record] = ()
    readings: Mapping[str, Snapshot] = field(default_factory=dict)
    cursor: Mapping[str, Json] | None = None
    present: frozenset[str] | None = None
    expected: int | None = None
    lists: Lists | None = None
    moved_in: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """A list or table that is pulled through a connection. All measures that need it share the stream.

    `key` identifies the stream within its connection, also for people. The source needs only the key to pull the
    stream. `needs` are the fields and kinds (of records) or the parts (of readings) that measures use. `since` is the
    earliest moment that a measure of records needs. `windows` maps a part to the span of the readings that the part
    needs. A part without a span needs all readings. `days` are the days of a request; None if the request names no
    dates. The key names the window of the days, so all parts of a stream have the same days. Streams with the same key
    are the same stream: their needs are joined. `memory` is the data in `Lists.memory` that the source last returned
    for the stream.
    """

    key: str
    kind: Literal["records", "readings"]
    needs: frozenset[str] = frozenset()
    since: datetime | None = None
    windows: Mapping[str, Between] = field(default_factory=dict, hash=False)
    memory: Mapping[str, Json] = field(default_factory=dict, compare=False)
    days: Days | None = None

    @property
    def name(self) -> str:
        """The stream's name in logs and lists."""
        return stream_name(self.key)

    def joined(self, other: Stream) -> Stream:
        """A copy of this stream with the needs of the other stream added."""
        since = min(self.since, other.since) if self.since and other.since else None
        windows = {**self.windows, **other.windows}
        for part in self.needs & other.needs & windows.keys():
            if part in self.windows and part in other.windows:
                (start, end), (other_start, other_end) = self.windows[part], other.windows[part]
                windows[part] = min(start, other_start), max(end, other_end)
            else:
                del windows[part]
        return Stream(self.key, self.kind, self.needs | other.needs, since, windows, days=self.days)


def stream_name(key: str) -> str:
    """The name of a stream in logs and lists: the first line of its key. Further lines of the key hold longer text,
    such as a query.
    """
    return key.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Check:
    """A finding of `syncd doctor`. If `ok` is false, `detail` says what to do."""

    name: str
    ok: bool
    detail: str
