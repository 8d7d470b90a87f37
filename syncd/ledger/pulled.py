"""The state of streams after a cycle, computed from the results of pulls that cycles stored.

The row of a cycle lists the streams that changed or failed. A stream that is not listed was pulled completely without
new rows, or was not pulled. Streams that are not pulled are those that `sync --only` leaves out, and those that no
mapping file needs any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, tuple_

from syncd.ledger.schema import cycles, remarks, streams
from syncd.okr.goals import Quality

StreamId = tuple[str, str]
"""Identifies a stream: (connection, stream's key)."""


@dataclass(frozen=True, slots=True)
class LastPull:
    """How the last pull of a stream ended. `completed_at` is the end of the last cycle that pulled the stream
    completely.

    `got` is the number of rows that arrived. `expected` is the number of rows that the server announced; None if it
    announced none. Both are None if nothing changed. `notes` are remarks by part. `quality` is None if no ended cycle
    pulled the stream.
    """

    quality: Quality | None = None
    reason: str | None = None
    completed_at: datetime | None = None
    got: int | None = None
    expected: int | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Pulls:
    """Reads the results of pulls that cycles stored. It never writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def after(self, cycle: int, wanted: Collection[StreamId]) -> Mapping[StreamId, LastPull]:
        """The state of these streams after a cycle; a stream that is not in the ledger is missing."""
        if not wanted:
            return {}
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(streams.c.id, streams.c.connection, streams.c.key, streams.c.completed_cycle).where(
                    tuple_(streams.c.connection, streams.c.key).in_(list(wanted))
                )
            ).all()
            pulls = _last_pulls(connection, cycle, {row.id: row.completed_cycle or 0 for row in rows})
            notes = _notes(connection, cycle, [row.id for row in rows])
        return {(row.connection, row.key): replace(pulls[row.id], notes=notes.get(row.id, {})) for row in rows}


def _last_pulls(connection: Connection, cycle: int, completed: Mapping[int, int]) -> dict[int, LastPull]:
    pulls = dict.fromkeys(completed, LastPull())
    unresolved = set(completed)
    query = select(cycles.c.id, cycles.c.ended_at, cycles.c.pulls, cycles.c.only).where(
        cycles.c.id <= cycle, cycles.c.ended_at.is_not(None), cycles.c.pulls.is_not(None)
    )
    rows = connection.execution_options(yield_per=20).execute(query.order_by(cycles.c.id.desc()))
    for row in rows:
        for stream in list(unresolved):
            pull = _pull_of(row, stream, completed[stream])
            if pull is None:
                continue
            if pulls[stream].quality is None:
                pulls[stream] = LastPull(pull["quality"], pull["reason"], None, pull.get("got"), pull.get("expected"))
            if pull["quality"] == "complete":
                pulls[stream] = replace(pulls[stream], completed_at=row.ended_at)
            if pull["quality"] == "complete" or not completed[stream]:
                unresolved.remove(stream)
        if not unresolved:
            break
    rows.close()
    return pulls


def _pull_of(row: Any, stream: int, completed: int) -> Mapping[str, Any] | None:
    listed: Mapping[str, Any] | None = row.pulls.get(str(stream))
    if listed is not None:
        return listed
    asked = row.id <= completed and (row.only is None or stream in row.only["streams"])
    return {"quality": "complete", "reason": None} if asked else None


def _notes(connection: Connection, cycle: int, ids: Collection[int]) -> dict[int, dict[str, Sequence[str]]]:
    newest = (
        select(remarks.c.stream, remarks.c.part, func.max(remarks.c.cycle).label("cycle"))
        .where(remarks.c.stream.in_(ids), remarks.c.cycle <= cycle)
        .group_by(remarks.c.stream, remarks.c.part)
        .subquery()
    )
    query = select(remarks).join(
        newest,
        (newest.c.stream == remarks.c.stream) & (newest.c.part == remarks.c.part) & (newest.c.cycle == remarks.c.cycle),
    )
    notes: dict[int, dict[str, Sequence[str]]] = {}
    for row in connection.execute(query):
        notes.setdefault(row.stream, {})[row.part] = row.notes
    return notes
