"""Opens the ledger, and gives access to its parts, from cycles to events."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, cast

from sqlalchemy import URL, Connection, Engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError

from syncd.ledger import migrate
from syncd.ledger.alignments import Alignments
from syncd.ledger.checkins import CheckIns
from syncd.ledger.cycles import Cycles
from syncd.ledger.databases import Databases
from syncd.ledger.definition_versions import Definitions
from syncd.ledger.engine import WRITES, engine_of, unhurried
from syncd.ledger.events import Events
from syncd.ledger.failures import BACKUP, LedgerError, LedgerFailed, NewerLedger, shown
from syncd.ledger.identity import Remembered, identity, last_ledger_at, note_put_back
from syncd.ledger.ledger_file import on_disk, open_existing, sqlite_file
from syncd.ledger.one_connection import OneConnection
from syncd.ledger.outbox import Outbox
from syncd.ledger.outlines import Outlines
from syncd.ledger.own_schema import lock_key
from syncd.ledger.schema import cycles
from syncd.ledger.values import Values
from syncd.okr.measures import Measure

if TYPE_CHECKING:
    from syncd.ledger.answers import Answers
    from syncd.ledger.approvals import Approvals
    from syncd.ledger.members import Members
    from syncd.ledger.moves import Moves
    from syncd.ledger.pulled import Pulls
    from syncd.ledger.requests import Requests
    from syncd.ledger.revisions import Revisions
    from syncd.ledger.sessions import Sessions
    from syncd.ledger.streams import Streams
    from syncd.ledger.webhooks import Webhooks

_PUT_BACK = "stop syncd, put it back with `syncd restore FILE`, and start syncd again"
_MIGRATION_KEY = 0x73796E6366  # the two before it are the keys of the locks


def open_ledger(
    url: str,
    *,
    create: bool = True,
    new: bool = False,
    address: Callable[[], str] | None = None,
    databases: Databases | None = None,
) -> Ledger | None:
    """The ledger at a SQLAlchemy URL, created or migrated to this version's tables. Raises LedgerError if the ledger
    cannot be opened, or if an earlier ledger at this URL is gone.

    With `create=False`, for commands that only read, changes nothing, and returns None if no ledger exists yet. With
    `new`, begins a new ledger even if an earlier ledger is gone. `address` returns the URL with the current password:
    passwords can change while a process runs. Ledgers with the same `databases` share connections.
    """
    with unusable(url):
        return _open(make_url(url), create, new, address, databases)


@contextmanager
def unusable(url: str) -> Iterator[None]:
    """Turns every error while a ledger is opened into a LedgerError, which says that nothing was changed."""
    try:
        yield
    except LedgerFailed as error:
        raise LedgerError(str(error).replace(" failed: ", " cannot be used: ", 1)) from None
    except UnicodeDecodeError as error:  # in the name of a table
        reason = f"{error}; {BACKUP}"
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "unknown error"
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
    except OSError as error:
        reason = f"{error.filename}: {(error.strerror or 'unusable').lower()}"
    else:
        return
    raise LedgerError(f"the ledger {shown(url)} cannot be used: {reason}")


def _open(
    url: URL, create: bool, new: bool, address: Callable[[], str] | None, databases: Databases | None
) -> Ledger | None:
    file = sqlite_file(url)
    last_ledger = last_ledger_at(file) if file else None
    if file and not file.exists():
        if last_ledger and not new:
            raise gone(url, last_ledger)
        if not create:
            return None
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # SQLite's message about the problem is better
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))  # only its owner may read it and its journal
    engine = engine_of(url, address) if databases is None else databases.engine_of(url, address)
    try:
        ledger = _opened(engine, url, last_ledger, create=create, new=new)
    except BaseException:
        engine.dispose()
        raise
    if ledger is None:
        engine.dispose()
    return ledger


def _opened(engine: Engine, url: URL, last_ledger: Remembered | None, *, create: bool, new: bool) -> Ledger | None:
    """The ledger of an engine; None if there is no ledger. With `create`, the ledger is created or migrated first."""
    with engine.connect() as connection:
        version = migrate.version(connection)
        if version is None and last_ledger and not new:
            raise gone(url, last_ledger)
        if version is None and not create:
            return None
        if version is not None:
            refuse_newer(connection, version)
    if version is None or version < migrate.head():
        if not create:
            name = shown(url.render_as_string())
            raise LedgerError(f"the ledger {name} is of an older syncd; `syncd sync` brings it up to date")
        with engine.begin() as connection, unhurried(connection):
            _wait_for_other_migrations(connection)
            migrate.upgrade(connection)
            if new and version is None:
                note_put_back(connection)
    if last_ledger and create:
        with engine.connect() as connection:
            put_back = _is_an_older_state(connection, last_ledger)
        if put_back:
            with engine.begin() as connection:
                note_put_back(connection)
    return Ledger(engine)


def _wait_for_other_migrations(connection: Connection) -> None:
    """Waits until other processes have migrated the ledger. If several processes start at once, only the first
    migrates.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock_key(_MIGRATION_KEY, connection.engine.url))))


def gone(url: URL, last_ledger: Remembered) -> LedgerError:
    """The error for an address whose ledger was deleted."""
    return LedgerError(
        f"the ledger {shown(url.render_as_string())} is gone: {url.database}.lock remembers one that had come to cycle"
        f" {last_ledger.cycle}; put it back with `syncd restore FILE`, or begin anew with --new-ledger"
    )


def refuse_newer(connection: Connection, version: str) -> None:
    """Raises NewerLedger if a newer syncd migrated the ledger in a way that this syncd does not support."""
    if version > migrate.head() and identity(connection).writes_from > migrate.head():
        name = shown(connection.engine.url.render_as_string())
        raise NewerLedger(f"the ledger {name} was written by a newer syncd ({version}); run that version")


def _is_an_older_state(connection: Connection, last_ledger: Remembered) -> bool:
    """Whether somebody replaced the ledger by a backup or by another ledger without the command `syncd restore`."""
    newest: int = connection.execute(select(func.coalesce(func.max(cycles.c.id), 0))).scalar_one()
    return newest < last_ledger.cycle or identity(connection).id != last_ledger.id


class Ledger:
    """The data that syncd pulled, measured and published. One thread writes; any number of readers may read.

    Modules that `syncd status` does not need are imported at their first use.
    """

    def __init__(self, engine: Engine) -> None:
        self._file = on_disk(engine)
        if self._file is not None:
            event.listen(engine, "do_connect", open_existing)
        with engine.connect() as connection:
            self.identity = identity(connection)
        self._use(engine)

    def _use(self, engine: Engine) -> None:
        self.engine = engine
        self.cycles = Cycles(engine)
        self.definitions = Definitions(engine)
        self.outlines = Outlines(engine)
        self.values = Values(engine)
        self.checkins = CheckIns(engine)
        self.alignments = Alignments(engine)
        self.outbox = Outbox(engine)
        self.events = Events(engine)

    @cached_property
    def answers(self) -> Answers:
        """Computes measures."""
        from syncd.ledger.answers import Answers

        return Answers(self.engine)

    @cached_property
    def approvals(self) -> Approvals:
        """Reads and writes approvals."""
        from syncd.ledger.approvals import Approvals

        return Approvals(self.engine)

    @cached_property
    def members(self) -> Members:
        """Counts the records and readings of streams."""
        from syncd.ledger.members import Members

        return Members(self.engine)

    @cached_property
    def moves(self) -> Moves:
        """Reads and stores moves of key results and periods."""
        from syncd.ledger.moves import Moves

        return Moves(self.engine)

    @cached_property
    def pulls(self) -> Pulls:
        """Reads the results of pulls that cycles stored."""
        from syncd.ledger.pulled import Pulls

        return Pulls(self.engine)

    @cached_property
    def requests(self) -> Requests:
        """Reads and writes the requests of people."""
        from syncd.ledger.requests import Requests

        return Requests(self.engine)

    @cached_property
    def revisions(self) -> Revisions:
        """Compares versions of rows."""
        from syncd.ledger.revisions import Revisions

        return Revisions(self.engine)

    @cached_property
    def sessions(self) -> Sessions:
        """Reads and writes the sessions of visitors who have logged in."""
        from syncd.ledger.sessions import Sessions

        return Sessions(self.engine)

    @cached_property
    def streams(self) -> Streams:
        """Reads and writes streams."""
        from syncd.ledger.streams import Streams

        return Streams(self.engine)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Reads and writes the ids of webhooks."""
        from syncd.ledger.webhooks import Webhooks

        return Webhooks(self.engine)

    @contextmanager
    def together(self, measures: Iterable[Measure | None]) -> Iterator[Ledger]:
        """This ledger in one transaction, which reads the readings of these measures in advance: see
        `Answers.together`.
        """
        with self.answers.together(measures) as answers:
            reading = copy(self)
            reading.answers = answers
            yield reading

    @contextmanager
    def rehearsal(self) -> Iterator[Ledger]:
        """This ledger in one transaction that is rolled back at the end. Its writes are seen only by reads in the same
        transaction.
        """
        with self.engine.connect() as connection, connection.execution_options(**WRITES).begin() as transaction:
            try:
                yield self._on(connection)
            finally:
                transaction.rollback()

    @contextmanager
    def transaction(self) -> Iterator[Ledger]:
        """This ledger in one transaction. All writes are committed at the end; after an error, none are."""
        with self.engine.begin() as connection:
            yield self._on(connection)

    def _on(self, connection: Connection) -> Ledger:
        ledger = copy(self)
        for name, part in vars(Ledger).items():
            if isinstance(part, cached_property):
                ledger.__dict__.pop(name, None)
        ledger._use(cast("Engine", OneConnection(connection)))
        return ledger

    def nothing_synced_since_restored(self) -> bool:
        """Whether the ledger was restored to an earlier state, and no complete sync has run since then."""
        return self.identity.restored_in is not None and self._first_sync_since_restored() is None

    def may_have_been_stated(self, period: str, key_result: str) -> bool:
        """Whether a key result may have been published between the backup and the restore, so that the ledger does not
        show it.

        True until a sync after the restore has a complete value of the key result. False for a key result that was
        first defined after the first complete sync that followed the restore.
        """
        since = self.identity.restored_in
        if since is None:
            return False
        first = self._first_sync_since_restored()
        if first is None:
            return True
        value, versions = self.values.last(period).get(key_result), self.definitions.of(period, key_result)
        if value is not None and value.confirmed is not None and value.confirmed > since:
            return False
        return bool(versions) and versions[0].cycle <= first

    def _first_sync_since_restored(self) -> int | None:
        return self.cycles.first_whole_sync(self.identity.restored_in or 0)

    @property
    def is_in_place(self) -> bool:
        """Whether the ledger's file is the one that was opened: it was neither deleted nor replaced since."""
        return self._file is None or on_disk(self.engine) == self._file

    def check_in_place(self) -> None:
        """Raises LedgerError if the ledger was deleted or replaced since it was opened, or if this version may not
        write to it. A deleted file still accepts writes, but they would be lost.
        """
        name = shown(self.engine.url.render_as_string())
        if not self.is_in_place:
            raise LedgerError(f"the ledger {name} was deleted or replaced while it was in use; {_PUT_BACK}")
        try:
            with self.engine.connect() as connection:
                now = identity(connection)
        except (ProgrammingError, OperationalError):  # no such table
            raise LedgerError(f"the ledger {name} was emptied while it was in use; {_PUT_BACK}") from None
        if now.id != self.identity.id:
            raise LedgerError(f"the ledger {name} was replaced by another while it was in use; {_PUT_BACK}")
        if now.writes_from > migrate.head():
            raise LedgerError(f"a newer syncd has taken over the ledger {name}; run that version")

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()
