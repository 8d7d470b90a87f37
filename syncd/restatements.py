"""What sources say of the past otherwise than they did: which record or row, why, when, and the number on both sides.

Nothing is written down for it: the ledger keeps every version, and a restatement is two of them compared. A record that
counted and does not any more, or brings another number; one that was done on a day that had been measured and came
late; a dated reading whose number was changed or taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.ledger import Cycle, KeptValue, Ledger
from syncd.okr.goals import KeyResult, Plan
from syncd.okr.measures import Leaf, RecordMeasure, contribution, leaves, left_out, scalar_text
from syncd.okr.spans import Period
from syncd.sdk import Record

GONE = "gone: deleted, moved, or no match any more"


@dataclass(frozen=True, slots=True)
class Restatement:
    """One record or row that its source says otherwise since a cycle that ended `at`.

    `of` is the day it counts on; `before` and `after` are the key result's number on both sides of that cycle, None
    where it is unknown, or was not measured since: the period may have settled.
    """

    at: datetime
    label: str
    title: str
    url: str
    of: datetime | None
    why: str
    before: float | None
    after: float | None


def restatements(
    ledger: Ledger, plan: Plan, key_result: KeyResult, measure_digest: str, after: int = 0, until: int | None = None
) -> list[Restatement]:
    """Those of one key result since it is measured as it is now, after one cycle and not after another, in order."""
    measure = key_result.measure
    last = ledger.cycles.last()
    end = last.id if until is None and last else until or 0
    history = [
        (cycle, replace(value, confirmed=min(value.confirmed, end)))  # later ones may have found the same number
        for cycle, value in ledger.values.history(plan.period.id, key_result.id)
        if value.measure == measure_digest and value.quality == "complete" and value.confirmed is not None
        if cycle.id <= end
    ]
    if measure is None or not history:
        return []
    known = _Known(ledger, plan.period, history)
    first = max(after, history[0][1].cycle)
    found = [one for leaf in leaves(measure) for one in _of_leaf(ledger, plan, leaf, known, first, end)]
    return sorted(found, key=lambda one: one.at)  # stable: in the order of the parts


def _of_leaf(ledger: Ledger, plan: Plan, measure: Leaf, known: _Known, first: int, end: int) -> Iterator[Restatement]:
    if isinstance(measure, RecordMeasure):
        for revised in ledger.revisions.of_records(measure, first, end):
            at = known.ended_at(revised.cycle)
            why = _why(measure, revised.old, revised.new, plan, at, known.measured_before(revised.cycle))
            shown = revised.new or revised.old
            if why is not None and shown is not None:
                of = (revised.old.done_at if revised.old else None) or shown.done_at
                yield Restatement(at, shown.label, shown.title, shown.url, of, why, *known.numbers(revised.cycle))
        return
    for reread in ledger.revisions.of_readings(measure, first, end):
        at = known.ended_at(reread.cycle)
        if reread.at in measure.window.span(plan.period, at) and reread.at <= at:
            held = f"held {reread.old.raw}"
            why = f"{held}, and its row is gone" if reread.new is None else f"{held}, and holds {reread.new.raw} now"
            cell = (reread.new or reread.old).cell
            yield Restatement(at, cell, "", "", reread.at, why, *known.numbers(reread.cycle))


class _Known:
    """What a key result was known to be, cycle by cycle."""

    def __init__(self, ledger: Ledger, period: Period, history: Sequence[tuple[Cycle, KeptValue]]) -> None:
        self._ledger = ledger
        self._period = period
        self._values = [value for _, value in history]
        self._times: dict[int, datetime] = {}

    def ended_at(self, cycle: int) -> datetime:
        """When a cycle ended; one that was killed, when the next one did that ended."""
        if cycle not in self._times:
            self._times[cycle] = self._ledger.cycles.end_of(cycle)
        return self._times[cycle]

    def numbers(self, cycle: int) -> tuple[float | None, float | None]:
        """The number before a cycle, and since."""
        before = [value.number for value in self._values if value.cycle < cycle]
        since = [value.number for value in self._values if value.confirmed is not None and value.confirmed >= cycle]
        return before[-1] if before else None, since[0] if since else None

    def measured_before(self, cycle: int) -> datetime | None:
        """When it was last measured before a cycle."""
        for value in reversed(self._values):
            if value.cycle < cycle and value.confirmed is not None:
                return self.ended_at(min(value.confirmed, cycle - 1))
        return None


def _why(
    measure: RecordMeasure, old: Record | None, new: Record | None, plan: Plan, at: datetime, measured: datetime | None
) -> str | None:
    """Why it is a restatement; None where it is none."""
    window = measure.window.span(plan.period, at)
    counted = old is not None and left_out(measure, window, old) is None
    if new is None:
        return GONE if counted else None
    why = left_out(measure, window, new)
    if counted and why is not None:
        return why
    if why is not None or new.done_at is None:
        return None
    if counted and old is not None:
        return _brings(measure, old, new)
    zone = plan.period.zone
    if measured is not None and new.done_at.astimezone(zone).date() < measured.astimezone(zone).date():
        return "came late"
    return None


def _brings(measure: RecordMeasure, old: Record, new: Record) -> str | None:
    """What a record brings now and did not before."""
    if measure.take == "share":
        return new.not_done or "not done" if old.done_at and not new.done_at else None
    if measure.of is None:
        return None
    sides = list(_shown(measure.of, (old, new)))
    return f"{measure.of}: {sides[0]} → {sides[1]}" if sides[0] != sides[1] else None


def _shown(field: str, records: Sequence[Record]) -> Iterator[str]:
    for record in records:
        number = contribution(record, field)
        texts = [scalar_text(value) for value in record.fields.get(field, ())]
        yield scalar_text(number) if number is not None else ", ".join(texts) or "none"
