"""Storing what a page brings: new versions beside the old ones, and nothing at all where nothing changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, delete, insert, select, update

from syncd.ledger.batches import batches
from syncd.ledger.schema import readings, records
from syncd.sdk import Reading, Record, Snapshot

_PARTS_IN_HAND = 50


def store_records(connection: Connection, stream: int, cycle: int, page: Sequence[Record]) -> int:
    """Stores the records of a page; how many of them were new or changed.

    The newest version of an id wins, within the page and against what is kept: a page that arrives late cannot undo.
    """
    newest: dict[str, Record] = {}
    for record in page:
        known = newest.get(record.id)
        if known is None or record.updated_at >= known.updated_at:
            newest[record.id] = record
    kept = _current(connection, stream, newest)
    fresh: list[dict[str, Any]] = []
    ended: list[str] = []
    for record in newest.values():
        row = _record_row(record, stream, cycle)
        old = kept.get(record.id)
        if old is not None:
            if old.digest == row["digest"] or old.updated_at > record.updated_at:
                continue
            ended.append(record.id)
        fresh.append(row)
    end_records(connection, stream, cycle, ended)
    if fresh:
        connection.execute(insert(records), fresh)
    return len(fresh)


def end_records(connection: Connection, stream: int, cycle: int, ids: Collection[str]) -> None:
    """The current versions of these ids hold no longer. One that this very cycle brought was never seen by a value."""
    for some in batches(ids):
        mine = _standing(stream, some)
        connection.execute(delete(records).where(mine, records.c.cycle == cycle))
        connection.execute(update(records).where(mine).values(until=cycle))


def current_ids(connection: Connection, stream: int, since: datetime | None = None) -> set[str]:
    """The ids of a stream's records as they stand; only of those updated since a time, where one is given."""
    query = select(records.c.id).where(records.c.stream == stream, records.c.until.is_(None))
    if since is not None:
        query = query.where(records.c.updated_at >= since)
    return set(connection.execute(query).scalars())


def store_snapshots(
    connection: Connection, stream: int, cycle: int, seen_at: datetime, snapshots: Mapping[str, Snapshot]
) -> int:
    """Stores the readings of each part; how many were new or changed. What no longer stands there is ended.

    A part that could not be read keeps what it had.
    """
    read = {part: snapshot.readings for part, snapshot in snapshots.items() if snapshot.problem is None}
    return sum(
        _store_readings(connection, stream, cycle, seen_at, {part: read[part] for part in some})
        for some in batches(read, _PARTS_IN_HAND)
    )


def _store_readings(
    connection: Connection, stream: int, cycle: int, seen_at: datetime, read: Mapping[str, Sequence[Reading]]
) -> int:
    standing = and_(readings.c.stream == stream, readings.c.until.is_(None))
    rows = connection.execute(select(readings).where(standing, readings.c.part.in_(read))).mappings()
    kept = {(row["part"], row["position"]): row for row in rows}
    fresh = {
        (part, position): _reading_row(reading, stream, part, position)
        for part, found in read.items()
        for position, reading in enumerate(found)
    }
    new = {place: row for place, row in fresh.items() if not _same(kept.get(place), row)}
    ended = [place for place in kept if place in new or place not in fresh]
    if ended:
        of_place = and_(
            standing, readings.c.part == bindparam("of_part"), readings.c.position == bindparam("of_position")
        )
        places = [{"of_part": part, "of_position": position} for part, position in ended]
        connection.execute(delete(readings).where(of_place, readings.c.cycle == cycle), places)
        connection.execute(update(readings).where(of_place).values(until=cycle), places)
    if new:
        connection.execute(insert(readings), [row | {"cycle": cycle, "seen_at": seen_at} for row in new.values()])
    return len(new) + len(ended)


def _current(connection: Connection, stream: int, ids: Iterable[str]) -> dict[str, Any]:
    found = {}
    for some in batches(ids):
        query = select(records.c.id, records.c.digest, records.c.updated_at).where(_standing(stream, some))
        found.update({row.id: row for row in connection.execute(query)})
    return found


def _standing(stream: int, ids: Sequence[str]) -> ColumnElement[bool]:
    """The current versions of these ids, found by the primary key.

    Without the sum SQLite takes the index of windows, and reads the whole stream for every page.
    """
    return and_(records.c.stream == stream, records.c.id.in_(ids), (records.c.until + 0).is_(None))


def _record_row(record: Record, stream: int, cycle: int) -> dict[str, Any]:
    body = {
        "kind": record.kind,
        "label": record.label,
        "title": record.title,
        "url": record.url,
        "updated_at": record.updated_at,
        "created_at": record.created_at,
        "done_at": record.done_at,
        "not_done": record.not_done,
        "fields": record.fields,
    }
    try:
        said = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        clean = b"\\u0000" not in said
    except TypeError:  # half of a surrogate pair
        clean = False
    if not clean:
        body = _cleaned(body)
        said = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    digest = blake2b(said, digest_size=12).hexdigest()
    return {"stream": stream, "id": record.id, "cycle": cycle, "until": None, "digest": digest, **body}


def _reading_row(reading: Reading, stream: int, part: str, position: int) -> dict[str, Any]:
    return {
        "stream": stream,
        "part": part,
        "position": position,
        "until": None,
        "at": reading.at,
        "cell": _clean(reading.cell),
        "number": reading.number,
        "raw": _clean(reading.raw),
        "problem": _clean(reading.problem) if reading.problem is not None else None,
    }


def _cleaned(value: Any) -> Any:
    """What JSON may be made of, with every text in it cleaned."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(inner) for name, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list | tuple) else value


def _clean(text: str) -> str:
    """The text as every database takes it: half of a surrogate pair and NUL, which JSON may carry, are replaced."""
    return text if text.isascii() and "\0" not in text else text.encode(errors="replace").decode().replace("\0", "?")


def _same(kept: RowMapping | None, fresh: Mapping[str, Any]) -> bool:
    return kept is not None and all(kept[name] == fresh[name] for name in ("at", "cell", "number", "raw", "problem"))
