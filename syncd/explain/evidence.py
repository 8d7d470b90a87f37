"""The evidence behind a number: its definition, its window, the rows that count, and the other rows, each with the rule
that leaves it out.

The evidence comes only from the ledger. It belongs to a snapshot of the present or of a past moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.explain.approvals import PastApproval, approvals
from syncd.explain.edit import Edit
from syncd.explain.edits import edits
from syncd.explain.items import Item, RowsAfter, items_of, named_parts
from syncd.explain.restatements import Restatement, restatements
from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.ledger.pulled import StreamId
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Quality
from syncd.okr.measures import (
    FormulaMeasure,
    Leaf,
    Measure,
    ReadingMeasure,
    RecordMeasure,
    leaves,
    scalar_text,
    stream_keys,
)
from syncd.okr.spans import Span
from syncd.okr.words import place
from syncd.sdk.figures import exact
from syncd.sdk.language import gettext as _
from syncd.sdk.language import original
from syncd.status.report import KeyResultLine, line_of
from syncd.status.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a number: its only measure, or a named part of its formula. `arithmetic` shows how the part's own
    number was computed.
    """

    name: str | None
    measure: Leaf
    window: Span
    arithmetic: str

    @property
    def words(self) -> str:
        """The measure in words, such as `count; base: main` or `latest of cell Survey!B3`."""
        measure = self.measure
        per = f" per {measure.per}" if measure.per else ""
        if isinstance(measure, RecordMeasure):
            of = f" of {measure.of_text}" if measure.of else ""
            return f"{measure.take}{of}{per}" + "".join(f"; {rule}" for rule in measure.filters)
        return f"{measure.take} of {place(measure.part)}{per}"


@dataclass(frozen=True, slots=True)
class StreamSeen:
    """A stream behind a number: how its last pull ended, and the end of the last cycle that pulled it completely.

    `got` is the number of rows that the last pull returned; None if nothing was new. `expected` is the number of rows
    that the server announced.
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
class Evidence:
    """All the evidence of a number. `parts` is empty if the key result has no measure, or if the measure was edited
    after the value was measured.

    `candidate` has the items that would count if the candidate were the value; it is empty if no number is held.
    `arithmetic` shows how the number was computed from the parts. `checkins` has all check-ins up to the moment of the
    snapshot, oldest first. The flag of a check-in is true if it had expired.
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
    approvals: Sequence[PastApproval] = ()
    restatements: Sequence[Restatement] = ()
    guard: Evidence | None = None
    checkins: Sequence[tuple[CheckIn, bool]] = ()

    @property
    def counted(self) -> Sequence[Item]:
        """The items that count."""
        return [item for item in self.items if item.left_out is None]


def evidence(snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult) -> Evidence:
    """The evidence of a key result in a snapshot."""
    okrs, cycle = snapshot.okrs, snapshot.cycle
    value, line, measure = snapshot.values.get(key_result.id), line_of(snapshot, key_result), key_result.measure
    checkins = [
        (checkin, checkin.expired(okrs.period.span, snapshot.moment))
        for checkin in snapshot.checkins.get(key_result.id, ())
    ]
    guard = evidence(snapshot, ledger, key_result.guard) if key_result.guard else None
    changes = edits(ledger, okrs.period.id, key_result.id, cycle) if ledger and cycle else ()
    if ledger is None or not cycle or value is None or measure is None:
        return Evidence(key_result, value, line, (), (), (), "", changes, edited=False, guard=guard, checkins=checkins)
    edited = value.measure != measure_digest(measure)
    items, parts, arithmetic = list[Item](), list[Part](), ""
    if value.confirmed is not None and not edited:
        # The evidence of a value is the rows that the ledger held after the last cycle that measured it, as of the end
        # of that cycle.
        seen_at = snapshot.times.get(value.confirmed, snapshot.last_instant)
        rows = RowsAfter(ledger, okrs.period, value.confirmed, seen_at)
        items = list(items_of(rows, measure))
        parts = list(parts_of(rows, measure, items))
        arithmetic = parts[0].arithmetic
        if isinstance(measure, FormulaMeasure):
            arithmetic = f"{measure.expression} = {_number(value)}"
    candidate: list[Item] = []
    if value.quality == "held" and not edited and snapshot.synced_at is not None:  # a plan may have added rows since
        waiting = items_of(RowsAfter(ledger, okrs.period, snapshot.synced, snapshot.synced_at), measure)
        candidate = [item for item in waiting if item.left_out is None]
    return Evidence(
        key_result,
        value,
        line,
        parts,
        list(_streams(ledger, measure, cycle)),
        items,
        arithmetic,
        changes,
        edited,
        candidate,
        list(approvals(ledger, okrs.period.id, key_result.id, cycle)),
        [] if edited else restatements(ledger, okrs, key_result, until=cycle),
        guard,
        checkins,
    )


def parts_of(rows: RowsAfter, measure: Measure, items: Sequence[Item]) -> Iterator[Part]:
    """Yields the parts of a measure, each with the computation of its number from these rows. `items` are the items of
    these rows.
    """
    for name, part in named_parts(measure):
        brought = [item.brings or "" for item in items if item.left_out is None and item.part == name]
        yield Part(name, part, rows.window(part), _arithmetic(rows, part, brought))


def _streams(ledger: Ledger, measure: Measure, cycle: int) -> Iterator[StreamSeen]:
    """Yields the state of each stream of a measure after a cycle. Its notes are those on the parts that the measure
    reads, and the restriction that follows from the connection's settings.
    """
    parts: dict[StreamId, list[str]] = {}
    restrictions: dict[StreamId, str] = {}
    for leaf in leaves(measure):
        for key in stream_keys(leaf):
            parts.setdefault((leaf.connection, key), []).extend([leaf.part] if isinstance(leaf, ReadingMeasure) else [])
            if isinstance(leaf, RecordMeasure) and leaf.restriction is not None:
                restrictions[leaf.connection, key] = leaf.restriction
    pulls = ledger.pulls.after(cycle, parts)
    for name, read in parts.items():
        if (pull := pulls.get(name)) is not None and pull.quality is not None:
            notes = [restrictions[name]] if name in restrictions else []
            notes += [note for part in dict.fromkeys(read) for note in pull.notes.get(part, ())]
            yield StreamSeen(*name, pull.completed_at, pull.quality, pull.reason, notes, pull.got, pull.expected)


def _arithmetic(rows: RowsAfter, measure: Leaf, brought: Sequence[str]) -> str:
    answer = rows.answer(measure)
    if answer.number is None:
        return original(answer.reason) if answer.reason else _("unknown")
    if measure.per is None:
        return _aggregate(measure, brought, exact(scalar_text(answer.number)))
    whole = rows.answer(replace(measure, per=None)).number or 0.0
    passed = whole / answer.number if answer.number else 0.0
    number, total = exact(scalar_text(answer.number)), exact(scalar_text(whole))
    time = exact(f"{passed:.4g}")
    if measure.per == "day":
        rate = _("%(total)s / %(time)s days", total=total, time=time) if passed else "0"
        rate = _("%(rate)s = %(number)s a day", rate=rate, number=number)
    else:
        rate = _("%(total)s / %(time)s weeks", total=total, time=time) if passed else "0"
        rate = _("%(rate)s = %(number)s a week", rate=rate, number=number)
    return f"{_aggregate(measure, brought, total)}; {rate}"


def _aggregate(measure: Leaf, brought: Sequence[str], result: str) -> str:
    brought = [exact(text) for text in brought]
    many = len(brought)
    if measure.take == "count":
        return _("count of %(num)s records = %(result)s", num=many, result=result)
    if measure.take == "share":
        done = brought.count("1")
        return _("%(done)s of %(num)s records are done = %(result)s %%", done=done, num=many, result=result)
    if measure.take == "sum" and many <= 12:
        return f"{' + '.join(brought) or '0'} = {result}"
    if measure.take == "change" and many == 2:
        return f"{brought[1]} - {brought[0]} = {result}"
    if measure.take == "latest":
        return _("the latest reading = %(result)s", result=result)
    if measure.take == "first":
        return _("the first reading = %(result)s", result=result)
    if isinstance(measure, RecordMeasure) and measure.of:
        parts = {"take": measure.take, "field": measure.of_text, "num": many, "result": result}
        return _("%(take)s of %(field)s over %(num)s = %(result)s", **parts)
    return _("%(take)s over %(num)s = %(result)s", take=measure.take, num=many, result=result)


def _number(value: KeptValue) -> str:
    if value.number is None:
        return original(value.reason) if value.reason else _("unknown")
    return exact(scalar_text(value.number))
