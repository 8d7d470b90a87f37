"""The evidence behind a number: its definition, its window, what counts, and what was left out by which rule.

From the ledger alone, as it stands or as it stood after the last cycle before a past moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from syncd.config import Config
from syncd.definitions import changes, measure_digest
from syncd.ledger import Cycle, KeptValue, Ledger, StreamState
from syncd.okr.goals import KeyResult, Plan
from syncd.okr.measures import (
    ReadingMeasure,
    RecordMeasure,
    contribution,
    left_out,
    readings_used,
    scalar_text,
    stream_keys,
)
from syncd.okr.spans import Span
from syncd.report import KeyResultLine, line_of
from syncd.restatements import Restatement, restatements
from syncd.sdk import Reading, Record


@dataclass(frozen=True, slots=True)
class Item:
    """A record or reading: what it brings to the number, or why it was left out."""

    label: str
    title: str
    url: str
    at: datetime | None
    brings: str | None
    left_out: str | None


@dataclass(frozen=True, slots=True)
class StreamSeen:
    """A stream that the number rests on, as it was last pulled."""

    connection: str
    key: str
    completed_at: datetime | None
    quality: str | None
    reason: str | None
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Approved:
    """A held number that somebody took, and the value before it."""

    at: datetime
    author: str
    old: float | None
    new: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a number rests on. `window` is None for a key result without a measure.

    `candidate` is what would count, were the number that waits the value; nothing where none is held.
    """

    key_result: KeyResult
    value: KeptValue | None
    line: KeyResultLine
    window: Span | None
    streams: Sequence[StreamSeen]
    items: Sequence[Item]
    arithmetic: str
    definition_changes: Sequence[tuple[datetime, str, Any, Any]]
    edited: bool
    candidate: Sequence[Item] = ()
    approvals: Sequence[Approved] = ()
    restatements: Sequence[Restatement] = ()

    @property
    def counted(self) -> Sequence[Item]:
        """What counts."""
        return [item for item in self.items if item.left_out is None]


def evidence(
    config: Config, plan: Plan, key_result: KeyResult, ledger: Ledger | None, now: datetime, at: datetime | None = None
) -> Evidence:
    """The evidence of a key result: as it is `now`, or as it was after the last cycle before a past moment `at`."""
    cycle = ledger.cycles.last(by=at) if ledger else None
    now = at or now
    value = ledger.values.last(plan.period.id, cycle.id).get(key_result.id) if ledger and cycle else None
    if value and cycle and value.confirmed is not None and value.confirmed > cycle.id:
        value = replace(value, confirmed=cycle.id)  # later cycles found the same number, on other evidence perhaps
    times = ledger.cycles.times([value.confirmed]) if ledger and value and value.confirmed else {}
    line = line_of(config, plan, key_result, value, times, now)
    measure = key_result.measure
    if ledger is None or cycle is None or value is None or measure is None:
        return Evidence(key_result, value, line, None, (), (), "", (), edited=False)
    # What the value rests on is what the ledger held after the last cycle that measured it, seen at that time.
    measured = value.confirmed
    seen_at = times.get(measured, now) if measured is not None else now
    edited = value.measure != measure_digest(measure)
    window = measure.window.span(plan.period, seen_at)
    items = list(_items(ledger, measure, window, seen_at, measured)) if measured is not None and not edited else []
    candidate: list[Item] = []
    if value.quality == "held" and not edited and cycle.ended_at is not None:
        then = measure.window.span(plan.period, cycle.ended_at)
        found = _items(ledger, measure, then, cycle.ended_at, cycle.id)
        candidate = [item for item in found if item.left_out is None]
    return Evidence(
        key_result,
        value,
        line,
        None if edited else window,
        list(_streams(ledger, measure)),
        items,
        "" if edited else _arithmetic(measure, value, items),
        list(_definition_changes(ledger, plan, key_result, cycle)),
        edited,
        candidate,
        list(_approvals(ledger, plan, key_result, cycle)),
        [] if edited else restatements(ledger, plan, key_result, value.measure, until=cycle.id),
    )


def _streams(ledger: Ledger, measure: RecordMeasure | ReadingMeasure) -> Iterator[StreamSeen]:
    for key in stream_keys(measure):
        state: StreamState | None = ledger.streams.state(measure.connection, key)
        if state is not None:
            notes = state.notes.get(measure.part, ()) if isinstance(measure, ReadingMeasure) else ()
            yield StreamSeen(measure.connection, key, state.completed_at, state.quality, state.reason, list(notes))


def _items(
    ledger: Ledger, measure: RecordMeasure | ReadingMeasure, window: Span, now: datetime, cycle: int
) -> Iterator[Item]:
    if isinstance(measure, RecordMeasure):
        for record in ledger.answers.records(measure, cycle):
            yield _record(measure, window, record)
        return
    _, readings = ledger.answers.readings(measure, window, now, cycle)
    _, used = readings_used(measure.take, window, now, readings)
    for reading in readings:
        yield _reading(reading, used, window, now, measure.take)


def _record(measure: RecordMeasure, window: Span, record: Record) -> Item:
    why = left_out(measure, window, record)
    brings: str | None = None
    if why is None and measure.of is None:
        brings = "1"
    elif why is None and measure.take == "distinct":
        values = [scalar_text(value) for value in record.fields.get(measure.of or "", ())]
        brings, why = (", ".join(values), None) if values else (None, f"has no {measure.of}")
    elif why is None:
        number = contribution(record, measure.of or "")
        brings, why = (scalar_text(number), None) if number is not None else (None, f"has no {measure.of}")
    return Item(record.label, record.title, record.url, record.done_at, brings, why)


def _reading(reading: Reading, used: Sequence[Reading], window: Span, now: datetime, take: str) -> Item:
    raw = f"{reading.raw!r}" if reading.number is None else reading.raw
    title = f"holds {raw}"
    if any(reading is other for other in used):
        brings = scalar_text(reading.number) if reading.number is not None else f"unknown: {reading.problem}"
        return Item(reading.cell, title, "", reading.at, brings, None)
    at = reading.at or now
    if at > now:
        why = "dated after now"
    elif at < window.start:
        why = "before the window"
    elif at >= window.end:
        why = "after the window"
    else:
        why = f"not the {take} one"
    return Item(reading.cell, title, "", reading.at, None, why)


def _arithmetic(measure: RecordMeasure | ReadingMeasure, value: KeptValue, items: Sequence[Item]) -> str:
    if value.number is None:
        return value.reason or "unknown"
    brought = [item.brings or "" for item in items if item.left_out is None]
    result = scalar_text(value.number)
    of = f" of {measure.of}" if isinstance(measure, RecordMeasure) and measure.of else ""
    if measure.take == "count":
        return f"count of {len(brought)} records = {result}"
    if measure.take == "sum" and len(brought) <= 12:
        return f"{' + '.join(brought) or '0'} = {result}"
    if measure.take == "change" and len(brought) == 2:
        return f"{brought[1]} - {brought[0]} = {result}"
    if measure.take in ("latest", "first"):
        return f"the {measure.take} reading = {result}"
    return f"{measure.take}{of} over {len(brought)} = {result}"


def _approvals(ledger: Ledger, plan: Plan, key_result: KeyResult, cycle: Cycle) -> Iterator[Approved]:
    approvals = ledger.approvals.of(plan.period.id, key_result.id, cycle.id)
    history = ledger.values.history(plan.period.id, key_result.id) if approvals else ()
    for approval in approvals:
        before = [value.number for found, value in history if found.id < approval.cycle]
        old = before[-1] if before else None
        yield Approved(approval.at, approval.author, old, approval.number, approval.reason)


def _definition_changes(
    ledger: Ledger, plan: Plan, key_result: KeyResult, cycle: Cycle
) -> Iterator[tuple[datetime, str, Any, Any]]:
    known: Sequence[Mapping[str, Any]] = ledger.values.definitions(plan.period.id, key_result.id, cycle.id)
    for before, after in pairwise(known):
        for name, old, new in changes(before["body"], after["body"]):
            yield after["started_at"], name, old, new
