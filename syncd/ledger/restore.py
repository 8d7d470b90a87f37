"""Replaces a ledger by a backup or a dump, or fills an empty ledger from a dump or another ledger.

A restore first builds a SQLite ledger from the backup, migrates this copy and checks it. Only then does the restore
change the ledger in use.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from glob import escape
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Engine, insert, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from syncd.ledger import migrate
from syncd.ledger.backup import snapshot_of
from syncd.ledger.batches import batches
from syncd.ledger.engine import engine_of
from syncd.ledger.failures import LedgerError, shown
from syncd.ledger.identity import Remembered, last_ledger_at, note_put_back, present
from syncd.ledger.ledger import open_ledger
from syncd.ledger.ledger_file import sqlite_file
from syncd.ledger.lock import cycle_lock, service_lock
from syncd.ledger.outbox import Marks, Place, merged
from syncd.ledger.rebuild import JOURNALS, Counts, engine_at, rebuild, sentences, settle
from syncd.ledger.schema import deliveries, written
from syncd.ledger.transfer import StoredRows, counts, is_empty, replace_rows


def restore(url: str, backup: Path, *, new: bool = False) -> Counts:
    """Replaces the ledger at a URL by a backup or a dump; returns how many rows each table has.

    Raises LedgerError if the backup is of another ledger than the replaced one. With `new`, any ledger may replace it.

    If the replaced ledger is a SQLite file, the file stays beside the new ledger as `NAME.before-restore`, with its
    journal. Raises LedgerBusy while a service or a cycle uses the ledger, and LedgerError if the backup cannot be
    restored.
    """
    address = make_url(url)
    place = sqlite_file(address)
    with sentences(f"{backup} cannot be restored into {shown(url)}"):
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        engine = engine_of(address)  # connects to nothing yet: the old ledger may be damaged
        last = last_ledger_at(place) if place is not None else None  # the lock notes the id of what is there now
        with service_lock(engine), cycle_lock(engine), _scratch(place) as folder:
            rebuilt = folder / "ledger.db"
            rebuild(backup, rebuilt, None if new else last or _present(engine, place))
            with engine_at(rebuilt) as restored, restored.begin() as connection:
                note_put_back(connection)
                if place is None or place.exists():
                    _keep_marks(connection, engine)
                restored_rows = counts(connection)
            if place is None:
                _replace_all(engine, rebuilt)
            else:
                engine.dispose()  # it has the old file open
                _replace_file(place, rebuilt)
    return restored_rows


def _keep_marks(restored: Connection, replaced: Engine) -> None:
    """If the replaced ledger is another state of the restored ledger, adds its marks: the content that syncd has
    written to targets. syncd would otherwise take this content for that of somebody else.

    The marks of the replaced ledger count as the newer ones, because this ledger was in use until now, even if the
    backup has more cycles. The replaced ledger may itself be a backup that was restored a moment ago.
    """
    marks = {(row.connection, row.target): row.marks for row in restored.execute(select(written))}
    added = {place: merged(marks.get(place, {}), newer) for place, newer in _marks_of(replaced, restored).items()}
    if added:
        rows = [{"connection": name, "target": target, "marks": both} for (name, target), both in added.items()]
        restored.execute(insert(written).prefix_with("OR REPLACE"), rows)  # a rebuilt ledger is a SQLite file


def _marks_of(replaced: Engine, restored: Connection) -> Mapping[Place, Marks]:
    """The marks of the replaced ledger by the targets that the restored ledger has. Empty if it is another ledger, or
    if it cannot be read: a restore must work with any damage.
    """
    with suppress(SQLAlchemyError, sqlite3.Error, LedgerError, ValueError), replaced.connect() as connection:
        backed_up, in_use = present(restored), present(connection)
        if backed_up and in_use and in_use.id == backed_up.id:
            rows = {(row.connection, row.target): row.marks for row in connection.execute(select(written))}
            sound = {place: marks for place, marks in rows.items() if _is_sound(marks)}
            former = _former_targets(connection, restored)
            return {place if former.get(place) in sound else former.get(place, place): sound[place] for place in sound}
    return {}


def _is_sound(marks: object) -> bool:
    return isinstance(marks, dict) and all(isinstance(content, list) for content in marks.values())


def _former_targets(replaced: Connection, restored: Connection) -> Mapping[Place, Place]:
    """Maps each target to the target that it was in the backup, if the replaced ledger has renamed it since: the same
    delivery then has another target. The mapping file may be put back to its earlier state together with the ledger.
    """
    columns = (deliveries.c.id, deliveries.c.connection, deliveries.c.made_at, deliveries.c.target)
    newest = restored.execute(select(*columns).where(deliveries.c.until.is_(None)))
    before = {(row.id, row.connection, row.made_at): row.target for row in newest}
    return {
        (row.connection, row.target): (row.connection, old)
        for batch in batches([number for number, _, _ in before])
        for row in replaced.execute(select(*columns).where(deliveries.c.id.in_(batch)))
        if (old := before.get((row.id, row.connection, row.made_at), row.target)) != row.target
    }


def _present(engine: Engine, place: Path | None) -> Remembered | None:
    """The ledger that a restore replaces; None if there is none, or none that can be read. Needs the `cycle_lock`,
    which has written the id of a SQLite ledger into its lock file.
    """
    if place is not None:
        return last_ledger_at(place)
    with engine.connect() as connection:
        return present(connection)


@contextmanager
def _scratch(place: Path | None) -> Iterator[Path]:
    """A temporary folder in which a ledger is rebuilt. For a SQLite ledger, the folder is beside the ledger, because a
    file can be renamed only within one file system.

    Removes the folders that killed restores left behind. No other restore can be using these folders, because this
    restore holds the ledger's locks.
    """
    prefix = ".syncd-" if place is None else f".{place.name}.restoring-"
    for left in place.parent.glob(f"{escape(prefix)}*") if place else ():
        shutil.rmtree(left)
    with TemporaryDirectory(dir=place.parent if place else None, prefix=prefix) as folder:
        yield Path(folder)


def _replace_file(place: Path, rebuilt: Path) -> None:
    """Renames the old ledger and its journal, and puts the new ledger in their place. SQLite would otherwise apply the
    old journal to the new file.
    """
    names = chain([f"{place}.before-restore"], (f"{place}.before-restore-{number}" for number in count(2)))
    kept = next(name for name in names if not any(Path(name + ending).exists() for ending in ("", *JOURNALS)))
    for ending in ("", *JOURNALS):
        old = place.with_name(place.name + ending)
        if old.exists():
            old.replace(kept + ending)
    settle(rebuilt, place)


def import_dump(url: str, folder: Path, *, new: bool = False) -> Counts:
    """Fills an empty ledger with a dump; returns how many rows each table has. Raises LedgerError if the ledger is not
    empty, or if another ledger was there and is gone. With `new`, any ledger may replace the one that is gone.

    The new ledger counts as put back to an earlier state, because cycles may have run after the dump was written.
    """
    with sentences(f"{folder} cannot be imported into {shown(url)}"), TemporaryDirectory(prefix=".syncd-") as scratch:
        rebuilt = Path(scratch) / "ledger.db"
        rebuild(folder, rebuilt, None if new else _gone(sqlite_file(make_url(url))))
        with engine_at(rebuilt) as engine:
            with engine.begin() as connection:
                note_put_back(connection)
            return _fill_empty(url, engine)


def _gone(place: Path | None) -> Remembered | None:
    """The ledger that was at this place and was deleted; None if there is a ledger, or never was one."""
    is_there = place is None or (place.exists() and place.stat().st_size > 0)
    return None if place is None or is_there else last_ledger_at(place)


def copy(source: str, target: str) -> Counts | None:
    """Copies the ledger at the URL `source`, as of one moment, into the empty ledger at the URL `target`. Compares
    every row; returns how many rows each table has.

    Returns None if there is no ledger at `source`. Raises LedgerError if the source ledger is of an older syncd,
    because its rows would have to be migrated.
    """
    with sentences(f"the ledger cannot be copied to {shown(target)}"):
        ledger = open_ledger(source, create=False)
        if ledger is None:
            return None
        with closing(ledger):
            return _fill_empty(target, ledger.engine)


def _fill_empty(url: str, source: Engine) -> Counts:
    target = open_ledger(url, new=True)
    assert target is not None  # open_ledger creates it
    with closing(target), cycle_lock(target.engine), snapshot_of(source) as rows, target.engine.begin() as connection:
        if not is_empty(connection):
            raise LedgerError(f"the ledger {shown(url)} holds rows already; name an empty one")
        replace_rows(connection, StoredRows(rows))
        return counts(connection)


def _replace_all(target: Engine, rebuilt: Path) -> None:
    with engine_at(rebuilt) as source, source.connect() as rows, target.begin() as connection:
        migrate.upgrade(connection)
        replace_rows(connection, StoredRows(rows))
