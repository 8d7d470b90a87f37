"""The lists that make up a stream, such as an owner's repositories. Handles lists that are renamed, gone, or suddenly
empty.

The id of a record begins with the name of the record's list and a space. If the stream is a single list, the id has no
list name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from syncd.ledger.pages import current_ids, end_records
from syncd.ledger.schema import records, streams
from syncd.sdk import Lists

Doubts = Mapping[str, Mapping[str, int]]
"""Maps each list in doubt to two numbers: `cycle`, which first found the list empty, and `held`, how many records the
list had until then.
"""

_FORMERLY = "~"


def list_of(record_id: str) -> str:
    """The name of a record's list; empty if its stream is a single list."""
    name, space, _ = record_id.partition(" ")
    return name if space else ""


def follow_lists(connection: Connection, stream: int, cycle: int, lists: Lists) -> int:
    """Renames the records of renamed lists in all versions, and ends the records of removed lists. Returns how many
    records ended.
    """
    for old in lists.renamed:  # in two steps: a list may take the former name of another
        _rename(connection, stream, cycle, old, f"{old}{_FORMERLY}")
    for old, new in lists.renamed.items():
        _rename(connection, stream, cycle, f"{old}{_FORMERLY}", new)
    gone = [id_ for id_ in current_ids(connection, stream) if list_of(id_) in lists.left] if lists.left else []
    end_records(connection, stream, cycle, gone)
    return len(gone)


def end_missing(
    connection: Connection,
    stream: int,
    cycle: int,
    present: Collection[str],
    unread: Collection[str] = (),
    since: datetime | None = None,
) -> tuple[int, Doubts]:
    """Ends the current records that are not in `present`. Returns how many records ended, and the lists that are in
    doubt.

    A named list that had records and now has none is in doubt, because a server may return an empty list by mistake.
    The records of a list in doubt stay until a later cycle finds the list empty again. The records of `unread` lists
    stay too. With `since`, `present` lists only records that were updated at or after this time.
    """
    held = current_ids(connection, stream, since)
    listed = {list_of(id_) for id_ in present}
    before: Doubts = connection.execute(select(streams.c.doubts).where(streams.c.id == stream)).scalar() or {}
    doubts: dict[str, Mapping[str, int]] = {name: before[name] for name in unread if name in before}
    fresh: dict[str, Mapping[str, int]] = {}
    for name, number in Counter(map(list_of, held)).items():
        if name and name not in listed and name not in unread and before.get(name, {}).get("cycle", cycle) == cycle:
            fresh[name] = {"cycle": cycle, "held": number}
    doubts |= fresh
    if doubts != before:
        state: dict[str, Any] = {"doubts": doubts or None} | ({"census_at": None} if fresh else {})
        connection.execute(update(streams).where(streams.c.id == stream).values(**state))
    gone = [id_ for id_ in held.difference(present) if list_of(id_) not in {*unread, *fresh}]
    end_records(connection, stream, cycle, gone)
    return len(gone), fresh


def _rename(connection: Connection, stream: int, cycle: int, old: str, new: str) -> None:
    """Renames every version of a list's records. If the new id of a record exists already, the record ends instead, and
    the record with this id stays as it is.
    """
    prefix = f"{old} "
    in_stream = records.c.stream == stream
    query = select(records.c.id).where(in_stream, func.substr(records.c.id, 1, len(prefix)) == prefix).distinct()
    names = {id_: f"{new} {id_.removeprefix(prefix)}" for id_ in connection.execute(query).scalars()}
    taken = set(connection.execute(select(records.c.id).where(in_stream)).scalars()) & set(names.values())
    end_records(connection, stream, cycle, [id_ for id_, name in names.items() if name in taken])
    moves = [{"old": id_, "new": name} for id_, name in names.items() if name not in taken]
    if moves:
        renaming = update(records).where(in_stream, records.c.id == bindparam("old")).values(id=bindparam("new"))
        connection.execute(renaming, moves)
