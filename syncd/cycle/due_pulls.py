"""The pulls of a cycle: the streams that the periods need, each with its cursor from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from syncd.config import Connection
from syncd.cycle.model import CycleRequest, Pull, PutOff
from syncd.ledger.streams import StreamState
from syncd.okr.asked_days import asked_days
from syncd.okr.goals import PeriodOkrs
from syncd.okr.measures import Leaf, ReadingMeasure, earliest, leaves, stream_keys
from syncd.okr.spans import Period
from syncd.sdk import Stream


def needed_streams(connection: str, periods: Iterable[PeriodOkrs], now: datetime | None = None) -> Mapping[str, Stream]:
    """The streams of a connection that the periods' measures and `work:` need, by the stream's key.

    A shared stream has the needs of all its measures. If `now` is missing, the streams cannot be pulled, because some
    requests name days that depend on the present time.
    """
    streams: dict[str, Stream] = {}
    for okrs in periods:
        measured = (leaf for key_result in okrs.measured for leaf in leaves(key_result.measure))
        for measure in (*measured, *okrs.work):
            if measure.connection != connection:
                continue
            for key in stream_keys(measure):
                stream = _stream(key, measure, okrs.period, now)
                streams[key] = streams[key].joined(stream) if key in streams else stream
    return streams


def _stream(key: str, measure: Leaf, period: Period, now: datetime | None) -> Stream:
    days = asked_days(measure, period, now) if measure.asks_days and now is not None else None
    if isinstance(measure, ReadingMeasure):
        reach = measure.window.reach(period)
        windows = {measure.part: (reach.start, reach.end)}
        return Stream(key, "readings", frozenset({measure.part}), windows=windows, days=days)
    needs = measure.fields | ({measure.kind} if measure.kind else set())
    since = earliest(measure, period)
    if since is not None and measure.is_work:  # reports show the work of the complete period
        since = min(since, period.span.start)
    return Stream(key, "records", needs, since, days=days)


def due_pulls(request: CycleRequest, connection: Connection, streams: Sequence[Stream]) -> list[Pull]:
    """The pulls of the streams. A pull reads the rows after its cursor. If the stored rows lack a field, part or day
    that is needed now, the pull reads all rows.

    A `patient` cycle puts off a stream whose source named a later time for the next request. Pulls with a cursor and
    without a census come first, because they are short.
    """
    states = request.ledger.streams.states(connection.name)
    pulls = [_due_pull(request, connection, stream, states.get(stream.key)) for stream in streams]
    return sorted(pulls, key=lambda pull: pull.cursor is None or pull.census)


def _due_pull(request: CycleRequest, connection: Connection, stream: Stream, state: StreamState | None) -> Pull:
    streams, now = request.ledger.streams, request.clock()
    number = state.id if state else streams.add(connection.name, stream.key, now)
    if state is None or not state.covers(stream):
        streams.restart(number, stream)
        state = streams.state(connection.name, stream.key)
    assert state is not None
    stream = replace(stream, memory=state.memory)
    put_off = None
    if request.patient and state.retry_at is not None and state.retry_at > datetime.now(UTC):
        put_off = PutOff(state.retry_at, state.reason or "")
    due = stream.kind == "records" and (request.reconcile or _census_due(state, connection, now))
    present = streams.record_ids(number) if due else frozenset()
    census = due and (bool(present) or state.cursor is not None)  # an empty stream has no records to delete
    return Pull(connection.name, stream, number, state.cursor, census, present, put_off)


def _census_due(state: StreamState, connection: Connection, now: datetime) -> bool:
    last = state.census_at
    return last is None or last > now or now - last >= connection.reconcile  # a later time: the clock was set back
