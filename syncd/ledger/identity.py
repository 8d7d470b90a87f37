"""The identity of a ledger: its id, the versions of syncd that may write to it, and whether it was put back to an
earlier state.

`cycle_lock` writes the ledger's id and newest cycle into the lock file of a SQLite ledger. syncd compares the ledger
with this line. It thus notices an empty or older ledger in its place, and sends no check-in twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, inspect, select, update

from syncd.ledger.failures import LedgerError, shown
from syncd.ledger.schema import control, cycles, deliveries, events, sessions
from syncd.sdk.regular_files import read_regular

_REMEMBERED = "ledger "  # the first word of the line in the lock file


@dataclass(frozen=True, slots=True)
class Identity:
    """A ledger's own id, and the oldest migration with which a version of syncd may still write to the ledger.

    `restored_in` is the newest cycle of the state to which the ledger was put back; None if it never was.
    """

    id: str
    writes_from: str
    restored_in: int | None


def identity(connection: Connection) -> Identity:
    """The identity of a ledger with this version's tables. Raises LedgerError if the ledger was emptied."""
    row = connection.execute(select(control)).first()
    if row is None:
        name = shown(connection.engine.url.render_as_string())
        raise LedgerError(f"the ledger {name} was emptied; put it back with `syncd restore FILE`")
    return Identity(row.ledger, row.writes_from, row.restored_in)


def note_put_back(connection: Connection) -> None:
    """Notes that the ledger was put back to an earlier state, or that a new ledger replaces another.

    Waiting deliveries become `sending` and waiting events `unsure`, because they may have been sent since that state.
    All sessions end, because the people may have logged out since.
    """
    newest = select(func.coalesce(func.max(cycles.c.id), 0)).scalar_subquery()
    connection.execute(update(control).values(restored_in=newest))
    connection.execute(update(deliveries).where(deliveries.c.state == "waiting").values(state="sending"))
    connection.execute(update(events).where(events.c.state == "waiting").values(state="unsure"))
    connection.execute(delete(sessions))


@dataclass(frozen=True, slots=True)
class Remembered:
    """The id and newest cycle of a ledger, as a lock file names them."""

    id: str
    cycle: int


def present(connection: Connection) -> Remembered | None:
    """The id and newest cycle of the ledger in a database. None if there is no ledger, if it was emptied, or if it is
    of an older syncd whose ledgers had no id.
    """
    if not inspect(connection).has_table(control.name):
        return None
    ledger_id = connection.execute(select(control.c.ledger)).scalar()
    return None if ledger_id is None else Remembered(ledger_id, _newest_cycle(connection))


def _newest_cycle(connection: Connection) -> int:
    newest: int = connection.execute(select(func.coalesce(func.max(cycles.c.id), 0))).scalar_one()
    return newest


# -- the line in the lock file


def remembered(lock_text: str) -> Remembered | None:
    """The ledger that the text of a lock file names; None if the text names no ledger."""
    for line in lock_text.splitlines():
        words = line.split(" ")
        if line.startswith(_REMEMBERED) and len(words) == 3 and words[2].isdigit():
            return Remembered(words[1], int(words[2]))
    return None


def memory(engine: Engine) -> str:
    """The line of the lock file with the ledger's id and its newest cycle."""
    with engine.connect() as connection:
        return f"{_REMEMBERED}{identity(connection).id} {_newest_cycle(connection)}"


def last_ledger_at(file: Path) -> Remembered | None:
    """The ledger that was last at this path, according to its lock file; None if the lock file names none."""
    with suppress(OSError):
        return remembered(read_regular(f"{file}.lock").decode(errors="replace"))
    return None
