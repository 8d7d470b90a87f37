"""Measures, which turn records or readings into one number over a window.

A measure of records is a selection (filters, window, aggregate) that the ledger computes in SQL. The plain evaluator in
this module computes the same answer in Python, and names the rule that excludes each record. A property test checks
that both answers are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from syncd.okr.answer import Answer, Per, aggregate, answer_numbers
from syncd.okr.filters import UNMEASURED, shown_scalar, spelling
from syncd.okr.filters import Filter as Filter
from syncd.okr.filters import scalar_text as scalar_text
from syncd.okr.spans import Period, Span, Window
from syncd.sdk.facts import Reading, Record, Scalar
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked, original
from syncd.sdk.numbers import BEYOND, difference, is_beyond, total

RecordTake = Literal["count", "sum", "average", "median", "p90", "min", "max", "distinct", "share"]
ReadingTake = Literal["latest", "first", "change", "sum", "average", "min", "max"]
RECORD_TAKES: tuple[str, ...] = get_args(RecordTake)
READING_TAKES: tuple[str, ...] = get_args(ReadingTake)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RecordMeasure:
    """Turns records into a number. The number is computed from the records of the `streams` that pass every filter and
    were done in the window.

    `of` is the aggregated field. If `of` is empty in a record, the first field of `else_of` with a value is used. With
    `of_ignores_case`, the aggregated values are compared ignoring upper and lower case. `kind` selects one kind if the
    streams hold several. `share` is a percentage: the share of done records among all records that pass the filters,
    whatever their dates. `per` turns the number into a rate. Three remarks do not affect the result. `never` is the
    connector's reason why no record can ever be counted. `idle` is the connector's reason why a filter excludes
    nothing. `restriction` describes what the connection's settings exclude. `is_work` says that each counted record is
    a piece of work. With `asks_days`, the requests name days of the window, and the keys of the streams name the
    window.
    """

    connection: str
    streams: tuple[str, ...]
    take: RecordTake = "count"
    of: str | None = None
    filters: tuple[Filter, ...] = ()
    window: Window = Window()
    kind: str | None = None
    per: Per | None = None
    else_of: tuple[str, ...] = ()
    of_ignores_case: bool = field(default=False, metadata=UNMEASURED)
    never: str | None = field(default=None, compare=False)
    idle: str | None = field(default=None, compare=False)
    is_work: bool = field(default=False, compare=False)
    restriction: str | None = field(default=None, compare=False)
    asks_days: bool = field(default=False, metadata=UNMEASURED)

    @property
    def of_fields(self) -> tuple[str, ...]:
        """The aggregated fields. In each record, the first field with a value is used."""
        return (self.of, *self.else_of) if self.of else ()

    @property
    def of_text(self) -> str | None:
        """The names of the aggregated fields for messages; None if records are counted."""
        return " or ".join(self.of_fields) or None

    @property
    def fields(self) -> frozenset[str]:
        """The fields that must be pulled for this measure."""
        return frozenset({*(rule.field for rule in self.filters), *self.of_fields})

    def values_of(self, record: Record) -> Sequence[Scalar]:
        """A record's elements in the aggregated field."""
        return next(filter(None, (record.fields.get(name) for name in self.of_fields)), ())


@dataclass(frozen=True, slots=True)
class ReadingMeasure:
    """Turns the readings of one part of a stream into a number.

    With `many`, the measure reads a series: its readings have dates. An empty series is valid, and has no reading.
    With `asks_days`, the request names days of the window, and the stream's key names the window.
    """

    connection: str
    stream: str
    part: str
    take: ReadingTake = "latest"
    window: Window = Window()
    many: bool = True
    per: Per | None = None
    asks_days: bool = field(default=False, metadata=UNMEASURED)


Leaf = RecordMeasure | ReadingMeasure
"""A measure taken directly from records or readings."""


@dataclass(frozen=True, slots=True)
class FormulaMeasure:
    """Computes one number from several measures by an expression over their names."""

    expression: str
    parts: tuple[tuple[str, Leaf], ...]


Measure = Leaf | FormulaMeasure


def leaves(measure: Measure | None) -> tuple[Leaf, ...]:
    """The measures of records or readings within a measure: the measure itself, or the parts of its formula."""
    if measure is None:
        return ()
    return tuple(part for _, part in measure.parts) if isinstance(measure, FormulaMeasure) else (measure,)


def is_dated(measure: Measure | None) -> bool:
    """Whether a measure reads a series, whose rows have dates. True even if the series has no row yet."""
    return any(isinstance(leaf, ReadingMeasure) and leaf.many for leaf in leaves(measure))


def stream_keys(measure: Leaf) -> tuple[str, ...]:
    """The keys of the streams that a measure reads."""
    return measure.streams if isinstance(measure, RecordMeasure) else (measure.stream,)


def earliest(measure: Leaf, period: Period) -> datetime | None:
    """The earliest moment whose facts a measure needs. A pull must reach back to this moment; None means no limit."""
    return None if measure.take == "share" else measure.window.earliest(period)


def answer_distinct(of: str | None, texts: Collection[str], having: int, lacking: int) -> Answer:
    """The number of distinct `texts` as an answer. `having` records have a value, `lacking` records have none. The
    answer is unknown if no record has a value.
    """
    if BEYOND in texts:
        return Answer(None, f"a record's {of} holds a number {BEYOND}", having, lacking)
    if texts:
        return Answer(float(len(texts)), None, having, lacking)
    return answer_numbers("average", of, [], lacking)


def answer_share(done: int, records: int) -> Answer:
    """The share of done records as an answer. Without records, the answer is unknown."""
    return Answer(done * 100 / records, None, records) if records else Answer(None, marked("no record matches"))


def so_far(span: Span, now: datetime) -> Span:
    """The part of a window up to and including `now`. Facts that are dated after `now` are not counted yet."""
    return Span(span.start, min(span.end, now + _INSTANT))


def is_done(record: Record, span: Span) -> bool:
    """Whether a record was done before the end of a window."""
    return record.done_at is not None and record.done_at < span.end


def evaluate_records(measure: RecordMeasure, span: Span, now: datetime, records: Iterable[Record]) -> Answer:
    """The plain evaluator: computes in Python the answer that the ledger computes in SQL. `records` are in the order of
    their streams. Each id is counted once.
    """
    copies = single_copies(measure, span, now, records)
    counted = [record for record in copies if left_out(measure, span, now, record) is None]
    if measure.take == "distinct":
        elements = [measure.values_of(record) for record in counted]
        texts = {distinct_text(measure, value) for values in elements for value in values}
        lacking = sum(not values for values in elements)
        return answer_distinct(measure.of_text, texts, len(counted) - lacking, lacking)
    if measure.take == "share":
        return answer_share(sum(is_done(record, so_far(span, now)) for record in counted), len(counted))
    if measure.of is None:
        return answer_numbers(measure.take, None, [1.0] * len(counted), 0)
    numbers = [contribution(measure, record) for record in counted]
    present = [number for number in numbers if number is not None]
    return answer_numbers(measure.take, measure.of_text, present, len(numbers) - len(present))


def single_copies(measure: RecordMeasure, span: Span, now: datetime, records: Iterable[Record]) -> Collection[Record]:
    """Each record once. `records` are in the order of their streams.

    A record that is in two streams of a measure (`acme/*` and `acme/web`) may have changed between their pulls. A copy
    that counts and has a value then precedes a copy that only counts, which precedes a copy that is left out. Of equal
    copies, the last is used.
    """

    def precedence(record: Record) -> int:
        if left_out(measure, span, now, record) is not None:
            return 0
        if measure.take == "share":
            return 1 + is_done(record, so_far(span, now))
        if measure.take == "distinct":
            return 1 + bool(measure.values_of(record))
        return 1 + (measure.of is None or contribution(measure, record) is not None)

    copies: dict[str, Record] = {}
    for record in records:
        if record.id not in copies or precedence(record) >= precedence(copies[record.id]):
            copies[record.id] = record
    return copies.values()


def distinct_text(measure: RecordMeasure, element: Scalar) -> str:
    """The text by which `distinct` compares an element. For a number that may have lost digits, the text is
    `BEYOND`.
    """
    if not isinstance(element, str) and is_beyond(element):
        return BEYOND
    return spelling(scalar_text(element), measure.of_ignores_case)


def contribution(measure: RecordMeasure, record: Record) -> float | None:
    """The number that a record contributes: the sum of the numbers in its field; None if the field has no number.

    If one of the numbers is beyond 2^53, the result is also beyond 2^53.
    """
    numbers = [float(value) for value in measure.values_of(record) if not isinstance(value, str)]
    return record_total(numbers) if numbers else None


def record_total(numbers: Sequence[float]) -> float:
    """The sum of the numbers in a record's field. If one of the numbers is beyond 2^53, the sum is also beyond 2^53.

    A single number keeps all of its digits. Only the sum over all records is rounded, and it is rounded once.
    """
    return numbers[0] if len(numbers) == 1 else next(filter(is_beyond, numbers), None) or total(numbers)


def left_out(measure: RecordMeasure, span: Span, now: datetime, record: Record) -> str | None:
    """The reason why a record is not counted in a window as of now; None if the record is counted."""
    if measure.kind is not None and record.kind != measure.kind:
        return _(
            "is of the kind %(kind)s, and %(asked)s is asked for", kind=record.kind or _("unknown"), asked=measure.kind
        )
    if (reason := _outside(measure, span, now, record)) is not None:
        return reason
    for rule in measure.filters:
        if not rule.accepts(record.fields.get(rule.field, ())):
            values = ", ".join(shown_scalar(value) for value in record.fields.get(rule.field, ())) or _("none")
            return _("%(field)s is %(values)s, not as asked: %(rule)s", field=rule.field, values=values, rule=rule)
    return None


def _outside(measure: RecordMeasure, span: Span, now: datetime, record: Record) -> str | None:
    if measure.take == "share":
        created = record.created_at
        if created is not None and created > now:
            return _("created after now")
        return _("created after the window") if created is not None and created >= span.end else None
    if record.done_at is None:
        return original(record.not_done) if record.not_done else _("not done")
    if record.done_at > now:
        return _("done after now")
    if record.done_at < span.start:
        return _("done before the window")
    return _("done after the window") if record.done_at >= span.end else None


def readings_used(
    take: ReadingTake, span: Span, now: datetime, readings: Iterable[Reading]
) -> tuple[list[Reading], list[Reading]]:
    """A pair of lists: the readings in the window up to now, sorted by time, and the readings from which the number is
    computed.
    """
    inside = [reading for reading in readings if _at(reading) in span and _at(reading) <= now]
    inside.sort(key=_at)  # stable: of two readings with the same time, the later row is newer
    if take == "change":
        return inside, [inside[0], inside[-1]] if inside else []
    return inside, {"latest": inside[-1:], "first": inside[:1]}.get(take, inside)


def evaluate_readings(take: ReadingTake, span: Span, now: datetime, readings: Iterable[Reading]) -> Answer:
    """The answer for a series. `readings` are in the order of the series' rows; rows dated after now are ignored.

    Every reading must have a time. An answer that uses a reading without a number is unknown. An aggregate uses every
    reading. `latest` uses the last reading, `first` uses the first reading, and `change` uses both.
    """
    inside, used = readings_used(take, span, now, readings)
    if not inside:
        if take == "sum":
            return Answer(0.0)
        return Answer(None, marked("no reading in the window"))
    at = _at(inside[-1])  # the answer has the date of the newest reading, whichever reading is used
    for reading in used:
        if reading.number is None:
            return Answer(None, f"{reading.cell} holds {reading.problem or 'no number'}", len(inside), at=at)
    numbers = [reading.number for reading in used if reading.number is not None]
    if take == "change":
        if len(inside) < 2:
            return Answer(None, marked("a change needs two readings, and there is one"), 1, at=at)
        return Answer(difference(numbers[1], numbers[0]), None, len(inside), at=at)
    if take in ("latest", "first"):
        return Answer(numbers[0], None, 1, at=at)
    return Answer(aggregate(take, numbers), None, len(inside), at=at)


def _at(reading: Reading) -> datetime:
    if reading.at is None:
        raise ValueError("a reading without a time")
    return reading.at
