"""Which ledger this is, which versions of syncd may write to it, and whether it was put back to an earlier state.

`cycle_lock` writes the ledger's id and newest cycle into the lock file of a SQLite ledger. If an empty or older ledger
takes the place of that ledger, syncd notices it, and sends no check-in twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, select, update

from syncd.ledger.failures import LedgerError, shown
from syncd.ledger.schema import control, cycles, deliveries, events, sessions
from syncd.sdk.regular_files import read_regular

_REMEMBERED = "ledger "  # the first word of the line in the lock file


@dataclass(frozen=True, slots=True)
class Identity:
    """A ledger's own id, and the oldest migration with which a version of syncd may still write to the ledger.

    If the ledger was put back to an earlier state, also the newest cycle of that state.
    """

    id: str
    writes_from: str
    restored_in: int | None


def identity(connection: Connection) -> Identity:
    """The identity of a ledger of this version. Raises LedgerError if it was emptied."""
    row = connection.execute(select(control)).first()
    if row is None:
        name = shown(connection.engine.url.render_as_string())
        raise LedgerError(f"the ledger {name} was emptied; put it back with `syncd restore FILE`")
    return Identity(row.ledger, row.writes_from, row.restored_in)


def note_put_back(connection: Connection) -> None:
    """Notes that the ledger was put back to an earlier state, or that a new ledger replaces another.

    Deliveries and events that waited may have been sent since. These deliveries and events are treated as if syncd had
    been killed while it sent them. All sessions of people end, because the people may have logged out since.
    """
    newest = select(func.coalesce(func.max(cycles.c.id), 0)).scalar_subquery()
    connection.execute(update(control).values(restored_in=newest))
    connection.execute(update(deliveries).where(deliveries.c.state == "waiting").values(state="sending"))
    connection.execute(update(events).where(events.c.state == "waiting").values(state="unsure"))
    connection.execute(delete(sessions))


# -- the line in the lock file


@dataclass(frozen=True, slots=True)
class Remembered:
    """The ledger that was at a place, and its newest cycle."""

    id: str
    cycle: int


def remembered(lock_text: str) -> Remembered | None:
    """The ledger that the text of a lock file names; None if no cycle has ended there yet."""
    for line in lock_text.splitlines():
        words = line.split(" ")
        if line.startswith(_REMEMBERED) and len(words) == 3 and words[2].isdigit():
            return Remembered(words[1], int(words[2]))
    return None


def memory(engine: Engine) -> str:
    """The line for the lock file: the ledger's id and its newest cycle."""
    with engine.connect() as connection:
        newest = connection.execute(select(func.coalesce(func.max(cycles.c.id), 0))).scalar_one()
        return f"{_REMEMBERED}{identity(connection).id} {newest}"


def last_ledger_at(file: Path) -> Remembered | None:
    """The ledger that was at this file, according to its lock file."""
    with suppress(OSError):
        return remembered(read_regular(f"{file}.lock").decode(errors="replace"))
    return None
