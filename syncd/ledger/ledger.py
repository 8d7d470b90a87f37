"""Opens the ledger, and joins its parts, from cycles to events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from syncd.ledger import migrate
from syncd.ledger.alignments import Alignments
from syncd.ledger.checkins import CheckIns
from syncd.ledger.cycles import Cycles
from syncd.ledger.definition_versions import Definitions
from syncd.ledger.events import Events
from syncd.ledger.failures import LedgerError, LedgerFailed, raise_ledger_errors, shown
from syncd.ledger.one_connection import OneConnection
from syncd.ledger.outbox import Outbox
from syncd.ledger.outlines import Outlines
from syncd.ledger.values import Values
from syncd.okr.measures import Measure

if TYPE_CHECKING:
    from syncd.ledger.answers import Answers
    from syncd.ledger.approvals import Approvals
    from syncd.ledger.members import Members
    from syncd.ledger.moves import Moves
    from syncd.ledger.pulled import Pulls
    from syncd.ledger.revisions import Revisions
    from syncd.ledger.streams import Streams

_PATIENCE = 30  # seconds to wait for a locked SQLite file, unless the URL has `?timeout=`
_CACHE = "cache_size=-8000"  # kB, so that the pages of a stream stay in memory while several measures read it


def open_ledger(url: str, *, create: bool = True) -> Ledger | None:
    """The ledger at a SQLAlchemy URL, migrated to this version's tables. Raises LedgerError if that fails.

    With `create=False`, for commands that only read, it changes nothing, and returns None if no ledger exists yet.
    """
    try:
        return _open(make_url(url), create)
    except LedgerFailed as error:  # it was not in use yet: nothing was touched
        raise LedgerError(str(error).replace(" failed: ", " cannot be used: ", 1)) from None
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else "unknown error"
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
    except OSError as error:
        reason = f"{error.filename}: {(error.strerror or 'unusable').lower()}"
    raise LedgerError(f"the ledger {shown(url)} cannot be used: {reason}")


def _open(url: URL, create: bool) -> Ledger | None:
    sqlite_file = url.database if url.get_backend_name() == "sqlite" else None
    if sqlite_file and sqlite_file != ":memory:" and not Path(sqlite_file).exists():
        if not create:
            return None
        Path(sqlite_file).parent.mkdir(parents=True, exist_ok=True)
    engine = engine_of(url)
    with engine.connect() as connection:
        version = migrate.version(connection)
    if version is None and not create:
        return None
    if version != migrate.head():
        name = shown(url.render_as_string())
        if version is not None and version > migrate.head():
            raise LedgerError(f"the ledger {name} was written by a newer syncd ({version}); run that version")
        if not create:
            raise LedgerError(f"the ledger {name} is of an older syncd; `syncd sync` brings it up to date")
        with engine.begin() as connection:
            migrate.upgrade(connection)
    return Ledger(engine)


def engine_of(url: URL) -> Engine:
    """The engine by which syncd reads and writes a ledger: its failures are LedgerErrors."""
    engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite", json_serializer=_json)
    raise_ledger_errors(engine)
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine)
    return engine


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # sqlite3 would commit before a CREATE TABLE, in the middle of a migration
        # WAL lets readers read while a cycle writes; with NORMAL a commit survives a crash of the process.
        if "timeout" not in engine.url.query:
            connection.execute(f"PRAGMA busy_timeout={_PATIENCE * 1000}")
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", _CACHE):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")


class Ledger:
    """What was pulled, measured and published. One thread writes; any number of readers may read.

    Its parts that `status` does not need are imported when they are first used.
    """

    def __init__(self, engine: Engine) -> None:
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
        """Answers measures."""
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
        """Reads and makes moves of key results and periods."""
        from syncd.ledger.moves import Moves

        return Moves(self.engine)

    @cached_property
    def pulls(self) -> Pulls:
        """Reads what cycles kept about their pulls."""
        from syncd.ledger.pulled import Pulls

        return Pulls(self.engine)

    @cached_property
    def revisions(self) -> Revisions:
        """Compares versions of rows."""
        from syncd.ledger.revisions import Revisions

        return Revisions(self.engine)

    @cached_property
    def streams(self) -> Streams:
        """Reads and writes streams."""
        from syncd.ledger.streams import Streams

        return Streams(self.engine)

    @contextmanager
    def together(self, measures: Iterable[Measure | None]) -> Iterator[Ledger]:
        """This ledger in one transaction that reads ahead for these measures: see `Answers.together`."""
        with self.answers.together(measures) as answers:
            reading = copy(self)
            reading.answers = answers
            yield reading

    @contextmanager
    def rehearsal(self) -> Iterator[Ledger]:
        """This ledger in one transaction that is rolled back: what is written there is read there, and nowhere else."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            try:
                yield Ledger(cast("Engine", OneConnection(connection)))
            finally:
                transaction.rollback()

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()
