"""What a connector hands over: records (outputs), readings (outcomes), and the pages they travel in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Scalar = str | float
"""An element of a field: a text or a number. A truth value is the text `true` or `false`."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""Any JSON value, such as a cursor."""

Between = tuple[datetime, datetime]
"""The first moment of a time, and the first moment after it; both aware."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days that a request asks for: the first and the last of a window, both included, and today.

    `today` is the window's last day once that has passed: a request "up to today" then asks for nothing after it.
    """

    first: date
    last: date
    today: date

    @property
    def none_yet(self) -> str | None:
        """Why no day of the window has come yet; None if one has."""
        if self.last < self.first:
            return "no day of its window has settled yet"
        return f"its window begins on {self.first}" if self.today < self.first else None


@dataclass(frozen=True, slots=True)
class Record:
    """An output fact: an issue, a pull request, a release, in the state in which it was pulled.

    Times are aware. `done_at` is the moment on which the record counts, None if it is not done; then `not_done` says
    why (`open`, `closed as not planned`). `fields` holds the elements of each field by its name: a field with a single
    value has one element, an empty field none. `kind` (`issue`, `pull request`) distinguishes records in a stream that
    holds several kinds. `remark` says what to know of a record although it counts, to follow the words "it is", such as
    `resolved as Won't Do`.
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
    """The field `lead_time`: the days from a record's creation until it was done.

    The field is empty if one of the times is missing, or if the record was done before it was created: the dates of
    imported records and of moved tags would distort an average.
    """
    if created_at is None or done_at is None or done_at < created_at:
        return []
    return [(done_at - created_at).total_seconds() / 86400]


@dataclass(frozen=True, slots=True)
class Reading:
    """An outcome observation: a number, or none and the `problem`.

    `at` is the time that the number describes (aware). If the source gives no time, `at` is None, and the number
    describes the time at which it was seen. `cell` is its place (`Support!C14`), `raw` the content of that place as
    text.
    """

    number: float | None
    cell: str
    raw: str
    at: datetime | None = None
    problem: str | None = None


UnsettledQuality = Literal["partial", "failed", "stale"]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What a source that judges its own numbers says of the newest: it is not complete there, and why."""

    quality: UnsettledQuality
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every reading that a part of a stream has now; `problem` is set if the part itself could not be read, and
    `partial` too if some of it was. If it is `unsettled`, its readings are stored and make no new value.

    `notes` tell `explain` what was left out, such as rows without a date. `warning` is for whoever reads the value: a
    row that may be the newest was left out. With `between` only the readings of that time are listed: earlier and later
    ones stay as they were stored.
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
    """What became of the lists that make up a stream, such as the repositories of an owner; each has a name.

    `renamed` maps the former name of a list to its present one: its records keep their history under the new name.
    `left` are lists that no longer belong to the stream: their records are gone. `unread` are lists that could not be
    read, each with the reason: their records stay, and the stream is partial. `empty` are lists that can hold nothing,
    each with the reason, to be shown. `memory` is what the source wants to remember of the stream, None to keep what it
    remembered; unlike a cursor it stays when the stream starts anew.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)
    empty: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a source's answer, stored with its cursor in one transaction.

    `cursor` is the place from which the next pull may start once this page is stored; None keeps the stored cursor.
    `present`, on the last page of a pull that listed everything, holds the ids of all existing records: every other
    record is gone. On a page of a census it holds the ids on that page. `expected` is the number of rows that the
    server announces for the whole pull; None if it announces none. `readings` holds a snapshot for each part of a
    stream of readings. `lists` tells what became of the stream's lists. `moved_in` says that a record of the page came
    from another list, which may still hold it under its former id: a census of the connection's streams is due at once.
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
    """The data that is pulled through a connection as a whole, shared by every measure that needs it.

    `key` identifies the stream within its connection, also for people; its source needs nothing else to pull it.
    `needs` are the fields and kinds (of records) or the parts (of readings) that measures use; `since` is the earliest
    moment that a measure of records needs. `windows` holds the time whose readings a part needs; a part without one
    needs all. `days` are the days that a request asks for, None if it names no dates. The key names their window, so
    all parts have the same days. Streams with the same key are the same stream: their needs are joined. `memory` is
    what the source asked to remember of the stream.
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
        """What logs and lists call it."""
        return stream_name(self.key)

    def joined(self, other: Stream) -> Stream:
        """This stream with the other stream's needs added."""
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
    """What logs and lists call a stream: the first line of its key. Whatever is too long for them, such as the text of
    a query, follows on further lines.
    """
    return key.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Check:
    """A finding of `syncd doctor`: either it is `ok`, or `detail` says what to do."""

    name: str
    ok: bool
    detail: str
