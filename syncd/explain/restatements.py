"""Finds the changes that a source made to past data, each with the record or row, the reason, the time, and the number
before and after.

The ledger keeps every version of a row; two versions are compared to find restatements. There are three kinds. A record
no longer counts or has another number; a record arrived after its day had been measured; or the number of a dated
reading was changed or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.ledger.revisions import Reread, Revised
from syncd.okr.filters import shown_scalar
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import Leaf, ReadingMeasure, RecordMeasure, contribution, leaves, left_out, scalar_text
from syncd.okr.spans import midnight
from syncd.sdk import Record
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked, original

GONE = marked("gone: deleted, moved, or no match any more")


@dataclass(frozen=True, slots=True)
class Restatement:
    """A change of a past record or row by its source (`connection`). The cycle that saw the change ended at the time
    `at`.

    `of` is the time for which the record or row counts. `before` and `after` are the key result's numbers before and
    after this cycle. A number is None if it is unknown, or if no later cycle measured it, for example because the
    period has settled.
    """

    connection: str
    at: datetime
    label: str
    title: str
    url: str
    of: datetime | None
    why: str
    before: float | None
    after: float | None


def restatements(
    ledger: Ledger, okrs: PeriodOkrs, key_result: KeyResult, *, after: int = 0, until: int
) -> list[Restatement]:
    """The restatements of a key result under its present measure, after cycle `after` and up to cycle `until`."""
    history = _history(ledger, okrs, key_result, after, until)
    return find_restatements(ledger, [history], until)[0] if history else []


def restatements_of_period(ledger: Ledger, okrs: PeriodOkrs, *, after: int, until: int) -> list[Restatement]:
    """The restatements of all key results of a period. A record or row that counts for several key results appears
    once.
    """
    histories = [_history(ledger, okrs, key_result, after, until) for key_result in okrs.measured]
    every = find_restatements(ledger, [history for history in histories if history is not None], until)
    return list({(each.connection, each.label, each.of, each.at): each for mine in every for each in mine}.values())


def _history(ledger: Ledger, okrs: PeriodOkrs, key_result: KeyResult, after: int, until: int) -> ValueHistory | None:
    """The history of a key result under its present measure; None if no cycle used this measure."""
    measure = measure_digest(key_result.measure)
    measured = ledger.values.first_and_last_under(okrs.period.id, key_result.id, measure, until)
    if measured is None:
        return None

    def values() -> Sequence[KeptValue]:
        return [
            replace(value, confirmed=min(value.confirmed, until))  # later cycles may have measured the same number
            for cycle, value in ledger.values.history(okrs.period.id, key_result.id)
            if value.measure == measure and value.quality == "complete" and value.confirmed is not None
            if cycle.id <= until
        ]

    return ValueHistory(okrs, key_result, values, max(after, measured[0]))


@dataclass(frozen=True)
class ValueHistory:
    """The past values of a key result, from which its restatements after cycle `after` are found.

    `read` returns its complete values under its measure, oldest first. `read` is called only if there was a change,
    because there may be thousands of values.
    """

    okrs: PeriodOkrs
    key_result: KeyResult
    read: Callable[[], Sequence[KeptValue]]
    after: int

    @cached_property
    def values(self) -> Sequence[KeptValue]:
        """The complete values, oldest first."""
        return self.read()

    def numbers(self, cycle: int) -> tuple[float | None, float | None]:
        """The last number before a cycle, and the first number from this cycle on; each is None if there is none."""
        before = [value.number for value in self.values if value.cycle < cycle]
        since = [value.number for value in self.values if value.confirmed is not None and value.confirmed >= cycle]
        return before[-1] if before else None, since[0] if since else None

    def measured_before(self, cycle: int) -> int | None:
        """The last cycle before `cycle` that measured the key result; None if there is none."""
        confirmed = [value.confirmed for value in self.values if value.cycle < cycle and value.confirmed is not None]
        return min(confirmed[-1], cycle - 1) if confirmed else None


def find_restatements(ledger: Ledger, histories: Sequence[ValueHistory], until: int) -> list[list[Restatement]]:
    """For each of these histories, the restatements of its key result up to a cycle, ordered by time. The ledger is
    read together for histories with the same `after`.
    """
    sortable: list[list[tuple[int, int, Any, Restatement]]] = [[] for _ in histories]
    ended_at = cache(ledger.cycles.end_of)  # for a killed cycle, the end of the next cycle
    for after in sorted({history.after for history in histories}):
        users: dict[Leaf, list[tuple[int, int]]] = {}
        for number, history in enumerate(histories):
            for part, leaf in enumerate(leaves(history.key_result.measure) if history.after == after else ()):
                users.setdefault(leaf, []).append((number, part))
        of_records = [leaf for leaf in users if isinstance(leaf, RecordMeasure)]
        for measure, revised in ledger.revisions.of_records(of_records, after, until):
            for number, part in users[measure]:
                if (record := _of_record(measure, revised, histories[number], ended_at)) is not None:
                    sortable[number].append((part, revised.cycle, revised.id, record))
        of_readings = [leaf for leaf in users if isinstance(leaf, ReadingMeasure)]
        for series, reread in ledger.revisions.of_readings(of_readings, after, until):
            for number, part in users[series]:
                if (row := _of_reading(series, reread, histories[number], ended_at)) is not None:
                    sortable[number].append((part, reread.cycle, reread.at, row))
    return [
        [restatement for *_, restatement in sorted(mine, key=lambda entry: (entry[-1].at, *entry[:-1]))]
        for mine in sortable
    ]


def _of_record(
    measure: RecordMeasure, revised: Revised, history: ValueHistory, ended_at: Callable[[int], datetime]
) -> Restatement | None:
    at, before, shown = ended_at(revised.cycle), history.measured_before(revised.cycle), revised.new or revised.old
    measured = None if before is None else ended_at(before)
    why = _why(measure, revised.old, revised.new, history.okrs, at, measured)
    if why is None or shown is None:
        return None
    of = (revised.old.done_at if revised.old else None) or shown.done_at
    return Restatement(
        measure.connection, at, shown.label, shown.title, shown.url, of, why, *history.numbers(revised.cycle)
    )


def _of_reading(
    measure: ReadingMeasure, reread: Reread, history: ValueHistory, ended_at: Callable[[int], datetime]
) -> Restatement | None:
    at = ended_at(reread.cycle)
    zone = history.okrs.period.zone
    if reread.at not in measure.window.span(history.okrs.period, at) or reread.at >= midnight(
        at.astimezone(zone).date(), zone
    ):
        return None  # a change of a day that has not ended is no restatement
    if reread.new is None:
        why = _("held %(old)s, and its row is gone", old=reread.old.raw)
    else:
        why = _("held %(old)s, and holds %(new)s now", old=reread.old.raw, new=reread.new.raw)
    cell = (reread.new or reread.old).cell
    return Restatement(measure.connection, at, cell, "", "", reread.at, why, *history.numbers(reread.cycle))


def _why(
    measure: RecordMeasure,
    old: Record | None,
    new: Record | None,
    okrs: PeriodOkrs,
    at: datetime,
    measured: datetime | None,
) -> str | None:
    """The reason why the change between two versions of a record is a restatement; None if it is not a restatement."""
    window = measure.window.span(okrs.period, at)
    counted = old is not None and left_out(measure, window, at, old) is None
    if new is None:
        return _(GONE) if counted else None
    why = left_out(measure, window, at, new)
    if counted and why is not None:
        return why
    if why is not None or new.done_at is None:
        return None
    if counted and old is not None:
        return _brings(measure, old, new)
    zone = okrs.period.zone
    if measured is not None and new.done_at.astimezone(zone).date() < measured.astimezone(zone).date():
        return _("came late")
    return None


def _brings(measure: RecordMeasure, old: Record, new: Record) -> str | None:
    """Describes how the number that a record adds changed; None if the number is the same."""
    if measure.take == "share":
        return original(new.not_done or marked("not done")) if old.done_at and not new.done_at else None
    if measure.of is None:
        return None
    sides = [_shown(measure, record) for record in (old, new)]
    return f"{measure.of_text}: {sides[0]} → {sides[1]}" if sides[0] != sides[1] else None


def _shown(measure: RecordMeasure, record: Record) -> str:
    number = contribution(measure, record)
    texts = [shown_scalar(value) for value in measure.values_of(record)]
    return scalar_text(number) if number is not None else ", ".join(texts) or _("none")
