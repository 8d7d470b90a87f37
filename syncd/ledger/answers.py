"""Computes measures from the rows of the ledger, as of now or as of the end of a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, exists, func, select

from syncd.ledger import selection
from syncd.ledger.element_rows import by_record, element_rows
from syncd.ledger.layouts import Part
from syncd.ledger.reading_rows import reading_rows
from syncd.ledger.schema import records, streams
from syncd.ledger.versions import held_at
from syncd.okr.answer import Answer, answer_numbers
from syncd.okr.measures import (
    Filter,
    Measure,
    ReadingMeasure,
    RecordMeasure,
    answer_distinct,
    answer_share,
    distinct_text,
    evaluate_readings,
    leaves,
    so_far,
    stream_keys,
)
from syncd.okr.spans import Span
from syncd.sdk import Reading, Record

_INSTANT = timedelta(microseconds=1)
_PARTS_READ_AHEAD = 200
_TEXTS_KEPT = 10_000  # fields with names have few texts; titles may have a million


@dataclass(frozen=True, slots=True)
class _Texts:
    """Which texts are wanted: those of a field in the records of some streams and of a kind.

    With `done`, only in records that were done in that span; with `cycle`, as of the end of that cycle.
    """

    streams: tuple[int, ...]
    kind: str | None
    field: str
    done: Span | None
    cycle: int | None


class Answers:
    """Computes measures. It never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        self._streams: dict[tuple[str, str], int] = {}

    @contextmanager
    def together(self, measures: Iterable[Measure | None]) -> Iterator[Answers]:
        """Computes measures in one transaction. The readings of `measures` are read in advance, many parts at a time.

        Pass the measures in the order in which they will be computed. Other measures can be computed too.
        """
        with self._engine.connect() as connection:
            parts = [
                ((number, leaf.part), _counts_ended(leaf))
                for measure in measures
                for leaf in leaves(measure)
                if isinstance(leaf, ReadingMeasure)
                for number in self._ids(connection, leaf)
            ]
            yield _Together(self, connection, parts)

    def answer(
        self, measure: RecordMeasure | ReadingMeasure, span: Span, now: datetime, cycle: int | None = None
    ) -> Answer:
        """The number of a measure over a window, as of now or as of the end of a cycle."""
        if isinstance(measure, ReadingMeasure):
            return self._answer_readings(measure, span, now, cycle)
        form, past = selection.form(measure), cycle is not None
        with self._connection() as connection:
            streams = self._ids(connection, measure)
            parameters = self._parameters(connection, measure, so_far(span, now), cycle)
            if measure.take == "share":
                ((done, total),) = connection.execute(selection.done_of_all(form, self._dialect, past=past), parameters)
                return answer_share(done, total)
            if measure.of is None:
                query = selection.how_many(form, self._dialect, past=past, several=len(streams) > 1)
                counted = int(connection.scalar(query, parameters) or 0)
                return answer_numbers(measure.take, None, [1.0] * counted, 0)
            rows = element_rows(connection, form, parameters, past=past)
        ids = {row[0] for row in rows}
        if measure.take == "distinct":
            elements = {number if text is None else text for _, _, number, text in rows} - {None}
            having = len({id_ for id_, _, number, text in rows if number is not None or text is not None})
            texts = {distinct_text(measure, element) for element in elements}
            return answer_distinct(measure.of_text, texts, having, len(ids) - having)
        numbers = by_record(rows)
        return answer_numbers(measure.take, measure.of_text, list(numbers.values()), len(ids) - len(numbers))

    def contributions(
        self, measure: RecordMeasure, span: Span, cycle: int | None = None
    ) -> Sequence[tuple[datetime, Sequence[float | str]]]:
        """For each record that counts, the time at which it was done, and its elements; the earliest record first.

        The elements are the record's number, or its values for `distinct`, or 1 if records are counted. A record that
        lacks the measure's field is left out.
        """
        form, past = selection.form(measure), cycle is not None
        with self._connection() as connection:
            parameters = self._parameters(connection, measure, span, cycle)
            if measure.of is None:
                rows = connection.execute(selection.done_times(form, self._dialect, past=past), parameters).all()
                return sorted((at, [1.0]) for at in {row.id: row.done_at for row in rows}.values())
            rows = element_rows(connection, form, parameters, past=past, dated=True)
        done = {id_: at for id_, _, *_, at in rows}
        elements: dict[str, list[float | str]] = {}
        if measure.take == "distinct":
            for id_, _, number, text, _ in rows:
                if number is not None or text is not None:
                    element = text if text is not None else number or 0.0
                    elements.setdefault(id_, []).append(distinct_text(measure, element))
        else:
            elements = {id_: [number] for id_, number in by_record([row[:3] for row in rows]).items()}
        return sorted(((done[id_], of_record) for id_, of_record in elements.items()), key=lambda pair: pair[0])

    def labels(self, measure: RecordMeasure, span: Span, cycle: int | None = None) -> Mapping[str, str]:
        """The labels of the records that were done in a span and pass the filters of a measure, by record id."""
        with self._connection() as connection:
            parameters = self._parameters(connection, measure, span, cycle)
            query = selection.labels_of(selection.form(measure), self._dialect, past=cycle is not None)
            return {row.id: row.label for row in connection.execute(query, parameters)}

    def holding(self, measure: RecordMeasure, cycle: int) -> Sequence[str]:
        """The streams of a measure that had a record of any kind at the end of a cycle, in the order of the measure."""
        of_measure = streams.c.connection == measure.connection, streams.c.key.in_(measure.streams)
        held = exists().where(records.c.stream == streams.c.id, held_at(records, cycle))
        with self._connection() as connection:
            keys = set(connection.scalars(select(streams.c.key).where(*of_measure, held)))
        return [key for key in measure.streams if key in keys]

    def not_whole(self, measure: RecordMeasure) -> tuple[str, str | None] | None:
        """The key of an incomplete stream of a measure, and the reason. The reason is None if the stream was never
        pulled completely. The result is None if all streams are complete.
        """
        ended = streams.c.key, streams.c.completed_at, streams.c.quality, streams.c.reason
        of_measure = streams.c.connection == measure.connection, streams.c.key.in_(measure.streams)
        with self._connection() as connection:
            rows = {row.key: row for row in connection.execute(select(*ended).where(*of_measure))}
        for key in measure.streams:
            row = rows.get(key)
            if row is None or row.completed_at is None:
                return key, None
            if row.quality != "complete":
                return key, row.reason or row.quality
        return None

    def records(self, measure: RecordMeasure, cycle: int | None = None) -> Iterator[Record]:
        """All records of a measure's streams and kind, counted or not, by stream, then by the time they were done, then
        by label. A record that is in two streams comes twice.
        """
        with self._connection() as connection:
            query = (
                select(records)
                .where(selection.listed(measure, self._ids(connection, measure)), held_at(records, cycle))
                # PostgreSQL sorts nulls last by default.
                .order_by(records.c.stream, records.c.done_at.nulls_first(), records.c.label)
            )
            for row in connection.execute(query, execution_options={"yield_per": 1000}):
                yield record_of(row)

    def readings(
        self, measure: ReadingMeasure, span: Span, now: datetime, cycle: int | None = None
    ) -> tuple[bool, list[Reading]]:
        """A pair: whether the readings of a measure have dates from the source; and the readings in order, each with
        its time.

        A series is dated, even before it has a row. The current rows of a series count, each on its date. An undated
        reading is valid from the moment it was seen until it was replaced. An undated reading that was valid at the
        window's start counts from the window's start. A reading that was first seen while the period settles counts at
        the period's last moment. `latest` uses current rows only: the earlier number of an emptied cell does not count.
        """

        def holds(row: Any) -> bool:
            return row.until is None or (cycle is not None and row.until > cycle)

        since = span.start if _counts_ended(measure) else None
        with self._connection() as connection:
            parts = [(number, measure.part) for number in self._ids(connection, measure)]
            rows = [row for part in parts for row in self._rows(connection, part, cycle, since)]
        dated = measure.many or any(row.at is not None for row in rows)
        if dated or since is None:
            rows = sorted(filter(holds, rows), key=lambda row: row.position)
        else:
            rows = [row for row in rows if holds(row) or (row.ended_at and row.ended_at > span.start)]
        latest = min(now, span.end - _INSTANT)
        return dated, [
            Reading(row.number, row.cell, row.raw, row.at or min(max(row.seen_at, span.start), latest), row.problem)
            for row in rows
        ]

    def texts(self, measure: RecordMeasure, field: str, cycle: int | None = None) -> Sequence[str]:
        """Each text that a field has in the records of a measure's streams and kind, counted or not."""
        with self._connection() as connection:
            wanted = _Texts(tuple(self._ids(connection, measure)), measure.kind, field, None, cycle)
            return self._texts(connection, wanted)

    def remarks(self, measure: RecordMeasure, span: Span) -> Mapping[str, int]:
        """Maps each remark to the number of records that count and have this remark."""
        form = selection.form(measure)
        with self._connection() as connection:
            parameters = self._parameters(connection, measure, span, None)
            rows = connection.execute(selection.remarks_on(form, self._dialect), parameters)
            return {row.remark: row.records for row in rows}

    def held(self, measure: RecordMeasure) -> int:
        """How many records of a measure's kind its streams have now, whether the records count or not."""
        with self._connection() as connection:
            there = selection.listed(measure, self._ids(connection, measure)), held_at(records, None)
            return connection.scalar(select(func.count(func.distinct(records.c.id))).where(*there)) or 0

    def _texts(self, connection: Connection, wanted: _Texts) -> Sequence[str]:
        done, cycle = wanted.done, wanted.cycle
        past, dated = cycle is not None, done is not None
        query = selection.texts_in(wanted.field, wanted.kind, self._dialect, past=past, done=dated)
        window = {} if done is None else {"start": done.start, "end": done.end}
        at = {} if cycle is None else {"cycle": cycle}
        return connection.scalars(query, {"streams": wanted.streams} | window | at).all()

    def _parameters(
        self, connection: Connection, measure: RecordMeasure, span: Span, cycle: int | None
    ) -> Mapping[str, Any]:
        streams = self._ids(connection, measure)
        done = None if measure.take == "share" else span  # a share also counts records that are not done

        def admitted_by(rule: Filter) -> list[str]:
            wanted = _Texts(tuple(streams), measure.kind, rule.field, done, cycle)
            return list(filter(rule.admits, self._texts(connection, wanted)))

        admitted = {
            position: admitted_by(rule)
            for position, rule in enumerate(measure.filters)
            if not rule.has_single_spelling and not isinstance(rule.bound, int | float)
        }
        return selection.parameters(streams, span, cycle, admitted)

    def _answer_readings(self, measure: ReadingMeasure, span: Span, now: datetime, cycle: int | None) -> Answer:
        dated, readings_in_order = self.readings(measure, span, now, cycle)
        if not readings_in_order and not measure.many:
            return Answer(None, "there is no number")
        answer = evaluate_readings(measure.take, span, now, readings_in_order)
        return answer if dated else replace(answer, at=None)

    def _connection(self) -> AbstractContextManager[Connection]:
        return self._engine.connect()

    def _rows(self, connection: Connection, part: Part, cycle: int | None, since: datetime | None) -> Sequence[Any]:
        past = {} if since is None else {part: since}
        return reading_rows(connection, [part], cycle, past).get(part, ())

    def _ids(self, connection: Connection, measure: RecordMeasure | ReadingMeasure) -> list[int]:
        """The ids of a measure's streams. Ids never change, so the ids of all streams are read at once and cached."""
        wanted = [(measure.connection, key) for key in stream_keys(measure)]
        if not self._streams.keys() >= set(wanted):
            rows = connection.execute(select(streams.c.connection, streams.c.key, streams.c.id))
            self._streams = {(row.connection, row.key): row.id for row in rows}
        return [self._streams[stream] for stream in wanted if stream in self._streams]


class _Together(Answers):
    """Computes measures through an open connection. `parts` are the parts that will be needed, in order. The flag of a
    part is true if its ended readings count.
    """

    def __init__(self, whole: Answers, connection: Connection, parts: Sequence[tuple[Part, bool]]) -> None:
        super().__init__(whole._engine)
        self._streams = whole._streams
        self._open = connection
        self._ahead = [part for part, _ in parts]
        self._counting_ended = {part for part, counts_ended in parts if counts_ended}
        self._next = 0
        self._read: Mapping[Part, Sequence[Any]] = {}
        self._since: datetime | None = None
        self._kept_texts: dict[_Texts, Sequence[str]] = {}

    def _connection(self) -> AbstractContextManager[Connection]:
        return nullcontext(self._open)

    def _texts(self, connection: Connection, wanted: _Texts) -> Sequence[str]:
        texts = self._kept_texts.get(wanted)
        if texts is None:
            texts = super()._texts(connection, wanted)
            if len(texts) <= _TEXTS_KEPT:
                self._kept_texts[wanted] = texts
        return texts

    def _rows(self, connection: Connection, part: Part, cycle: int | None, since: datetime | None) -> Sequence[Any]:
        if cycle is not None:
            return super()._rows(connection, part, cycle, since)
        if part not in self._read or (since is not None and (self._since is None or since < self._since)):
            try:
                self._next = self._ahead.index(part, self._next)
            except ValueError:
                return super()._rows(connection, part, None, since)
            next_parts = list(dict.fromkeys(self._ahead[self._next : self._next + _PARTS_READ_AHEAD]))
            past = {} if since is None else dict.fromkeys(self._counting_ended.intersection(next_parts), since)
            rows = reading_rows(connection, next_parts, None, past)
            self._read, self._since = {read: rows.get(read, ()) for read in next_parts}, since
        return self._read[part]


def _counts_ended(measure: ReadingMeasure) -> bool:
    """Whether a measure also counts earlier readings of its part, if the part is undated."""
    return not measure.many and measure.take != "latest"


def record_of(row: Any) -> Record:
    """The record of a row."""
    return Record(
        row.id,
        row.label,
        row.title,
        row.url,
        row.updated_at,
        row.created_at,
        row.done_at,
        row.not_done,
        row.fields,
        row.kind,
        row.remark,
    )
