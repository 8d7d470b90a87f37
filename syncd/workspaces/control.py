"""The control schema of a deployment: which workspace is due, who may run it, and how its last job ended.

The control schema is in the database that the deployment's `ledger:` names, beside the schemas of the workspaces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, event, func, insert, make_url, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_unless

from syncd.config.ledger_address import OF_CONTROL, is_in_shards, of_shard
from syncd.ledger.engine import engine_of, unhurried
from syncd.ledger.fence import CONTROL, Fence, Replaced, end_sessions
from syncd.ledger.ledger import unusable
from syncd.ledger.own_schema import KEY, enter_schema
from syncd.workspaces.control_tables import SCRIPTS, epochs, scripts, wakes, workspaces
from syncd.workspaces.shards import Shards

_KEY = 0x73796E6367  # the lock for creating the schema; the keys before it are locks of ledgers
_AT_ONCE = 200  # the most workspaces that a tick defers

_RECOVER = text(
    f"UPDATE {CONTROL}.workspaces SET due_at = now()"  # noqa: S608 - a constant
    " WHERE due_at IS NULL AND outcome IS DISTINCT FROM 'gone' AND NOT EXISTS ("
    "SELECT FROM procrastinate_jobs WHERE lock = workspaces.name AND status IN ('todo', 'doing'))"
)
_STILL_RUNS = text("SELECT FROM procrastinate_jobs WHERE id = :job AND status = 'doing' FOR SHARE")
_ALIVE = text("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - :reclaim")

Outcome = Literal["complete", "failed", "stopped", "handed back", "reclaimed", "gone"]
"""How a job ended. `failed`: the workspace's cycle did not reach its end, and `problem` says why. `gone`: no worker has
the files of the workspace.
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A workspace that is due, and the digest of the configuration that its job needs. `digest` is None if the job may
    use any configuration.
    """

    workspace: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """The data of a workspace in the control schema."""

    digest: str | None
    digest_at: datetime | None
    handed_back_for: timedelta | None


class Control:
    """Reads and writes the control schema; each call has a short transaction of its own. Any thread may call it."""

    def __init__(self, engine: Engine, shards: Shards | None = None) -> None:
        """`shards` are the databases of the ledgers, if there are several."""
        self.engine = engine
        self.shards = shards

    def now(self) -> datetime:
        """The time of the database's clock, which all workers use."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.now()))  # type: ignore[return-value]

    def register(self, names: Iterable[tuple[str, str]]) -> None:
        """Adds these workspaces, each with the schema of its ledger. A new workspace, or one that was gone, is due at
        once.
        """
        rows = [{"name": name, "schema": schema} for name, schema in names]
        if self.shards is not None:
            self.shards.use_for(row["name"] for row in rows)
        if not rows:
            return
        with self.engine.begin() as connection:
            present = set(
                connection.scalars(select(workspaces.c.name).where(workspaces.c.outcome.is_distinct_from("gone")))
            )
            rows = [row for row in rows if row["name"] not in present]
            if rows:
                new = insert_unless(workspaces).values(due_at=func.now())
                again = {"due_at": func.now(), "outcome": None, "problem": None}
                connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=again), rows)
                if self.shards is None:
                    _first_epochs(connection, [row["name"] for row in rows])

    def defer_due(self, defer: Callable[[Connection, Due], None]) -> int:
        """Puts a job into the queue for each workspace that is due, and clears its due time in the same transaction.
        Returns the number of jobs.

        Workspaces that another worker handles at the same time are skipped, and so are their requests. That worker may
        be paused, and must not block others.
        """
        with self.engine.begin() as connection:
            self._wake_up(connection, connection)
            is_due = select(workspaces.c.name, workspaces.c.digest).where(workspaces.c.due_at <= func.now())
            oldest = is_due.order_by(workspaces.c.due_at).limit(_AT_ONCE).with_for_update(skip_locked=True)
            due = [Due(row.name, row.digest) for row in connection.execute(oldest)]
            for job in due:
                with connection.begin_nested():
                    defer(connection, job)
            if due:
                names = [job.workspace for job in due]
                connection.execute(update(workspaces).where(workspaces.c.name.in_(names)).values(due_at=None))
        return len(due)

    def collect_wakes(self) -> None:
        """Collects the requests for cycles from the database of another shard, and makes their workspaces due. Each
        call reads the next database.

        If the process ends between the commits in the two databases, these workspaces become due a second time.
        """
        engine = self.shards.next() if self.shards is not None else None
        if engine is not None:
            with engine.begin() as there, self.engine.begin() as connection:
                self._wake_up(connection, there)

    @staticmethod
    def _wake_up(connection: Connection, there: Connection) -> None:
        """Removes the requests for cycles from the database of `there`, and makes their workspaces due."""
        asked = set(there.scalars(select(wakes.c.schema)))
        if not asked:
            return
        of_asked = select(workspaces.c.schema).where(workspaces.c.schema.in_(asked))
        unknown = asked - set(connection.scalars(of_asked))
        schemas = unknown | set(connection.scalars(of_asked.with_for_update(skip_locked=True)))
        free = select(wakes.c.id).where(wakes.c.schema.in_(schemas)).with_for_update(skip_locked=True)
        removed = there.execute(delete(wakes).where(wakes.c.id.in_(free)).returning(wakes.c.schema, wakes.c.due_at))
        for schema, at in removed.all():
            woken = update(workspaces).where(workspaces.c.schema == schema)
            connection.execute(woken.values(due_at=func.least(workspaces.c.due_at, at)))

    def make_due(self, names: Collection[str]) -> None:
        """Makes these workspaces due at once."""
        with self.engine.begin() as connection:
            connection.execute(
                update(workspaces)
                .where(workspaces.c.name.in_(names))
                .values(due_at=func.least(workspaces.c.due_at, func.now()))
            )

    def row(self, workspace: str) -> Row:
        """The stored data of a workspace."""
        since = func.now() - workspaces.c.handed_back_since
        columns = workspaces.c.digest, workspaces.c.digest_at, since
        with self.engine.connect() as connection:
            row = connection.execute(select(*columns).where(workspaces.c.name == workspace)).first()
        assert row is not None  # its job was deferred from this row
        return Row(*row)

    def announce(self, workspace: str, digest: str) -> None:
        """Stores that jobs of the workspace need the configuration with this digest from now on."""
        self._set(workspace, digest=digest, digest_at=func.now())

    def forget_digest(self, workspace: str) -> None:
        """Lets the next job run with any configuration. The worker of that job then announces its own configuration."""
        self._set(workspace, digest=None, digest_at=None)

    def take(self, workspace: str, job: int) -> Fence:
        """Begins a job in the workspace's next epoch, and ends the database sessions of the previous job.

        Raises Replaced if the job is no longer in the queue. In that case, the worker was paused before the job began,
        and another worker has run the workspace since.
        """
        with self.engine.begin() as connection:
            if connection.execute(_STILL_RUNS, {"job": job}).first() is None:
                raise Replaced(workspace)
            with self._beside(connection, workspace) as there:
                if self.shards is not None:
                    _first_epochs(there, [workspace])
                of_workspace = epochs.c.workspace == workspace
                before: int = there.execute(select(epochs.c.epoch).where(of_workspace)).scalar_one()
                end_sessions(there, workspace, before)
                epoch = self._next_epoch(there, workspace)
            began = {"job": job, "began_at": func.now(), "ended_at": None, "handed_back_since": None}
            connection.execute(update(workspaces).where(workspaces.c.name == workspace).values(**began))
        return Fence(workspace, epoch)

    def end(self, fence: Fence, outcome: Outcome, problem: str | None, due_in: timedelta | None) -> None:
        """Ends a job, unless another worker has taken over the job. The workspace is due again after `due_in`, or
        sooner if somebody requests a cycle. If `due_in` is None, the workspace is due only when somebody requests a
        cycle.
        """
        with self.engine.begin() as connection, self._beside(connection, fence.workspace) as there:
            fence.hold(there)
            values = {"ended_at": func.now(), "outcome": outcome, "problem": problem}
            connection.execute(_update_of(fence.workspace, values, due_in))

    def hand_back(self, workspace: str, due_in: timedelta) -> None:
        """Leaves a workspace to a worker with other files. The workspace is due again after `due_in`."""
        since = func.coalesce(workspaces.c.handed_back_since, func.now())
        with self.engine.begin() as connection:
            connection.execute(_update_of(workspace, {"outcome": "handed back", "handed_back_since": since}, due_in))

    def note_gone(self, workspace: str) -> None:
        """Stores that no worker has the files of a workspace. The workspace is due again when a worker has them."""
        self._set(workspace, outcome="gone", problem="no worker has its files", due_at=None, handed_back_since=None)

    def overdue(self, deadline: timedelta) -> Collection[int]:
        """The ids of the jobs that have run for longer than the deadline."""
        late = workspaces.c.began_at < func.now() - deadline
        with self.engine.connect() as connection:
            return set(connection.scalars(select(workspaces.c.job).where(workspaces.c.ended_at.is_(None), late)))

    def reclaim(self, workspace: str, job: int) -> None:
        """Takes a workspace from a worker that is dead, paused or hanging: ends the worker's sessions and its epoch,
        and makes the workspace due at once. If a later job of the workspace has begun, that job continues. If the
        epochs are in another database, a job that begins at the same moment may lose its epoch; it is then run again.
        """
        present = select(epochs.c.epoch).where(epochs.c.workspace == workspace)
        running = select(workspaces.c.job).where(workspaces.c.name == workspace)
        with self.engine.begin() as connection, self._beside(connection, workspace) as there:
            epoch = there.scalar(present)  # before `running`: not the epoch of a job that begins in between
            if epoch is None:
                return
            if connection.scalar(running) == job:
                end_sessions(there, workspace, epoch)  # otherwise one of them might lock the epoch for ever
            there.execute(present.with_for_update())  # no other job begins, and no other worker reclaims this one
            if connection.scalar(running) == job:
                self._next_epoch(there, workspace)
                values = {"outcome": "reclaimed", "problem": "its worker ended, or was unreachable"}
                ended = update(workspaces).where(workspaces.c.name == workspace, workspaces.c.job == job)
                connection.execute(ended.values(**values, ended_at=func.now()))
            connection.execute(_update_of(workspace, {}, timedelta()))

    def recover(self) -> None:
        """Makes workspaces due that have neither a due time nor a job in the queue. The end of their last job was not
        stored.
        """
        with self.engine.begin() as connection:
            connection.execute(_RECOVER)

    def workers(self, reclaim: timedelta) -> int:
        """The number of workers that sent a heartbeat within `reclaim`."""
        with self.engine.connect() as connection:
            return int(connection.execute(_ALIVE, {"reclaim": reclaim}).scalar_one())

    def lag(self) -> float:
        """The longest time that a workspace has been due, in seconds; 0 if no workspace is due."""
        longest = func.extract("epoch", func.now() - func.min(workspaces.c.due_at))
        with self.engine.connect() as connection:
            return max(0.0, float(connection.scalar(select(func.coalesce(longest, 0))) or 0))

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()
        if self.shards is not None:
            self.shards.close()

    def _beside(self, connection: Connection, workspace: str) -> AbstractContextManager[Connection]:
        """The transaction in the database with the workspace's epoch. If `connection` is to the same database, this is
        its transaction. Otherwise it ends before the transaction of `connection`.
        """
        return nullcontext(connection) if self.shards is None else self.shards.beside(connection, workspace)

    def _set(self, workspace: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(workspaces).where(workspaces.c.name == workspace).values(**values))

    @staticmethod
    def _next_epoch(connection: Connection, workspace: str) -> int:
        """Begins the next epoch, and returns its number. Waits for a transaction that still locks the present epoch."""
        count = update(epochs).where(epochs.c.workspace == workspace).values(epoch=epochs.c.epoch + 1)
        return int(connection.execute(count.returning(epochs.c.epoch)).scalar_one())


def _first_epochs(connection: Connection, names: Collection[str]) -> None:
    first = insert_unless(epochs).on_conflict_do_nothing()
    connection.execute(first, [{"workspace": name, "epoch": 0} for name in names])


def _update_of(workspace: str, values: dict[str, Any], due_in: timedelta | None) -> Any:
    if due_in is not None:
        values = values | {"due_at": func.least(workspaces.c.due_at, func.now() + due_in)}
    return update(workspaces).where(workspaces.c.name == workspace).values(**values)


def open_control(
    url: str, address: Callable[[], str] | None = None, *, reclaim: timedelta = timedelta(seconds=25)
) -> Control:
    """Opens the control schema in the database of a deployment's ledgers, and creates or updates the schema if
    necessary.

    The server ends a transaction that has been idle for as long as `reclaim`. The worker of such a transaction is
    paused or cut off, and other workers would wait for its locks. LedgerError if the database cannot be used.
    """

    def open_engine(shard: str) -> Engine:
        return _opened(of_shard(url, shard), None if address is None else lambda: of_shard(address(), shard), reclaim)

    return Control(open_engine(OF_CONTROL), Shards(open_engine) if is_in_shards(url) else None)


def _opened(url: str, address: Callable[[], str] | None, reclaim: timedelta) -> Engine:
    with unusable(url):
        engine = engine_of(make_url(url).update_query_dict({KEY: CONTROL}), address)

        @event.listens_for(engine, "connect")
        def _connected(connection: Any, _: Any) -> None:
            connection.execute(idle_limit(reclaim))
            connection.commit()

        try:
            with engine.begin() as connection, unhurried(connection):
                _bring_up_to_date(connection)
        except BaseException:
            engine.dispose()
            raise
        return engine


def idle_limit(reclaim: timedelta) -> str:
    """The SQL statement that makes the server end a session whose transaction has been idle for `reclaim`."""
    return f"SET idle_in_transaction_session_timeout = {reclaim // timedelta(milliseconds=1)}"


def _bring_up_to_date(connection: Connection) -> None:
    """Runs the scripts that have not run yet. If several workers start at once, one runs them and the others wait."""
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # loading the scripts takes a while
    connection.execute(select(func.pg_advisory_xact_lock(_KEY)))
    enter_schema(connection)
    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {CONTROL}.scripts (name text PRIMARY KEY)"))
    have = set(connection.scalars(select(scripts.c.name)))
    for name, script in SCRIPTS.items():
        if name not in have:
            connection.exec_driver_sql(script(), execution_options={"no_parameters": True})
            connection.execute(insert(scripts), {"name": name})
