"""What a connector hands over: records (outputs), readings (outcomes), and the pages they travel in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scalar = str | float
"""A field's element: a text or a number. A truth value is the text `true` or `false`."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""Anything that JSON can say; a cursor is one."""


@dataclass(frozen=True, slots=True)
class Record:
    """An output fact: an issue, a pull request, a release, as it stood when it was pulled.

    Times are aware. `done_at` is the moment that it counts on, None where it is not done; `not_done` then says why
    (`open`, `closed as not planned`). `fields` holds, for each name, every element: one for a single-valued field,
    none for an empty one. `kind` (`issue`, `pull request`) tells apart what one stream holds of several kinds.
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


def lead_time(created_at: datetime, done_at: datetime | None) -> Sequence[float]:
    """The field `lead_time`: the days from a record's creation until it was done.

    No element where it is not done, or was done before it was created: an import's dates make no average.
    """
    if done_at is None or done_at < created_at:
        return []
    return [(done_at - created_at).total_seconds() / 86400]


@dataclass(frozen=True, slots=True)
class Reading:
    """An outcome observation: a number, or none and the `problem`.

    `at` is the time that it is of (aware), None where the source gives none: then it is of the time it was seen.
    `cell` is where it stands (`Support!C14`), `raw` what stood there, as text.
    """

    number: float | None
    cell: str
    raw: str
    at: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every reading of one part of a stream, as it stands now; `problem` where the part itself could not be read.

    `notes` says what was passed over on the way (rows with no date, say), for `explain`.
    """

    readings: Sequence[Reading] = ()
    problem: str | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a source, stored with its cursor in one transaction.

    `cursor` is what the next pull may start from once this page is stored; None leaves the stored one.
    `present` on the last page of a pull names every record there is, where the pull listed them all: others are gone.
    On a page of a census it names those that are on it. `expected` is how many rows the pull is to bring in all, where
    the server tells. `readings` holds a snapshot for each part of a stream of readings.
    """

    records: Sequence[Record] = ()
    readings: Mapping[str, Snapshot] = field(default_factory=dict)
    cursor: Mapping[str, Json] | None = None
    present: frozenset[str] | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """One thing pulled through a connection, shared by every measure that needs it.

    `key` identifies it within its connection, for people too, and is all that its source needs to pull it. `needs`
    names the fields and kinds (of records) or the parts (of readings) that some measure uses; `since` is the earliest
    moment that one looks at. Streams of equal key are one: their needs are joined.
    """

    key: str
    kind: Literal["records", "readings"]
    needs: frozenset[str] = frozenset()
    since: datetime | None = None

    def joined(self, other: Stream) -> Stream:
        """This stream, serving the other's measures too."""
        since = min(self.since, other.since) if self.since and other.since else None
        return Stream(self.key, self.kind, self.needs | other.needs, since)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `syncd doctor`: `ok`, or not and what to do."""

    name: str
    ok: bool
    detail: str
