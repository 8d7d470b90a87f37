"""What measures come to, by what the ledger holds: as it stands now, or as it stood after a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Integer, Text, case, column, or_, select

from syncd.ledger import selection
from syncd.ledger.batches import given
from syncd.ledger.schema import cycles, readings, records, streams
from syncd.okr.measures import (
    Answer,
    Measure,
    ReadingMeasure,
    RecordMeasure,
    answer_distinct,
    answer_numbers,
    answer_share,
    evaluate_readings,
    leaves,
    scalar_text,
    stream_keys,
    total,
)
from syncd.okr.spans import Span
from syncd.sdk import Reading, Record

_OF_A_READING = (
    *(readings.c[name] for name in ("stream", "part", "until", "position", "cell", "number", "raw", "at", "problem")),
    case((readings.c.at.is_(None), readings.c.seen_at)).label("seen_at"),  # to read a time takes long
)
_INSTANT = timedelta(microseconds=1)
_PARTS_IN_HAND = 200

Part = tuple[int, str]
"""(stream's number, part)."""


class Answers:
    """Answers measures; reads only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        self._streams: dict[tuple[str, str], int] = {}

    @contextmanager
    def together(self, measures: Iterable[Measure | None]) -> Iterator[Answers]:
        """Answers in one transaction. The readings of these measures are read ahead, many parts at a time.

        The measures are named in the order in which they will be asked for; any other is answered too.
        """
        with self._engine.connect() as connection:
            parts = [
                (number, leaf.part)
                for measure in measures
                for leaf in leaves(measure)
                if isinstance(leaf, ReadingMeasure)
                for number in self._ids(connection, leaf)
            ]
            yield _Together(self, connection, parts)

    def answer(
        self, measure: RecordMeasure | ReadingMeasure, span: Span, now: datetime, cycle: int | None = None
    ) -> Answer:
        """What a measure comes to by what the ledger holds, as it stands now or stood after a cycle."""
        if isinstance(measure, ReadingMeasure):
            return self._answer_readings(measure, span, now, cycle)
        form, past = selection.form(measure), cycle is not None
        with self._connection() as connection:
            streams = self._ids(connection, measure)
            parameters = selection.parameters(streams, span, cycle)
            if measure.take == "share":
                done, total = connection.execute(
                    selection.done_of_all(form, self._dialect, past=past), parameters
                ).one()
                return answer_share(done, total)
            if measure.of is None:
                asked = selection.how_many(form, self._dialect, past=past, several=len(streams) > 1)
                counted = int(connection.scalar(asked, parameters) or 0)
                return answer_numbers(measure.take, None, [1.0] * counted, 0)
            rows = connection.execute(selection.elements_of(form, self._dialect, past=past), parameters).all()
        everyone = {row[0] for row in rows}
        if measure.take == "distinct":
            values = {(number, text) for _, _, number, text in rows} - {(None, None)}
            having = len({name for name, _, number, text in rows if number is not None or text is not None})
            different = len({_text(number, text) for number, text in values})
            return answer_distinct(measure.of, different, having, len(everyone) - having)
        numbers = _by_record(rows)
        return answer_numbers(measure.take, measure.of, list(numbers.values()), len(everyone) - len(numbers))

    def contributions(
        self, measure: RecordMeasure, span: Span, cycle: int | None = None
    ) -> Sequence[tuple[datetime, Sequence[float | str]]]:
        """When each record that counts was done and what it brings, in order: for a measure's value on past days.

        It brings its number, or for `distinct` its values as texts; 1 where records are counted, nothing where it lacks
        the field asked for.
        """
        form, past = selection.form(measure), cycle is not None
        with self._connection() as connection:
            parameters = selection.parameters(self._ids(connection, measure), span, cycle)
            if measure.of is None:
                rows = connection.execute(selection.done_times(form, self._dialect, past=past), parameters).all()
                return sorted((at, [1.0]) for at in {row.id: row.done_at for row in rows}.values())
            rows = connection.execute(
                selection.elements_of(form, self._dialect, past=past, dated=True), parameters
            ).all()
        done = {name: at for name, _, *_, at in rows}
        brought: dict[str, list[float | str]] = {}
        if measure.take == "distinct":
            for name, _, number, text, _ in rows:
                if number is not None or text is not None:
                    brought.setdefault(name, []).append(_text(number, text))
        else:
            brought = {name: [number] for name, number in _by_record([row[:3] for row in rows]).items()}
        return sorted(((done[name], elements) for name, elements in brought.items()), key=lambda pair: pair[0])

    def records(self, measure: RecordMeasure, cycle: int | None = None) -> Iterator[Record]:
        """Every record of a measure's streams and kind, in the order of their labels: for the evidence."""
        with self._connection() as connection:
            query = (
                select(records)
                .where(selection.listed(measure, self._ids(connection, measure)), selection.held_at(cycle))
                .order_by(records.c.done_at, records.c.label)
            )
            for row in connection.execute(query, execution_options={"yield_per": 1000}):
                yield record_of(row)

    def readings(
        self, measure: ReadingMeasure, span: Span, now: datetime, cycle: int | None = None
    ) -> tuple[bool, list[Reading]]:
        """Whether the source dates the readings of a measure's part, and they themselves, each with its time, in order.

        Of a dated series what stands there now counts, each row on its date. What the source does not date held from
        the moment it was seen until it was replaced: one that held when the window began counts from there on, and one
        seen while a period settles counts to its last moment. `latest` looks at what stands there now alone, so that a
        cell that was emptied is no number.
        """

        def holds(row: Any) -> bool:
            return row.until is None or (cycle is not None and row.until > cycle)

        with self._connection() as connection:
            parts = [(number, measure.part) for number in self._ids(connection, measure)]
            rows = [row for part in parts for row in self._rows(connection, part, cycle)]
        dated = any(row.at is not None for row in rows)
        if dated or measure.take == "latest":
            rows = sorted(filter(holds, rows), key=lambda row: row.position)
        else:
            rows = [row for row in rows if holds(row) or (row.ended_at and row.ended_at > span.start)]
        latest = min(now, span.end - _INSTANT)
        return dated, [
            Reading(row.number, row.cell, row.raw, row.at or min(max(row.seen_at, span.start), latest), row.problem)
            for row in rows
        ]

    def _answer_readings(self, measure: ReadingMeasure, span: Span, now: datetime, cycle: int | None) -> Answer:
        dated, found = self.readings(measure, span, now, cycle)
        if not found and not measure.many:
            return Answer(None, "there is no number")
        answer = evaluate_readings(measure.take, span, now, found)
        return answer if dated else replace(answer, at=None)

    def _connection(self) -> AbstractContextManager[Connection]:
        return self._engine.connect()

    def _rows(self, connection: Connection, part: Part, cycle: int | None) -> Sequence[Any]:
        return _rows_of(connection, [part], cycle).get(part, ())

    def _ids(self, connection: Connection, measure: RecordMeasure | ReadingMeasure) -> list[int]:
        """The numbers of a measure's streams. A stream keeps its number, so all of them are looked up at once."""
        wanted = [(measure.connection, key) for key in stream_keys(measure)]
        if not self._streams.keys() >= set(wanted):
            rows = connection.execute(select(streams.c.connection, streams.c.key, streams.c.id))
            self._streams = {(row.connection, row.key): row.id for row in rows}
        return [self._streams[stream] for stream in wanted if stream in self._streams]


class _Together(Answers):
    """Answers through a connection that is open; `parts` are those whose readings will be asked for, in order."""

    def __init__(self, whole: Answers, connection: Connection, parts: Sequence[Part]) -> None:
        super().__init__(whole._engine)
        self._streams = whole._streams
        self._open = connection
        self._ahead = parts
        self._next = 0
        self._in_hand: Mapping[Part, Sequence[Any]] = {}

    def _connection(self) -> AbstractContextManager[Connection]:
        return nullcontext(self._open)

    def _rows(self, connection: Connection, part: Part, cycle: int | None) -> Sequence[Any]:
        if cycle is not None:
            return super()._rows(connection, part, cycle)
        if part not in self._in_hand:
            try:
                self._next = self._ahead.index(part, self._next)
            except ValueError:
                return super()._rows(connection, part, None)
            some = list(dict.fromkeys(self._ahead[self._next : self._next + _PARTS_IN_HAND]))
            found = _rows_of(connection, some, None)
            self._in_hand = {one: found.get(one, ()) for one in some}
        return self._in_hand[part]


def _rows_of(connection: Connection, parts: Sequence[Part], cycle: int | None) -> dict[Part, list[Any]]:
    """Of a dated part the readings that it holds, or held after a cycle; of any other all that it ever held by then.

    A dated series needs nothing that ended, and of a long one that is edited daily that is most.
    """

    def found(wanted: Sequence[Part], *conditions: ColumnElement[bool]) -> dict[Part, list[Any]]:
        of = given(wanted, column("stream", Integer), column("part", Text))
        query = (
            select(*_OF_A_READING, cycles.c.started_at.label("ended_at"))
            .join(of, (of.c.stream == readings.c.stream) & (of.c.part == readings.c.part))
            .outerjoin(cycles, cycles.c.id == readings.c.until)
            .where(*conditions)
            .order_by(readings.c.cycle, readings.c.position)
        )
        by_part: dict[Part, list[Any]] = {}
        for row in connection.execute(query):
            by_part.setdefault((row.stream, row.part), []).append(row)
        return by_part

    by_then = () if cycle is None else (readings.c.cycle <= cycle,)
    held = readings.c.until.is_(None)
    rows = found(parts, *by_then, held if cycle is None else or_(held, readings.c.until > cycle))
    undated = [part for part in parts if all(row.at is None for row in rows.get(part, ()))]
    return rows | (found(undated, *by_then) if undated else {})


def record_of(row: Any) -> Record:
    """The record that a row of the table holds."""
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
    )


def _text(number: float | None, text: str | None) -> str:
    return scalar_text(text if text is not None else number or 0.0)


def _by_record(rows: Sequence[Any]) -> dict[str, float]:
    """The number that each record brings: the sum of its field's elements that are numbers.

    A record may stand in two streams of one measure (`acme/*` and `acme/web`): it counts once.
    """
    single: dict[str, float | None] = {name: number for name, _, number in rows}
    if len(single) == len(rows):
        return {name: number for name, number in single.items() if number is not None}
    found: dict[str, dict[int, list[float]]] = {}
    for name, stream, number in rows:
        if number is not None:
            found.setdefault(name, {}).setdefault(stream, []).append(number)
    sums = {name: total(streams[max(streams)]) for name, streams in found.items()}
    return {name: number for name, number in sums.items() if number is not None}
