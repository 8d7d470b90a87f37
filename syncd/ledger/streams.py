"""The state of streams: the rows that were pulled, the cursor, and how the last pull ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from syncd.ledger.lists import Doubts, end_missing, follow_lists
from syncd.ledger.pages import current_ids, store_records
from syncd.ledger.pulled import StreamId
from syncd.ledger.schema import remarks, streams
from syncd.ledger.stored_readings import store_snapshots
from syncd.okr.goals import Quality
from syncd.sdk import Json, Page, Snapshot, Stream


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of a stream. The keys of `problems`, `notes` and `warnings` are parts.

    `retry_at` is the earliest time for the next request, if the source named a time. `census_at` is the time of the
    last census: records that left the source before this time are gone from the ledger too. Before the first census,
    `census_at` is the time at which syncd added the stream, without rows. `census_at` is None if a census is due at
    once, and for a stream that an older version of syncd added. `memory` is data that the connector's `Source` stores
    between pulls. `read` has the parts that were read at least once. `failed_since` maps a part with a problem to the
    first of the pulls in a row that failed; a part that an older version of syncd stored is missing.
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
    memory: Mapping[str, Json]
    warnings: Mapping[str, str]
    read: frozenset[str] = frozenset()
    failed_since: Mapping[str, datetime] = field(default_factory=dict)

    def failures(self, stream: Stream) -> Sequence[str]:
        """Why parts that the stream needs now could not be read, each reason once."""
        return list(dict.fromkeys(why for part, why in self.problems.items() if part in stream.needs))

    def covers(self, stream: Stream) -> bool:
        """Whether the stored rows cover every field, part and day that the stream needs now."""
        if not stream.needs <= self.needs:
            return False
        return self.since is None or (stream.since is not None and stream.since >= self.since)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the pull of a stream ended, and when. `retry_at` is the earliest time for the next request, if the source
    named a time.

    `census` is true if the cycle reconciled the stream. The next census is then due after the interval `reconcile`.
    """

    stream_id: int
    at: datetime
    quality: Quality
    reason: str | None = None
    retry_at: datetime | None = None
    census: bool = False


class Streams:
    """Reads and writes streams. Every page is stored with its cursor in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def state(self, connection_name: str, key: str) -> StreamState | None:
        """The state of a stream; None if the stream was never pulled."""
        query = select(streams).where(streams.c.connection == connection_name, streams.c.key == key)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _state(row) if row else None

    def states(self, connection_name: str) -> Mapping[str, StreamState]:
        """The state of every stream of a connection, by key."""
        query = select(streams).where(streams.c.connection == connection_name)
        with self._engine.connect() as connection:
            return {row.key: _state(row) for row in connection.execute(query)}

    def completed(self) -> Mapping[StreamId, datetime]:
        """The time of each stream's last complete pull. A stream without a complete pull is missing."""
        query = select(streams.c.connection, streams.c.key, streams.c.completed_at)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(streams.c.completed_at.is_not(None)))
            return {(row.connection, row.key): row.completed_at for row in rows}

    def add(self, connection_name: str, key: str, now: datetime) -> int:
        """The id of a stream; adds the stream if it is new. A new stream needs no census yet, because it has no
        rows.
        """
        with self._engine.begin() as connection:
            number = connection.execute(
                select(streams.c.id).where(streams.c.connection == connection_name, streams.c.key == key)
            ).scalar()
            if number is None:
                added = connection.execute(insert(streams).values(connection=connection_name, key=key, census_at=now))
                assert added.inserted_primary_key is not None
                number = added.inserted_primary_key[0]
        return int(number)

    def restart(self, stream_id: int, stream: Stream) -> None:
        """Drops the cursor of a stream whose rows do not cover its present needs, and stores the needs that the next
        pull will cover.
        """
        with self._engine.begin() as connection:
            connection.execute(
                update(streams)
                .where(streams.c.id == stream_id)
                .values(cursor=None, needs=sorted(stream.needs), since=stream.since)
            )

    def store(self, stream_id: int, cycle: int, now: datetime, page: Page) -> int:
        """Stores the rows and the cursor of a page in one transaction. Returns how many rows were new, changed or
        gone.
        """
        state: dict[str, Any] = {}
        # Read before the transaction that writes: only the cycle that holds the ledger's lock changes parts.
        old = self._parts(stream_id) if page.readings else {}
        new = {part: _part_state(snapshot, old.get(part, {}), now) for part, snapshot in page.readings.items()}
        fresh = {
            part: snapshot
            for part, snapshot in page.readings.items()
            if new[part]["digest"] is None or new[part]["digest"] != old.get(part, {}).get("digest")
        }
        parts = old | new
        if _is_readings_alone(page) and not fresh and parts == old:
            return 0
        with self._engine.begin() as connection:
            changed = 0
            if page.lists is not None:
                changed += follow_lists(connection, stream_id, cycle, page.lists)
                if page.lists.memory is not None:
                    state["memory"] = page.lists.memory
            changed += store_records(connection, stream_id, cycle, page.records)
            if page.readings:
                changed += store_snapshots(connection, stream_id, cycle, now, fresh)
                if parts != old:
                    state["parts"] = parts
                    _keep_notes(connection, stream_id, cycle, new, old)
            doubts: Doubts = {}
            if page.present is not None:
                unread = page.lists.unread if page.lists else ()
                gone, doubts = end_missing(connection, stream_id, cycle, page.present, unread)
                changed += gone
            if page.cursor is not None and not doubts:  # the next pull must list the lists in doubt again
                state["cursor"] = page.cursor
            if page.moved_in:
                name = select(streams.c.connection).where(streams.c.id == stream_id).scalar_subquery()
                connection.execute(update(streams).where(streams.c.connection == name).values(census_at=None))
            if state:
                connection.execute(update(streams).where(streams.c.id == stream_id).values(**state))
        return changed

    def _parts(self, stream_id: int) -> dict[str, Any]:
        with self._engine.connect() as connection:
            return connection.execute(select(streams.c.parts).where(streams.c.id == stream_id)).scalar() or {}

    def reconcile(
        self,
        stream_id: int,
        cycle: int,
        present: Collection[str],
        since: datetime | None = None,
        unread: Collection[str] = (),
    ) -> int:
        """Ends the records that are missing in a census, except the records of `unread` lists. Returns how many records
        ended.

        With `since`, the census listed only records that were updated at or after this time.
        """
        with self._engine.begin() as connection:
            gone, _ = end_missing(connection, stream_id, cycle, set(present), unread, since)
        return gone

    def doubts(self, stream_id: int) -> Doubts:
        """Returns the lists of a stream that were found empty once. The records of such a list stay until a later cycle
        finds the list empty again.
        """
        with self._engine.connect() as connection:
            return connection.execute(select(streams.c.doubts).where(streams.c.id == stream_id)).scalar() or {}

    def record_ids(self, stream_id: int) -> frozenset[str]:
        """The ids of a stream's current records."""
        with self._engine.connect() as connection:
            return frozenset(current_ids(connection, stream_id))

    def pulled(self, cycle: int, endings: Sequence[Ending]) -> None:
        """Stores how the pulls of a cycle ended. Only a complete pull updates `completed_cycle` and `completed_at`."""
        of_stream = update(streams).where(streams.c.id == bindparam("stream_id"))
        ending_columns: dict[str, Any] = {
            name: bindparam(name) for name in ("quality", "reason", "tried_at", "retry_at")
        }
        completed = {"completed_cycle": cycle, "completed_at": bindparam("tried_at")}
        reconciled: dict[str, Any] = {
            "census_at": bindparam("tried_at"),
            "census_before": streams.c.census_cycle,
            "census_cycle": cycle,
        }
        statements = {
            (False, False): of_stream.values(ending_columns),
            (False, True): of_stream.values(ending_columns | reconciled),
            (True, False): of_stream.values(ending_columns | completed),
            (True, True): of_stream.values(ending_columns | completed | reconciled),
        }
        with self._engine.begin() as connection:
            for (complete, census), statement in statements.items():
                rows = [
                    {
                        "stream_id": ending.stream_id,
                        "quality": ending.quality,
                        "reason": ending.reason,
                        "tried_at": ending.at,
                        "retry_at": ending.retry_at,
                    }
                    for ending in endings
                    if (ending.quality == "complete", ending.census) == (complete, census)
                ]
                if rows:
                    connection.execute(statement, rows)


def _is_readings_alone(page: Page) -> bool:
    others = page.records, page.lists, page.moved_in
    return bool(page.readings) and not any(others) and page.present is None and page.cursor is None


def _keep_notes(
    connection: Connection, stream: int, cycle: int, new: Mapping[str, Any], old: Mapping[str, Any]
) -> None:
    """Stores the notes of the parts whose notes changed, so that the notes of a past cycle can be read."""
    rows = [
        {"stream": stream, "part": part, "cycle": cycle, "notes": state["notes"]}
        for part, state in new.items()
        if state["notes"] != old.get(part, {}).get("notes", [])
    ]
    if rows:
        same = (remarks.c.stream == stream, remarks.c.cycle == cycle, remarks.c.part == bindparam("of_part"))
        connection.execute(delete(remarks).where(*same), [{"of_part": row["part"]} for row in rows])
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
        problems={part: state["problem"] for part, state in parts.items() if state.get("problem")},
        notes={part: state.get("notes", []) for part, state in parts.items()},
        memory=row.memory or {},
        warnings={part: state["warning"] for part, state in parts.items() if state.get("warning")},
        read=frozenset(part for part, state in parts.items() if state.get("digest")),
        failed_since={
            part: datetime.fromisoformat(state["failed_since"])
            for part, state in parts.items()
            if state.get("failed_since")
        },
    )


def _part_state(snapshot: Snapshot, old: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    digest = old.get("digest")
    if snapshot.problem is None:
        try:
            digest = blake2b(orjson.dumps(snapshot.readings), digest_size=12).hexdigest()
        except TypeError:  # half a surrogate pair, which JSON allows
            digest = None
    state = {"problem": snapshot.problem, "notes": list(snapshot.notes), "digest": digest}
    if snapshot.problem is not None:
        state["failed_since"] = old.get("failed_since") or now.isoformat()
    return state | ({"warning": snapshot.warning} if snapshot.warning else {})
