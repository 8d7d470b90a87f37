"""The state of streams: what was pulled of them, up to where, and how it ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from syncd.ledger.pages import current_ids, end_records, store_records, store_snapshots
from syncd.ledger.schema import remarks, streams
from syncd.okr.goals import Quality
from syncd.sdk import Json, Page, Snapshot, Stream


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the ledger knows of a stream. `problems` and `notes` are of its parts, by part.

    `retry_at` is when its source may be asked again, where it said so. What left its source by `census_at` is gone here
    too: it is the time of the last census or, before the first, of the stream's beginning, when it held nothing. None
    where an older version began it.
    """

    id: int
    cursor: Mapping[str, Json] | None
    needs: frozenset[str]
    since: datetime | None
    quality: Quality | None
    reason: str | None
    tried_at: datetime | None
    retry_at: datetime | None
    completed_cycle: int | None
    completed_at: datetime | None
    census_at: datetime | None
    problems: Mapping[str, str]
    notes: Mapping[str, Sequence[str]]

    def covers(self, stream: Stream) -> bool:
        """Whether the rows of this state have every field, part and day that the stream is asked for."""
        if not stream.needs <= self.needs:
            return False
        return self.since is None or (stream.since is not None and stream.since >= self.since)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stream's pull ended, when, and when its source may be asked again, where it said so.

    `census`: it had been reconciled before. One whose pull then broke off is due again.
    """

    stream_id: int
    at: datetime
    quality: Quality
    reason: str | None = None
    retry_at: datetime | None = None
    census: bool = False


class Streams:
    """Reads and writes streams; every page is stored with its cursor in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def state(self, connection_name: str, key: str) -> StreamState | None:
        """What is known of a stream, or None where it was never asked for."""
        query = select(streams).where(streams.c.connection == connection_name, streams.c.key == key)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return _state(row) if row else None

    def states(self, connection_name: str) -> Mapping[str, StreamState]:
        """What is known of every stream of a connection, by key."""
        query = select(streams).where(streams.c.connection == connection_name)
        with self._engine.connect() as connection:
            return {row.key: _state(row) for row in connection.execute(query)}

    def add(self, connection_name: str, key: str, now: datetime) -> int:
        """The number of a stream, given to it where it is new; it holds nothing then, so nothing can have left it."""
        with self._engine.begin() as connection:
            known = connection.execute(
                select(streams.c.id).where(streams.c.connection == connection_name, streams.c.key == key)
            ).scalar()
            if known is None:
                added = connection.execute(insert(streams).values(connection=connection_name, key=key, census_at=now))
                assert added.inserted_primary_key is not None
                known = added.inserted_primary_key[0]
        return int(known)

    def restart(self, stream_id: int, stream: Stream) -> None:
        """Forgets a cursor whose rows lack what the stream is asked for now, and remembers what the next will cover."""
        with self._engine.begin() as connection:
            connection.execute(
                update(streams)
                .where(streams.c.id == stream_id)
                .values(cursor=None, needs=sorted(stream.needs), since=stream.since)
            )

    def store(self, stream_id: int, cycle: int, now: datetime, page: Page) -> int:
        """Stores a page with its cursor in one transaction; how many rows were new, changed or gone."""
        news: dict[str, Any] = {}
        with self._engine.begin() as connection:
            changed = store_records(connection, stream_id, cycle, page.records)
            if page.readings:
                parts = connection.execute(select(streams.c.parts).where(streams.c.id == stream_id)).scalar() or {}
                said = {part: _said(snapshot, parts.get(part, {})) for part, snapshot in page.readings.items()}
                fresh = {
                    part: snapshot
                    for part, snapshot in page.readings.items()
                    if said[part]["digest"] is None or said[part]["digest"] != parts.get(part, {}).get("digest")
                }
                changed += store_snapshots(connection, stream_id, cycle, now, fresh)
                if any(said[part] != parts.get(part) for part in said):
                    news["parts"] = parts | said
                    _remark(connection, stream_id, cycle, said, parts)
            if page.present is not None:
                gone = current_ids(connection, stream_id) - page.present
                end_records(connection, stream_id, cycle, gone)
                changed += len(gone)
            if page.cursor is not None:
                news["cursor"] = page.cursor
            if news:
                connection.execute(update(streams).where(streams.c.id == stream_id).values(**news))
        return changed

    def reconcile(self, stream_id: int, cycle: int, present: Collection[str], since: datetime | None = None) -> int:
        """Ends the records that a census did not find; how many. It asked for none updated before `since`."""
        with self._engine.begin() as connection:
            gone = current_ids(connection, stream_id, since) - set(present)
            end_records(connection, stream_id, cycle, gone)
        return len(gone)

    def known(self, stream_id: int) -> frozenset[str]:
        """The ids of a stream's records as they stand."""
        with self._engine.connect() as connection:
            return frozenset(current_ids(connection, stream_id))

    def pulled(self, cycle: int, endings: Sequence[Ending]) -> None:
        """Notes how the pulls of a cycle ended. Only a complete one moves its stream's completion."""
        of_stream = update(streams).where(streams.c.id == bindparam("stream_id"))
        noted: dict[str, Any] = {name: bindparam(name) for name in ("quality", "reason", "tried_at", "retry_at")}
        completed = {"completed_cycle": cycle, "completed_at": bindparam("tried_at")}
        statements = {
            (False, False): of_stream.values(noted),
            (True, False): of_stream.values(noted | completed),
            (True, True): of_stream.values(noted | completed | {"census_at": bindparam("tried_at")}),
        }
        with self._engine.begin() as connection:
            for (complete, census), statement in statements.items():
                some = [
                    {
                        "stream_id": ending.stream_id,
                        "quality": ending.quality,
                        "reason": ending.reason,
                        "tried_at": ending.at,
                        "retry_at": ending.retry_at,
                    }
                    for ending in endings
                    if (ending.quality == "complete", ending.quality == "complete" and ending.census)
                    == (complete, census)
                ]
                if some:
                    connection.execute(statement, some)


def _remark(connection: Connection, stream: int, cycle: int, said: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Keeps the notes of parts where they are not what they were: of a past day they are asked for too."""
    rows = [
        {"stream": stream, "part": part, "cycle": cycle, "notes": new["notes"]}
        for part, new in said.items()
        if new["notes"] != known.get(part, {}).get("notes", [])
    ]
    if rows:
        mine = (remarks.c.stream == stream, remarks.c.cycle == cycle, remarks.c.part == bindparam("of_part"))
        connection.execute(delete(remarks).where(*mine), [{"of_part": row["part"]} for row in rows])
        connection.execute(insert(remarks), rows)


def _state(row: Any) -> StreamState:
    parts = row.parts or {}
    return StreamState(
        id=row.id,
        cursor=row.cursor,
        needs=frozenset(row.needs or ()),
        since=row.since,
        quality=row.quality,
        reason=row.reason,
        tried_at=row.tried_at,
        retry_at=row.retry_at,
        completed_cycle=row.completed_cycle,
        completed_at=row.completed_at,
        census_at=row.census_at,
        problems={part: said["problem"] for part, said in parts.items() if said.get("problem")},
        notes={part: said.get("notes", []) for part, said in parts.items()},
    )


def _said(snapshot: Snapshot, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a part beside its readings; the digest of those that were stored last tells a change apart."""
    digest = known.get("digest")
    if snapshot.problem is None:
        try:
            digest = blake2b(orjson.dumps(snapshot.readings), digest_size=12).hexdigest()
        except TypeError:  # half of a surrogate pair, as JSON may carry it
            digest = None
    return {"problem": snapshot.problem, "notes": list(snapshot.notes), "digest": digest}
