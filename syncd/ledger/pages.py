"""Stores the records of pages. A changed record adds a new version beside the old version; an unchanged record adds
none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, String, and_, column, delete, insert, select, update

from syncd.ledger.batches import batches, given
from syncd.ledger.schema import records
from syncd.sdk import Record


def store_records(connection: Connection, stream: int, cycle: int, page: Sequence[Record]) -> int:
    """Stores the records of a page. Returns how many records were new or changed.

    Of several versions of an id, in the page or in the ledger, the newest is kept. A page that arrives late thus undoes
    nothing.
    """
    if not page:
        return 0
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
    """Ends the current versions of these ids. A version from this same cycle is deleted instead, because no value was
    computed from it.
    """
    for batch in batches(ids):
        current = and_(_is_current(stream), records.c.id.in_(batch))
        connection.execute(delete(records).where(current, records.c.cycle == cycle))
        connection.execute(update(records).where(current).values(until=cycle))


def current_ids(connection: Connection, stream: int, since: datetime | None = None) -> set[str]:
    """The ids of a stream's current records; with `since`, only of records updated at or after this time."""
    query = select(records.c.id).where(records.c.stream == stream, records.c.until.is_(None))
    if since is not None:
        query = query.where(records.c.updated_at >= since)
    return set(connection.execute(query).scalars())


def _current(connection: Connection, stream: int, ids: Iterable[str]) -> dict[str, Any]:
    of = given([(id_,) for id_ in ids], column("id", String))
    query = select(records.c.id, records.c.digest, records.c.updated_at).join_from(of, records, records.c.id == of.c.id)
    return {row.id: row for row in connection.execute(query.where(_is_current(stream)))}


def _is_current(stream: int) -> ColumnElement[bool]:
    """The condition for the current versions of a stream's records, in a statement that names ids. The database uses
    the primary key for it.

    The condition adds 0 to a column. Otherwise, SQLite would use the index of windows, and read the complete stream for
    every page.
    """
    return and_(records.c.stream == stream, (records.c.until + 0).is_(None))


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
    } | ({} if record.remark is None else {"remark": record.remark})  # without a remark, the digest stays as it was
    try:
        serialized = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        clean = b"\\u0000" not in serialized
    except TypeError:  # half a surrogate pair
        clean = False
    if not clean:
        body = _cleaned(body)
        serialized = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    digest = blake2b(serialized, digest_size=12).hexdigest()
    return {"stream": stream, "id": record.id, "cycle": cycle, "until": None, "digest": digest, "remark": None, **body}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(inner) for name, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list | tuple) else value


def clean(text: str) -> str:
    """The text with `?` in place of NUL and of unpaired surrogates, which JSON allows and databases refuse."""
    return text if text.isascii() and "\0" not in text else text.encode(errors="replace").decode().replace("\0", "?")
