"""How streams stood after a cycle, from what each cycle kept of its pulls.

A cycle's row tells of the streams that changed or failed. Of one that it does not tell of, the pull was complete and
brought nothing, unless it was not asked for: by `sync --only`, or since no mapping needs it any more.
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
"""(connection, stream's key)."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """How the last pull of a stream by a cycle ended, and when the last cycle ended that pulled it to its end.

    Its rows that came, and as many as its server announced; None where nothing changed, or nothing was announced.
    `notes` are those on its parts, by part. `quality` is None where no cycle that ended had asked for it.
    """

    quality: Quality | None = None
    reason: str | None = None
    completed_at: datetime | None = None
    got: int | None = None
    expected: int | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Pulls:
    """Reads what cycles kept of their pulls; reads only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def after(self, cycle: int, wanted: Collection[StreamId]) -> Mapping[StreamId, Pulled]:
        """How these streams stood after a cycle; one that no cycle ever asked for is missing."""
        if not wanted:
            return {}
        with self._engine.connect() as connection:
            known = connection.execute(
                select(streams.c.id, streams.c.connection, streams.c.key, streams.c.completed_cycle).where(
                    tuple_(streams.c.connection, streams.c.key).in_(list(wanted))
                )
            ).all()
            found = _ended(connection, cycle, {row.id: row.completed_cycle or 0 for row in known})
            notes = _notes(connection, cycle, [row.id for row in known])
        return {(row.connection, row.key): replace(found[row.id], notes=notes.get(row.id, {})) for row in known}


def _ended(connection: Connection, cycle: int, completed: Mapping[int, int]) -> dict[int, Pulled]:
    """Of each stream its last pull and its last complete one; `completed` says which cycle made the last of all."""
    found = dict.fromkeys(completed, Pulled())
    open_ = set(completed)
    query = select(cycles.c.id, cycles.c.ended_at, cycles.c.pulls, cycles.c.only).where(
        cycles.c.id <= cycle, cycles.c.ended_at.is_not(None), cycles.c.pulls.is_not(None)
    )
    rows = connection.execution_options(yield_per=20).execute(query.order_by(cycles.c.id.desc()))
    for row in rows:
        for stream in list(open_):
            said = _said(row, stream, completed[stream])
            if said is None:
                continue
            if found[stream].quality is None:
                found[stream] = Pulled(said["quality"], said["reason"], None, said.get("got"), said.get("expected"))
            if said["quality"] == "complete":
                found[stream] = replace(found[stream], completed_at=row.ended_at)
            if said["quality"] == "complete" or not completed[stream]:
                open_.remove(stream)
        if not open_:
            break
    rows.close()
    return found


def _said(row: Any, stream: int, completed: int) -> Mapping[str, Any] | None:
    """What a cycle says of its pull of a stream; None where it did not ask for it."""
    told: Mapping[str, Any] | None = row.pulls.get(str(stream))
    if told is not None:
        return told
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
    found: dict[int, dict[str, Sequence[str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.stream, {})[row.part] = row.notes
    return found
