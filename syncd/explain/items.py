"""The records and readings behind a number. An item that counts has the number that it adds; any other item has the
rule that leaves it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.ledger import Ledger
from syncd.okr.answer import Answer
from syncd.okr.facts import answered
from syncd.okr.filters import shown_scalar
from syncd.okr.measures import (
    FormulaMeasure,
    Leaf,
    Measure,
    RecordMeasure,
    contribution,
    is_done,
    left_out,
    readings_used,
    scalar_text,
    single_copies,
    so_far,
)
from syncd.okr.spans import Period, Span
from syncd.sdk import Reading, Record
from syncd.sdk.language import gettext as _
from syncd.sdk.language import original


@dataclass(frozen=True, slots=True)
class RowsAfter:
    """The rows that the ledger had after a cycle. Measures of the period are computed from these rows as of the moment
    `at`.
    """

    ledger: Ledger
    period: Period
    cycle: int
    at: datetime

    def window(self, measure: Leaf) -> Span:
        """The window of a measure at the moment `at`."""
        return measure.window.span(self.period, self.at)

    def answer(self, measure: Measure) -> Answer:
        """The answer of a measure from these rows."""
        return answered(self.ledger.answers, measure, self.period, self.at, self.cycle)


@dataclass(frozen=True, slots=True)
class Item:
    """A record or reading. `brings` is the number that it adds; `left_out` is the reason why it does not count. `part`
    is the part of a formula to which it belongs.

    `key` identifies the item within its part: the id of a record, the time of a dated row, or the cell of an undated
    row. `remark` is a warning about a record that counts.
    """

    key: str
    label: str
    title: str
    url: str
    at: datetime | None
    brings: str | None
    left_out: str | None
    part: str | None = None
    remark: str | None = None


def named_parts(measure: Measure) -> Sequence[tuple[str | None, Leaf]]:
    """The parts of a formula, each with its name. A measure that is not a formula has a single part without a name: the
    measure itself.
    """
    return measure.parts if isinstance(measure, FormulaMeasure) else ((None, measure),)


def items_of(rows: RowsAfter, measure: Measure) -> Iterator[Item]:
    """Yields every record and reading of a measure's streams, whether it counts or not. A record that is in two streams
    is yielded once.
    """
    for name, part in named_parts(measure):
        for item in _items_of_part(rows, part):
            yield replace(item, part=name) if name else item


def _items_of_part(rows: RowsAfter, measure: Leaf) -> Iterator[Item]:
    window, now = rows.window(measure), rows.at
    if isinstance(measure, RecordMeasure):
        records: Iterable[Record] = rows.ledger.answers.records(measure, rows.cycle)
        if len(measure.streams) > 1:
            copies = single_copies(measure, window, now, records)
            records = sorted(copies, key=lambda copy: (copy.done_at is not None, copy.done_at or now, copy.label))
        for record in records:
            yield _record(measure, window, now, record)
        return
    dated, readings = rows.ledger.answers.readings(measure, window, now, rows.cycle)
    _, used = readings_used(measure.take, window, now, readings)
    seen: Counter[str] = Counter()  # two rows may have the same time
    for reading in sorted(readings, key=lambda reading: reading.at or now):  # by time, not in the source's order
        item = _reading(reading, used, window, now, measure.take)
        key = reading.at.isoformat() if dated and reading.at else reading.cell
        yield replace(item, key=f"{key} {seen[key]}")
        seen[key] += 1


def _record(measure: RecordMeasure, window: Span, now: datetime, record: Record) -> Item:
    why = left_out(measure, window, now, record)
    brings: str | None = None
    if why is None and measure.take == "share":
        brings = "1" if is_done(record, so_far(window, now)) else "0"
    elif why is None and measure.of is None:
        brings = "1"
    elif why is None and measure.take == "distinct":
        values = [shown_scalar(value) for value in measure.values_of(record)]
        brings, why = (", ".join(values), None) if values else (None, _lacks(measure, record))
    elif why is None:
        number = contribution(measure, record)
        brings, why = (scalar_text(number), None) if number is not None else (None, _lacks(measure, record))
    counts = why is None and brings != "0" if measure.take == "share" else why is None
    remark = record.remark if counts else None
    return Item(record.id, record.label, record.title, record.url, record.done_at, brings, why, remark=remark)


def _lacks(measure: RecordMeasure, record: Record) -> str:
    if measure.of == "lead_time" and record.created_at and record.done_at and record.done_at < record.created_at:
        return _("has no %(field)s: it was done before it was created", field=measure.of_text)
    return _("has no %(field)s", field=measure.of_text)


def _reading(reading: Reading, used: Sequence[Reading], window: Span, now: datetime, take: str) -> Item:
    raw = f"{reading.raw!r}" if reading.number is None else reading.raw
    title = _("holds %(text)s", text=raw)
    if any(reading is other for other in used):
        number = scalar_text(reading.number) if reading.number is not None else None
        brings = _("unknown: %(reason)s", reason=original(reading.problem or "")) if number is None else number
        return Item(reading.cell, reading.cell, title, "", reading.at, brings, None)
    at = reading.at or now
    if at > now:
        why = _("dated after now")
    elif at < window.start:
        why = _("before the window")
    elif at >= window.end:
        why = _("after the window")
    elif take == "latest":
        why = _("not the latest one")
    elif take == "first":
        why = _("not the first one")
    else:
        why = _("not the change one")
    return Item(reading.cell, reading.cell, title, "", reading.at, None, why)
