"""Versions of rows: finds the rows that were valid at the end of a cycle, and writes the newest rows.

The newest row of a subject is the row whose `until` is null. A cycle reads only these rows, however many older rows
there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, insert, or_, select, update

from syncd.ledger.schema import alignments, deliveries, events, values

SUBJECTS = {
    values: ("period", "key_result"),
    alignments: ("period", "output", "outcome"),
    deliveries: ("connection", "target"),
    events: ("kind", "period", "subject"),
}
"""Maps a table to the columns that name the subject of a row. Tables of records and readings are missing, because their
rows end when a pull ends them.
"""


def held_at(table: Table, cycle: int | ColumnElement[int] | None) -> ColumnElement[bool]:
    """The condition for the rows that were valid at the end of a cycle or, if `cycle` is None, for the rows that are
    valid now.
    """
    now = table.c.until.is_(None)
    return now if cycle is None else and_(table.c.cycle <= cycle, or_(now, table.c.until > cycle))


def add_newest(connection: Connection, table: Table, cycle: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes a cycle's rows, at most one for each subject, and ends the previous newest row of each subject."""
    if not rows:
        return
    names = SUBJECTS[table]
    of_subject = and_(*(table.c[name] == bindparam(f"of_{name}") for name in names), table.c.until.is_(None))
    subjects = [{f"of_{name}": row[name] for name in names} for row in rows]
    connection.execute(update(table).where(of_subject).values(until=cycle), subjects)
    connection.execute(insert(table), rows)


def follow_on(connection: Connection, table: Table, of: ColumnElement[bool]) -> None:
    """Ends each of these rows at the cycle of the next row of the same subject. Used after a move gave rows another
    subject.
    """
    later = table.alias()
    order = "id" if "id" in table.c else "cycle"
    same = (later.c[name] == table.c[name] for name in SUBJECTS[table])
    next_cycle = select(later.c.cycle).where(*same, later.c[order] > table.c[order]).order_by(later.c[order]).limit(1)
    connection.execute(update(table).where(of).values(until=next_cycle.scalar_subquery()))
