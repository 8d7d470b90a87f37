"""Changes of past rows: versions of rows that ended, and the versions that replaced them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    Text,
    and_,
    column,
    func,
    null,
    or_,
    select,
    union,
    union_all,
)

from syncd.ledger.answers import record_of
from syncd.ledger.batches import batches, given
from syncd.ledger.layouts import Part, read_layouts
from syncd.ledger.reading_rows import reading_rows
from syncd.ledger.schema import layouts, readings, records, streams
from syncd.okr.measures import ReadingMeasure, RecordMeasure, stream_keys
from syncd.sdk import Reading, Record

_Leaf = TypeVar("_Leaf", RecordMeasure, ReadingMeasure)
_MEASURES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Revised:
    """A record before (`old`) and after (`new`) a cycle; each is None if the record did not exist then."""

    cycle: int
    id: str
    old: Record | None
    new: Record | None


@dataclass(frozen=True, slots=True)
class Reread:
    """A dated reading before (`old`) and after (`new`) a cycle; `new` is None if its date no longer has a row."""

    cycle: int
    at: datetime
    old: Reading
    new: Reading | None


class Revisions:
    """Compares versions of rows. It never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_records(
        self, measures: Collection[RecordMeasure], after: int, until: int
    ) -> Iterator[tuple[RecordMeasure, Revised]]:
        """Each change of a record of these measures after cycle `after` and up to cycle `until`, in the order of the
        records' ids.
        """
        with self._engine.connect() as connection:
            ids = self._streams(connection, measures)
            for several in (False, True):
                matching = [measure for measure in measures if (len(ids[measure]) > 1) == several]
                for batch in batches(matching, _MEASURES_AT_ONCE):
                    by_stream: dict[int, list[RecordMeasure]] = {}
                    for measure in batch:
                        for stream in ids[measure]:
                            by_stream.setdefault(stream, []).append(measure)
                    query = _versions(sorted(by_stream), after, until, several)
                    rows = connection.execute(query, execution_options={"yield_per": 1000})
                    # Two streams without a common measure may hold records with the same id.
                    for _, group in groupby(rows, key=lambda row: row.id if several else (row.stream, row.id)):
                        versions = list(group)
                        for measure in dict.fromkeys(measure for row in versions for measure in by_stream[row.stream]):
                            for revised in _revised(measure, ids[measure], versions, after, until):
                                yield measure, revised

    def of_readings(
        self, measures: Collection[ReadingMeasure], after: int, until: int
    ) -> Iterator[tuple[ReadingMeasure, Reread]]:
        """Each dated reading of these measures that changed or went missing after cycle `after` and up to cycle
        `until`. A row that only moved has not changed.
        """
        with self._engine.connect() as connection:
            ids = self._streams(connection, measures)
            for batch in batches(measures, _MEASURES_AT_ONCE):
                by_part: dict[Part, list[ReadingMeasure]] = {}
                for measure in batch:
                    for stream in ids[measure]:
                        by_part.setdefault((stream, measure.part), []).append(measure)
                if not by_part:  # no stream of theirs was ever pulled
                    continue
                ended: list[tuple[Part, int, datetime, Reading]] = []
                new_rows: dict[tuple[int, str, int, datetime], Reading] = {}
                for row in connection.execute(_dated(list(by_part), after, until)):
                    reading = Reading(row.number, row.cell, row.raw, row.at, row.problem)
                    if row.until is not None and after < row.until <= until:
                        ended.append(((row.stream, row.part), row.until, row.at, reading))
                    if after < row.cycle <= until:
                        new_rows[(row.stream, row.part, row.cycle, row.at)] = reading
                moved = read_layouts(connection, list(by_part), until).keys()
                for part, cycle, at, old in ended:
                    new = new_rows.get((*part, cycle, at))
                    if new is None and part in moved:
                        old = _last_place(connection, part, cycle, old)
                    if new is None or (new.number, new.problem) != (old.number, old.problem):
                        for measure in by_part.get(part, ()):
                            yield measure, Reread(cycle, at, old, new)

    def latest(self) -> dict[tuple[str, str], int]:
        """Maps (connection, stream's key) to the last cycle in which rows of the stream were added, changed, moved or
        removed.
        """
        latest: dict[tuple[str, str], int] = {}
        with self._engine.connect() as connection:
            for table in (records, readings, layouts):
                went = func.max(table.c.until) if "until" in table.c else null()
                query = (
                    select(streams.c.connection, streams.c.key, func.max(table.c.cycle), went)
                    .join(table, table.c.stream == streams.c.id)
                    .group_by(streams.c.connection, streams.c.key)
                )
                for name, key, came, went in connection.execute(query):
                    latest[(name, key)] = max(latest.get((name, key), 0), came, went or 0)
        return latest

    def _streams(self, connection: Connection, measures: Collection[_Leaf]) -> dict[_Leaf, frozenset[int]]:
        names = {measure.connection for measure in measures}
        query = select(streams.c.connection, streams.c.key, streams.c.id).where(streams.c.connection.in_(names))
        ids = {(row.connection, row.key): row.id for row in connection.execute(query)}
        return {
            measure: frozenset(
                ids[stream] for key in stream_keys(measure) if (stream := (measure.connection, key)) in ids
            )
            for measure in measures
        }


def _versions(ids: Sequence[int], after: int, until: int, several: bool) -> Select[Any]:
    """Selects every version of each record that changed in its stream.

    With `several`, also selects the versions of the same record ids in the other streams.
    """

    columns = (records.c.id,) if several else (records.c.stream, records.c.id)
    in_streams = select(*columns).where(records.c.stream.in_(ids))
    moved = union(*(in_streams.where(change) for change in _changes(records, after, until))).subquery()
    same = records.c.stream.in_(ids) if several else records.c.stream == moved.c.stream
    query = select(records).join(moved, and_(same, records.c.id == moved.c.id))
    return query.order_by(records.c.id, records.c.stream)


def _revised(
    measure: RecordMeasure, ids: Collection[int], versions: Sequence[Any], after: int, until: int
) -> Iterator[Revised]:
    """The changes of a record, in the order of cycles.

    A record that is in two streams of a measure counts once. The record is gone when it is in none of the streams any
    more.
    """
    own = [row for row in versions if row.stream in ids and measure.kind in (None, row.kind)]
    for cycle in sorted({cycle for row in own for cycle in (row.cycle, row.until) if after < (cycle or 0) <= until}):
        old = new = None
        for row in own:
            if row.cycle < cycle and (row.until is None or row.until >= cycle):
                old = row
            if row.cycle <= cycle and (row.until is None or row.until > cycle):
                new = row
        yield Revised(cycle, own[0].id, record_of(old) if old else None, record_of(new) if new else None)


def _last_place(connection: Connection, part: Part, cycle: int, gone: Reading) -> Reading:
    content = gone.at, gone.number, gone.raw, gone.problem
    rows = reading_rows(connection, [part], cycle - 1, {}).get(part, ())
    cells = (row.cell for row in rows if (row.at, row.number, row.raw, row.problem) == content)
    return replace(gone, cell=next(cells, gone.cell))


def _dated(parts: Sequence[Part], after: int, until: int) -> CompoundSelect[Any]:
    of = given(parts, column("stream", Integer), column("part", Text))
    of_parts = select(readings).join(of, (of.c.stream == readings.c.stream) & (of.c.part == readings.c.part))
    dated = of_parts.where(readings.c.at.is_not(None))
    changes = union_all(*(dated.where(change) for change in _changes(readings, after, until)))
    columns = changes.selected_columns
    return changes.order_by(columns.until, columns.at, columns.position)


def _changes(table: Table, after: int, until: int) -> Sequence[ColumnElement[bool]]:
    """Two conditions that together select the rows that began or ended after cycle `after` and up to cycle `until`.

    For each condition, the database can use an index of `until`, and need not read rows that ended before.
    """
    came = and_(table.c.cycle > after, table.c.cycle <= until)
    return and_(table.c.until > after, or_(table.c.until <= until, came)), and_(table.c.until.is_(None), came)
