"""What a cycle pulls: the streams that plans need, each from where the ledger stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from syncd.config import Connection
from syncd.cycle.model import Pull, PutOff
from syncd.ledger import Ledger, StreamState
from syncd.okr.goals import Plan
from syncd.okr.measures import Leaf, ReadingMeasure, earliest, leaves, stream_keys
from syncd.okr.spans import Period
from syncd.sdk import Stream


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

    With `patient`, a stream whose source asked for a later time is put off until then. The quick pulls come first.
    """
    states = ledger.streams.states(connection.name)
    pulls = [_due(ledger, connection, stream, states.get(stream.key), now, reconcile, patient) for stream in streams]
    return sorted(pulls, key=lambda pull: pull.cursor is None or pull.census)


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
    present = ledger.streams.record_ids(number) if due else frozenset()
    census = due and (bool(present) or state.cursor is not None)  # nothing can leave a stream that holds nothing yet
    return Pull(connection.name, stream, number, state.cursor, census, present, put_off)


def _census_due(state: StreamState, connection: Connection, stream: Stream, now: datetime, asked: bool) -> bool:
    """Whether what left the source is to be looked for; a pull finds none of it, complete or not."""
    if stream.kind != "records":
        return False
    last = state.census_at
    return asked or last is None or last > now or now - last >= connection.reconcile  # a wrong clock puts none off
