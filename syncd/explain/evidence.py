"""The evidence behind a number: its definition, its window, what counts, and what was left out by which rule.

From the ledger alone, as it stands or as it stood after the last cycle before a past moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.explain.edits import Edit, edits
from syncd.explain.restatements import Restatement, restatements
from syncd.ledger import KeptValue, Ledger, StreamId
from syncd.ledger.definitions import measure_digest
from syncd.okr.checkins import CheckIn
from syncd.okr.facts import answered
from syncd.okr.goals import KeyResult, Plan, Quality
from syncd.okr.measures import (
    FormulaMeasure,
    Leaf,
    Measure,
    ReadingMeasure,
    RecordMeasure,
    contribution,
    is_done,
    leaves,
    left_out,
    readings_used,
    scalar_text,
    stream_keys,
)
from syncd.okr.spans import Span
from syncd.sdk import Reading, Record
from syncd.status.report import KeyResultLine, line_of
from syncd.status.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Item:
    """A record or reading: what it brings to the number, or why it was left out; of which `part` of a formula.

    `key` tells it from the others of its part: a record's id, the time of a dated row, the cell of another. A record
    that stands in two streams is one.
    """

    key: str
    label: str
    title: str
    url: str
    at: datetime | None
    brings: str | None
    left_out: str | None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a number is made of: its one measure, or a named part of its formula, and how that came to its number."""

    name: str | None
    measure: Leaf
    window: Span
    arithmetic: str


@dataclass(frozen=True, slots=True)
class StreamSeen:
    """A stream that the number rests on, as it was last pulled; when the last cycle ended that pulled it to its end.

    `got` rows came with that pull, None where it brought nothing new; of as many `expected` as the server announced.
    """

    connection: str
    key: str
    completed_at: datetime | None
    quality: Quality
    reason: str | None
    notes: Sequence[str]
    got: int | None
    expected: int | None


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
    """All that a number rests on; no parts for a key result without a measure, or whose measure was edited since.

    `candidate` is what would count, were the number that waits the value; nothing where none is held. `arithmetic` is
    how the parts became the number. `checkins` are all that were made by then, oldest first,
    each with whether it had expired.
    """

    key_result: KeyResult
    value: KeptValue | None
    line: KeyResultLine
    parts: Sequence[Part]
    streams: Sequence[StreamSeen]
    items: Sequence[Item]
    arithmetic: str
    definition_changes: Sequence[Edit]
    edited: bool
    candidate: Sequence[Item] = ()
    approvals: Sequence[Approved] = ()
    restatements: Sequence[Restatement] = ()
    guard: Evidence | None = None
    checkins: Sequence[tuple[CheckIn, bool]] = ()

    @property
    def counted(self) -> Sequence[Item]:
        """What counts."""
        return [item for item in self.items if item.left_out is None]


def evidence(snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult) -> Evidence:
    """The evidence of a key result as it stood by a snapshot."""
    plan, cycle = snapshot.plan, snapshot.cycle
    value, line, measure = snapshot.values.get(key_result.id), line_of(snapshot, key_result), key_result.measure
    checkins = [
        (checkin, checkin.expired(plan.period.span, snapshot.moment))
        for checkin in snapshot.checkins.get(key_result.id, ())
    ]
    guard = evidence(snapshot, ledger, key_result.guard) if key_result.guard else None
    changed = edits(ledger, plan.period.id, key_result.id, cycle) if ledger and cycle and value else ()
    if ledger is None or not cycle or value is None or measure is None:
        return Evidence(key_result, value, line, (), (), (), "", changed, edited=False, guard=guard, checkins=checkins)
    # What the value rests on is what the ledger held after the last cycle that measured it, seen at that time.
    measured = value.confirmed
    seen_at = snapshot.times.get(measured, snapshot.last_instant) if measured is not None else snapshot.last_instant
    edited = value.measure != measure_digest(measure)
    items, parts, arithmetic = list[Item](), list[Part](), ""
    if measured is not None and not edited:
        items = list(items_of(ledger, plan, measure, seen_at, measured))
        parts = [
            Part(
                name,
                part,
                part.window.span(plan.period, seen_at),
                _arithmetic(ledger, plan, name, part, seen_at, measured, items),
            )
            for name, part in _named(measure)
        ]
        arithmetic = parts[0].arithmetic
        if isinstance(measure, FormulaMeasure):
            arithmetic = f"{measure.expression} = {_number(value)}"
    candidate: list[Item] = []
    if value.quality == "held" and not edited and snapshot.synced_at is not None:  # a plan may have brought rows since
        waiting = items_of(ledger, plan, measure, snapshot.synced_at, snapshot.synced)
        candidate = [item for item in waiting if item.left_out is None]
    return Evidence(
        key_result,
        value,
        line,
        parts,
        list(_streams(ledger, measure, cycle)),
        items,
        arithmetic,
        changed,
        edited,
        candidate,
        list(approvals(ledger, plan, key_result, cycle)),
        [] if edited else restatements(ledger, plan, key_result, value.measure, until=cycle),
        guard,
        checkins,
    )


def _named(measure: Measure) -> Sequence[tuple[str | None, Leaf]]:
    return measure.parts if isinstance(measure, FormulaMeasure) else ((None, measure),)


def _streams(ledger: Ledger, measure: Measure, cycle: int) -> Iterator[StreamSeen]:
    """Each stream of a measure as it stood after a cycle, with the notes on the parts that are read of it."""
    parts: dict[StreamId, list[str]] = {}
    for leaf in leaves(measure):
        for key in stream_keys(leaf):
            parts.setdefault((leaf.connection, key), []).extend([leaf.part] if isinstance(leaf, ReadingMeasure) else [])
    pulled = ledger.pulls.after(cycle, parts)
    for name, read in parts.items():
        if (found := pulled.get(name)) is not None and found.quality is not None:
            notes = [note for part in dict.fromkeys(read) for note in found.notes.get(part, ())]
            counts = found.got, found.expected
            yield StreamSeen(*name, found.completed_at, found.quality, found.reason, notes, *counts)


def items_of(ledger: Ledger, plan: Plan, measure: Measure, now: datetime, cycle: int) -> Iterator[Item]:
    """Everything that a measure looked at after a cycle, which ended `now`: what counted, and what did not."""
    for name, part in _named(measure):
        window = part.window.span(plan.period, now)
        for item in _items_of_part(ledger, part, window, now, cycle):
            yield replace(item, part=name) if name else item


def _items_of_part(ledger: Ledger, measure: Leaf, window: Span, now: datetime, cycle: int) -> Iterator[Item]:
    if isinstance(measure, RecordMeasure):
        for record in ledger.answers.records(measure, cycle):
            yield _record(measure, window, record)
        return
    dated, readings = ledger.answers.readings(measure, window, now, cycle)
    _, used = readings_used(measure.take, window, now, readings)
    seen: Counter[str] = Counter()  # two rows may be of one time
    for reading in sorted(readings, key=lambda reading: reading.at or now):  # in order of time, however it is listed
        item = _reading(reading, used, window, now, measure.take)
        key = reading.at.isoformat() if dated and reading.at else reading.cell
        yield replace(item, key=f"{key} {seen[key]}")
        seen[key] += 1


def _record(measure: RecordMeasure, window: Span, record: Record) -> Item:
    why = left_out(measure, window, record)
    brings: str | None = None
    if why is None and measure.take == "share":
        brings = "1" if is_done(record, window) else "0"
    elif why is None and measure.of is None:
        brings = "1"
    elif why is None and measure.take == "distinct":
        values = [scalar_text(value) for value in record.fields.get(measure.of or "", ())]
        brings, why = (", ".join(values), None) if values else (None, f"has no {measure.of}")
    elif why is None:
        number = contribution(record, measure.of or "")
        brings, why = (scalar_text(number), None) if number is not None else (None, f"has no {measure.of}")
    return Item(record.id, record.label, record.title, record.url, record.done_at, brings, why)


def _reading(reading: Reading, used: Sequence[Reading], window: Span, now: datetime, take: str) -> Item:
    raw = f"{reading.raw!r}" if reading.number is None else reading.raw
    title = f"holds {raw}"
    if any(reading is other for other in used):
        brings = scalar_text(reading.number) if reading.number is not None else f"unknown: {reading.problem}"
        return Item(reading.cell, reading.cell, title, "", reading.at, brings, None)
    at = reading.at or now
    if at > now:
        why = "dated after now"
    elif at < window.start:
        why = "before the window"
    elif at >= window.end:
        why = "after the window"
    else:
        why = f"not the {take} one"
    return Item(reading.cell, reading.cell, title, "", reading.at, None, why)


def _arithmetic(
    ledger: Ledger, plan: Plan, name: str | None, measure: Leaf, now: datetime, cycle: int, items: Sequence[Item]
) -> str:
    answer = answered(ledger.answers, measure, plan.period, now, cycle)
    if answer.number is None:
        return answer.reason or "unknown"
    brought = [item.brings or "" for item in items if item.left_out is None and item.part == name]
    if measure.per is None:
        return _sum_of(measure, brought, scalar_text(answer.number))
    whole = answered(ledger.answers, replace(measure, per=None), plan.period, now, cycle).number or 0.0
    passed = whole / answer.number if answer.number else 0.0
    rate = f"{scalar_text(whole)} / {passed:.4g} {measure.per}s" if passed else "0"
    return f"{_sum_of(measure, brought, scalar_text(whole))}; {rate} = {scalar_text(answer.number)} a {measure.per}"


def _sum_of(measure: Leaf, brought: Sequence[str], result: str) -> str:
    of = f" of {measure.of}" if isinstance(measure, RecordMeasure) and measure.of else ""
    if measure.take == "count":
        return f"count of {len(brought)} records = {result}"
    if measure.take == "share":
        return f"{brought.count('1')} of {len(brought)} records are done = {result} %"
    if measure.take == "sum" and len(brought) <= 12:
        return f"{' + '.join(brought) or '0'} = {result}"
    if measure.take == "change" and len(brought) == 2:
        return f"{brought[1]} - {brought[0]} = {result}"
    if measure.take in ("latest", "first"):
        return f"the {measure.take} reading = {result}"
    return f"{measure.take}{of} over {len(brought)} = {result}"


def _number(value: KeptValue) -> str:
    return value.reason or "unknown" if value.number is None else scalar_text(value.number)


def approvals(ledger: Ledger, plan: Plan, key_result: KeyResult, cycle: int) -> Iterator[Approved]:
    """Every approval of a key result up to a cycle, oldest first."""
    found = ledger.approvals.of(plan.period.id, key_result.id, cycle)
    history = ledger.values.history(plan.period.id, key_result.id) if found else ()
    for approval in found:
        before = [value.number for cycle_of, value in history if cycle_of.id < approval.cycle]
        old = before[-1] if before else None
        yield Approved(approval.at, approval.author, old, approval.number, approval.reason)
