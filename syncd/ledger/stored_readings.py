"""Stores the readings of snapshots. A changed reading adds a new version beside the old version; a row that only moved
adds none.

Dated readings are matched by their dates, undated readings by their positions.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from syncd.ledger.batches import batches
from syncd.ledger.layouts import Place, order_of, read_layouts, write_layouts
from syncd.ledger.pages import clean
from syncd.ledger.schema import readings
from syncd.sdk import Reading, Snapshot

_PARTS_AT_ONCE = 200
_READINGS_AT_ONCE = 2_000  # limits memory: a row for the database takes ten times the memory of its reading


def store_snapshots(
    connection: Connection, stream: int, cycle: int, seen_at: datetime, snapshots: Mapping[str, Snapshot]
) -> int:
    """Stores the readings of each part, and ends readings that are gone. Returns how many readings were new, changed or
    gone.

    A part whose rows only moved adds 1 to the number. A part that could not be read keeps its readings. If a snapshot
    lists only a span of time, readings outside the span stay.
    """
    read = {part: snapshot for part, snapshot in snapshots.items() if snapshot.problem is None}
    return sum(_store_readings(connection, stream, cycle, seen_at, batch) for batch in _batches(read))


def _batches(read: Mapping[str, Snapshot]) -> Iterator[Mapping[str, Snapshot]]:
    batch: dict[str, Snapshot] = {}
    held = 0
    for part, snapshot in read.items():
        held += len(snapshot.readings)
        if batch and (len(batch) == _PARTS_AT_ONCE or held > _READINGS_AT_ONCE):
            yield batch
            batch, held = {}, len(snapshot.readings)
        batch[part] = snapshot
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Changes:
    """The changes that a snapshot makes to a part: the rows that end, and the new readings by position.

    `places` are the new places of all dated rows of the part; None if its layout does not change.
    """

    ended: Sequence[Row[Any]]
    new: Mapping[int, Reading]
    places: Sequence[Place] | None

    @property
    def count(self) -> int:
        """How many rows end and how many readings are new, in total; 1 if rows only moved."""
        return len(self.ended) + len(self.new) or int(self.places is not None)


def _store_readings(
    connection: Connection, stream: int, cycle: int, seen_at: datetime, read: Mapping[str, Snapshot]
) -> int:
    current = and_(readings.c.stream == stream, readings.c.until.is_(None))
    rows: dict[str, list[Row[Any]]] = {part: [] for part in read}
    for row in connection.execute(select(readings).where(current, readings.c.part.in_(read))):
        rows[row.part].append(row)
    layouts = read_layouts(connection, [(stream, part) for part in read])
    changes = {part: _changes(cycle, of, rows[part], layouts.get((stream, part))) for part, of in read.items()}
    if ended := [row for change in changes.values() for row in change.ended]:
        # By the cycle too: a row outside the listed time may have the same position.
        names = ("part", "position", "cycle")
        of_row = and_(current, *(readings.c[name] == bindparam(f"of_{name}") for name in names))
        versions = [{f"of_{name}": getattr(row, name) for name in names} for row in ended]
        connection.execute(delete(readings).where(of_row, readings.c.cycle == cycle), versions)
        connection.execute(update(readings).where(of_row).values(until=cycle), versions)
    new = [(part, position, reading) for part, change in changes.items() for position, reading in change.new.items()]
    for batch in batches(new, _READINGS_AT_ONCE):
        fresh = [_reading_row(reading, stream, part, position) for part, position, reading in batch]
        connection.execute(insert(readings), [row | {"cycle": cycle, "seen_at": seen_at} for row in fresh])
    moved = {part: change.places for part, change in changes.items() if change.places is not None}
    write_layouts(connection, stream, cycle, moved)
    return sum(change.count for change in changes.values())


def _changes(cycle: int, snapshot: Snapshot, rows: Sequence[Row[Any]], layout: Sequence[Place] | None) -> _Changes:
    dated = sorted((row for row in rows if row.at is not None), key=order_of)
    places_before = {row: (row.position, row.cell) for row in rows}
    if layout is not None:
        places_before |= dict(zip(dated, layout, strict=True))
    listed = sorted((row for row in rows if _is_listed(row.at, snapshot)), key=places_before.__getitem__)
    kept = _unchanged(snapshot, listed)
    places_now = {row: (position, clean(snapshot.readings[position].cell)) for position, row in kept.items()}
    moved = {row for row, place in places_now.items() if place != places_before[row]}
    # A row of this same cycle that moved is written again: no value used it, and another row may need its position.
    for row in [row for row in moved if row.cycle == cycle]:
        position, _ = places_now.pop(row)
        del kept[position]
        moved.remove(row)
    ended = [row for row in listed if row not in places_now]
    new = {position: reading for position, reading in enumerate(snapshot.readings) if position not in kept}
    times = {row.at for row in ended} | {reading.at for reading in new.values()}
    if not moved and (layout is None or times <= {None}):
        return _Changes(ended, new, None)
    gone = set(ended)
    places = [(order_of(row), places_now.get(row, places_before[row])) for row in dated if row not in gone]
    places += [
        ((reading.at, position, cycle), (position, clean(reading.cell)))
        for position, reading in new.items()
        if reading.at is not None
    ]
    return _Changes(ended, new, [place for _, place in sorted(places)])


def _unchanged(snapshot: Snapshot, rows: Sequence[Row[Any]]) -> dict[int, Row[Any]]:
    """The row of each unchanged reading, by the reading's position.

    If several rows of one date are equal, the first row is matched with the first reading.
    """
    rows_by_content: defaultdict[tuple[object, ...], deque[Row[Any]]] = defaultdict(deque)
    for row in rows:
        rows_by_content[_content(row.at, row.number, row.raw, row.problem, (row.position, row.cell))].append(row)
    kept: dict[int, Row[Any]] = {}
    for position, reading in enumerate(snapshot.readings):
        problem = None if reading.problem is None else clean(reading.problem)
        place = position, clean(reading.cell)
        if same := rows_by_content[_content(reading.at, reading.number, clean(reading.raw), problem, place)]:
            kept[position] = same.popleft()
    return kept


def _content(
    at: datetime | None, number: float | None, raw: str, problem: str | None, place: Place
) -> tuple[object, ...]:
    """The fields by which readings of a part are compared. For undated readings, the place is one of these fields."""
    return (at, number, raw, problem) if at is not None else (number, raw, problem, place)


def _is_listed(at: datetime | None, snapshot: Snapshot) -> bool:
    return snapshot.between is None or at is None or snapshot.between[0] <= at < snapshot.between[1]


def _reading_row(reading: Reading, stream: int, part: str, position: int) -> dict[str, Any]:
    return {
        "stream": stream,
        "part": part,
        "position": position,
        "until": None,
        "at": reading.at,
        "cell": clean(reading.cell),
        "number": reading.number,
        "raw": clean(reading.raw),
        "problem": clean(reading.problem) if reading.problem is not None else None,
    }
