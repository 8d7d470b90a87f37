"""Stores the rows of pages: a new version beside the old one for each change, and nothing for unchanged rows."""

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

_PARTS_AT_ONCE = 50
_READINGS_AT_ONCE = 2_000  # bounds memory: a row on its way to the database takes ten times its reading


def store_records(connection: Connection, stream: int, cycle: int, page: Sequence[Record]) -> int:
    """Stores the records of a page. Returns how many were new or changed.

    The newest version of an id wins, within the page and against the ledger, so a late page undoes nothing.
    """
    newest: dict[str, Record] = {}
    for record in page:
        previous = newest.get(record.id)
        if previous is None or record.updated_at >= previous.updated_at:
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
    """Ends the current versions of these ids. If the old version is from this same cycle, it is deleted, because no
    value used it.
    """
    for batch in batches(ids):
        current = _current_versions(stream, batch)
        connection.execute(delete(records).where(current, records.c.cycle == cycle))
        connection.execute(update(records).where(current).values(until=cycle))


def current_ids(connection: Connection, stream: int, since: datetime | None = None) -> set[str]:
    """The ids of a stream's current records; with `since`, only of records updated from that time on."""
    query = select(records.c.id).where(records.c.stream == stream, records.c.until.is_(None))
    if since is not None:
        query = query.where(records.c.updated_at >= since)
    return set(connection.execute(query).scalars())


def store_snapshots(
    connection: Connection, stream: int, cycle: int, seen_at: datetime, snapshots: Mapping[str, Snapshot]
) -> int:
    """Stores the readings of each part, and ends those that are gone. Returns how many were new, changed or gone.

    A part that could not be read keeps its readings, and so does the time that a snapshot does not list.
    """
    read = {part: snapshot for part, snapshot in snapshots.items() if snapshot.problem is None}
    return sum(
        _store_readings(connection, stream, cycle, seen_at, {part: read[part] for part in batch})
        for batch in batches(read, _PARTS_AT_ONCE)
    )


def _store_readings(
    connection: Connection, stream: int, cycle: int, seen_at: datetime, read: Mapping[str, Snapshot]
) -> int:
    current = and_(readings.c.stream == stream, readings.c.until.is_(None))
    rows = connection.execute(select(readings).where(current, readings.c.part.in_(read))).mappings()
    kept: dict[tuple[str, int], RowMapping] = {}
    ended: list[RowMapping] = []
    for row in rows:
        if _is_listed(row["at"], read[row["part"]]):
            first = kept.setdefault((row["part"], row["position"]), row)
            if first is not row:  # a row that was outside of the listed time, and is inside again
                ended.append(row)
    new = [
        (part, position, reading)
        for part, snapshot in read.items()
        for position, reading in enumerate(snapshot.readings)
        if not _same(kept.get((part, position)), reading)
    ]
    changed = {(part, position) for part, position, _ in new} if kept else set()
    ended += [
        row
        for (part, position), row in kept.items()
        if (part, position) in changed or position >= len(read[part].readings)
    ]
    if ended:
        # By the cycle too: a row outside of the listed time may have the same position.
        names = ("part", "position", "cycle")
        of_row = and_(current, *(readings.c[name] == bindparam(f"of_{name}") for name in names))
        versions = [{f"of_{name}": row[name] for name in names} for row in ended]
        connection.execute(delete(readings).where(of_row, readings.c.cycle == cycle), versions)
        connection.execute(update(readings).where(of_row).values(until=cycle), versions)
    for batch in batches(new, _READINGS_AT_ONCE):
        fresh = [_reading_row(reading, stream, part, position) for part, position, reading in batch]
        connection.execute(insert(readings), [row | {"cycle": cycle, "seen_at": seen_at} for row in fresh])
    return len(new) + len(ended)


def _is_listed(at: datetime | None, snapshot: Snapshot) -> bool:
    return snapshot.between is None or at is None or snapshot.between[0] <= at < snapshot.between[1]


def _current(connection: Connection, stream: int, ids: Iterable[str]) -> dict[str, Any]:
    rows = {}
    for batch in batches(ids):
        query = select(records.c.id, records.c.digest, records.c.updated_at).where(_current_versions(stream, batch))
        rows.update({row.id: row for row in connection.execute(query)})
    return rows


def _current_versions(stream: int, ids: Sequence[str]) -> ColumnElement[bool]:
    """The condition for the current versions of these ids, by the primary key.

    The sum stops SQLite from using the index of windows, which would make it read the whole stream for every page.
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
    } | ({} if record.remark is None else {"remark": record.remark})  # a record without one keeps its digest
    try:
        serialized = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        clean = b"\\u0000" not in serialized
    except TypeError:  # half of a surrogate pair
        clean = False
    if not clean:
        body = _cleaned(body)
        serialized = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    digest = blake2b(serialized, digest_size=12).hexdigest()
    return {"stream": stream, "id": record.id, "cycle": cycle, "until": None, "digest": digest, "remark": None, **body}


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
    """A JSON value with every text in it cleaned."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(inner) for name, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list | tuple) else value


def _clean(text: str) -> str:
    """The text with `?` in place of half surrogate pairs and NUL, which JSON allows and databases refuse."""
    return text if text.isascii() and "\0" not in text else text.encode(errors="replace").decode().replace("\0", "?")


def _same(kept: RowMapping | None, reading: Reading) -> bool:
    if kept is None or kept["at"] != reading.at or kept["number"] != reading.number:
        return False
    problem = None if reading.problem is None else _clean(reading.problem)
    return (kept["cell"], kept["raw"], kept["problem"]) == (_clean(reading.cell), _clean(reading.raw), problem)
