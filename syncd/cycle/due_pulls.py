"""What a cycle pulls: the streams that plans need, each from where the ledger stands; and how its pull ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from syncd.config import Connection
from syncd.ledger import Ledger, StreamState
from syncd.okr.goals import Plan, Quality
from syncd.okr.measures import Leaf, ReadingMeasure, earliest, leaves, stream_keys
from syncd.okr.spans import Period
from syncd.sdk import Budget, Json, Source, Stream


@dataclass(frozen=True, slots=True)
class Pull:
    """One stream to pull in this cycle, from where the ledger stands."""

    connection: str
    stream: Stream
    id: int
    cursor: Mapping[str, Json] | None
    census: bool
    known: frozenset[str] = frozenset()
    put_off: PutOff | None = None


@dataclass(frozen=True, slots=True)
class PutOff:
    """A stream whose source asked not to be asked before `until`, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pull ended; `problems` are those of single parts, or of reconciliation, of one that was read to its end.

    `got` rows came, of as many `expected` as the server announced, where it did; `retry_at` is when it may be asked
    again, where it said so.
    """

    pull: Pull
    quality: Quality
    reason: str | None
    pages: int = 0
    changed: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)
    got: int = 0
    expected: int | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be pulled through one connection, and its budget."""

    source: Source
    pulls: Sequence[Pull]
    budget: Budget


def _silent(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who wants to hear how pulls go: which are ahead, each page with its number of rows, how each ended."""

    pulling: Callable[[Sequence[Pull]], None] = _silent
    page: Callable[[Pull, int], None] = _silent
    ended: Callable[[Outcome], None] = _silent


def needed_streams(connection: str, plans: Iterable[Plan]) -> Mapping[str, Stream]:
    """The streams of a connection that plans' measures rest on, by key, each with the needs of all that share it."""
    streams: dict[str, Stream] = {}
    for plan in plans:
        for measure in (leaf for key_result in plan.measured for leaf in leaves(key_result.measure)):
            if measure.connection != connection:
                continue
            for key in stream_keys(measure):
                stream = _stream(key, measure, plan.period)
                streams[key] = streams[key].joined(stream) if key in streams else stream
    return streams


def _stream(key: str, measure: Leaf, period: Period) -> Stream:
    if isinstance(measure, ReadingMeasure):
        return Stream(key, "readings", frozenset({measure.part}))
    needs = measure.fields | ({measure.kind} if measure.kind else set())
    return Stream(key, "records", needs, earliest(measure, period))


def due_pulls(
    ledger: Ledger,
    connection: Connection,
    streams: Sequence[Stream],
    now: datetime,
    reconcile: bool,
    patient: bool = False,
) -> list[Pull]:
    """What to pull of each stream: on from its cursor, or anew where its rows lack what is asked for now.

    With `patient`, one whose source asked for a later time is put off until then. What is quick comes first.
    """
    states = ledger.streams.states(connection.name)
    found = [_due(ledger, connection, stream, states.get(stream.key), now, reconcile, patient) for stream in streams]
    return sorted(found, key=lambda pull: pull.cursor is None or pull.census)


def _due(
    ledger: Ledger,
    connection: Connection,
    stream: Stream,
    state: StreamState | None,
    now: datetime,
    reconcile: bool,
    patient: bool,
) -> Pull:
    number = state.id if state else ledger.streams.add(connection.name, stream.key, now)
    if state is None or not state.covers(stream):
        ledger.streams.restart(number, stream)
        state = ledger.streams.state(connection.name, stream.key)
    assert state is not None
    put_off = None
    if patient and state.retry_at is not None and state.retry_at > datetime.now(UTC):
        put_off = PutOff(state.retry_at, state.reason or "")
    due = _census_due(state, connection, stream, now, reconcile)
    known = ledger.streams.known(number) if due else frozenset()
    census = due and (bool(known) or state.cursor is not None)  # nothing left a stream that holds nothing yet
    return Pull(connection.name, stream, number, state.cursor, census, known, put_off)


def _census_due(state: StreamState, connection: Connection, stream: Stream, now: datetime, asked: bool) -> bool:
    """Whether a pull was complete does not matter: none finds what left since the last census."""
    if stream.kind != "records":
        return False
    last = state.census_at
    return asked or last is None or last > now or now - last >= connection.reconcile  # a wrong clock puts none off
