"""What the ledger held of a measure's past and holds no longer: a version that ended, and what took its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, or_, select, union

from syncd.ledger.answers import record_of
from syncd.ledger.batches import batches
from syncd.ledger.schema import readings, records, streams
from syncd.okr.measures import ReadingMeasure, RecordMeasure, stream_keys
from syncd.sdk import Reading, Record

_Leaf = TypeVar("_Leaf", RecordMeasure, ReadingMeasure)
_MEASURES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Revised:
    """A record as it stood before a cycle and as it stands since; None where it was not there."""

    cycle: int
    id: str
    old: Record | None
    new: Record | None


@dataclass(frozen=True, slots=True)
class Reread:
    """A dated reading as it stood before a cycle and as it stands since; None where its date has no row any more."""

    cycle: int
    at: datetime
    old: Reading
    new: Reading | None


class Revisions:
    """Compares versions; reads only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_records(
        self, measures: Collection[RecordMeasure], after: int, until: int
    ) -> Iterator[tuple[RecordMeasure, Revised]]:
        """Each record of these measures that changed after one cycle and not after another, in the order of ids."""
        with self._engine.connect() as connection:
            ids = self._streams(connection, measures)
            for several in (False, True):
                mine = [measure for measure in measures if (len(ids[measure]) > 1) == several]
                for some in batches(mine, _MEASURES_AT_ONCE):
                    of_stream: dict[int, list[RecordMeasure]] = {}
                    for measure in some:
                        for stream in ids[measure]:
                            of_stream.setdefault(stream, []).append(measure)
                    query = _versions(sorted(of_stream), after, until, several)
                    rows = connection.execute(query, execution_options={"yield_per": 1000})
                    # One stream's records may have the ids of another's that no measure shares with it.
                    for _, found in groupby(rows, key=lambda row: row.id if several else (row.stream, row.id)):
                        versions = list(found)
                        for measure in dict.fromkeys(one for row in versions for one in of_stream[row.stream]):
                            for revised in _revised(measure, ids[measure], versions, after, until):
                                yield measure, revised

    def of_readings(
        self, measures: Collection[ReadingMeasure], after: int, until: int
    ) -> Iterator[tuple[ReadingMeasure, Reread]]:
        """Each dated reading of these measures whose row changed or went; one whose row only moved is the same."""
        with self._engine.connect() as connection:
            ids = self._streams(connection, measures)
            for some in batches(measures, _MEASURES_AT_ONCE):
                of_part: dict[tuple[int, str], list[ReadingMeasure]] = {}
                for measure in some:
                    for stream in ids[measure]:
                        of_part.setdefault((stream, measure.part), []).append(measure)
                ended: list[tuple[tuple[int, str], int, datetime, Reading]] = []
                begun: dict[tuple[int, str, int, datetime], Reading] = {}
                for row in connection.execute(_dated({stream for stream, _ in of_part}, after, until)):
                    reading = Reading(row.number, row.cell, row.raw, row.at, row.problem)
                    if row.until is not None and after < row.until <= until:
                        ended.append(((row.stream, row.part), row.until, row.at, reading))
                    if after < row.cycle <= until:
                        begun[(row.stream, row.part, row.cycle, row.at)] = reading
                for part, cycle, at, old in ended:
                    new = begun.get((*part, cycle, at))
                    if new is None or (new.number, new.problem) != (old.number, old.problem):
                        for measure in of_part.get(part, ()):
                            yield measure, Reread(cycle, at, old, new)

    def latest(self) -> dict[tuple[str, str], int]:
        """The last cycle in which rows of each stream came, changed or went, by (connection, stream's key)."""
        found: dict[tuple[str, str], int] = {}
        with self._engine.connect() as connection:
            for table in (records, readings):
                query = (
                    select(streams.c.connection, streams.c.key, func.max(table.c.cycle), func.max(table.c.until))
                    .join(table, table.c.stream == streams.c.id)
                    .group_by(streams.c.connection, streams.c.key)
                )
                for name, key, came, went in connection.execute(query):
                    found[(name, key)] = max(found.get((name, key), 0), came, went or 0)
        return found

    def _streams(self, connection: Connection, measures: Collection[_Leaf]) -> dict[_Leaf, frozenset[int]]:
        """The numbers of each measure's streams."""
        names = {measure.connection for measure in measures}
        query = select(streams.c.connection, streams.c.key, streams.c.id).where(streams.c.connection.in_(names))
        known = {(row.connection, row.key): row.id for row in connection.execute(query)}
        return {
            one: frozenset(known[place] for key in stream_keys(one) if (place := (one.connection, key)) in known)
            for one in measures
        }


def _versions(ids: Sequence[int], after: int, until: int, several: bool) -> Select[Any]:
    """Every version of the records that changed in these streams; with `several`, those in the other streams too."""

    def changed(column: ColumnElement[int]) -> Select[Any]:
        here = (records.c.stream.in_(ids), column > after, column <= until)
        return select(*(() if several else (records.c.stream,)), records.c.id).where(*here)

    moved = union(changed(records.c.until), changed(records.c.cycle)).subquery()
    same = records.c.stream.in_(ids) if several else records.c.stream == moved.c.stream
    query = select(records).join(moved, and_(same, records.c.id == moved.c.id))
    return query.order_by(records.c.id, records.c.stream)


def _revised(
    measure: RecordMeasure, ids: Collection[int], versions: Sequence[Any], after: int, until: int
) -> Iterator[Revised]:
    """What became of one record, in the order of cycles.

    It may stand in two streams of one measure: it counts once, and leaves with the last of them.
    """
    mine = [row for row in versions if row.stream in ids and measure.kind in (None, row.kind)]
    for cycle in sorted({cycle for row in mine for cycle in (row.cycle, row.until) if after < (cycle or 0) <= until}):
        old = new = None
        for row in mine:
            if row.cycle < cycle and (row.until is None or row.until >= cycle):
                old = row
            if row.cycle <= cycle and (row.until is None or row.until > cycle):
                new = row
        yield Revised(cycle, mine[0].id, record_of(old) if old else None, record_of(new) if new else None)


def _dated(ids: Collection[int], after: int, until: int) -> Select[Any]:
    moved = (and_(column > after, column <= until) for column in (readings.c.until, readings.c.cycle))
    here = (readings.c.stream.in_(ids), readings.c.at.is_not(None), or_(*moved))
    return select(readings).where(*here).order_by(readings.c.until, readings.c.at, readings.c.position)
