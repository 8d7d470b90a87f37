"""A measure: how records or readings become one number over a window.

A measure of records is a selection (filters, window, aggregate) that the ledger answers in SQL. The plain evaluator
here gives the same answer in Python, and for each record that does not count it names the rule. A property test holds
both equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from syncd.okr.answer import Answer, Per, aggregate, answer_numbers
from syncd.okr.spans import Period, Span, Window
from syncd.sdk.facts import Reading, Record, Scalar
from syncd.sdk.numbers import BEYOND, LARGEST_WHOLE, difference, is_beyond, total

RecordTake = Literal["count", "sum", "average", "median", "p90", "min", "max", "distinct", "share"]
ReadingTake = Literal["latest", "first", "change", "sum", "average", "min", "max"]
RECORD_TAKES: tuple[str, ...] = get_args(RecordTake)
READING_TAKES: tuple[str, ...] = get_args(ReadingTake)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one field; on a field with many values, any of them may meet it.

    `any_of` compares texts, and a number as its shortest text; None in it matches a field without a value. `negated`
    inverts it. `at_least` and `at_most` compare a number with numbers, and a text (an ISO date) with texts.
    """

    field: str
    any_of: tuple[Scalar | None, ...] = ()
    negated: bool = False
    at_least: Scalar | None = None
    at_most: Scalar | None = None

    @property
    def texts(self) -> frozenset[str | None]:
        """The values of `any_of` as texts for the comparison."""
        return frozenset(None if value is None else scalar_text(value) for value in self.any_of)

    def accepts(self, values: Sequence[Scalar]) -> bool:
        """Whether a record with these values of the field passes the filter."""
        if self.at_least is not None:
            bound = self.at_least
            return any(_comparable(value, bound) and value >= bound for value in values)  # type: ignore[operator]
        if self.at_most is not None:
            bound = self.at_most
            return any(_comparable(value, bound) and value <= bound for value in values)  # type: ignore[operator]
        wanted = self.texts
        met = any(scalar_text(value) in wanted for value in values) or (None in wanted and not values)
        return met is not self.negated

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"{self.field} ≥ {scalar_text(self.at_least)}"
        if self.at_most is not None:
            return f"{self.field} ≤ {scalar_text(self.at_most)}"
        values = " or ".join("none" if value is None else scalar_text(value) for value in self.any_of)
        return f"{self.field} {'is not' if self.negated else 'is'} {values}"


def scalar_text(value: Scalar) -> str:
    """A scalar as text; a whole number is written without `.0`."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() and abs(value) <= LARGEST_WHOLE else repr(float(value))


def _comparable(value: Scalar, bound: Scalar) -> bool:
    return isinstance(value, str) == isinstance(bound, str)


@dataclass(frozen=True, slots=True)
class RecordMeasure:
    """How records become a number: the records of some streams that pass every filter and were done in the window.

    `kind` selects one kind if the streams hold several. `share` is a percentage: the share of done records among all
    records that pass the filters, whatever their dates. `per` turns the number into a rate. `never` is the reason that
    the connector gives if no record can ever pass; it is only a remark and does not affect the result.
    """

    connection: str
    streams: tuple[str, ...]
    take: RecordTake = "count"
    of: str | None = None
    filters: tuple[Filter, ...] = ()
    window: Window = Window()
    kind: str | None = None
    per: Per | None = None
    never: str | None = field(default=None, compare=False)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that must be pulled for this measure."""
        return frozenset({rule.field for rule in self.filters} | ({self.of} if self.of else set()))


@dataclass(frozen=True, slots=True)
class ReadingMeasure:
    """How the readings of one part of a stream become a number.

    With `many` it reads a series: its readings have dates, and an empty series is an empty set.
    """

    connection: str
    stream: str
    part: str
    take: ReadingTake = "latest"
    window: Window = Window()
    many: bool = True
    per: Per | None = None


Leaf = RecordMeasure | ReadingMeasure
"""A measure taken directly from records or readings."""


@dataclass(frozen=True, slots=True)
class FormulaMeasure:
    """How several measures become one number: an expression over their names."""

    expression: str
    parts: tuple[tuple[str, Leaf], ...]


Measure = Leaf | FormulaMeasure


def leaves(measure: Measure | None) -> tuple[Leaf, ...]:
    """The basic measures within a measure: the measure itself, or the parts of its formula."""
    if measure is None:
        return ()
    return tuple(part for _, part in measure.parts) if isinstance(measure, FormulaMeasure) else (measure,)


def is_dated(measure: Measure | None) -> bool:
    """Whether a measure reads a series, whose rows have dates, whether or not it has a row yet."""
    return any(isinstance(leaf, ReadingMeasure) and leaf.many for leaf in leaves(measure))


def stream_keys(measure: Leaf) -> tuple[str, ...]:
    """The keys of the streams that a measure reads."""
    return measure.streams if isinstance(measure, RecordMeasure) else (measure.stream,)


def earliest(measure: Leaf, period: Period) -> datetime | None:
    """The earliest moment whose facts a measure needs, so a pull must reach back to it; None means no limit."""
    return None if measure.take == "share" else measure.window.earliest(period)


def answer_distinct(of: str | None, elements: Collection[Scalar], having: int, lacking: int) -> Answer:
    """The answer for the number of distinct `elements`, of `having` records with a value; unknown if no record has a
    value.
    """
    if any(not isinstance(element, str) and is_beyond(element) for element in elements):
        return Answer(None, f"a record's {of} holds a number {BEYOND}", having, lacking)
    if elements:
        return Answer(float(len(set(map(scalar_text, elements)))), None, having, lacking)
    return answer_numbers("average", of, [], lacking)


def answer_share(done: int, records: int) -> Answer:
    """The answer for the share of records that are done; without records there is no share."""
    return Answer(done * 100 / records, None, records) if records else Answer(None, "no record matches")


def so_far(span: Span, now: datetime) -> Span:
    """A window up to now, `now` included: what is dated after now does not count yet."""
    return Span(span.start, min(span.end, now + _INSTANT))


def is_done(record: Record, span: Span) -> bool:
    """Whether a record was done before the end of a window."""
    return record.done_at is not None and record.done_at < span.end


def evaluate_records(measure: RecordMeasure, span: Span, now: datetime, records: Iterable[Record]) -> Answer:
    """The plain evaluator: computes in Python the answer that the ledger computes in SQL. Each id counts once."""
    counted = {record.id: record for record in records if left_out(measure, span, now, record) is None}
    if measure.take == "distinct":
        elements = {value for record in counted.values() for value in _values(record, measure.of)}
        lacking = sum(not _values(record, measure.of) for record in counted.values())
        return answer_distinct(measure.of, elements, len(counted) - lacking, lacking)
    if measure.take == "share":
        return answer_share(sum(is_done(record, so_far(span, now)) for record in counted.values()), len(counted))
    if measure.of is None:
        return answer_numbers(measure.take, None, [1.0] * len(counted), 0)
    numbers = [contribution(record, measure.of) for record in counted.values()]
    present = [number for number in numbers if number is not None]
    return answer_numbers(measure.take, measure.of, present, len(numbers) - len(present))


def contribution(record: Record, of: str) -> float | None:
    """The number that a record contributes: the sum of the numbers in its field; None if there is none.

    If one of them is beyond 2^53, so is the result.
    """
    numbers = [float(value) for value in _values(record, of) if not isinstance(value, str)]
    return record_total(numbers) if numbers else None


def record_total(numbers: Sequence[float]) -> float:
    """The sum of the numbers in a record's field; beyond 2^53 if one of them is."""
    return next(filter(is_beyond, numbers), None) or total(numbers)


def left_out(measure: RecordMeasure, span: Span, now: datetime, record: Record) -> str | None:
    """Why a record does not count in a window as of now; None if it counts."""
    if measure.kind is not None and record.kind != measure.kind:
        return f"is of the kind {record.kind or 'unknown'}, and {measure.kind} is asked for"
    if (reason := _outside(measure, span, now, record)) is not None:
        return reason
    for rule in measure.filters:
        if not rule.accepts(_values(record, rule.field)):
            values = ", ".join(scalar_text(value) for value in _values(record, rule.field)) or "none"
            return f"{rule.field} is {values}, not as asked: {rule}"
    return None


def _outside(measure: RecordMeasure, span: Span, now: datetime, record: Record) -> str | None:
    if measure.take == "share":
        created = record.created_at
        if created is not None and created > now:
            return "created after now"
        return "created after the window" if created is not None and created >= span.end else None
    if record.done_at is None:
        return record.not_done or "not done"
    if record.done_at > now:
        return "done after now"
    if record.done_at < span.start:
        return "done before the window"
    return "done after the window" if record.done_at >= span.end else None


def _values(record: Record, field: str | None) -> Sequence[Scalar]:
    return record.fields.get(field, ()) if field else ()


def readings_used(
    take: ReadingTake, span: Span, now: datetime, readings: Iterable[Reading]
) -> tuple[list[Reading], list[Reading]]:
    """The readings in the window up to now, by time; and the readings among them that make up the number."""
    inside = [reading for reading in readings if _at(reading) in span and _at(reading) <= now]
    inside.sort(key=_at)  # stable: of two readings with the same time, the later row is the newer
    if take == "change":
        return inside, [inside[0], inside[-1]] if inside else []
    return inside, {"latest": inside[-1:], "first": inside[:1]}.get(take, inside)


def evaluate_readings(take: ReadingTake, span: Span, now: datetime, readings: Iterable[Reading]) -> Answer:
    """The answer over a series, whose readings come in the order of its rows. Rows dated after now are ignored.

    Every reading must carry its time. A reading without a number makes the answer unknown if the answer uses it: an
    aggregate uses every reading; `latest`, `first` and `change` use only the ends.
    """
    inside, used = readings_used(take, span, now, readings)
    if not inside:
        if take == "sum":
            return Answer(0.0)
        return Answer(None, "no reading in the window")
    at = _at(inside[-1])  # the newest reading dates the answer, whichever reading is taken
    for reading in used:
        if reading.number is None:
            return Answer(None, f"{reading.cell} holds {reading.problem or 'no number'}", len(inside), at=at)
    numbers = [reading.number for reading in used if reading.number is not None]
    if take == "change":
        if len(inside) < 2:
            return Answer(None, "a change needs two readings, and there is one", 1, at=at)
        return Answer(difference(numbers[1], numbers[0]), None, len(inside), at=at)
    if take in ("latest", "first"):
        return Answer(numbers[0], None, 1, at=at)
    return Answer(aggregate(take, numbers), None, len(inside), at=at)


def _at(reading: Reading) -> datetime:
    if reading.at is None:
        raise ValueError("a reading without a time")
    return reading.at
